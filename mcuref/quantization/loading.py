"""How stored samples become int8 values: x = (sample - mean) scale, in the input's scale, with integers alone."""

import numpy as np
from numpy.typing import NDArray

from mcuref.quantization.scales import Scale

MULTIPLIER_BITS = 15
LARGEST_OFFSET = 1 << 30  # with sample * multiplier, below 2^30 in magnitude, the sum stays inside int32


def loading(
    mean: NDArray[np.float32], scale: NDArray[np.float32], wanted: Scale
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]:
    """(multiplier int32[c], offset int32[c], shift int8[c]): x = clamp((sample multiplier + offset) >> shift, -128, 127).

    Of the real factor a = scale / wanted.scale, multiplier = rint(a 2^shift) has 15 bits where the offset leaves them, and
    offset = rint((wanted.zero - mean a) 2^shift) + half of 2^shift, so that the shift rounds to the nearest, halves up. For
    samples of at most 16 bits nothing passes int32.

    mean, scale : float32[c], of an :class:`mcuref.layers.Input`.
    """
    rows = [_constants(float(m), float(s) / float(wanted.scale), wanted.zero) for m, s in zip(mean, scale)]
    multiplier, offset, shift = (np.array(column) for column in zip(*rows))
    return multiplier.astype(np.int32), offset.astype(np.int32), shift.astype(np.int8)


def _constants(mean, factor, zero):
    """(multiplier, offset, shift) of one channel: the largest shift that both fit."""
    for shift in range(30, -1, -1):
        multiplier, offset = _nearest(factor * 2**shift), _nearest((zero - mean * factor) * 2**shift) + (1 << shift) // 2
        if abs(multiplier) < 1 << MULTIPLIER_BITS and abs(offset) < LARGEST_OFFSET:
            return multiplier, offset, shift
    # so steep that every sample but those at the mean is far outside
    most = (1 << MULTIPLIER_BITS) - 1
    return (
        int(np.clip(_nearest(factor), -most, most)),
        int(np.clip(_nearest(zero - mean * factor), 1 - LARGEST_OFFSET, LARGEST_OFFSET - 1)),
        0,
    )


def _nearest(value):
    return int(np.rint(value))
