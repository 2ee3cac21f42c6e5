"""What runs decisions and selections of int8 programs: entries that are not kept become 0."""

import numpy as np

from mcuref.kernels.governor import SHARE, threshold_share
from mcuref.kernels.int8.selection import (
    back_propagation_ratio,
    count_nonzero,
    decision,
    kept_entries,
    raise_maximum,
    random_k,
    ratio_q15,
    sum_of_magnitudes,
    top_k,
)
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, JUMP, Counts, Floats, Host, Memory, Row, Sample, i8, indices, words
from mcuref.operators.columns import CHOSEN, COMPARISONS, IN, KEPT, MORE, OUT, D, F

TALLY = 128  # entries, one a magnitude


@kernel(inlined=True)
def _select(row, memory, tally, k, counts):
    """Keep the k largest entries of the error."""
    count, comparisons = 0, 0
    if k > 0:
        count, comparisons = top_k(i8(memory, row[OUT], np.int64(row[D])), indices(memory, tally, TALLY), k)
    words(memory, row[OUT + 1], 1)[0] = np.int32(count)
    counts[CHOSEN] += k
    counts[KEPT] += count
    counts[COMPARISONS] += comparisons
    return GO_ON


@kernel(inlined=True)
def _decide(row, memory, host, sample, threshold):
    """Jump unless D > threshold."""
    y = sum_of_magnitudes(i8(memory, row[IN], np.int64(row[D])), words(memory, row[IN + 1], 1))
    d_min, d_range, beta, beta_range, decay = row[F], row[F + 1], row[F + 2], row[F + 3], row[F + 5]
    y_max = raise_maximum(words(memory, row[OUT], 1), y, decay)
    if y > 0 and decision(ratio_q15(y, y_max), d_min, d_range, beta, beta_range) > threshold:
        return GO_ON
    host.trained[sample.position] = 0
    return JUMP


@kernel(inlined=True)
def run_decide_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y_max[1] from delta[n], exponent[1]: jumps unless D > threshold."""
    return _decide(row, memory, host, sample, np.int64(row[F + 4]))


@kernel(inlined=True)
def run_decide_governed_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y_max[1] from delta[n], exponent[1], balance[2]: the same with a share of the threshold, cut off to 15 bits."""
    share = threshold_share(words(memory, row[IN + 2], 2), row[D + 1])
    return _decide(row, memory, host, sample, np.int64(row[F + 4]) * share >> np.int64(SHARE))


@kernel(inlined=True)
def run_select_full_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """count[1] from delta[n]."""
    n = np.int64(row[D])
    count = count_nonzero(i8(memory, row[IN], n))
    words(memory, row[OUT], 1)[0] = np.int32(count)
    counts[CHOSEN] += n
    counts[KEPT] += count
    return GO_ON


@kernel(inlined=True)
def run_select_top_k_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n], count[1], tally[128]: the k largest entries stay."""
    return _select(row, memory, row[OUT + 2], np.int64(row[D + 1]), counts)


@kernel(inlined=True)
def run_select_adaptive_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n], count[1], y_max[1], tally[128] from exponent[1]: the k largest entries stay, k by the rule."""
    n, floor = np.int64(row[D]), row[D + 1] != 0
    y = sum_of_magnitudes(i8(memory, row[OUT], n), words(memory, row[IN], 1))
    s_min, s_range, damping, decay = row[F], row[F + 1], row[F + 2], row[F + 3]
    y_max = raise_maximum(words(memory, row[OUT + 2], 1), y, decay)
    k = np.int64(0)
    if y > 0:
        k = kept_entries(back_propagation_ratio(ratio_q15(y, y_max), s_min, s_range, damping), n, floor)
    return _select(row, memory, row[MORE[0]], k, counts)


@kernel(inlined=True)
def run_select_random_k_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """delta[n], count[1], draws[1]: k entries at random stay."""
    k = np.int64(row[D + 1])
    count, comparisons = random_k(i8(memory, row[OUT], np.int64(row[D])), words(memory, row[OUT + 2], 1), k, row[F])
    words(memory, row[OUT + 1], 1)[0] = np.int32(count)
    counts[CHOSEN] += k
    counts[KEPT] += count
    counts[COMPARISONS] += comparisons
    return GO_ON
