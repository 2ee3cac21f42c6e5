"""What runs the instructions of mcuref/kernels/dense.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.dense import dense_backward_input_f32, dense_forward_f32, dense_update_f32
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i32, indices, of_sample, rate
from mcuref.operators.columns import IN, KEPT, OUT, D


@kernel(inlined=True)
def run_dense_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[O] from x[I], w[O, I], b[O]."""
    O, I = np.int64(row[D]), np.int64(row[D + 1])
    dense_forward_f32(
        f32(memory, row[OUT], O), f32(memory, row[IN], I), f32(memory, row[IN + 1], O * I), f32(memory, row[IN + 2], O)
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_backward_input_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[I] from delta[O], w[O, I], index kept[], i32 count[1]."""
    O, I = np.int64(row[D]), np.int64(row[D + 1])
    count = i32(memory, row[IN + 3])
    counts[KEPT] += count
    dense_backward_input_f32(
        f32(memory, row[OUT], I),
        f32(memory, row[IN], O),
        f32(memory, row[IN + 1], O * I),
        indices(memory, row[IN + 2], count),
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_update_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, I], b[O] from delta[O], x[I], index kept[], i32 count[1]."""
    O, I = np.int64(row[D]), np.int64(row[D + 1])
    count = i32(memory, row[IN + 3])
    counts[KEPT] += count
    dense_update_f32(
        f32(memory, row[OUT], O * I),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[IN], O),
        f32(memory, row[IN + 1], I),
        indices(memory, row[IN + 2], count),
        rate(f[0], sample),
        row[D + 2],
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_forward_of_values(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[O] from outside x[I], w[O, I], b[O]."""
    O, I = np.int64(row[D]), np.int64(row[D + 1])
    dense_forward_f32(
        f32(memory, row[OUT], O),
        of_sample(host.samples_f32, sample, I),
        f32(memory, row[IN], O * I),
        f32(memory, row[IN + 1], O),
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_update_of_values(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, I], b[O] from delta[O], outside x[I], index kept[], i32 count[1]."""
    O, I = np.int64(row[D]), np.int64(row[D + 1])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_update_f32(
        f32(memory, row[OUT], O * I),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[IN], O),
        of_sample(host.samples_f32, sample, I),
        indices(memory, row[IN + 1], count),
        rate(f[0], sample),
        row[D + 2],
    )
    return GO_ON
