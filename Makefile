# muster: see `make help`. Everything that is built lands in build/.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
# `make V=1` shows the commands.
ifndef V
.SILENT:
endif

VERSION := 0.1.0
BUILD   := build
PREFIX  := /usr/local
CC      := gcc
CLANG   := clang
BPFTOOL := $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool /usr/local/sbin/bpftool) bpftool)
# Debian's python has pytest and scapy; another one earlier in PATH may not.
PYTHON  := /usr/bin/python3

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
INCLUDES := -Iinclude -Ictl -I$(BUILD)/gen
CPPFLAGS := -D_GNU_SOURCE -DMUSTER_VERSION='"$(VERSION)"' -DNDEBUG
CFLAGS   := -std=gnu17 -O2 -g -fno-strict-aliasing -fstack-protector-strong -D_FORTIFY_SOURCE=2 $(WARN)
LDFLAGS  := -Wl,-z,relro,-z,now -Wl,--as-needed
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
BPFFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Iinclude -Ibpf \
            -I/usr/include/$(shell uname -m)-linux-gnu

# ---- layers: each folder of ctl/ is an archive; a program is a list of them ----
LAYERS       := core manifest view dataplane net prober doctor daemon cli decap
DEPS_core    :=
DEPS_manifest := core
DEPS_view    := core
DEPS_dataplane := core
DEPS_net     := core
DEPS_prober  := core
DEPS_daemon  := manifest view dataplane net core
DEPS_doctor  := core
DEPS_cli     := doctor manifest view core
DEPS_decap   := dataplane core
DEPS_bpf     := core
LIBS_core    :=
LIBS_manifest := -lyaml
LIBS_view    := -ljansson
LIBS_dataplane := -lbpf -lelf -lz
LIBS_net     := -lnl-route-3 -lnl-3
LIBS_prober  := -luv -lcurl -lseccomp
LIBS_daemon  := -luv -lmicrohttpd -ljansson -lsystemd $(LIBS_manifest) $(LIBS_dataplane) $(LIBS_net)
LIBS_doctor  :=
LIBS_cli     := -lcurl -ljansson $(LIBS_manifest)
LIBS_decap   := $(LIBS_dataplane)
CPPFLAGS_NL  := -I/usr/include/libnl3

sources = $(filter-out %/main.c,$(wildcard ctl/$(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/$(2)/%.o,$(call sources,$(1)))
archives = $(foreach l,$(1) $(DEPS_$(1)),$(BUILD)/$(2)/lib$(l).a)

SKELETONS := $(BUILD)/gen/muster.skel.h $(BUILD)/gen/decap.skel.h
PROGRAMS  := $(addprefix $(BUILD)/,musterd muster-prober muster muster-decap)

.PHONY: all
all: $(PROGRAMS) ## build the programs

include tests/tests.mk
-include docs/docs.mk
-include deploy/deploy.mk

.PHONY: deps
deps: ## install what is missing from Debian (NO_INSTALL=1 only names it)
	@deploy/install-deps

# ---- BPF ----
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h include/muster/*.h)
	@mkdir -p $(@D)
	@echo "  BPF   $<"
	$(CLANG) $(BPFFLAGS) -c $< -o $@

$(BUILD)/gen/%.skel.h: $(BUILD)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf > $@

# ---- C: plain objects and sanitized ones ----
$(BUILD)/obj/%.o: %.c | $(SKELETONS)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(CC) $(CPPFLAGS) $(CPPFLAGS_NL) $(INCLUDES) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/asan/%.o: %.c | $(SKELETONS)
	@mkdir -p $(@D)
	$(CC) $(subst -DNDEBUG,,$(CPPFLAGS)) $(CPPFLAGS_NL) $(INCLUDES) \
		$(filter-out -D_FORTIFY_SOURCE=2,$(CFLAGS)) -O1 $(SANITIZE) -MMD -MP -c $< -o $@

define layer_rules
$(BUILD)/obj/lib$(1).a: $$(call objects,$(1),obj)
	@mkdir -p $$(@D) && rm -f $$@
	ar rcs $$@ $$^
$(BUILD)/asan/lib$(1).a: $$(call objects,$(1),asan)
	@mkdir -p $$(@D) && rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rules,$(l))))

define program_rules
$(BUILD)/$(1): $(BUILD)/obj/ctl/$(2)/main.o $$(call archives,$(2),obj)
	@echo "  LINK  $$@"
	$(CC) $(LDFLAGS) -o $$@ $$< $$(filter %.a,$$^) $(LIBS_$(2))
endef
$(eval $(call program_rules,musterd,daemon))
$(eval $(call program_rules,muster-prober,prober))
$(eval $(call program_rules,muster,cli))
$(eval $(call program_rules,muster-decap,decap))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- care ----
C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
.PHONY: format
format: ## rewrite all C files with clang-format
	clang-format -i $(C_FILES)

.PHONY: clean
clean: ## remove build/
	rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 16
