"""What runs the instructions that see how far values of int8 programs reach, and adapt their exponents."""

import numpy as np

from mcuref.kernels.int8.exponents import adapt_s8, measure_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, SATURATED, D


@kernel(inlined=True)
def run_measure_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """seen[3] from y[n]."""
    counts[SATURATED] += measure_s8(words(memory, row[OUT], 3), i8(memory, row[IN], np.int64(row[D])), row[D + 1])
    return GO_ON


@kernel(inlined=True)
def run_adapt_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """exponents[E], state[4] from seen[3]."""
    exponents, state = i8(memory, row[OUT], np.int64(row[D])), words(memory, row[OUT + 1], 4)
    adapt_s8(exponents, state, words(memory, row[IN], 3), row[D + 1], row[D + 2], row[D + 3], row[D + 4])
    return GO_ON
