"""FNV-1a, 32 bits: the hash of the trace, short enough to print on any serial line.

Source: G. Fowler, L. C. Noll, K.-P. Vo, "The FNV non-cryptographic hash algorithm".
"""

import numpy as np

from mcuref.kernels.arrays import Uint8s
from mcuref.kernels.jit import kernel

START = 0x811C9DC5
PRIME = 0x01000193


@kernel
def fnv1a(data: Uint8s, start: int) -> int | np.uint64:
    """Hash of uint8 data[n], continued from ``start`` (`START` for a fresh one); an integer of 32 bits."""
    value = np.uint64(start)
    for i in range(data.size):
        value = ((value ^ np.uint64(data[i])) * np.uint64(PRIME)) & np.uint64(0xFFFFFFFF)
    return value
