"""Light augmentation of a sample on its way into the network: a shift, and a gain for each channel."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int32s, Samples
from mcuref.kernels.elementary import rint_f32
from mcuref.kernels.jit import kernel


@kernel
def augment_sample(
    out: Samples,
    x: Samples,
    dy: int,
    dx: int,
    gains: Float32s,
    mean: Float32s,
    a: int,
    b: int,
    c: int,
    wrap: bool,
    whole: bool,
    lowest: np.float32,
    highest: np.float32,
) -> None:
    """out[A B C] = x[A B C] moved down by dy rows and right by dx columns, then (v - mean) gain + mean.

    What moves in is 0, or with ``wrap`` what moved out on the other side. gains[C] float32, or empty for none; mean[c']
    float32, c' divides C. ``whole``: rounded to nearest and clamped to lowest .. highest. out must not be x.
    """
    for i in range(a):
        y = i - dy
        if wrap:
            y = y % a
        for j in range(b):
            z = j - dx
            if wrap:
                z = z % b
            first = (i * b + j) * c
            if y < 0 or y >= a or z < 0 or z >= b:
                for k in range(c):
                    out[first + k] = 0
                continue
            source = (y * b + z) * c
            for k in range(c):
                if gains.size == 0:
                    out[first + k] = x[source + k]
                else:
                    middle = mean[k % mean.size]
                    value = (np.float32(x[source + k]) - middle) * gains[k] + middle
                    if whole:
                        value = min(max(rint_f32(value), lowest), highest)
                    out[first + k] = value


@kernel
def augment_samples(
    out: Samples,
    x: Samples,
    dy: Int32s,
    dx: Int32s,
    gains: Float32s,
    mean: Float32s,
    a: int,
    b: int,
    c: int,
    wrap: bool,
    whole: bool,
    lowest: np.float32,
    highest: np.float32,
) -> None:
    """out[S, A B C] from x[S, A B C], one by one; dy[S], dx[S] int32, gains[S, C] float32 or [S, 0]."""
    for s in range(x.shape[0]):
        augment_sample(out[s], x[s], dy[s], dx[s], gains[s], mean, a, b, c, wrap, whole, lowest, highest)
