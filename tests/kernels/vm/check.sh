#!/bin/bash
# What is tested in the kernel under test. Each test says "ok NAME" or "not ok NAME", in the style of TAP;
# exits non-zero if one failed.
. ./lib.sh
. ./rig.sh

# Of the mutations of packets a share: emulated, all of them take minutes.
export MUSTER_MUTATIONS=4000
for program in prog/test_*; do
	program_tests "$program"
done
check "modules: all are there" modprobe -a veth bridge dummy 8021q ipip ip6_tunnel sit fou fou6 ip_vs ip_vs_mh
. ./paths.sh
. ./vlan.sh
. ./virtio.sh
summary
