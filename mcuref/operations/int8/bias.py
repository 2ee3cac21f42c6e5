"""What runs the instructions of mcuref/kernels/int8/bias.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.bias import bias_update_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, i32, u8, words
from mcuref.operators.columns import IN, KEPT, OUT, D, F


@kernel(inlined=True)
def run_bias_update_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 b[O] from i8 delta[n], i32 count[1], u8 rate[2 * M], i32 exponent[1], i8 exponents[E]?."""
    O, n, M, E = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 1])
    counts[KEPT] += count
    bias_update_s8(
        words(memory, row[OUT], O),
        i8(memory, row[IN], n),
        u8(memory, row[IN + 2], 2 * M),
        words(memory, row[IN + 3], 1),
        i8(memory, row[IN + 4], E),
        sample.rate,
        row[F],
        row[F + 1],
        row[F + 2],
    )
    return GO_ON
