"""Random numbers inside a step: Philox2x32-10 of :mod:`mcuref.kernels.random`, both words of each block.

Which entries are drawn: entry i of n is taken if draw (n - i) < 2^32 left, where left of k are still to be taken and draw is
word i mod 2 of block i div 2 of the selection's stream. So each choice of k of n is as likely as any other, but for what is
left where n - i does not divide 2^32 (selection sampling; Fan, Muller and Rezucha 1962, Knuth's algorithm S).
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int32s, Integer
from mcuref.kernels.jit import kernel
from mcuref.kernels.random import MASK, MULTIPLIER, ROUNDS, SELECTION, SHIFT, WEYL


@kernel
def random_bits(key: Integer, stream: Integer, index: Integer) -> np.uint64:
    """Both words of Philox2x32-10 with that key and counter (index, stream), the first in the lower half."""
    low, high, key = np.uint64(index) & MASK, np.uint64(stream) & MASK, np.uint64(key) & MASK
    for _ in range(ROUNDS):
        product = low * MULTIPLIER
        low, high = (product >> SHIFT) ^ key ^ high, product & MASK
        key = (key + np.uint64(WEYL)) & MASK
    return low | (high << SHIFT)


@kernel
def stream_of_selection(draws: Int32s) -> np.int64:
    """The stream of a selection: SELECTION + draws[0], the number of those before it, which is counted; 32 bits."""
    number = np.int64(draws[0]) & np.int64(MASK)
    draws[0] = np.int32(((number + np.int64(1) + np.int64(1 << 31)) & np.int64(MASK)) - np.int64(1 << 31))
    return (np.int64(SELECTION) + number) & np.int64(MASK)


@kernel
def is_drawn(bits: np.uint64, entry: Index, left: Index, n: Index) -> bool | np.bool_:
    """Whether entry i of n is taken, of which ``left`` are still to be taken; bits are those of its block."""
    draw = (bits >> np.uint64(32 * (np.int64(entry) & 1))) & MASK
    return np.int64((draw * np.uint64(n - entry)) >> SHIFT) < left
