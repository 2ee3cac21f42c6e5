"""Top-k and the rules' arithmetic in integers: oracles, bounds against rational numbers, ties, the comparison count."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8 import selection
from mcuref.testing import oracles_int8_training as oracles
from mcuref.testing.buffers import Guarded

from .problems import SIZES, drawn, seeds

ONE = 2**15
NONZERO = np.int8([-127, -3, -1, 1, 2, 3, 127])
POOLS = (None, np.int8([0, 1, -1]), np.int8([0]), np.int8([5]), np.int8([127, -127]), NONZERO)
q15 = st.integers(0, ONE)
exponents = st.integers(-90, 90)


def errors(n, seed, pool=None):
    """int8[n], -127 to 127."""
    return np.maximum(drawn(n, seed, pool), np.int8(-127))


def top_k(delta, k, dtype=np.uint16):
    """(what is left, how many that are, comparisons)."""
    delta, tally = Guarded(delta, 99), Guarded(np.full(128, 12345, dtype), 7)
    count, comparisons = selection.top_k(delta.values, tally.values, np.int64(k))
    assert not delta.outside and not tally.outside
    return delta.values.copy(), int(count), int(comparisons)


def comparisons_of(delta, k):
    """Two passes and the entries of the tally down to the magnitude that is the k-th; or one pass and all but that of 0."""
    magnitudes = sorted(map(abs, delta.tolist()), reverse=True)
    if k >= len(magnitudes):
        return 0
    return 2 * len(magnitudes) + 128 - magnitudes[k - 1] if magnitudes[k - 1] else len(magnitudes) + 127


def agree(delta, k, dtype=np.uint16):
    left, count, comparisons = top_k(delta, k, dtype)
    np.testing.assert_array_equal(left, oracles.top_k(delta, k))
    assert count == np.count_nonzero(left) and comparisons == comparisons_of(delta, k)


@pytest.mark.parametrize("n", [*SIZES, 255, 256])
def test_top_k_of_every_size(n):
    for seed, pool in enumerate(POOLS):
        for k in {1, 2, n // 3 + 1, n // 2 + 1, n - 1, n, n + 5} - {0}:
            agree(errors(n, seed, pool), k)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(-127, 127), min_size=1, max_size=60), st.data())
def test_drawn_selections(delta, data):
    delta = np.int8(delta)
    agree(delta, data.draw(st.integers(1, delta.size + 1)), data.draw(st.sampled_from([np.uint16, np.uint32])))


@pytest.mark.parametrize("delta, k, kept", [
    ([3, 3, 5], 2, [3, 0, 5]),  # the lowest of equal indices
    ([3, -3, 3, -3, 7], 4, [3, -3, 3, 0, 7]),
    ([-3, 3, -3], 1, [-3, 0, 0]),  # the sign does not count
    ([0, 0, 0], 2, [0, 0, 0]),
    ([0, 2, 0, 1], 3, [0, 2, 0, 1]),  # zeros are not kept, and nothing else in their place
    ([127, -127, 126], 2, [127, -127, 0]),
    ([1], 1, [1]),
    ([0], 1, [0]),
])  # fmt: skip
def test_top_k_by_hand(delta, k, kept):
    assert top_k(np.int8(delta), k)[0].tolist() == kept


@pytest.mark.parametrize("k", [1, 2, 32_768, 65_534, 65_535, 65_536])
def test_counts_of_16_bits_are_enough_for_65536_entries(k):
    for value in (0, 1, -127):
        left, count, _ = top_k(np.full(65_536, value, np.int8), k)
        assert count == (k if value else 0) == np.count_nonzero(left)
        assert not left[count:].any()
    agree(errors(65_536, k), k)


def test_more_entries_have_counts_of_32_bits():
    left, count, _ = top_k(np.full(70_001, -5, np.int8), 70_000, np.uint32)
    assert count == 70_000 and left[:-1].all() and not left[-1]


# -- what is packed -------------------------------------------------------------------------------------------------


def unpacked(y):
    """The number that a packed one stands for."""
    mantissa = int(y) & (2**24 - 1)
    assert y == 0 or 2**23 <= mantissa
    return Fraction(mantissa) * Fraction(2) ** ((int(y) >> 24) - 64) if y else Fraction(0)


def state(y):
    return np.int32([y])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-127, 127), min_size=1, max_size=100), st.integers(-40, 40))
def test_sums_of_magnitudes_are_exact(delta, e):
    y = selection.sum_of_magnitudes(np.int8(delta), np.int32([e]))
    assert unpacked(y) == oracles.error_sum(delta, e)


@pytest.mark.parametrize("n, lost", [(65_536, 0), (132_104, 0), (132_105, 1), (1_000_001, 3)])
def test_sums_beyond_24_bits_are_cut_off(n, lost):
    delta = np.full(n, 127, np.int8)
    delta[0] = 126
    y = unpacked(selection.sum_of_magnitudes(delta, np.int32([0])))
    total = 127 * n - 1
    assert y == total >> lost << lost


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**40), exponents, exponents)
def test_packed_numbers_order_like_what_they_stand_for(a, b, a_e, b_e):
    packed = [int(selection.packed(np.int64(value), np.int64(e))) for value, e in ((a, a_e), (b, b_e))]
    for value, e, y in zip((a, b), (a_e, b_e), packed):
        real = value * Fraction(2) ** e
        if 2.0**-41 <= real < 2.0**87:  # the exponents of which there is one
            assert real * (1 - Fraction(1, 2**23)) < unpacked(y) <= real
    real = [unpacked(y) for y in packed]
    assert (packed[0] < packed[1]) == (real[0] < real[1]) and (packed[0] == packed[1]) == (real[0] == real[1])


@pytest.mark.parametrize("e, place", [(-500, 0), (-65, 0), (-64, 0), (-63, 1), (63, 127), (64, 127), (500, 127)])
def test_exponents_of_packed_numbers_have_ends(e, place):
    assert selection.packed(np.int64(2**23 + 5), np.int64(e)) == place << 24 | 2**23 + 5


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**23), st.integers(0, 2**23), st.integers(-20, 20), st.integers(-20, 20), q15)
def test_a_maximum_that_fades(y, y_max, e, e_max, decay):
    y, before = (selection.packed(np.int64(v), np.int64(at)) for v, at in ((y, e), (y_max, e_max)))
    after = state(before)
    assert selection.raise_maximum(after, y, np.int32(decay)) == after[0]
    exact = max(unpacked(y), unpacked(before) * Fraction(decay, ONE))
    assert exact * (1 - Fraction(1, 2**23)) <= unpacked(after[0]) <= exact
    if decay == ONE:
        assert after[0] == max(y, before)


# -- rules ----------------------------------------------------------------------------------------------------------


@st.composite
def ratios(draw):
    """(Y, Y_max) packed, 0 < Y <= Y_max, near each other or far apart."""
    y_max = draw(st.integers(2**23, 2**24 - 1)), draw(st.integers(-20, 20))
    apart = draw(st.sampled_from([0, 0, 1, 1, 2, 8, 14, 15, 16, 17, 18, 40]))
    y = draw(st.integers(2**23, y_max[0] if apart == 0 else 2**24 - 1)), y_max[1] - apart
    return tuple(selection.packed(np.int64(m), np.int64(e)) for m, e in (y, y_max))


@settings(max_examples=500, deadline=None)
@given(ratios())
def test_a_ratio_is_the_nearest_of_15_bits(pair):
    real = unpacked(pair[0]) / unpacked(pair[1])
    assert selection.ratio_q15(*pair) == (real * ONE + Fraction(1, 2)).__floor__()


@pytest.mark.parametrize("y, y_max, ratio", [
    (1, 1, ONE), (1, 2, ONE // 2), (3, 4, 24576), (1, 3, 10923), (1, 2**15, 1), (1, 2**16, 1), (1, 2**16 + 1, 0),
    (1, 2**17, 0), (2**24 - 2, 2**24 - 1, ONE), (1, 2**60, 0),
])  # fmt: skip
def test_ratios_by_hand(y, y_max, ratio):
    assert selection.ratio_q15(*(selection.packed(np.int64(value), np.int64(0)) for value in (y, y_max))) == ratio


@st.composite
def constants(draw):
    """(least, range) of 15 bits that end at no more than 1."""
    low, high = sorted((draw(q15), draw(q15)))
    return low, high - low


@settings(max_examples=300, deadline=None)
@given(ratios(), constants(), q15, st.sampled_from([1, 2, 3, 7, 255, 256, 4000, 65_535, 65_536]))
def test_back_propagation_ratios_and_k_are_near_the_rational_ones(pair, s, damping, n):
    ratio = selection.back_propagation_ratio(selection.ratio_q15(*pair), *map(np.int32, (*s, damping)))
    real = oracles.back_propagation_ratio(*map(unpacked, pair), *s, damping)
    assert abs(Fraction(int(ratio), ONE) - real) <= Fraction(3, 2**16)
    for floor, low, high in ((False, Fraction(-1, 2), Fraction(1, 2)), (True, Fraction(-1), Fraction(0))):
        k = int(selection.kept_entries(ratio, n, floor))
        error = Fraction(3 * n, 2**16)
        assert 1 <= k <= n
        assert max(min(real * n + low - error, n), 1) <= k <= min(max(real * n + high + error, 1), n)


@settings(max_examples=300, deadline=None)
@given(ratios(), constants(), constants())
def test_decisions_are_near_the_rational_ones(pair, d, beta):
    got = selection.decision(selection.ratio_q15(*pair), *map(np.int32, (*d, *beta)))
    real = oracles.decision(*map(unpacked, pair), *d, *beta)
    assert abs(Fraction(int(got), ONE) - real) <= Fraction(5, 2**16) + Fraction(1, 2**30)


@pytest.mark.parametrize("ratio, n, nearest, truncated", [
    (0, 7, 1, 1), (ONE, 7, 7, 7), (ONE // 2, 7, 4, 3), (ONE // 2, 1, 1, 1), (ONE // 3, 100, 33, 33),
    (2 * ONE, 100, 100, 100), (-5, 9, 1, 1), (ONE // 4, 10, 3, 2), (ONE, 65_536, 65_536, 65_536), (1, 65_536, 2, 2),
])  # fmt: skip
def test_how_many_entries_are_kept(ratio, n, nearest, truncated):
    assert (selection.kept_entries(ratio, n, False), selection.kept_entries(ratio, n, True)) == (nearest, truncated)


def test_the_largest_constants_do_not_overflow():
    most = 2**29
    ratio = int(selection.back_propagation_ratio(ONE, np.int32(most), np.int32(most), np.int32(most)))
    assert ratio == 2**30 * 2**29 >> 15 and selection.kept_entries(ratio, 65_536, False) == 65_536
    assert selection.decision(ONE, *[np.int32(most)] * 4) == 2**60 >> 15


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(1, 300))
def test_what_is_not_0_is_counted(seed, n):
    delta = errors(n, seed, np.int8([0, 0, 1, -127]))
    assert selection.count_nonzero(delta) == np.count_nonzero(delta)
