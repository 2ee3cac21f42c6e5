"""What each kernel takes of a step: all rows of the program, once, and multiply-accumulates that are those of the step."""

import pytest

from mcuref import build, compile
from mcuref.bench.rows import kernel_times, shape_of


@pytest.fixture(scope="module")
def times():
    return {(row["kernel"], row["shape"]): row for row in kernel_times("cnn-8", seconds=0.05)}


def test_every_row_of_the_step_is_in_one_kernel(times):
    parts = [row for name, row in times.items() if name[1] != "all"]
    assert sum(row["step_share"] for row in parts) == pytest.approx(1)
    assert {row["model"] for row in parts} == {"cnn-8"} and all(row["microseconds"] >= 0 for row in parts)
    conv = [row for (kernel, _), row in times.items() if kernel.startswith("conv_")]
    assert len(conv) == 5 and all(row["gmacs"] > 0 for row in conv)
    assert all(row["gmacs"] is None for (kernel, _), row in times.items() if kernel.startswith(("relu", "load", "select")))


def test_convolutions_together(times):
    forward = [row for (kernel, _), row in times.items() if kernel == "conv_forward_f32"]
    together = times["convolutions, forward", "all"]
    assert together["layers"] == sum(row["layers"] for row in forward)
    assert together["step_share"] == pytest.approx(sum(row["step_share"] for row in forward))


def test_shapes():
    program = compile(build("ds-cnn@0.25"))
    shapes = {shape_of(instruction) for instruction in program.instructions}
    assert {"490", "49x10x1 to 25x5x16, 10x4 / 2x2", "25x5x16 to 25x5x16, 3x3", "16 to 12", "2,000"} <= shapes
