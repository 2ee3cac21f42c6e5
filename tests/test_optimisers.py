"""Learning-rate schedules, exact in float32, and what SGD refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.errors import InputError
from mcuref.optimisers import SCHEDULES, SGD


def test_constant_is_the_rate_in_float32():
    rates = SGD(0.1, "constant").rates(0, 5, 5)
    assert rates.dtype == np.float32 and (rates == np.float32(0.1)).all()


def test_linear_is_one_division_and_one_product_in_float32():
    rates = SGD(0.3, "linear").rates(0, 1000, 1000)
    assert rates.dtype == np.float32
    assert rates.tolist() == [float(np.float32(0.3) * (np.float32(1000 - t) / np.float32(1000))) for t in range(1000)]
    assert rates[0] == np.float32(0.3) and rates[-1] > 0  # it ends one step above 0
    assert SGD(1.0, "linear").rates(0, 4, 4).tolist() == [1, 0.75, 0.5, 0.25]


@pytest.mark.parametrize("total", [1, 2, 3, 7, 8, 100, 1001])
def test_halving_is_a_shift_after_a_half_three_quarters_and_seven_eighths(total):
    rates = SGD(0.1, "halving").rates(0, total, total)
    assert rates.dtype == np.float32
    for t, rate in enumerate(rates):
        shift = sum(t >= total * part for part in (1 / 2, 3 / 4, 7 / 8))  # these fractions are exact
        assert rate == np.float32(0.1) * np.float32(2.0**-shift)
        # only the exponent changes
        assert rate.view(np.int32) == np.float32(0.1).view(np.int32) - (shift << 23)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SCHEDULES), st.integers(1, 400), st.data())
def test_parts_of_a_schedule_are_the_whole_and_it_never_rises(schedule, total, data):
    optimiser = SGD(0.07, schedule)
    whole = optimiser.rates(0, total, total)
    first = data.draw(st.integers(0, total))
    count = data.draw(st.integers(0, total - first))
    assert optimiser.rates(first, count, total).tobytes() == whole[first : first + count].tobytes()
    assert (np.diff(whole) <= 0).all() and (whole > 0).all() and (whole <= np.float32(0.07)).all()


def test_long_schedules_do_not_overflow():
    # 60,000 samples for 2,000 epochs: 7 t passes 2^31 long before the end
    for schedule, last in (("halving", 0.125), ("linear", 1 / 120_000_000)):
        assert SGD(1.0, schedule).rates(119_999_999, 1, 120_000_000)[0] == np.float32(last)


@pytest.mark.parametrize("rate", [0, -0.1, 1e-50, 1e39, float("nan"), float("inf"), "0.1", None, True, [0.1],
                                  pytest.param(10**400, id="beyond float")])  # fmt: skip
def test_a_bad_rate_is_refused_by_name_and_value(rate):
    with pytest.raises(InputError) as refused:
        SGD(rate)
    assert str(refused.value).startswith(f"learning rate {repr(rate)[:20]}")  # 400 digits may be cut


@pytest.mark.parametrize("schedule", ["cosine", "", None, 3])
def test_a_bad_schedule_is_refused_with_the_choices(schedule):
    with pytest.raises(InputError, match="linear") as refused:
        SGD(0.1, schedule)
    assert repr(schedule) in str(refused.value)
