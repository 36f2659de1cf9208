# Tandem. `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
#
# One non-recursive makefile. Each room (folder) becomes a static library that lists what it
# may use; unit tests of a room link those libraries only, which keeps the layers honest.

B       ?= build
CC      ?= gcc
WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings
OPT     ?= -O2 -g
CFLAGS  ?=
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) $(SAN) -fno-omit-frame-pointer -fstack-protector-strong \
             -I. -I$(B)/gen -I/usr/include/libnl3 -DTANDEM_VERSION='"$(VERSION)"' -MMD -MP $(CFLAGS)
Q       := $(if $(VERBOSE),,@)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

# --- rooms -----------------------------------------------------------------------------
ROOMS := lib parser ike isakmp dataplane control modes shell daemon
SRC_lib       := $(wildcard lib/*.c)
SRC_parser    := $(wildcard parser/*.c)
SRC_ike       := $(wildcard control/ike/*.c)
SRC_isakmp    := $(wildcard control/isakmp/*.c)
SRC_dataplane := $(wildcard dataplane/*.c)
SRC_control   := $(filter-out $(SRC_ike) $(SRC_isakmp),$(wildcard control/*.c control/*/*.c))
SRC_modes     := $(wildcard modes/*.c)
SRC_shell     := $(wildcard shell/*.c)
SRC_daemon    := $(wildcard daemon/*.c)
SRC_compiler  := $(wildcard parser/compiler/*.c)
GRAMMARS      := $(wildcard grammars/*.cg)

# what each room links with, lowest last
USES_lib       := lib
USES_parser    := parser gen lib
USES_ike       := ike lib
USES_isakmp    := isakmp ike lib
USES_dataplane := dataplane lib
USES_control   := control isakmp ike dataplane lib
USES_modes     := modes control isakmp ike dataplane parser gencalls gen lib
USES_shell     := shell parser gen lib
USES_daemon    := daemon shell modes control isakmp ike dataplane parser gencalls gen lib
LIBS_lib       := -levent
LIBS_parser    := -levent
LIBS_ike       := -lcrypto -levent
LIBS_isakmp    := -lcrypto -levent
LIBS_dataplane := -lcrypto -lIPSec_MB -levent
LIBS_control   := -lcrypto -lIPSec_MB -levent -levent_pthreads -lnl-route-3 -lnl-3 -ljansson -lusrsctp -lpthread
LIBS_modes     := $(LIBS_control) -lcrypt
LIBS_shell     := -levent -lreadline -lssh
LIBS_daemon    := $(LIBS_modes) -lreadline -lssh -lseccomp -lcap-ng

objs = $(patsubst %.c,$(B)/o/%.o,$(1))
libs = $(foreach l,$(1),$(B)/lib$(l).a)

# --- the grammar compiler and what it writes ---------------------------------------------
GEN := g_tables.c g_args.h g_checks.c g_calls.c g_cases.inc commands.md
$(B)/cgc: $(call objs,$(SRC_compiler)) $(B)/liblib.a
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $(call objs,$(SRC_compiler)) $(B)/liblib.a
$(B)/gen/.stamp: $(B)/cgc $(GRAMMARS)
	@mkdir -p $(B)/gen
	$(Q)$(B)/cgc -o $(B)/gen $(GRAMMARS)
	@touch $@
$(addprefix $(B)/gen/,$(GEN)): $(B)/gen/.stamp ;
$(B)/o/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(B)/libgen.a: $(B)/o/gen/g_tables.o
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/libgencalls.a: $(B)/o/gen/g_calls.o $(B)/o/gen/g_checks.o
	$(Q)rm -f $@ && ar rcs $@ $^
# rooms that see the generated header
$(call objs,$(SRC_parser) $(SRC_modes) $(SRC_shell) $(SRC_daemon)): | $(B)/gen/.stamp

$(B)/o/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(VERBOSE),,echo "  CC $<")
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<
define room
$(B)/lib$(1).a: $$(call objs,$$(SRC_$(1)))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
.PHONY: room-$(1)
room-$(1): $$(call libs,$$(USES_$(1)))
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

# --- programs ----------------------------------------------------------------------------
.PHONY: all help
all: $(B)/tandemd $(B)/tandem
WIPE := $(B)/o/lib/main/wipe_free.o
$(B)/tandemd: $(WIPE) $(call libs,$(USES_daemon))
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< -Wl,--whole-archive $(B)/libdaemon.a -Wl,--no-whole-archive -Wl,--start-group $(wordlist 3,99,$^) -Wl,--end-group $(LIBS_daemon)
# the shell: parser for --check, never a hook of the engine
$(B)/tandem: $(B)/o/shell/main/tandem.o $(WIPE) $(call libs,shell parser gen lib)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $< $(WIPE) -Wl,--start-group $(wordlist 3,99,$^) -Wl,--end-group $(LIBS_shell)

help:
	@printf '%s\n' \
	  'run     build, bring up a lab with two boxes and a tunnel, say how to log in; stop removes it' \
	  'test    everything; the last line says "N passed, N failed"' \
	  'check   the fast tests, under two minutes' \
	  'upgrade running boxes go on from a new build' \
	  'asan lint lab interop   one kind of test (tests/run KIND -k WORD: some of it)' \
	  'fuzz    T=name SECONDS=n: one fuzz target for long' \
	  'bench   measurements' \
	  'sizes   lengths of files and functions' \
	  'docs    docs/commands.md, the reference of all commands' \
	  'deps deps-test   the Debian packages to build and run, and to test' \
	  'clean'

include Makefile.deps
-include Makefile.test
-include $(shell find $(B)/o -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf $(B)
