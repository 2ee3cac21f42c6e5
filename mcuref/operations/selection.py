"""What runs decisions and selections. None goes on where the error is not finite, so that nothing is updated by it."""

import numpy as np

from mcuref.kernels.governor import threshold_share
from mcuref.kernels.jit import kernel
from mcuref.kernels.lanes import abs_sum
from mcuref.kernels.selection import (
    back_propagation_ratio,
    decision,
    is_finite,
    keep_nonzero,
    kept_entries,
    raise_maximum,
    random_k,
    top_k,
)
from mcuref.operations.views import END, GO_ON, JUMP, Counts, Floats, Host, Memory, Row, Sample, f32, indices, words
from mcuref.operators.columns import CHOSEN, COMPARISONS, IN, KEPT, OUT, D, F

STEP = np.float32(2**-15)  # of a share of the threshold


@kernel(inlined=True)
def _bits(row, memory):
    """The error as int32."""
    return words(memory, row[IN], row[D])


@kernel(inlined=True)
def _select(row, memory, k, counts):
    """Keep the k largest entries of the error; all that are not 0 where k is all of them."""
    kept, bits = indices(memory, row[OUT], k), _bits(row, memory)
    count, comparisons = 0, 0
    if k > 0:
        count, comparisons = top_k(kept, bits, k)
    words(memory, row[OUT + 1], 1)[0] = np.int32(count)
    counts[CHOSEN] += k
    counts[KEPT] += count
    counts[COMPARISONS] += comparisons
    return GO_ON


@kernel(inlined=True)
def _decide(row, f, memory, host, sample, threshold):
    """Jump unless D > threshold."""
    y = abs_sum(f32(memory, row[IN], row[D]))
    if not is_finite(y):
        return END
    d_min, d_range, beta, beta_range, decay = f[0], f[1], f[2], f[3], f[5]
    y_max = raise_maximum(f32(memory, row[OUT], 1), y, decay)
    if y != np.float32(0) and decision(y, y_max, d_min, d_range, beta + beta_range * (y / y_max)) > threshold:
        return GO_ON
    host.trained[sample.position] = 0
    return JUMP


@kernel(inlined=True)
def run_decide_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y_max[1] from delta[n]: jumps unless D > threshold."""
    return _decide(row, f, memory, host, sample, f[4])


@kernel(inlined=True)
def run_decide_governed_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y_max[1] from delta[n], balance[2]: the same with a share of the threshold."""
    share = np.float32(threshold_share(words(memory, row[IN + 1], 2), row[D + 1])) * STEP
    return _decide(row, f, memory, host, sample, f[4] * share)


@kernel(inlined=True)
def run_select_full_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """kept[n], count[1] from delta[n]."""
    n = np.int64(row[D])
    if not is_finite(abs_sum(f32(memory, row[IN], n))):
        return END
    count = keep_nonzero(indices(memory, row[OUT], n), _bits(row, memory))
    words(memory, row[OUT + 1], 1)[0] = np.int32(count)
    counts[CHOSEN] += n
    counts[KEPT] += count
    return GO_ON


@kernel(inlined=True)
def run_select_top_k_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """kept[k], count[1] from delta[n]."""
    if not is_finite(abs_sum(f32(memory, row[IN], row[D]))):
        return END
    return _select(row, memory, np.int64(row[D + 1]), counts)


@kernel(inlined=True)
def run_select_adaptive_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """kept[], count[1], y_max[1] from delta[n]."""
    n, floor = np.int64(row[D]), row[D + 1] != 0
    y = abs_sum(f32(memory, row[IN], n))
    if not is_finite(y):
        return END
    s_min, s_range, damping, decay = f[0], f[1], f[2], f[3]
    y_max = raise_maximum(f32(memory, row[OUT + 2], 1), y, decay)
    k = np.int64(0)
    if y > np.float32(0):
        k = np.int64(kept_entries(back_propagation_ratio(y, y_max, s_min, s_range, damping), n, floor))
    return _select(row, memory, k, counts)


@kernel(inlined=True)
def run_select_random_k_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """kept[k], count[1], draws[1] from delta[n]."""
    if not is_finite(abs_sum(f32(memory, row[IN], row[D]))):
        return END
    k = np.int64(row[D + 1])
    kept, draws = indices(memory, row[OUT], k), words(memory, row[OUT + 2], 1)
    count, comparisons = random_k(kept, draws, _bits(row, memory), k, row[F])
    words(memory, row[OUT + 1], 1)[0] = np.int32(count)
    counts[CHOSEN] += k
    counts[KEPT] += count
    counts[COMPARISONS] += comparisons
    return GO_ON
