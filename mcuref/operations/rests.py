"""What runs rests of stored samples; a sample that is not stored, of index -1, has none."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.rests import rests, set_streak
from mcuref.operations.views import GO_ON, JUMP, Counts, Floats, Host, Memory, Row, Sample, u8
from mcuref.operators.columns import OUT, D


@kernel(inlined=True)
def _streaks(row, memory):
    """The streaks of all stored samples."""
    return u8(memory, row[OUT], (np.int64(row[D]) * row[D + 1] + 7) >> 3)


@kernel(inlined=True)
def run_rest_u8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """streaks[(N * bits + 7) // 8]: jumps if the sample rests in this epoch."""
    index = np.int64(host.stored[sample.position])
    if index < 0 or not rests(_streaks(row, memory), index, host.epoch[sample.position], row[D + 2], row[D + 1]):
        return GO_ON
    host.trained[sample.position], host.rested[sample.position] = 0, 1
    return JUMP


@kernel(inlined=True)
def run_wake_u8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """streaks[(N * bits + 7) // 8]: that of a sample that is trained is 0."""
    index = np.int64(host.stored[sample.position])
    if index >= 0:
        set_streak(_streaks(row, memory), index, row[D + 1], 0)
    return GO_ON
