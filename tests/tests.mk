# Tests. A unit test sits in tests/unit/<layer>/ and links against that layer and what the layer may
# see, nothing else: the link line proves the layering.

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*/test_*.c))
PROG_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/prog/test_*.c))
FUZZERS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_RUNS  ?= 20000

.PHONY: check unit prog e2e fuzz lint bench
check: ## install what is missing, build, run every test
	@deploy/install-deps
	@$(MAKE) --no-print-directory -j$(shell nproc) all rig unit-build prog-build fuzz-build lint-build kernels-build
	@tests/run-all

.PHONY: unit-build prog-build fuzz-build lint-build
unit-build: $(UNIT_TESTS)
prog-build: $(PROG_TESTS) $(BUILD)/tests/prog/run_packets
fuzz-build: $(FUZZERS)
lint-build: $(BUILD)/tests/lint/print_keys

include tests/kernels/kernels.mk

unit: unit-build ## run the unit tests (ASan, UBSan)
	@tests/run-all unit
prog: prog-build ## run the BPF program tests (root)
	@tests/run-all prog
e2e: all rig ## run the end-to-end tests (root)
	@tests/run-all e2e
fuzz: fuzz-build ## run each fuzzer for FUZZ_RUNS inputs
	@tests/run-all fuzz
lint: all lint-build ## formatting, layering, reasons, docs in step
	@tests/run-all lint

layer_of = $(word 3,$(subst /, ,$(patsubst $(BUILD)/%,%,$(1))))

define unit_rule
$(1): $(patsubst $(BUILD)/%,%.c,$(1)) $(filter-out $(BUILD)/asan/libbpf.a,$(call archives,$(call layer_of,$(1)),asan)) \
		$(wildcard tests/lib/*.h) | $(SKELETONS)
	@mkdir -p $$(@D)
	$(CC) $(subst -DNDEBUG,,$(CPPFLAGS)) $(CPPFLAGS_NL) $(INCLUDES) -Ibpf -Itests/lib -I. \
		$(filter-out -D_FORTIFY_SOURCE=2,$(CFLAGS)) -Wno-missing-prototypes -O1 $(SANITIZE) -MMD -MP \
		-o $$@ $$< $$(filter %.a,$$^) -lcmocka $(LIBS_$(call layer_of,$(1)))
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit_rule,$(t))))

$(BUILD)/tests/prog/%: tests/prog/%.c $(BUILD)/obj/libdataplane.a $(BUILD)/obj/libcore.a \
		$(wildcard tests/lib/*.h) | $(SKELETONS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(INCLUDES) -Itests/lib $(CFLAGS) -Wno-missing-prototypes -MMD -MP -o $@ $< \
		$(filter %.a,$^) -lcmocka $(LIBS_dataplane)

# A fuzzer names the layer it needs in its file name: fuzz_<layer>_<what>.c
fuzz_layer = $(word 2,$(subst _, ,$(notdir $(1))))
define fuzz_rule
$(1): $(patsubst $(BUILD)/%,%.c,$(1)) $(foreach l,$(call fuzz_layer,$(1)) $(DEPS_$(call fuzz_layer,$(1))),$(call sources,$(l)))
	@mkdir -p $$(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -g -O1 -std=gnu17 \
		$(CPPFLAGS) $(CPPFLAGS_NL) $(INCLUDES) -Ibpf -Itests/lib -o $$@ $$(filter %.c,$$^) \
		$(LIBS_$(call fuzz_layer,$(1)))
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rule,$(f))))

$(BUILD)/tests/lint/print_keys: $(BUILD)/obj/tests/lint/print_keys.o $(BUILD)/obj/libmanifest.a \
		$(BUILD)/obj/libcore.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_manifest)

# ---- tools that tests, demo and bench share ----
$(BUILD)/tests/loadgen: $(BUILD)/obj/tests/lib/loadgen.o $(BUILD)/obj/libcore.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

STREAMS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/lib/streams*.c))
$(BUILD)/tests/streams: $(STREAMS) $(BUILD)/obj/libcore.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/tests/flood: $(BUILD)/obj/tests/lib/flood.o $(BUILD)/obj/tests/lib/streams_common.o $(BUILD)/obj/libcore.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^

# A veth that is to receive XDP_TX frames needs an XDP program of its own.
$(BUILD)/tests/pass.bpf.o: tests/lib/pass.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -c $< -o $@

RIG := $(BUILD)/tests/loadgen $(BUILD)/tests/streams $(BUILD)/tests/flood $(BUILD)/tests/pass.bpf.o
.PHONY: rig
rig: $(RIG)

# ---- bench: the tables, without a kernel ----
$(BUILD)/tests/bench/bench_tables: tests/bench/bench_tables.c tests/lib/models.h $(BUILD)/obj/libcore.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(INCLUDES) -Itests/lib $(CFLAGS) -MMD -MP -o $@ $< $(filter %.a,$^)

.PHONY: bench-tables
bench-tables: $(BUILD)/tests/bench/bench_tables ## time rings, flips and patches
	@mkdir -p $(BUILD)/bench
	@$< $(BUILD)/bench/tables.jsonl
bench: bench-tables

# ---- bench: packets and commits, through the kernel (root) ----
$(BUILD)/bpf/wrap.bpf.o: tests/bench/wrap.bpf.c tests/bench/wrap.h $(wildcard bpf/*.h include/muster/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPFFLAGS) -Itests/bench -c $< -o $@

$(BUILD)/tests/bench/bench_packets: tests/bench/bench_packets.c tests/bench/results.h tests/bench/packet_rows.h tests/lib/packet.h \
		$(BUILD)/gen/wrap.skel.h $(BUILD)/obj/libcore.a | $(SKELETONS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(INCLUDES) -Itests/lib -Itests/bench $(CFLAGS) -o $@ $< $(filter %.a,$^) -lbpf -lelf -lz

.PHONY: bench-packets
bench-packets: $(BUILD)/tests/bench/bench_packets ## time packets against bare programs (root)
	@mkdir -p $(BUILD)/bench
	@$< $(BUILD)/bench/packets.jsonl
bench: bench-packets

$(BUILD)/tests/bench/bench_commit: tests/bench/bench_commit.c tests/bench/results.h tests/lib/models.h \
		$(BUILD)/obj/libdataplane.a $(BUILD)/obj/libcore.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(INCLUDES) -Itests/lib -Itests/bench $(CFLAGS) -o $@ $< $(filter %.a,$^) \
		$(LIBS_dataplane)

.PHONY: bench-commit bench-kill
bench-commit: $(BUILD)/tests/bench/bench_commit ## time patches and flips through the kernel (root)
	@mkdir -p $(BUILD)/bench
	@$< $(BUILD)/bench/commit.jsonl
bench-kill: all $(RIG) ## time SIGKILL to commit, 100 times (root)
	@mkdir -p $(BUILD)/bench
	@tests/bench/bench_kill.py $(BUILD)/bench/kill.jsonl
bench: bench-commit bench-kill
bench: ## all of them: table on standard output, JSON lines in build/bench
