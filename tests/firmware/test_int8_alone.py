"""Int8 in C has integers alone: linked for cores without FPU it brings no float arithmetic in software, no long division."""

import re

import pytest

from mcuref.export.sources import SOURCES
from mcuref.firmware.toolchain import call, compile_all, find_tool

CORES = ("m0", "rv32imac")
FLOAT = (
    r"__aeabi_([fd]\w+|u?[il]2[fd])"
    r"|__(add|sub|mul|div|neg|eq|ne|lt|le|gt|ge|unord|cmp|pow)[sdt]f\w*|__(fix|float|extend|trunc)\w+"
)
DIVISION = r"__aeabi_u?ldivmod|__u?(div|mod|divmod)di\w*"  # __aeabi_ldiv0 comes with divisions of 32 bits
PROGRAM = tuple(f"program/{name}.c" for name in ("int8", "mcuref", "program", "slots", "stored"))
SHARED = ("operations/rests.c", *(f"kernels/{name}.c" for name in ("channels", "draws", "governor", "hashing", "rests")))
BOTH = (
    "#include <stdint.h>\nfloat quotient(float, float);\nint64_t whole(int64_t, int64_t);\n"
    "float quotient(float a, float b) { return a / b; }\nint64_t whole(int64_t a, int64_t b) { return a / b; }\n"
)


def helpers(core, folder, sources):
    """Functions for float arithmetic and divisions of 64 bits in an ELF file of all that there is in some sources."""
    objects, elf = compile_all(core, sources, folder), folder / "all.elf"
    flags = [flag for flag in core.toolchain.linked if flag != "-Wl,--gc-sections"]
    call([find_tool(core.linker), *core.linking, *objects, "-o", elf, "-Wl,-e,0", *flags])
    names = {line.split()[-1] for line in call([find_tool(f"{core.toolchain.prefix}nm"), elf]).splitlines()}
    assert "mcuref_update_row" in names  # all of it is there
    return {name for name in names if re.fullmatch(f"{FLOAT}|{DIVISION}", name)}


def sources():
    return [*(path for name in ("kernels", "operations") for path in sorted((SOURCES / name / "int8").glob("*.c"))),
            *(SOURCES / name for name in (*PROGRAM, *SHARED))]  # fmt: skip


@pytest.mark.parametrize("name", CORES)
def test_nothing_that_a_core_without_fpu_lacks_is_linked(need, tmp_path, name):
    assert helpers(need(name), tmp_path, sources()) == set()


@pytest.mark.parametrize("name", CORES)
def test_float_arithmetic_and_long_divisions_are_seen(need, tmp_path, name):
    (tmp_path / "both.c").write_text(BOTH, encoding="utf-8")
    found = helpers(need(name), tmp_path, [*sources(), tmp_path / "both.c"])
    for pattern in (FLOAT, DIVISION):
        assert [name for name in found if re.fullmatch(pattern, name)]
