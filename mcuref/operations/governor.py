"""What runs the governor of a run's effort: it governs samples that have an index."""

import numpy as np

from mcuref.kernels.governor import change, earned
from mcuref.kernels.jit import kernel
from mcuref.kernels.rests import rests
from mcuref.operations.views import GO_ON, JUMP, Counts, Floats, Host, Memory, Row, Sample, u8, words
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_govern_i32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """balance[2], streaks[(N * bits + 7) // 8]: jumps if the balance is negative, or if the sample rests."""
    index, epoch = np.int64(host.stored[sample.position]), np.int64(host.epoch[sample.position])
    if index < 0:
        return GO_ON
    size, bits, most, part, epochs, forward, full = (
        row[D],
        row[D + 1],
        row[D + 2],
        row[D + 3],
        row[D + 4],
        row[D + 5],
        row[D + 6],
    )
    balance, streaks = words(memory, row[OUT], 2), u8(memory, row[OUT + 1], (np.int64(size) * bits + 7) >> 3)
    left = change(balance, earned(part, epochs, epoch))
    if left >= 0:
        due = -index if left >> np.int64(full) > 0 else epoch  # -index: an epoch in which every streak lets it be shown
        if bits == 0 or not rests(streaks, index, due, most, bits):
            change(balance, -np.int64(forward))
            return GO_ON
    host.trained[sample.position], host.rested[sample.position] = 0, 1
    return JUMP


@kernel(inlined=True)
def run_spend_i32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """balance[2] from count[1]: what the kept entries of an error cost."""
    if host.stored[sample.position] >= 0:
        change(words(memory, row[OUT], 2), -(np.int64(words(memory, row[IN], 1)[0]) * row[D] + np.int64(row[D + 1])))
    return GO_ON
