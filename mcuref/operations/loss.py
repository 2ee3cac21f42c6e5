"""What runs the losses: each writes the error at the outputs, and hands the loss to the host."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.loss import mean_squared_error_f32, softmax_cross_entropy_f32
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_softmax_cross_entropy_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n] from z[n] and the label."""
    n = row[D]
    label = host.labels[sample.number]
    host.losses[sample.position] = softmax_cross_entropy_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), label)
    return GO_ON


@kernel(inlined=True)
def run_mean_squared_error_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n] from z[n] and the target."""
    n = np.int64(row[D])
    first = sample.number * n
    target = host.targets[first : first + n]
    host.losses[sample.position] = mean_squared_error_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), target)
    return GO_ON


@kernel(inlined=True)
def run_reconstruction_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n] from z[n] and target[n], the sample as it was loaded."""
    n = row[D]
    target = f32(memory, row[IN + 1], n)
    host.losses[sample.position] = mean_squared_error_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), target)
    return GO_ON
