"""What runs the instructions of mcuref/kernels/sample/dense.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.sample.dense import dense_forward_of, dense_update_of
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i32, indices, of_sample, rate
from mcuref.operators.columns import IN, KEPT, OUT, D


@kernel(inlined=True)
def run_dense_forward_of_u8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[O] from outside u8 x[I], w[O, I], b[O], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    dense_forward_of(
        f32(memory, row[OUT], O),
        of_sample(host.samples_u8, sample, I),
        f32(memory, row[IN], O * I),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_forward_of_i8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[O] from outside i8 x[I], w[O, I], b[O], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    dense_forward_of(
        f32(memory, row[OUT], O),
        of_sample(host.samples_i8, sample, I),
        f32(memory, row[IN], O * I),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_forward_of_i16(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[O] from outside i16 x[I], w[O, I], b[O], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    dense_forward_of(
        f32(memory, row[OUT], O),
        of_sample(host.samples_i16, sample, I),
        f32(memory, row[IN], O * I),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_forward_of_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[O] from outside x[I], w[O, I], b[O], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    dense_forward_of(
        f32(memory, row[OUT], O),
        of_sample(host.samples_f32, sample, I),
        f32(memory, row[IN], O * I),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_update_of_u8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, I], b[O] from delta[O], outside u8 x[I], index kept[], i32 count[1], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_update_of(
        f32(memory, row[OUT], O * I),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[IN], O),
        of_sample(host.samples_u8, sample, I),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 2],
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_update_of_i8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, I], b[O] from delta[O], outside i8 x[I], index kept[], i32 count[1], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_update_of(
        f32(memory, row[OUT], O * I),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[IN], O),
        of_sample(host.samples_i8, sample, I),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 2],
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_update_of_i16(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, I], b[O] from delta[O], outside i16 x[I], index kept[], i32 count[1], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_update_of(
        f32(memory, row[OUT], O * I),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[IN], O),
        of_sample(host.samples_i16, sample, I),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 2],
    )
    return GO_ON


@kernel(inlined=True)
def run_dense_update_of_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, I], b[O] from delta[O], outside x[I], index kept[], i32 count[1], mean[c], scale[c]."""
    O, I, c = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_update_of(
        f32(memory, row[OUT], O * I),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[IN], O),
        of_sample(host.samples_f32, sample, I),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 2],
    )
    return GO_ON
