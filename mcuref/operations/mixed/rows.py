"""What applies sums of gradients to weights with a float32 master."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.mixed.rows import apply_rows_master
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i8, u8, words
from mcuref.operators.columns import IN, KEPT, MORE, OUT, D


@kernel(inlined=True)
def run_apply_rows_master(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[R * K], b[R], touched[(R + 7) // 8], master[R * K] from a[R * K], a_bias[R], the rate."""
    rows, elements = np.int64(row[D]), row[D + 1]
    w, b, touched = (
        i8(memory, row[OUT], rows * elements),
        words(memory, row[OUT + 1], rows),
        u8(memory, row[OUT + 2], (rows + 7) >> 3),
    )
    master = f32(memory, row[MORE[0]], rows * elements)
    a, a_bias = words(memory, row[IN], rows * elements), words(memory, row[IN + 1], rows)
    counts[KEPT] += apply_rows_master(w, b, touched, master, a, a_bias, sample.rate, elements, row[D + 2], row[D + 3])
    return GO_ON
