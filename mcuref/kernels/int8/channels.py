"""Which output channels of a layer train their weights, int8: the errors of others become 0."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Uint8s
from mcuref.kernels.jit import kernel


@kernel
def keep_channels(delta: Int8s, mask: Uint8s, outputs: Index) -> np.int64:
    """Of delta[n] entries of channels that are not in the mask become 0; returns how many are not 0."""
    o, count = np.int64(0), np.int64(0)
    for e in range(delta.size):
        if (mask[o >> 3] >> (o & 7)) & 1 == 0:
            delta[e] = np.int8(0)
        count += np.int64(delta[e] != 0)
        o += 1
        if o == outputs:
            o = np.int64(0)
    return count
