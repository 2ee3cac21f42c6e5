"""How fast int8 kernels are beside those of float32, on this machine: multiply-accumulates a second, forward and back.

As a command: python -m mcuref.bench.kernels

Rates depend on the machine, their ratios within one run much less. Each is that of calls from compiled code, as programs
make them; the contenders take turns, and the fastest pass of each counts.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mcuref.bench import training_kernels
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


# Of layers of mlp-784-128-64-10, cnn-28, cnn-32 and ds-cnn, whose strides come last
TRAINED = (
    (Problem("dense", (784,), 128), (1, 1)),
    (Problem("dense", (128,), 64), (1, 1)),
    (Problem("conv", (28, 28, 1), 8, (3, 3)), (2, 2)),
    (Problem("conv", (13, 13, 8), 16, (3, 3)), (2, 2)),
    (Problem("conv", (32, 32, 3), 16, (3, 3)), (2, 2)),
    (Problem("conv", (15, 15, 16), 32, (3, 3)), (2, 2)),
    (Problem("conv", (49, 10, 1), 64, (10, 4)), (2, 2)),
    (Problem("conv", (25, 5, 64), 64), (1, 1)),
    (Problem("depthwise", (25, 5, 64), 64, (3, 3)), (1, 1)),
)
SHARES = (1.0, 0.1)  # of the errors that are trained


def kernel_rates(problem: Problem, seconds: float = 0.5) -> dict[str, float]:
    """{"float32", "int8"}: billions of multiply-accumulates a second of that forward pass."""
    return _rates(*_contenders(problem), seconds)


def training_rates(
    problem: Problem, what: str, share: float, stride: tuple[int, int] = (1, 1), seconds: float = 0.5
) -> dict[str, float]:
    """The same of ``what``, "backward" or "update", with that share of the errors."""
    geometry, out_size, taps = _sizes(problem, stride)
    sizes = int(np.prod(problem.shape)), out_size, problem.outputs, taps
    return _rates(*training_kernels.contenders(problem.kind, what, geometry, sizes, share), seconds)


def _rates(macs, contenders, seconds):
    passes = max(1, MACS // macs)
    best = dict.fromkeys(contenders, np.inf)
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            best[name] = min(best[name], fastest(partial(run, passes), seconds / len(contenders) / ROUNDS))
    return {name: macs * passes / 1e9 / duration for name, duration in best.items()}


def _contenders(problem: Problem) -> tuple[int, dict[str, Callable[[int], Any]]]:
    """(multiply-accumulates of a pass, {"float32", "int8": run(passes)})."""
    geometry, out_size, taps = _sizes(problem, (1, 1))
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


def _sizes(problem, stride):
    """(geometry, size of the output, weights of an output)."""
    if problem.kind == "dense":
        return np.zeros(12, np.int32), problem.outputs, int(np.prod(problem.shape))
    geometry = np.array(Window(problem.window, stride, "same").geometry(problem.shape, problem.outputs), np.int32)
    taps = int(np.prod(problem.window)) * (problem.shape[-1] if problem.kind == "conv" else 1)
    return geometry, int(np.prod(geometry[3:6])), taps


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
    print(f"{'billions of multiply-accumulates a second':52}{'float32':>9}{'int8':>9}{'ratio':>9}")
    for problem in PROBLEMS:
        _print(str(problem), kernel_rates(problem))
    for problem, stride in TRAINED:
        for what in ("backward", "update"):
            for share in SHARES:
                _print(f"{problem}, {what}, {share:.0%}", training_rates(problem, what, share, stride))


def _print(name, rates):
    print(f"{name:52}{rates['float32']:9.1f}{rates['int8']:9.1f}{rates['int8'] / rates['float32']:9.2f}", flush=True)


if __name__ == "__main__":
    main()
