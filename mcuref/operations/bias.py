"""What runs the instructions of mcuref/kernels/bias.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.bias import bias_update_f32
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i32, indices, rate
from mcuref.operators.columns import IN, KEPT, OUT, D


@kernel(inlined=True)
def run_bias_update_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """b[O] from delta[n], index kept[], i32 count[1]."""
    O, n = np.int64(row[D]), np.int64(row[D + 1])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    bias_update_f32(
        f32(memory, row[OUT], O), f32(memory, row[IN], n), indices(memory, row[IN + 1], count), rate(f[0], sample)
    )
    return GO_ON
