"""What runs the instructions that bring a sample into the input buffer."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.load import load_f32
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def _load(row, memory, samples, number):
    """x[n] from mean[c], scale[c], and from that sample."""
    n, c = np.int64(row[D]), row[D + 1]
    first = np.int64(number) * n
    load_f32(f32(memory, row[OUT], n), samples[first : first + n], f32(memory, row[IN], c), f32(memory, row[IN + 1], c))
    return GO_ON


@kernel(inlined=True)
def run_load_u8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from mean[c], scale[c] and a sample of uint8."""
    return _load(row, memory, host.samples_u8, sample.number)


@kernel(inlined=True)
def run_load_i8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from mean[c], scale[c] and a sample of int8."""
    return _load(row, memory, host.samples_i8, sample.number)


@kernel(inlined=True)
def run_load_i16(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from mean[c], scale[c] and a sample of int16."""
    return _load(row, memory, host.samples_i16, sample.number)


@kernel(inlined=True)
def run_load_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from mean[c], scale[c] and a sample of float32."""
    return _load(row, memory, host.samples_f32, sample.number)
