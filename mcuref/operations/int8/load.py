"""What runs the instructions that bring a sample into the input buffer of an int8 program."""

import numpy as np

from mcuref.kernels.int8.load import copy_s8, load_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def _load(row, memory, samples, number):
    """x[n] from multiplier[c], offset[c], shift[c], and from that sample."""
    n, c = np.int64(row[D]), np.int64(row[D + 1])
    first = np.int64(number) * n
    load_s8(
        i8(memory, row[OUT], n),
        samples[first : first + n],
        words(memory, row[IN], c),
        words(memory, row[IN + 1], c),
        i8(memory, row[IN + 2], c),
    )
    return GO_ON


@kernel(inlined=True)
def run_load_u8_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from multiplier[c], offset[c], shift[c] and a sample of uint8."""
    return _load(row, memory, host.samples_u8, sample.number)


@kernel(inlined=True)
def run_load_i8_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from multiplier[c], offset[c], shift[c] and a sample of int8."""
    return _load(row, memory, host.samples_i8, sample.number)


@kernel(inlined=True)
def run_load_i16_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from multiplier[c], offset[c], shift[c] and a sample of int16."""
    return _load(row, memory, host.samples_i16, sample.number)


@kernel(inlined=True)
def run_load_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """x[n] from a sample that is such values already."""
    n = np.int64(row[D])
    first = np.int64(sample.number) * n
    copy_s8(i8(memory, row[OUT], n), host.samples_i8[first : first + n])
    return GO_ON
