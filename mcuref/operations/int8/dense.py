"""What runs the instructions of mcuref/kernels/int8/dense.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.dense import dense_backward_input_s8, dense_forward_s8, dense_gradient_s8, dense_update_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, i32, u8, words
from mcuref.operators.columns import IN, KEPT, MORE, OUT, D, F


@kernel(inlined=True)
def run_dense_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 z[O] from i8 x[I], i8 w[O, I], i32 b[O], i32 multiplier[M], i8 shift[M], i8 exponents[E]?."""
    O, I, M, E = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2]), np.int64(row[D + 3])
    dense_forward_s8(
        i8(memory, row[OUT], O),
        i8(memory, row[IN], I),
        i8(memory, row[IN + 1], O * I),
        words(memory, row[IN + 2], O),
        words(memory, row[IN + 3], M),
        i8(memory, row[IN + 4], M),
        i8(memory, row[MORE[0]], E),
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[F + 4],
        row[F + 5],
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_backward_input_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 dx[I] from i8 delta[O], i8 w[O, I], u8 share[M], i32 count[1]."""
    O, I, M = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    count = i32(memory, row[IN + 3])
    counts[KEPT] += count
    dense_backward_input_s8(
        words(memory, row[OUT], I),
        i8(memory, row[IN], O),
        i8(memory, row[IN + 1], O * I),
        u8(memory, row[IN + 2], M),
        row[D + 3],
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_update_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 w[O, I], i32 b[O], i8 r[O, I]?, i8 r2[O, I]?, i32 draws[1]?
    from i8 delta[O], i8 x[I], i32 count[1], u8 rate[2 * M], i32 exponent[1], i8 exponents[E]?."""
    O, I, M, E = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_update_s8(
        i8(memory, row[OUT], O * I),
        words(memory, row[OUT + 1], O),
        i8(memory, row[OUT + 2], O * I),
        i8(memory, row[MORE[0]], O * I),
        words(memory, row[MORE[1]], 1),
        i8(memory, row[IN], O),
        i8(memory, row[IN + 1], I),
        u8(memory, row[IN + 3], 2 * M),
        words(memory, row[IN + 4], 1),
        i8(memory, row[MORE[2]], E),
        sample.rate,
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_gradient_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 a[O, I], i32 a_bias[O]
    from i8 delta[O], i8 x[I], i32 count[1], u8 rate[2 * M], i32 exponent[1], i8 exponents[E]?."""
    O, I, M, E = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_gradient_s8(
        words(memory, row[OUT], O * I),
        words(memory, row[OUT + 1], O),
        i8(memory, row[IN], O),
        i8(memory, row[IN + 1], I),
        u8(memory, row[IN + 3], 2 * M),
        words(memory, row[IN + 4], 1),
        i8(memory, row[MORE[0]], E),
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
    )
    return GO_ON
