"""The checks for other people's implementations, held to mcuref's int8 kernels, where ties and zeros are the rule."""

from fractions import Fraction
from math import log2

import numpy as np
import pytest

from mcuref.kernels.int8.selection import (
    Q15,
    back_propagation_ratio,
    kept_entries,
    packed,
    raise_maximum,
    ratio_q15,
    sum_of_magnitudes,
    top_k,
)
from mcuref.testing import CheckFailed, check_rule, check_topk

ONE = 1 << Q15


def ranked(delta):
    """int8 values in the order of the magnitudes of float32 ones, with their signs: equal where those are, 0 where 0."""
    magnitudes, places = np.unique(np.abs(delta), return_inverse=True)
    places = places + (magnitudes[0] != 0)  # what is not 0 begins at 1
    return (np.where(delta < 0, -1, 1) * places).astype(np.int8)


def kept_of(delta, k):
    """The entries that the int8 selection leaves."""
    values = ranked(delta)
    before = values.copy()
    count, _ = top_k(values, np.zeros(128, np.uint16), k)
    kept = np.flatnonzero(values)
    assert count == kept.size and (values[kept] == before[kept]).all()
    return kept


def test_top_k():
    """Exact, ties to the lowest index, zeros dropped: a rank of magnitudes loses nothing that a selection looks at."""
    check_topk(kept_of, examples=400)


def test_a_wrong_tie_is_seen():
    with pytest.raises(CheckFailed, match="of equal"):
        check_topk(lambda delta, k: sorted(delta.size - 1 - kept_of(delta[::-1], k)), examples=400)


def packed_sum(value):
    """A non-negative multiple of 1/64 as the kernels pack sums; bits beyond 24 are cut off."""
    return packed(np.int64(round(value * 64)), np.int64(-6))


def chosen(s_min, s_max, zeta, position, floor):
    """k of the int8 rule for multiples of 1/8 up to 8, which are int8 values with an exponent of -3."""
    s_low, s_range, damping = (round(value * ONE) for value in (s_min, s_max - s_min, zeta**position))

    def rule(delta, y_max):
        values, largest = (8 * delta).astype(np.int8), np.array([packed_sum(y_max)], np.int32)
        y = sum_of_magnitudes(values, np.array([-3], np.int32))
        most = raise_maximum(largest, y, ONE)
        if not y:
            return 0
        ratio = back_propagation_ratio(ratio_q15(y, most), s_low, s_range, damping)
        return int(kept_entries(ratio, delta.size, floor))

    return rule


@pytest.mark.parametrize("s_min, s_max, zeta, position", [(0, 1, 1, 0), (0.25, 0.75, 1, 0), (0, 1, 0.5, 2), (0, 2, 1, 0)])
def test_the_rule(s_min, s_max, zeta, position):
    """Constants are exact with 15 bits: k is that of the rational ratio but where that is within 2^-14 of a half."""
    check_rule(chosen(s_min, s_max, zeta, position, False), s_min, s_max, zeta, position, examples=400)


def test_a_rule_that_forgets_the_largest_error_is_seen():
    right = chosen(0, 1, 1, 0, False)
    with pytest.raises(CheckFailed):
        check_rule(lambda delta, y_max: right(delta, 0.0), examples=400)


def test_a_ratio_is_off_by_less_than_a_step():
    """alpha of sums from 1 to 2^20 apart: to the nearest of 2^-15."""
    random = np.random.default_rng(0)
    for _ in range(2000):
        y = int(2.0 ** random.uniform(0, 20))
        most = y + int(2.0 ** random.uniform(0, 20))
        found = ratio_q15(packed(np.int64(y), np.int64(0)), packed(np.int64(most), np.int64(0)))
        exact = Fraction(y * ONE, most)
        assert abs(int(found) - exact) <= Fraction(1, 2) + Fraction(1, 2**8), (y, most, log2(most / y))
