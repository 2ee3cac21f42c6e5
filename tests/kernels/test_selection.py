"""Top-k and the rules' arithmetic: oracles, exact rational rounding, and the comparison count."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import selections
from mcuref.kernels import selection
from mcuref.testing import check_rule, check_topk, oracles
from mcuref.testing.buffers import Guarded
from mcuref.testing.strategies import errors, topk_problems

from .bits import EPS, WILD, drawn

F = np.float32
UNIT = st.integers(0, 2**24).map(lambda i: F(i) * F(2.0**-24))  # float32 in [0, 1]
POSITIVE = st.integers(1, 0x7F7FFFFF).map(lambda code: np.int32(code).view(F))  # any finite float32 above 0


def top_k(delta, k):
    """(kept, comparisons); the buffer has room for k entries and not one more."""
    room = Guarded(np.zeros(k, np.uint16), guard=0xA5A5)
    count, comparisons = selection.top_k(room.values, delta.view(np.int32), np.int64(k))
    assert not room.outside
    return room.values[:count].tolist(), comparisons


def test_top_k_passes_the_check_for_ports():
    check_topk(lambda delta, k: top_k(delta, k)[0], examples=150)


@settings(max_examples=40, deadline=None)
@given(errors(max_size=33))
def test_top_k_equals_the_oracle_for_every_k(delta):
    for k in range(1, delta.size + 1):
        assert top_k(delta, k)[0] == oracles.top_k(delta, k).tolist()


@pytest.mark.parametrize("delta, k, kept", [
    ([3, 3, 5], 2, [0, 2]),  # the lowest of equal indices
    ([3, 3, 3, 3, 7], 4, [0, 1, 2, 4]),
    ([-3, 3, -3], 1, [0]),  # the sign does not count
    ([0, -0.0, 0], 2, []),  # all zeros, of either sign
    ([0, 2, -0.0, 1], 3, [1, 3]),  # zeros are dropped, not replaced
    ([1e-45, -3e-45, 0, 1e-45], 2, [0, 1]),  # denormals are not zeros
    ([3.4028235e38, -3.4028235e38, 1], 1, [0]),
    ([5, 5, 5, 5, 5], 3, [0, 1, 2]),
    ([1, 1 + EPS], 1, [1]),  # neighbours differ in the last bit
])  # fmt: skip
def test_top_k_by_hand(delta, k, kept):
    assert top_k(F(delta), k)[0] == kept


def test_top_k_of_many_entries_with_many_ties():
    for n in (257, 1000, 4096):
        delta = drawn(np.concatenate([WILD, np.arange(9, dtype=F)]), n, n)
        for k in (1, 2, n // 10, n // 2, n - 1, n):
            assert top_k(delta, k)[0] == oracles.top_k(delta, k).tolist()


def recount(delta, k):
    """Comparisons, by counting entries in bins of Python's own integers: n a pass, and those with a list that is full."""
    magnitudes = [int(bits) & 0x7FFFFFFF for bits in delta.view(np.int32)]
    n, entries = len(magnitudes), sorted(filter(None, magnitudes))
    if k >= n or len(entries) < k:
        return 0 if k >= n else 2 * n
    sampled, kth = max(magnitudes[:: (n // 32) | 1]), entries[-k]
    low, shift, passes = max(sampled - (5 << 23), 0), 20, 1
    while True:
        bins = [min(max((m - low) >> shift, 0), 63) for m in entries]
        bin = min(max((kth - low) >> shift, 0), 63)
        inside, wanted = bins.count(bin), k - sum(other > bin for other in bins)
        if inside == wanted or inside <= 64 or shift == 0:
            return (passes + 1) * n + (wanted * (inside - wanted) if inside <= 64 else 0)
        if passes == 1 and bin in (0, 63):
            low, shift = 0, 25
        else:
            low, shift = low + (bin << shift) - (1 << shift - 5), shift - 5
        passes += 1


@settings(max_examples=80, deadline=None)
@given(topk_problems(max_size=33))
def test_comparisons_are_those_that_were_made(problem):
    delta, k = problem
    assert top_k(delta, k)[1] == recount(delta, k)


def of_bits(bits):
    """float32 with these bits, signs by turns."""
    values = np.array(bits, np.int32).view(F)
    return np.where(np.arange(values.size) % 2, -values, values)


def unseen(n):
    """Ones, but for the entries that a guess is made of."""
    values = np.ones(n, F)
    values[:: (n // 32) | 1] = 0
    return values


SPECIAL = {
    "all equal": lambda n, random: np.full(n, -0.37, F),
    "all zero": lambda n, random: np.zeros(n, F),
    "all denormal": lambda n, random: of_bits(random.integers(0, n, n)),
    "two values": lambda n, random: F([1, -2])[random.integers(0, 2, n)],
    "in one bin": lambda n, random: of_bits(0x3F800000 + random.integers(0, 1 << 20, n)),
    "in one bin, ties": lambda n, random: of_bits(0x3F800000 + random.integers(0, 9, n)),
    "ascending": lambda n, random: of_bits(0x3F800000 + np.arange(n)),
    "of all sizes": lambda n, random: of_bits(random.integers(0, 0x7F800000, n)),
    "few are not 0": lambda n, random: of_bits(0x3F800000 * (random.random(n) < 0.1)),
    "a guess too low": lambda n, random: unseen(n),
    "a guess too high": lambda n, random: np.where(np.arange(n) == 0, F(3e38), of_bits(0x20000000 + np.arange(n))),
}


@pytest.mark.parametrize("n", [1, 2, 3, 7, 15, 17, 33, 64, 65, 255, 256, 257])
@pytest.mark.parametrize("kind", SPECIAL)
def test_top_k_of_special_errors_keeps_the_right_ones_at_a_bounded_cost(kind, n):
    delta = SPECIAL[kind](n, np.random.default_rng(n))
    for k in sorted({1, (n + 2) // 3, max(n - 1, 1), n}):
        kept, comparisons = top_k(delta, k)
        assert kept == oracles.top_k(delta, k).tolist()
        assert comparisons == recount(delta, k) <= 8 * n + 32**2


def test_what_the_worst_errors_cost():
    for n in (256, 257, 1352):  # shifts 20, 15, 10, 5, 0, and entries are kept; where the guess fails, 25 and 20 come, too
        assert top_k(np.full(n, 0.5, F), n // 2)[1] == 6 * n
        assert top_k(unseen(n), n // 2)[1] == 8 * n
    for n in (33, 64):  # few enough for a list
        assert top_k(np.full(n, 0.5, F), n // 2)[1] == 2 * n + n // 2 * (n - n // 2)
    assert top_k(F([1, 2, 4, 8]), 2)[1] == 2 * 4  # no bin has entries that are not wanted


@pytest.mark.parametrize("n, dtype", [(65_535, np.uint16), (65_536, np.uint16), (65_537, np.uint32)])
def test_top_k_of_as_many_entries_as_indices_of_16_bits_tell_apart(n, dtype):
    for delta, k in ((np.full(n, 2, F), n - 1), (of_bits(0x3F800000 + np.arange(n) % 4096), 4097)):
        kept = np.zeros(k, dtype)
        count, _ = selection.top_k(kept, delta.view(np.int32), np.int64(k))
        np.testing.assert_array_equal(kept[:count], oracles.top_k(delta, k))


def test_keep_nonzero_is_top_k_of_all():
    for n in (1, 7, 33):
        delta, kept = drawn(WILD, n, n), np.full(n, 999, np.uint16)
        count = selection.keep_nonzero(kept, delta.view(np.int32))
        assert kept[:count].tolist() == np.flatnonzero(delta).tolist() == top_k(delta, n)[0]


def test_entries_above_65535_are_kept_in_32_bits():
    delta, kept = np.zeros(70_000, np.float32), np.full(5, 99, np.uint32)
    delta[[0, 65535, 65536, 65537, 69_999]] = [1, -2, 3, -4, 5]
    assert selection.keep_nonzero(kept, delta.view(np.int32)) == 5
    assert kept.tolist() == [0, 65535, 65536, 65537, 69_999]
    count, _ = selection.top_k(kept, delta.view(np.int32), np.int64(3))
    assert kept[:count].tolist() == [65536, 65537, 69_999]


@pytest.mark.parametrize("floor", [False, True])
def test_kept_entries_rounds_half_to_even_up_to_4000_entries(floor):
    for eighths in (0, 1, 3, 4, 5, 7, 8, 9):
        for n in range(1, 4001):
            product = Fraction(eighths * n, 8)  # exact in float32, so the only rounding is that to a whole number
            exact = min(max(product.__floor__() if floor else round(product), 1), n)  # Python's round: half to even
            assert selection.kept_entries(F(eighths / 8), np.int64(n), floor) == exact
            assert selections.kept_entries(eighths / 8, n, floor) == exact


@settings(max_examples=300, deadline=None)
@given(st.one_of(UNIT, POSITIVE), st.integers(1, selections.LARGEST_N), st.booleans())
def test_kept_entries_of_any_ratio_rounds_the_float32_product(ratio, n, floor):
    with np.errstate(over="ignore"):
        product = float(ratio * F(n))
    k = n if product >= n else min(max(int(np.floor(product)) if floor else round(Fraction(product)), 1), n)
    assert selection.kept_entries(ratio, np.int64(n), floor) == k
    with np.errstate(over="ignore"):
        assert selections.kept_entries(ratio, n, floor) == k


@pytest.mark.parametrize("rounding", ["nearest", "floor"])
def test_rule_passes_the_check_for_ports(rounding):
    def rule(delta, y_max):
        y = F(np.abs(delta).sum(dtype=F))  # exact: multiples of 1/8
        state = F([y_max])
        selection.raise_maximum(state, y, F(1))
        if y == 0:
            return 0
        ratio = selection.back_propagation_ratio(y, state[0], F(0.05), F(0.75) - F(0.05), F(0.9))
        return selection.kept_entries(F(ratio), np.int64(delta.size), rounding == "floor")

    check_rule(rule, s_min=0.05, s_max=0.75, zeta=0.9, position=1, rounding=rounding, examples=80)


@settings(max_examples=200, deadline=None)
@given(POSITIVE, POSITIVE, UNIT, UNIT, st.sampled_from([1.0, 0.25, 0.9, 1.5]))
def test_ratio_and_decision_are_near_their_oracles_and_never_above_their_bounds(y, y_max, low, high, damping):
    y, y_max, low, high, damping = min(y, y_max), max(y, y_max), min(low, high), max(low, high), F(damping)
    span = high - low
    in_float64 = [float(value) for value in (y, y_max, low, high, damping)]
    for kernel, exact in (
        (selection.back_propagation_ratio, oracles.back_propagation_ratio(*in_float64, position=1)),
        (selection.decision, oracles.decision(*in_float64)),
    ):
        value = kernel(y, y_max, low, span, damping)
        assert value == (low + span * (y / y_max)) * damping  # NumPy float32, rounded after every operation
        # span, quotient, product, sum, damping: five roundings; a product of denormals errs absolutely
        assert abs(value - exact) <= 5.01 * EPS / 2 * exact + 2.0**-148
        # the plan gives k entries room by S at y = y_max: rounding is monotone, so no S is above it, not by one bit
        assert value <= (low + span) * damping
        assert value >= low * damping


def test_maximum_is_raised_kept_and_aged():
    state = F([0])
    assert [selection.raise_maximum(state, F(y), F(1)) for y in (0, 2, 1, 3, 1e-45)] == [0, 2, 2, 3, 3]
    assert [selection.raise_maximum(state, F(y), F(0.5)) for y in (1, 0.5, 0.5)] == [1.5, 0.75, 0.5]
    assert state.tolist() == [0.5]


def test_finite_knows_the_largest_number_from_infinity_and_nan():
    assert [bool(selection.is_finite(F(y))) for y in (0, 3.4028235e38, np.inf, np.nan)] == [True, True, False, False]
