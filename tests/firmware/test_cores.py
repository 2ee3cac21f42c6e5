"""Every core has what builds and runs it: tools with their packages, flags, a board whose faults are told."""

import re
import shutil

import numpy as np
import pytest

from mcuref.export.cores import CORES, FLAGS
from mcuref.export.makefile import makefile
from mcuref.export.sources import SOURCES, board_sources
from mcuref.firmware.toolchain import PACKAGES, ToolError, compile_all, execute, find_tool, link, missing, tools, version

SECONDS = 30  # more than any of these takes: a board that hangs is none that works
BOARDS = [name for name in CORES if CORES[name].is_board]
ENDS = """
#include "port.h"
int main(void) {
  port_print("begun\\n");
  %s
  return 7;
}
"""


@pytest.mark.parametrize("name", CORES)
def test_what_is_missing_is_named_with_its_package(name, monkeypatch):
    core = CORES[name]
    wanted = [*tools(core), *(core.toolchain.prefix + tool for tool in ("nm", "objdump") if core.is_board)]
    monkeypatch.setenv("PATH", "")
    assert (
        missing(core) == f"{wanted[0]} is not installed; Debian and Ubuntu have it in: apt-get install {PACKAGES[wanted[0]]}"
    )
    for tool in wanted:
        with pytest.raises(ToolError, match=f"^{tool} is not installed.* apt-get install {PACKAGES[tool]}$"):
            find_tool(tool)


@pytest.mark.parametrize("tool", ["clang", "arm-none-eabi-gcc", "qemu-system-arm"])
def test_a_core_needs_its_compiler_its_linker_and_its_emulator(tool, monkeypatch):
    here = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == tool else here(name) or f"/bin/{name}")
    assert missing(CORES["m4f-clang"]).startswith(f"{tool} is not installed")
    assert missing(CORES["host"]) is None


@pytest.mark.parametrize("name", CORES)
def test_a_version_is_the_compilers_name_and_number(name, need):
    assert re.fullmatch(rf"{CORES[name].compiler} \d+\.\d+\.\d+", version(need(name)))


def test_no_core_is_without_the_flags_that_keep_the_bits():
    text = makefile("model")
    for core in CORES.values():
        assert f"\nCOMPILER_{core.name} = {core.compiler}\n" in text and f"\nLINKER_{core.name} = {core.linker}" in text
        assert f"\nCORE_{core.name} = {' '.join(core.compiling)}".rstrip() + "\n" in text
        assert (core.compiler == "clang") != ("-fno-tree-loop-distribute-patterns" in core.compiling)
    assert "-ffp-contract=off" in FLAGS and " ".join(FLAGS) in text


@pytest.mark.parametrize("name", [
    name if name in ("m0", "rv32imac", "rv32imafc", "m4f-clang") else pytest.param(name, marks=pytest.mark.slow)
    for name in BOARDS
])  # fmt: skip
@pytest.mark.parametrize("statement, how", [("", "status 7: begun"), ("__builtin_trap();", "status 99: begun fault")])
def test_a_board_brings_back_what_was_printed_and_how_it_ended(tmp_path, need, name, statement, how):
    core = need(name)
    (tmp_path / "end.c").write_text(ENDS % statement)
    objects = compile_all(core, [tmp_path / "end.c", *board_sources(core)], tmp_path, include=[SOURCES / "board"])
    with pytest.raises(ToolError, match=f"failed with {how}$"):
        execute(core, link(core, objects, tmp_path / "end"), tmp_path, SECONDS)


def test_a_core_without_an_fpu_has_none_in_the_emulator(tmp_path, need):
    """What was compiled for an FPU ends in a fault: no instruction of one can have gone unnoticed."""
    core = need("rv32imac")
    text = ENDS % '__asm__ volatile(".insn 4, 0x00000053");'  # fadd.s ft0, ft0, ft0
    (tmp_path / "end.c").write_text(text)
    objects = compile_all(core, [tmp_path / "end.c", *board_sources(core)], tmp_path, include=[SOURCES / "board"])
    with pytest.raises(ToolError, match="failed with status 99: begun fault$"):
        execute(core, link(core, objects, tmp_path / "end"), tmp_path, SECONDS)


VALUES = """
#include "port.h"
static const float constants[] = {1.5f, -0.0f, 3e-45f};
static volatile float written = 2.5f;
static volatile float zero;
int main(void) {
  const int32_t file = port_open("values.bin", 1);
  const float values[5] = {constants[0] * written, constants[1], constants[2] * 0.75f, zero, written / zero};
  port_write(file, values, sizeof values);
  port_close(file);
  return port_stack() < 0 || port_stack() > 2048;
}
"""


@pytest.mark.parametrize("name", [
    name if name in ("rv32imac", "rv32imafc") else pytest.param(name, marks=pytest.mark.slow) for name in BOARDS
])  # fmt: skip
def test_a_board_starts_with_its_data_and_keeps_subnormals(tmp_path, need, name):
    core = need(name)
    (tmp_path / "values.c").write_text(VALUES)
    objects = compile_all(core, [tmp_path / "values.c", *board_sources(core)], tmp_path, include=[SOURCES / "board"])
    execute(core, link(core, objects, tmp_path / "values"), tmp_path, SECONDS)
    values = np.fromfile(tmp_path / "values.bin", np.float32)
    assert values.view(np.uint32).tolist() == np.float32([3.75, -0.0, 3e-45, 0, np.inf]).view(np.uint32).tolist()
