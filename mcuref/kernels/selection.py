"""Which entries of an error are trained: top-k by magnitude and the rules of TinyProp and TinyPropv2, float32.

n is the size of an error delta. ``bits`` is the same memory as int32: without the sign bit, the bits of a float32 order
like its magnitude. Kept indices come in ascending order; ties go to the lowest index; entries that are exactly 0 are
dropped after the selection, so they cost nothing in any rule.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Index, Indices, Int32s
from mcuref.kernels.elementary import MAGNITUDE, rint_f32
from mcuref.kernels.jit import kernel

LARGEST = np.float32(3.4028235e38)


@kernel
def keep_nonzero(kept: Indices, bits: Int32s) -> int:
    """kept[...] = indices of all entries that are not 0, ascending; returns how many."""
    count = 0
    for i in range(bits.size):
        if bits[i] & MAGNITUDE:
            kept[count] = i
            count += 1
    return count


@kernel
def count_reaching(bits: Int32s, value: np.int32) -> np.int32:
    """How many magnitudes are at least ``value``, int32."""
    count = np.int32(0)
    for i in range(bits.size):
        count = np.int32(count + np.int32(np.int32(bits[i] & MAGNITUDE) >= value))
    return count


@kernel
def threshold_bits(bits: Int32s, k: int) -> tuple[np.int32, int, int]:
    """The bits of the k-th largest magnitude (1 <= k < n), or any value that parts the k largest from the rest.

    Bisection from the highest bit: a bit stays set while at least k magnitudes reach the value. Returns it, how many
    magnitudes reach it, and the number of comparisons made.
    """
    threshold = np.int32(0)
    reaching = bits.size
    comparisons = 0
    for position in range(30, -1, -1):
        candidate = np.int32(threshold | np.int32(1 << position))
        count = count_reaching(bits, candidate)
        comparisons += bits.size
        if count >= k:
            threshold = candidate
            reaching = count
            if count == k:
                break
    return threshold, reaching, comparisons


@kernel
def top_k(kept: Indices, bits: Int32s, k: int) -> tuple[int, int]:
    """kept[...] = indices of the k largest magnitudes; returns how many (zeros dropped) and the comparisons."""
    if k >= bits.size:
        return keep_nonzero(kept, bits), 0
    if count_reaching(bits, np.int32(1)) <= k:  # as behind a ReLU or a pool: no need to look for a threshold
        return keep_nonzero(kept, bits), bits.size
    threshold, reaching, comparisons = threshold_bits(bits, k)
    ties = k  # how many of the entries that equal the threshold still fit
    if reaching > k:
        ties -= count_reaching(bits, np.int32(threshold + 1))
        comparisons += bits.size
    count = 0
    for i in range(bits.size):
        magnitude = np.int32(bits[i] & MAGNITUDE)
        if magnitude > threshold:
            kept[count] = i
            count += 1
        elif magnitude == threshold and ties > 0:
            kept[count] = i
            count += 1
            ties -= 1
    return count, comparisons + 2 * bits.size


@kernel
def is_finite(y: np.float32) -> bool | np.bool_:
    """Whether a sum of magnitudes is neither NaN nor infinite."""
    return y <= LARGEST


@kernel
def back_propagation_ratio(
    y: np.float32, y_max: np.float32, s_min: np.float32, s_range: np.float32, damping: np.float32
) -> np.float32:
    """S = (S_min + (S_max - S_min) * Y / Y_max) * zeta^l, float32, for 0 < y <= y_max (TinyProp, arXiv 2308.09201)."""
    return (s_min + s_range * (y / y_max)) * damping


@kernel
def kept_entries(ratio: np.float32, n: Index, floor: bool) -> Index:
    """k = clamp(rint(S * n), 1, n), ties to even; truncated instead of rounded if ``floor``."""
    value = ratio * np.float32(n)
    if value >= np.float32(n):
        return n
    if not value >= np.float32(1):
        return 1
    k = np.int64(value) if floor else np.int64(rint_f32(value))
    return min(max(k, np.int64(1)), n)


@kernel
def raise_maximum(state: Float32s, y: np.float32, decay: np.float32) -> np.float32:
    """Y_max <- max(decay * Y_max, Y) in state[0]; returns the new Y_max. decay is 1 in the paper."""
    state[0] = max(decay * state[0], y)
    return state[0]


@kernel
def decision(y: np.float32, y_max: np.float32, d_min: np.float32, d_range: np.float32, beta: np.float32) -> np.float32:
    """D = (D_min + (D_max - D_min) * Y / Y_max) * beta, float32 (TinyPropv2, arXiv 2409.07109)."""
    return (d_min + d_range * (y / y_max)) * beta
