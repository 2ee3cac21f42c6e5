"""What runs the instructions of mcuref/kernels/int8/dense.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.dense import dense_forward_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_dense_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 z[O] from i8 x[I], i8 w[O, I], i32 b[O], i32 multiplier[M], i8 shift[M]."""
    O, I, M = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    dense_forward_s8(
        i8(memory, row[OUT], O),
        i8(memory, row[IN], I),
        i8(memory, row[IN + 1], O * I),
        words(memory, row[IN + 2], O),
        words(memory, row[IN + 3], M),
        i8(memory, row[IN + 4], M),
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
    )
    return GO_ON
