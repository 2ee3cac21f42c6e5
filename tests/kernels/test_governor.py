"""The governor's kernels against fractions: a balance in two words, what is earned, and what follows from the balance."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.governor import balance_of, change_balance, earned, is_left_out, threshold_share
from mcuref.kernels.rests import set_streak
from mcuref.testing.buffers import Guarded
from mcuref.testing.governor import Governor

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
WORDS = (0, 1, -1, (1 << 30) - 1, 1 << 30, -(1 << 30), -(1 << 30) - 1, (1 << 60) - 1, -(1 << 60))


@RANDOM
@given(st.lists(st.integers(-(1 << 55), 1 << 55) | st.sampled_from(WORDS[:7]), max_size=20))
def test_a_balance_is_a_sum(changes):
    words, total = Guarded(np.zeros(2, np.int32), 0x5A), 0
    for change in changes:
        total += change
        assert change_balance(words.values, np.int64(change)) == balance_of(words.values) == total
        assert 0 <= words.values[0] < 1 << 30
    assert not words.outside


@pytest.mark.parametrize("balance", WORDS)
def test_a_balance_at_the_ends_of_its_words(balance):
    words = np.zeros(2, np.int32)
    assert change_balance(words, np.int64(balance)) == balance_of(words) == balance


@pytest.mark.parametrize("epochs", [1, 2, 3, 20, 1_000_000])
def test_a_run_earns_its_part_on_average_and_nothing_later(epochs):
    part, slope = (1 << 31) - 1, ((1 << 31) - 1) // epochs
    some = range(epochs) if epochs < 100 else (0, 1, epochs // 2, epochs - 1)
    assert all(earned(part, slope, epochs, e) == part + slope * (epochs - 1 - 2 * e) >= 0 for e in some)
    if epochs < 100:
        assert sum(earned(part, slope, epochs, e) for e in range(epochs)) == part * epochs
    assert earned(part, slope, epochs, epochs) == earned(part, slope, epochs, (1 << 30) - 1) == 0
    assert earned(part, 0, 0, 0) == earned(part, 0, 0, (1 << 30) - 1) == part, "of a run of unknown length"


@RANDOM
@given(st.integers(15, 40), st.integers(-(1 << 45), 1 << 45) | st.integers(-2, 1 << 20))
def test_the_share_of_the_threshold(full, balance):
    words = np.zeros(2, np.int32)
    change_balance(words, np.int64(balance))
    within = min(max(Fraction(balance, 2**full), Fraction(0)), Fraction(1))
    assert threshold_share(words, full) == (1 - within) * 2**15 // 1


@pytest.mark.parametrize("left, streak, epoch, wanted", [
    (-1, 0, 0, True), (-1, 2, 0, True), (0, 0, 1, False), (0, 2, 1, True), (0, 2, 2, False),
    ((1 << 20) - 1, 2, 1, True), (1 << 20, 2, 1, False), (1 << 40, 2, 1, False),
])  # fmt: skip
def test_who_is_left_out(left, streak, epoch, wanted):
    """Sample 2, whose turn with two skips in a row is every fourth epoch, from the second on."""
    streaks = np.zeros(1, np.uint8)
    set_streak(streaks, 2, 2, streak)
    assert is_left_out(np.int64(left), 20, streaks, 2, epoch, 2) == wanted
    assert is_left_out(np.int64(left), 20, streaks[:0], 2, epoch, 0) == (left < 0), "without streaks"


@RANDOM
@given(st.floats(0.001, 1), st.integers(1, 40), st.integers(1, (1 << 30) - 1))
def test_a_run_never_earns_more_than_its_effort(effort, epochs, dense):
    for known in (0, epochs):
        governor = Governor(effort, dense, known)
        for epoch in range(epochs):
            governor.earn(epoch)
        wanted = Fraction(effort) * dense * epochs
        assert wanted * Fraction(0.9999) - epochs <= governor.balance <= wanted
