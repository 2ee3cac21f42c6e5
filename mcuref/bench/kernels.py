"""How fast int8 kernels are beside those of float32, on this machine: multiply-accumulates a second, forward.

As a command: python -m mcuref.bench.kernels

Rates depend on the machine, their ratios within one run much less. Each is that of calls from compiled code, as programs
make them; the contenders take turns, and the fastest pass of each counts.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mcuref.bench.benchmark import ROUNDS, fastest
from mcuref.kernels.arrays import Float32s, Int8s, Int32s
from mcuref.kernels.conv import conv_forward_f32
from mcuref.kernels.dense import dense_forward_f32
from mcuref.kernels.depthwise import depthwise_forward_f32
from mcuref.kernels.int8.conv import conv_forward_s8
from mcuref.kernels.int8.dense import dense_forward_s8
from mcuref.kernels.int8.depthwise import depthwise_forward_s8
from mcuref.kernels.jit import kernel
from mcuref.kernels.random import philox
from mcuref.layers.window import Window

MACS = 2_000_000  # of about one pass
ZERO, LOW, HIGH = np.int32(3), np.int32(-128), np.int32(127)
NO_SLOT = np.int32(0)


class Problem(NamedTuple):
    """Inputs and weights of one forward pass.

    Attributes
    ----------
    kind : "dense", "conv" or "depthwise".
    shape : of the input.
    outputs : int, or channels of the output.
    window : height and width.
    """

    kind: str
    shape: tuple[int, ...]
    outputs: int
    window: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        size = f" {'x'.join(map(str, self.window))}" if self.kind != "dense" else ""
        return f"{self.kind}{size} {'x'.join(map(str, self.shape))} to {self.outputs}"


PROBLEMS = (
    Problem("dense", (784,), 128),
    Problem("dense", (1024,), 256),
    Problem("dense", (128,), 64),
    Problem("conv", (28, 28, 1), 8, (3, 3)),
    Problem("conv", (32, 32, 3), 16, (3, 3)),
    Problem("conv", (32, 32, 16), 16, (3, 3)),
    Problem("conv", (8, 8, 64), 64, (3, 3)),
    Problem("conv", (25, 5, 64), 64),
    Problem("conv", (49, 10, 1), 64, (10, 4)),
    Problem("depthwise", (25, 5, 64), 64, (3, 3)),
    Problem("depthwise", (32, 32, 16), 16, (3, 3)),
)


def kernel_rates(problem: Problem, seconds: float = 0.5) -> dict[str, float]:
    """{"float32", "int8"}: billions of multiply-accumulates a second of that forward pass."""
    macs, contenders = _contenders(problem)
    passes = max(1, MACS // macs)
    best = dict.fromkeys(contenders, np.inf)
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            best[name] = min(best[name], fastest(partial(run, passes), seconds / len(contenders) / ROUNDS))
    return {name: macs * passes / 1e9 / duration for name, duration in best.items()}


def _contenders(problem: Problem) -> tuple[int, dict[str, Callable[[int], Any]]]:
    """(multiply-accumulates of a pass, {"float32", "int8": run(passes)})."""
    geometry, out_size, taps = np.zeros(12, np.int32), problem.outputs, int(np.prod(problem.shape))
    if problem.kind != "dense":
        geometry = np.array(Window(problem.window, (1, 1), "same").geometry(problem.shape, problem.outputs), np.int32)
        out_size = int(np.prod(geometry[3:6]))
        taps = int(np.prod(problem.window)) * (problem.shape[-1] if problem.kind == "conv" else 1)
    x, w = (_values(size, stream) for stream, size in enumerate((int(np.prod(problem.shape)), problem.outputs * taps)))
    b, out, patch = np.zeros(problem.outputs, np.int32), np.zeros(out_size, np.int8), np.zeros(taps, np.int8)
    scaling = np.full(problem.outputs, 1 << 30, np.int32), np.full(problem.outputs, -8, np.int8)
    floats = [values.astype(np.float32) for values in (out, patch, x, w, b)]
    ours = {"dense": _dense_s8, "conv": _conv_s8, "depthwise": _depthwise_s8}[problem.kind]
    theirs = {"dense": _dense_f32, "conv": _conv_f32, "depthwise": _depthwise_f32}[problem.kind]
    runs = {
        "float32": lambda passes: theirs(passes, *floats, geometry),
        "int8": lambda passes: ours(passes, out, patch, x, w, b, *scaling, np.zeros(0, np.int8), geometry),
    }
    return out_size * taps, runs


def _values(size: int, stream: int) -> Int8s:
    """int8 values of mcuref's generator."""
    return (philox(0, stream, size) >> 24).astype(np.uint8).view(np.int8)


@kernel
def _dense_f32(passes: int, out: Float32s, patch: Float32s, x: Float32s, w: Float32s, b: Float32s, g: Int32s) -> None:
    for _ in range(passes):
        dense_forward_f32(out, x, w, b)


@kernel
def _conv_f32(passes: int, out: Float32s, patch: Float32s, x: Float32s, w: Float32s, b: Float32s, g: Int32s) -> None:
    for _ in range(passes):
        conv_forward_f32(out, patch, x, w, b, g)


@kernel
def _depthwise_f32(passes: int, out: Float32s, patch: Float32s, x: Float32s, w: Float32s, b: Float32s, g: Int32s) -> None:
    for _ in range(passes):
        depthwise_forward_f32(out, x, w, b, g)


@kernel
def _dense_s8(
    passes: int,
    z: Int8s,
    patch: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    exponents: Int8s,
    g: Int32s,
) -> None:
    for _ in range(passes):
        dense_forward_s8(z, x, w, b, multiplier, shift, exponents, ZERO, ZERO, LOW, HIGH, NO_SLOT, NO_SLOT)


@kernel
def _conv_s8(
    passes: int,
    z: Int8s,
    patch: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    exponents: Int8s,
    g: Int32s,
) -> None:
    for _ in range(passes):
        conv_forward_s8(z, patch, x, w, b, multiplier, shift, exponents, ZERO, ZERO, LOW, HIGH, NO_SLOT, NO_SLOT, g)


@kernel
def _depthwise_s8(
    passes: int,
    z: Int8s,
    patch: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    exponents: Int8s,
    g: Int32s,
) -> None:
    for _ in range(passes):
        depthwise_forward_s8(z, x, w, b, multiplier, shift, exponents, ZERO, ZERO, LOW, HIGH, NO_SLOT, NO_SLOT, g)


def main() -> None:
    """Print the rates of every problem."""
    print(f"{'billions of multiply-accumulates a second':44}{'float32':>9}{'int8':>9}{'ratio':>9}")
    for problem in PROBLEMS:
        rates = kernel_rates(problem)
        print(f"{problem!s:44}{rates['float32']:9.1f}{rates['int8']:9.1f}{rates['int8'] / rates['float32']:9.2f}")


if __name__ == "__main__":
    main()
