"""Biases of a layer whose weights are frozen, float32. n entries of the error, O outputs; entry e is of output e mod O."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices
from mcuref.kernels.jit import kernel


@kernel
def bias_update_f32(b: Float32s, delta: Float32s, kept: Indices, rate: np.float32) -> None:
    """b[e mod O] -= rate * delta[e] for e in kept[K], in order: as an update of weights does it; others are not touched."""
    base = np.int64(0)
    for c in range(kept.size):
        e = np.int64(kept[c])
        while e >= base + b.size:
            base += b.size
        b[e - base] = b[e - base] - rate * delta[e]
