#!/bin/bash
# What is tested in the kernel under test. Each test says "ok NAME" or "not ok NAME", in the style of TAP;
# exits non-zero if one failed.
. ./lib.sh
. ./rig.sh

for program in prog/test_*; do
	program_tests "$program"
done
modprobe -a veth bridge ipip ip6_tunnel
. ./paths.sh
. ./virtio.sh
summary
