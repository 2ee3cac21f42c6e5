"""What runs the rows of an optimiser that sums gradients of int8 programs before it applies them."""

import numpy as np

from mcuref.kernels.int8.sums import apply_rows_s8, begin_rows_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.rows import run_count_batch_i32
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, u8, words
from mcuref.operators.columns import IN, KEPT, MORE, OUT, D


@kernel(inlined=True)
def run_begin_rows_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """a[R * K], a_bias[R], touched[(R + 7) // 8] from delta[n]."""
    rows, elements, n = np.int64(row[D]), row[D + 1], np.int64(row[D + 4])
    a, a_bias = words(memory, row[OUT], rows * elements), words(memory, row[OUT + 1], rows)
    touched, delta = u8(memory, row[OUT + 2], (rows + 7) >> 3), i8(memory, row[IN], n)
    begin_rows_s8(a, a_bias, touched, delta, row[D + 5], elements, row[D + 2], row[D + 3])
    return GO_ON


@kernel(inlined=True)
def run_apply_rows_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[R * K], b[R], touched[(R + 7) // 8], r[R * K]?, r2[R * K]?, draws[1]? from a[R * K], a_bias[R], the rate."""
    rows, elements = np.int64(row[D]), row[D + 1]
    w, b, touched = (
        i8(memory, row[OUT], rows * elements),
        words(memory, row[OUT + 1], rows),
        u8(memory, row[OUT + 2], (rows + 7) >> 3),
    )
    r, r2 = i8(memory, row[MORE[0]], rows * elements), i8(memory, row[MORE[1]], rows * elements)
    a, a_bias = words(memory, row[IN], rows * elements), words(memory, row[IN + 1], rows)
    draws = words(memory, row[MORE[2]], 1)
    counts[KEPT] += apply_rows_s8(w, b, touched, r, r2, draws, a, a_bias, sample.rate, elements, row[D + 2], row[D + 3])
    return GO_ON


@kernel(inlined=True)
def run_count_batch_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """counter[1]: jumps unless a batch is full."""
    return run_count_batch_i32(row, f, memory, host, sample, counts)
