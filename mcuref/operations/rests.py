"""What runs rests of stored samples and the governor of effort; a sample of index -1 knows neither."""

import numpy as np

from mcuref.kernels.governor import change_balance, earned, is_left_out
from mcuref.kernels.jit import kernel
from mcuref.kernels.rests import count_skip, rests, set_streak
from mcuref.operations.views import GO_ON, JUMP, Counts, Floats, Host, Memory, Row, Sample, u8, words
from mcuref.operators.columns import IN, OUT, D


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


@kernel(inlined=True)
def run_govern_i32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """balance[2], streaks[(N * bits + 7) // 8]: earns; jumps if the sample is left out, else a forward pass is spent."""
    index, epoch = np.int64(host.stored[sample.position]), np.int64(host.epoch[sample.position])
    if index < 0:
        return GO_ON
    bits, most, forward, full = row[D + 1], row[D + 2], row[D + 6], row[D + 7]
    earns = earned(row[D + 3], row[D + 4], row[D + 5], epoch)
    balance, streaks = words(memory, row[OUT], 2), u8(memory, row[OUT + 1], (np.int64(row[D]) * bits + 7) >> 3)
    if is_left_out(change_balance(balance, earns), full, streaks, index, epoch, bits):
        host.trained[sample.position], host.rested[sample.position] = 0, 1
        return JUMP
    if bits > 0:
        count_skip(streaks, index, most, bits)
    change_balance(balance, -np.int64(forward))
    return GO_ON


@kernel(inlined=True)
def run_spend_i32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """balance[2] from count[1]: spends what the way back of so many kept entries takes."""
    if host.stored[sample.position] >= 0:
        change_balance(words(memory, row[OUT], 2), -(np.int64(words(memory, row[IN], 1)[0]) * row[D] + np.int64(row[D + 1])))
    return GO_ON
