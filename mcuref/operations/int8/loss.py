"""What runs the losses of int8 programs: each writes the error, and hands the host what it says of the loss."""

import numpy as np

from mcuref.kernels.int8.exponents import exponent as exponent_of
from mcuref.kernels.int8.loss import mean_squared_error_s8, reconstruction_s8, softmax_cross_entropy_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_softmax_cross_entropy_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n], exponent[1] from z[n], table[t], the exponent of z and the label."""
    n, t, count = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    exponents = i8(memory, row[IN + 2], count)
    e = exponent_of(exponents, np.int64(row[D + 3]))
    delta, exponent = i8(memory, row[OUT], n), words(memory, row[OUT + 1], 1)
    z, table, label = i8(memory, row[IN], n), words(memory, row[IN + 1], t), host.labels[sample.number]
    host.losses[sample.position] = softmax_cross_entropy_s8(delta, exponent, z, table, label, e)
    return GO_ON


@kernel(inlined=True)
def run_mean_squared_error_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n], exponent[1] from z[n] and the target."""
    n = np.int64(row[D])
    first = sample.number * n
    target = host.targets[first : first + n]
    delta, exponent = i8(memory, row[OUT], n), words(memory, row[OUT + 1], 1)
    host.losses[sample.position] = mean_squared_error_s8(delta, exponent, i8(memory, row[IN], n), target)
    return GO_ON


@kernel(inlined=True)
def run_reconstruction_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n], exponent[1] from z[n] and target[n], the sample as it was loaded."""
    n = np.int64(row[D])
    delta, exponent = i8(memory, row[OUT], n), words(memory, row[OUT + 1], 1)
    z, target = i8(memory, row[IN], n), i8(memory, row[IN + 1], n)
    host.losses[sample.position] = reconstruction_s8(delta, exponent, z, target, row[F], row[F + 1], row[F + 2], row[F + 3])
    return GO_ON
