"""Rests: how often each stored sample was skipped in a row, and whether it is left out because of that.

A sample that was skipped s times in a row is shown only every 2^s-th epoch: in epoch e, the one of index i is visited if
the lowest s bits of e + i are 0. Indices spread the visits evenly over epochs; no clock, list or random number is needed.
Streaks s lie behind one another in 1, 2 or 4 bits each, the first in the lowest bits of a byte.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Uint8s
from mcuref.kernels.jit import kernel


@kernel
def streak(streaks: Uint8s, index: Index, bits: Index) -> np.int64:
    """The streak of sample ``index``, int64, of streaks[(N * bits + 7) // 8]."""
    place = np.int64(index) * bits
    return np.int64(streaks[place >> 3]) >> (place & 7) & ((np.int64(1) << bits) - 1)


@kernel
def set_streak(streaks: Uint8s, index: Index, bits: Index, value: Index) -> None:
    """Write a streak below 2^bits; the others stay."""
    place = np.int64(index) * bits
    shift, mask = place & 7, (np.int64(1) << bits) - 1
    streaks[place >> 3] = np.uint8(np.int64(streaks[place >> 3]) & ~(mask << shift) | np.int64(value) << shift)


@kernel
def is_hidden(streaks: Uint8s, index: Index, epoch: Index, bits: Index) -> bool | np.bool_:
    """Whether a sample rests in this epoch."""
    return (np.int64(epoch) + index) & ((np.int64(1) << streak(streaks, index, bits)) - 1) != 0


@kernel
def count_skip(streaks: Uint8s, index: Index, most: Index, bits: Index) -> None:
    """Count a sample as skipped once more, up to ``most``; if it is trained after all, :func:`set_streak` makes that 0."""
    set_streak(streaks, index, bits, min(streak(streaks, index, bits) + 1, np.int64(most)))


@kernel
def rests(streaks: Uint8s, index: Index, epoch: Index, most: Index, bits: Index) -> bool:
    """Whether a sample rests in this epoch; one that does not is counted as skipped."""
    if is_hidden(streaks, index, epoch, bits):
        return True
    count_skip(streaks, index, most, bits)
    return False
