"""Light augmentation of a sample on its way into the network: a mirror, a shift, a gain for each channel, hidden bands."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int32s, Samples
from mcuref.kernels.elementary import rint_f32
from mcuref.kernels.jit import kernel


@kernel
def _as_held(value, whole, lowest, highest):
    """A float32 as the samples' type holds it: rounded to nearest and clamped if ``whole``."""
    if whole:
        value = min(max(rint_f32(value), lowest), highest)
    return value


@kernel
def augment_sample(
    out: Samples,
    x: Samples,
    dy: int,
    dx: int,
    flip: int,
    bands: Int32s,
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

    What moves in is 0, or with ``wrap`` what moved out on the other side. ``flip`` not 0: columns are mirrored before they
    move. bands[6] int32: rows bands[0] .. bands[1] - 1, and so columns and channels, are the mean
    in out; empty: none is. gains[C] float32, or empty for none; mean[c'] float32, c' divides C.
    ``whole``: rounded to nearest and clamped to lowest .. highest. Every value of out is written once; out must not be x.
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
            inside = y >= 0 and y < a and z >= 0 and z < b
            source = (y * b + (b - 1 - z if flip else z)) * c
            hidden = bands.size > 0 and ((bands[0] <= i and i < bands[1]) or (bands[2] <= j and j < bands[3]))
            for k in range(c):
                if hidden or (bands.size > 0 and bands[4] <= k and k < bands[5]):
                    out[first + k] = _as_held(mean[k % mean.size], whole, lowest, highest)
                elif not inside:
                    out[first + k] = 0
                elif gains.size == 0:
                    out[first + k] = x[source + k]
                else:
                    middle = mean[k % mean.size]
                    value = (np.float32(x[source + k]) - middle) * gains[k] + middle
                    out[first + k] = _as_held(value, whole, lowest, highest)


@kernel
def augment_samples(
    out: Samples,
    x: Samples,
    dy: Int32s,
    dx: Int32s,
    flips: Int32s,
    bands: Int32s,
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
    """out[S, A B C] from x[S, A B C], one by one.

    dy[S], dx[S], flips[S] int32; bands[S, 6] int32, or [S, 0] for none; gains[S, C] float32, or [S, 0].
    """
    for s in range(x.shape[0]):
        augment_sample(out[s], x[s], dy[s], dx[s], flips[s], bands[s], gains[s], mean, a, b, c, wrap, whole, lowest, highest)
