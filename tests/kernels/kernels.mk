# Other kernels: Debian's, in qemu. See docs/kernels.md.

.PHONY: check-kernels kernels-build
kernels-build: all rig prog-build
check-kernels: kernels-build ## boot Debian's kernels in qemu and test on each (KERNELS=... chooses)
	@tests/run-all kernels
