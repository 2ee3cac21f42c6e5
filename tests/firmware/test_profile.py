"""Instructions are counted exactly, in every run the same, and belong to the functions that ran them."""

import numpy as np
import pytest

import mcuref
from mcuref import rules
from mcuref.datasets import load
from mcuref.export.cores import CORES
from mcuref.export.material import Material
from mcuref.export.sources import SOURCES, board_sources
from mcuref.firmware import profile
from mcuref.firmware.answer import STEPS, TRACE
from mcuref.firmware.profile import OUTSIDE, between_marks, by_function, count_instructions, run_profiled
from mcuref.firmware.toolchain import ToolError, compile_all, link
from mcuref.models import build

# the subtraction before the loop and two instructions a pass: 1 + 2 * 1000
LOOP = """
#include "board/port.h"
#include "verify/trace.h"

int main(void) {
  port_close(port_open("answer.bin", 1));
  mark();
  mark();
  mark();
#if defined(__riscv)
  __asm__ volatile("li t0, 125\\n slli t0, t0, 3\\n1: addi t0, t0, -1\\n bnez t0, 1b" ::: "t0");
#else
  __asm__ volatile(".syntax unified\\n movs r3, #125\\n lsls r3, r3, #3\\n1: subs r3, r3, #1\\n bne 1b" ::: "r3", "cc");
#endif
  mark();
  return 0;
}
"""


def program(method="tinyprop"):
    data = load("digits")
    compiled = mcuref.compile(build("mlp-64-8-10", data), rules.make(method))
    return Material(compiled, data.x_train[:3], data.y_train[:3], inferences=2)


@pytest.mark.parametrize("name", [
    "m0", "m4f", "rv32imac",
    *(pytest.param(n, marks=pytest.mark.slow) for n in ("m3", "m7", "m55", "rv32imafc", "m4f-clang")),
])  # fmt: skip
def test_a_known_loop_is_counted_exactly(tmp_path, need, name):
    core = need(name)
    (tmp_path / "loop.c").write_text(LOOP)
    sources = [tmp_path / "loop.c", SOURCES / "verify" / "mark.c", *board_sources(core)]
    firmware = link(core, compile_all(core, sources, tmp_path, include=[SOURCES]), tmp_path / "loop")
    _, counted = run_profiled(core, firmware, tmp_path)
    assert counted.spans.tolist() == [2 + 2 * 1000]
    assert counted.functions["main"] >= 2002
    assert counted.functions["mark"] == 4  # one return each
    assert set(counted.functions) >= {"reset_handler", "port_open"}
    first = 16 if name.startswith("rv") else 0  # of RISC-V: in the board's ROM, and before there is a stack
    assert counted.functions.get(OUTSIDE, 0) <= first


def test_two_runs_count_the_same_and_rows_add_up_to_steps(need):
    core, material = need("m4f"), program()
    (first,), functions = count_instructions(core, [material], TRACE)
    (again,), _ = count_instructions(core, [material], TRACE)
    (whole,), _ = count_instructions(core, [material], STEPS)
    assert first == again
    assert first.inferences == whole.inferences and len(first.inferences) == 2
    for rows, step in zip(first.steps, whole.steps, strict=True):
        assert [row for row, _ in rows] == list(range(len(material.program.instructions)))
        between = step - sum(count for _, count in rows)
        assert 0 < between < 20 * len(rows)  # the loop over the rows
    assert functions["mcuref_dots"] > functions["mcuref_dense_forward_f32"] > 0


def test_programs_one_after_the_other_count_as_each_alone(need):
    """Bad labels, which are offered behind the last sample, are between no marks."""
    core, materials = need("rv32imac"), [program(), program("topk")]
    for mode in (TRACE, STEPS):
        together, _ = count_instructions(core, materials, mode)
        assert together == [count_instructions(core, [material], mode)[0][0] for material in materials]


@pytest.mark.parametrize("name", ["host", "clang", "arm64"])
def test_only_a_board_has_a_profile(name):
    with pytest.raises(ToolError, match=f"on emulated boards only, and core '{name}' is none"):
        count_instructions(CORES[name], [program()])


def test_a_plugin_that_is_refused_is_one_sentence(need, tmp_path, monkeypatch):
    core = need("m4f")
    text = profile.PLUGIN.read_text(encoding="utf-8").replace("qemu_plugin_version = 1", "qemu_plugin_version = 1000")
    (tmp_path / "counter.c").write_text(text)
    monkeypatch.setattr(profile, "PLUGIN", tmp_path / "counter.c")
    with pytest.raises(ToolError, match="does not run the instruction counter") as failure:
        count_instructions(core, [program()])
    assert "\n" not in str(failure.value)


def test_the_empty_measurement_is_subtracted():
    assert between_marks(np.array([100, 103, 200, 210, 300, 303])).tolist() == [7, 0]
    assert between_marks(np.array([100, 103])).tolist() == []


def test_addresses_belong_to_the_function_around_them():
    symbols = [(0x40, 8, "first"), (0x48, 4, "second")]
    assert by_function("40 1\n46 2\n48 5\n4c 7\n2 9\n", symbols) == {OUTSIDE: 16, "second": 5, "first": 3}
