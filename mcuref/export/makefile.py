"""The Makefile of an exported project: the same flags and boards as mcuref's own checks."""

from mcuref.export.cores import CORES, FLAGS, WARNINGS, linked

_HEAD = """\
# make                 build the example and the check for this computer
# make CORE=m4f run    build for another core and run the example in QEMU; cores: {cores}
# The flags decide the bits: no contraction to fused multiply-adds, no -ffast-math.
CORE ?= host
BUILD = build/$(CORE)
# More flags for the compiler, such as EXTRA=-Os
EXTRA ?=

ifeq ($(filter $(CORE),{names}),)
$(error CORE=$(CORE) is not known; it may be {cores})
endif
"""

_RULES = """
COMPILE = $(COMPILER_$(CORE)) $(CORE_$(CORE)) {flags} $(EXTRA)
LINK = $(LINKER_$(CORE)) {flags} $(EXTRA)
WARNINGS = {warnings}

MODEL = $(sort $(wildcard kernels/*.c kernels/*/*.c operations/*.c operations/*/*.c program/*.c)) {name}.c samples.c
SOURCES = $(MODEL) $(BOARD_$(CORE)) main.c $(sort $(wildcard verify/*.c))
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
COMMON = $(filter-out $(BUILD)/main.o $(BUILD)/verify/%,$(OBJECTS))

all: $(BUILD)/example $(BUILD)/check

run: $(BUILD)/example
	$(RUN_$(CORE)) '$<'

$(BUILD)/example: $(BUILD)/main.o $(COMMON)
	$(LINK) $(filter %.o,$^) $(LINKED_$(CORE)) -o '$@'

$(BUILD)/check: $(filter $(BUILD)/verify/%,$(OBJECTS)) $(COMMON)
	$(LINK) $(filter %.o,$^) $(LINKED_$(CORE)) -o '$@'

$(BUILD)/example $(BUILD)/check: board/board.ld

$(BUILD)/%.o: %.c $(wildcard *.h */*.h */*/*.h) $(BUILD)/flags
	@mkdir -p '$(@D)'
	$(COMPILE) $(WARNINGS) -c '$<' -o '$@'

# What was built with other flags is built again
$(BUILD)/flags: FORCE
	@mkdir -p '$(@D)'
	@echo '$(COMPILE)' | cmp -s - '$@' || echo '$(COMPILE)' > '$@'

clean:
	rm -rf build

FORCE:

.PHONY: all run clean FORCE
"""


def makefile(name: str) -> str:
    """Text of the Makefile for a model called ``name``."""
    text = _HEAD.format(cores=", ".join(CORES), names=" ".join(CORES))
    for core in CORES.values():
        variables = {
            "COMPILER": core.compiler,
            "CORE": " ".join(core.compiling),
            "LINKER": " ".join((core.linker, *core.linking)),
            "LINKED": " ".join(linked(core, "board/board.ld")),
            "BOARD": " ".join(f"board/{name}.c" for name in core.toolchain.board),
            "RUN": " ".join(core.emulator),
        }
        text += f"\n# {core.title}\n"
        text += "".join(f"{name}_{core.name} = {value}".rstrip() + "\n" for name, value in variables.items())
    return text + _RULES.format(name=name, flags=" ".join(FLAGS), warnings=" ".join(WARNINGS))
