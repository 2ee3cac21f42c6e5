"""What runs the rows of an optimiser that sums gradients before it applies them."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.rows import apply_rows_f32, begin_rows_f32
from mcuref.operations.views import GO_ON, JUMP, Counts, Floats, Host, Memory, Row, Sample, f32, i32, indices, u8, words
from mcuref.operators.columns import IN, KEPT, OUT, D


@kernel(inlined=True)
def run_begin_rows_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """a[R * K], a_bias[R], touched[(R + 7) // 8] from kept[], count[1]."""
    rows, elements = np.int64(row[D]), row[D + 1]
    a, a_bias = f32(memory, row[OUT], rows * elements), f32(memory, row[OUT + 1], rows)
    kept = indices(memory, row[IN], i32(memory, row[IN + 1]))
    touched = u8(memory, row[OUT + 2], (rows + 7) >> 3)
    begin_rows_f32(a, a_bias, touched, kept, f[0], elements, row[D + 2], row[D + 3])
    return GO_ON


@kernel(inlined=True)
def run_apply_rows_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[R * K], b[R], touched[(R + 7) // 8] from a[R * K], a_bias[R] and the learning rate."""
    rows, elements = np.int64(row[D]), row[D + 1]
    w, b, touched = (
        f32(memory, row[OUT], rows * elements),
        f32(memory, row[OUT + 1], rows),
        u8(memory, row[OUT + 2], (rows + 7) >> 3),
    )
    a, a_bias = f32(memory, row[IN], rows * elements), f32(memory, row[IN + 1], rows)
    counts[KEPT] += apply_rows_f32(w, b, touched, a, a_bias, sample.rate, elements, row[D + 2], row[D + 3])
    return GO_ON


@kernel(inlined=True)
def run_count_batch_i32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """counter[1]: jumps unless a batch is full."""
    counter = words(memory, row[OUT], 1)
    counter[0] += np.int32(1)
    if counter[0] < row[D]:
        return JUMP
    counter[0] = np.int32(0)
    return GO_ON
