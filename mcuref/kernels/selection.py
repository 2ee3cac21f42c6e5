"""Which entries of an error are trained: top-k by magnitude, k at random, the rules of TinyProp and TinyPropv2, float32.

n is the size of an error delta. ``bits`` is the same memory as int32: without the sign bit, the bits of a float32 order
like its magnitude. Kept indices come in ascending order; ties go to the lowest index; entries that are exactly 0 are
dropped after the selection, so they cost nothing in any rule.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Index, Indices, Int32s, Integer
from mcuref.kernels.draws import is_drawn, random_bits, stream_of_selection
from mcuref.kernels.elementary import MAGNITUDE, rint_f32
from mcuref.kernels.jit import kernel
from mcuref.kernels.magnitudes import count_reaching, list_reaching

LARGEST = np.float32(3.4028235e38)
SAMPLED = 5  # about 2^5 entries are looked at for a guess
BELOW = np.int64(5 << 23)  # five powers of two, in the bits of a float32
BINS = 64
FIRST_SHIFT = 20  # 8 bins from one power of two to the next
WHOLE_SHIFT = 25  # 64 bins are all magnitudes
STEP = 5  # a bin becomes 32
FEW = BINS  # entries of one bin that a core lists, in place of the counts


@kernel
def keep_nonzero(kept: Indices, bits: Int32s) -> int:
    """kept[...] = indices of all entries that are not 0, ascending; returns how many."""
    return keep_reaching(kept, bits, np.int64(1))


@kernel
def keep_reaching(kept: Indices, bits: Int32s, least: Index) -> int:
    """kept[...] = indices of all magnitudes from ``least`` on; returns how many."""
    return list_reaching(kept, 0, bits, 0, bits.size, np.int32(least))


@kernel
def keep_first(kept: Indices, bits: Int32s, least: Index, ties: Index) -> int:
    """kept[...] = indices of all magnitudes above ``least``, and of the first so many that equal it; returns how many."""
    end, left = np.int64(0), np.int64(ties)
    while left > 0:
        left -= np.int64(np.int64(bits[end] & MAGNITUDE) == least)
        end += 1
    count = list_reaching(kept, 0, bits, 0, end, np.int32(least))
    return list_reaching(kept, count, bits, end, bits.size, np.int32(least + 1))


@kernel
def likely_from(bits: Int32s) -> np.int64:
    """The bits of a magnitude from which on the k-th largest is likely to be, int64.

    They are five powers of two below the largest of up to 33 entries. Their distance is odd: so all channels are among them.
    """
    largest = np.int64(0)
    for i in range(0, bits.size, bits.size >> SAMPLED | 1):
        largest = max(largest, np.int64(bits[i] & MAGNITUDE))
    return max(largest - BELOW, np.int64(0))


@kernel
def bin_of_largest(bits: Int32s, k: Index, nonzero: Index, low: Index, shift: Index) -> tuple[np.int64, np.int64, np.int64]:
    """The bin that the k-th largest of ``nonzero`` magnitudes lies in, how many it has, how many are above; by halving."""
    first, reaching = np.int64(0), np.int64(nonzero)
    end, above = np.int64(BINS), np.int64(0)
    while end - first > 1:
        middle = (first + end) >> np.int64(1)
        begin, count = low + (middle << shift), np.int64(0)
        if begin <= MAGNITUDE:
            count = np.int64(count_reaching(bits, np.int32(max(begin, np.int64(1)))))
        if count >= k:
            first, reaching = middle, count
        else:
            end, above = middle, count
    return first, reaching - above, above


@kernel
def bounds_of_largest(bits: Int32s, k: Index, nonzero: Index) -> tuple[np.int64, np.int64, np.int64, np.int64, np.int64]:
    """Bounds of the k-th largest of ``nonzero`` magnitudes, k <= nonzero, as :func:`top_k` comes to them.

    Returns (least, most, how many lie within, how many above, comparisons), int64.
    """
    low, shift, guessed, passes = likely_from(bits), np.int64(FIRST_SHIFT), True, np.int64(1)
    while True:
        bin, inside, above = bin_of_largest(bits, k, nonzero, low, shift)
        begin, wanted = low + (bin << shift), k - above
        is_low, is_high = guessed and bin == 0, guessed and bin == BINS - 1
        least = np.int64(1) if is_low else max(begin, np.int64(1))
        most = np.int64(MAGNITUDE) if is_high else begin + (np.int64(1) << shift) - np.int64(1)
        if inside == wanted or inside <= FEW or shift == 0:
            looks = (inside - wanted) * wanted if inside <= FEW else np.int64(0)
            return least, most, inside, above, (passes + 1) * bits.size + looks
        if is_low or is_high:
            low, shift = np.int64(0), np.int64(WHOLE_SHIFT)
        else:
            shift -= STEP
            low = begin - (np.int64(1) << shift)  # its first bin is of what lies below
        guessed, passes = False, passes + 1


@kernel
def top_k(kept: Indices, bits: Int32s, k: Index) -> tuple[int, int]:
    """kept[...] = indices of the k largest magnitudes, k >= 1; returns how many (zeros dropped) and the comparisons.

    A core counts entries by magnitude, in tally[64]. Bin b is of those whose bits are from low + b 2^shift on; the first bin
    has smaller ones, too, but for 0, and the last one larger ones. They begin where the k-th largest is likely to be, with
    shift 20. The bin that it lies in is where the counts, from the last bin on, come to k. Of that bin the rest of k is
    wanted. That may be all it has; or it has at most 64 entries; or they are all equal (shift 0). Else the entries of that
    bin are counted again, in 32 bins, with the shift less 5; or, if the guess failed, so that it is the first or the last
    one, all entries with shift 25. That takes up to seven passes. One more keeps what lies above the bin, and what is wanted
    of it: all, the first ones, or of up to 64 entries the largest, in a list of as many as are wanted.

    A comparison is one look at an entry: n in each pass, and one at each entry of a list that is full, for an entry of the
    bin that comes then. There are none where k >= n, and at most 8 n + 32^2. Here the same bins are found by halving, which
    is faster with vectors.
    """
    if k >= bits.size:
        return keep_nonzero(kept, bits), 0
    nonzero = count_reaching(bits, np.int32(1))
    if nonzero < k:
        return keep_nonzero(kept, bits), 2 * bits.size
    least, most, inside, above, comparisons = bounds_of_largest(bits, k, nonzero)
    end, reaching = most + 1, above + inside
    while end - least > 1 and reaching > k:
        middle = (least + end) >> np.int64(1)
        count = np.int64(count_reaching(bits, np.int32(middle)))
        if count >= k:
            least, reaching = middle, count
        else:
            end, above = middle, count
    if reaching == k:
        return keep_reaching(kept, bits, least), comparisons
    return keep_first(kept, bits, least, k - above), comparisons


@kernel
def random_k(kept: Indices, draws: Int32s, bits: Int32s, k: Index, key: Integer) -> tuple[int, int]:
    """kept[...] = indices of k of n entries at random, k >= 1; returns how many (zeros dropped) and the comparisons.

    Which they are says :mod:`mcuref.kernels.draws`. draws[1] counts the selections of the program. A comparison is one look
    at an entry; behind the k-th there is none.
    """
    left, count, i, block = np.int64(k), 0, 0, np.uint64(0)
    stream = stream_of_selection(draws)
    while left > 0:
        if i & 1 == 0:
            block = random_bits(key, stream, i >> 1)
        if is_drawn(block, i, left, bits.size):
            left -= 1
            if bits[i] & MAGNITUDE:
                kept[count] = i
                count += 1
        i += 1
    return count, i


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
