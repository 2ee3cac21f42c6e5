"""Which output channels of a layer train their weights: some at random, drawn anew after a number of trained samples.

O channels; mask has a bit for each, bit o % 8 of byte o // 8. Entry e of an error is of channel e mod O. Channels are drawn
as entries are (:mod:`mcuref.kernels.draws`).
"""

import numpy as np

from mcuref.kernels.arrays import Index, Indices, Int32s, Integer, Uint8s
from mcuref.kernels.draws import is_drawn, random_bits, stream_of_selection
from mcuref.kernels.jit import kernel


@kernel
def draw_channels(mask: Uint8s, draws: Int32s, outputs: Index, k: Index, key: Integer) -> None:
    """mask[...] = the bits of k of O channels at random; draws[1] counts the selections of the program."""
    for m in range(mask.size):
        mask[m] = np.uint8(0)
    left, o, block = np.int64(k), np.int64(0), np.uint64(0)
    stream = stream_of_selection(draws)
    while left > 0:
        if o & 1 == 0:
            block = random_bits(key, stream, o >> 1)
        if is_drawn(block, o, left, outputs):
            left -= 1
            mask[o >> 3] = np.uint8(mask[o >> 3] | np.uint8(1 << (o & 7)))
        o += 1


@kernel
def renew_channels(mask: Uint8s, left: Int32s, draws: Int32s, outputs: Index, k: Index, every: Index, key: Integer) -> None:
    """Draw channels where left[1] is 0, which becomes ``every`` then; one sample less is left."""
    if left[0] == 0:
        draw_channels(mask, draws, outputs, k, key)
        left[0] = np.int32(every)
    left[0] = np.int32(left[0] - 1)


@kernel
def keep_channels(kept: Indices, mask: Uint8s, count: Index, outputs: Index) -> int:
    """Of kept[count], ascending, those whose channels are in the mask stay, in order; returns how many."""
    base, found = np.int64(0), 0
    for c in range(count):
        e = np.int64(kept[c])
        while e >= base + outputs:
            base += outputs
        o = e - base
        if (mask[o >> 3] >> (o & 7)) & 1:
            kept[found] = kept[c]
            found += 1
    return found
