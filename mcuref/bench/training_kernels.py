"""How fast the int8 kernels of the way back and of updates are beside those of float32: billions of MACs a second.

Problems and contenders are as in :mod:`mcuref.bench.kernels`; of the errors all are trained, or one in ten.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices, Int8s, Int32s, Uint8s
from mcuref.kernels.conv import conv_backward_input_f32, conv_update_f32
from mcuref.kernels.dense import dense_backward_input_f32, dense_update_f32
from mcuref.kernels.depthwise import depthwise_backward_input_f32, depthwise_update_f32
from mcuref.kernels.int8.conv import conv_backward_input_s8, conv_update_s8
from mcuref.kernels.int8.dense import dense_backward_input_s8, dense_update_s8
from mcuref.kernels.int8.depthwise import depthwise_backward_input_s8, depthwise_update_s8
from mcuref.kernels.jit import kernel
from mcuref.kernels.random import philox

ZERO, NO_SLOT, ONCE = np.int32(3), np.int32(0), np.int32(256)
BIAS_MULTIPLIER, BIAS_SHIFT, SHIFT = np.int32(128), np.int32(4), 14  # as of layers of the zoo
RATE = np.float32(1e-9)


class Floats(NamedTuple):
    """Operands of the float32 kernels of a layer."""

    w: Float32s
    b: Float32s
    delta: Float32s
    x: Float32s
    dx: Float32s
    kept: Indices
    g: Int32s


class Integers(NamedTuple):
    """Operands of the int8 kernels of a layer; there are no exponents, no second residuals and no draws."""

    w: Int8s
    b: Int32s
    r: Int8s
    none: Int8s
    sums: Int32s
    delta: Int8s
    x: Int8s
    dx: Int32s
    rate: Uint8s
    share: Uint8s
    exponent: Int32s
    no_draws: Int32s
    g: Int32s


def contenders(
    kind: str, what: str, geometry: Int32s, sizes: tuple[int, int, int, int], share: float
) -> tuple[int, dict[str, Callable[[int], Any]]]:
    """(multiply-accumulates of a pass, {"float32", "int8": run(passes)}).

    Parameters
    ----------
    kind, geometry : "dense", "conv" or "depthwise" and its window.
    what : "backward" or "update".
    sizes : inputs, entries of the output, outputs or channels, weights of one.
    share : of the errors that are not 0.
    """
    inputs, entries, outputs, taps = sizes
    w, x, delta, chance = (_values(size, stream) for stream, size in enumerate((outputs * taps, inputs, entries, entries)))
    delta[(delta == 0) | (delta == -128)] = 1
    delta[chance.view(np.uint8) >= 256 * share] = 0
    kept, rate = np.flatnonzero(delta).astype(np.uint16), np.tile(np.array([200, SHIFT + 128], np.uint8), outputs)
    b, none, sums = np.zeros(outputs, np.int32), np.zeros(0, np.int8), np.zeros(taps, np.int32)
    ours = Integers(
        w, b, np.zeros(w.size, np.int8), none, sums, delta, x, np.zeros(inputs, np.int32), rate,
        np.full(outputs, 128, np.uint8), np.zeros(1, np.int32), np.zeros(0, np.int32), geometry,
    )  # fmt: skip
    floats = [values.astype(np.float32) for values in (w, b, delta, x)]
    theirs = Floats(floats[0], floats[1], floats[2], floats[3], np.zeros(inputs, np.float32), kept, geometry)
    float32, int8 = RUNS[kind, what]
    return kept.size * taps, {"float32": lambda passes: float32(passes, theirs), "int8": lambda passes: int8(passes, ours)}


def _values(size, stream):
    return (philox(0, stream, size) >> 24).astype(np.uint8).view(np.int8)


@kernel
def _dense_backward_f32(passes: int, o: Floats) -> None:
    for _ in range(passes):
        dense_backward_input_f32(o.dx, o.delta, o.w, o.kept)


@kernel
def _conv_backward_f32(passes: int, o: Floats) -> None:
    for _ in range(passes):
        conv_backward_input_f32(o.dx, o.delta, o.w, o.kept, o.g)


@kernel
def _depthwise_backward_f32(passes: int, o: Floats) -> None:
    for _ in range(passes):
        depthwise_backward_input_f32(o.dx, o.delta, o.w, o.kept, o.g)


@kernel
def _dense_update_f32(passes: int, o: Floats) -> None:
    for _ in range(passes):
        dense_update_f32(o.w, o.b, o.delta, o.x, o.kept, RATE, False)


@kernel
def _conv_update_f32(passes: int, o: Floats) -> None:
    for _ in range(passes):
        conv_update_f32(o.w, o.b, o.delta, o.x, o.kept, RATE, False, o.g)


@kernel
def _depthwise_update_f32(passes: int, o: Floats) -> None:
    for _ in range(passes):
        depthwise_update_f32(o.w, o.b, o.delta, o.x, o.kept, RATE, False, o.g)


@kernel
def _dense_backward_s8(passes: int, o: Integers) -> None:
    for _ in range(passes):
        dense_backward_input_s8(o.dx, o.delta, o.w, o.share, 0)


@kernel
def _conv_backward_s8(passes: int, o: Integers) -> None:
    for _ in range(passes):
        conv_backward_input_s8(o.dx, o.delta, o.w, o.share, 0, o.g)


@kernel
def _depthwise_backward_s8(passes: int, o: Integers) -> None:
    for _ in range(passes):
        depthwise_backward_input_s8(o.dx, o.delta, o.w, o.share, 0, o.g)


@kernel
def _dense_update_s8(passes: int, o: Integers) -> None:
    for _ in range(passes):
        dense_update_s8(
            o.w, o.b, o.r, o.none, o.no_draws, o.delta, o.x, o.rate, o.exponent, o.none,
            ONCE, ZERO, NO_SLOT, BIAS_MULTIPLIER, BIAS_SHIFT,
        )  # fmt: skip


@kernel
def _conv_update_s8(passes: int, o: Integers) -> None:
    for _ in range(passes):
        conv_update_s8(
            o.w, o.b, o.r, o.none, o.no_draws, o.sums, o.delta, o.x, o.rate, o.exponent, o.none,
            ONCE, ZERO, NO_SLOT, BIAS_MULTIPLIER, BIAS_SHIFT, o.g,
        )  # fmt: skip


@kernel
def _depthwise_update_s8(passes: int, o: Integers) -> None:
    for _ in range(passes):
        depthwise_update_s8(
            o.w, o.b, o.r, o.none, o.no_draws, o.sums, o.delta, o.x, o.rate, o.exponent, o.none,
            ONCE, ZERO, NO_SLOT, BIAS_MULTIPLIER, BIAS_SHIFT, o.g,
        )  # fmt: skip


RUNS: dict[tuple[str, str], tuple[Callable[..., Any], Callable[..., Any]]] = {
    ("dense", "backward"): (_dense_backward_f32, _dense_backward_s8),
    ("dense", "update"): (_dense_update_f32, _dense_update_s8),
    ("conv", "backward"): (_conv_backward_f32, _conv_backward_s8),
    ("conv", "update"): (_conv_update_f32, _conv_update_s8),
    ("depthwise", "backward"): (_depthwise_backward_f32, _depthwise_backward_s8),
    ("depthwise", "update"): (_depthwise_update_f32, _depthwise_update_s8),
}
