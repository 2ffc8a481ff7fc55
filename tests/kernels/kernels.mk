# Other kernels: Debian's, in qemu. See docs/kernels.md.

.PHONY: check-kernels kernels-build
kernels-build: all rig prog-build
check-kernels: kernels-build ## boot Debian's kernels in qemu and test on each (KERNELS=... chooses)
	@tests/run-all kernels

# ---- bench: IPVS and muster beside each other ----
$(BUILD)/bpf/generate.bpf.o: tests/kernels/generate.bpf.c tests/kernels/generate.h
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -Itests/kernels -c $< -o $@

$(BUILD)/tests/kernels/generate: tests/kernels/generate.c tests/kernels/generate.h $(BUILD)/gen/generate.skel.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(INCLUDES) -Itests/kernels $(CFLAGS) -o $@ $< -lbpf -lelf -lz

.PHONY: bench-kernels
bench-kernels: kernels-build $(BUILD)/tests/kernels/generate ## IPVS and muster side by side in qemu, as ratios
	@mkdir -p $(BUILD)/bench
	@tests/kernels/bench $(BUILD)/bench/kernels.jsonl
bench: bench-kernels
