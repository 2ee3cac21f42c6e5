"""Learning-rate schedules, exact in float32, divided by the batch, and what SGD refuses.

What momentum and batches do to a program is tested in tests/program/test_gradients.py.
"""

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


@pytest.mark.parametrize(
    "rate",
    [0, -0.1, 1e-50, 1e39, float("nan"), float("inf"), "0.1", None, True, [0.1], pytest.param(10**400, id="beyond float")],
)
def test_a_bad_rate_is_refused_by_name_and_value(rate):
    with pytest.raises(InputError) as refused:
        SGD(rate)
    assert str(refused.value).startswith(f"learning rate {repr(rate)[:20]}")  # 400 digits may be cut


@pytest.mark.parametrize("schedule", ["cosine", "", None, 3])
def test_a_bad_schedule_is_refused_with_the_choices(schedule):
    with pytest.raises(InputError, match="linear") as refused:
        SGD(0.1, schedule)
    assert repr(schedule) in str(refused.value)


# momentum and batch


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("batch", [2, 3, 64, 1 << 20])
def test_rates_are_divided_by_the_batch_once_in_float32(schedule, batch):
    """Errors are never divided, so that Y of TinyProp does not depend on the batch."""
    whole, divided = SGD(0.3, schedule).rates(0, 50, 50), SGD(0.3, schedule, batch=batch).rates(0, 50, 50)
    assert divided.dtype == np.float32 and divided.tobytes() == (whole / np.float32(batch)).tobytes()
    assert SGD(0.3, schedule, 0.9, batch).rates(7, 5, 50).tobytes() == divided[7:12].tobytes()


def test_defaults_are_plain_sgd():
    assert SGD() == SGD(0.01, "linear", 0.0, 1) and SGD(0.1, momentum=0.5) != SGD(0.1)


@pytest.mark.parametrize("momentum", [-0.1, 1, 1.0, 1.5, 1 - 1e-9, float("nan"), float("inf"), "0.9", None, True, [0.9]])
def test_a_bad_momentum_is_refused_by_name_and_value(momentum):
    """1 - 1e-9 is 1 in float32: such a velocity would never forget."""
    with pytest.raises(InputError) as refused:
        SGD(momentum=momentum)
    assert str(refused.value).startswith(f"momentum {momentum!r} ") and "\n" not in str(refused.value)


@pytest.mark.parametrize("batch", [0, -1, 2.0, "8", None, True, (1 << 20) + 1])
def test_a_bad_batch_is_refused_by_name_and_value(batch):
    with pytest.raises(InputError) as refused:
        SGD(batch=batch)
    assert str(refused.value).startswith(f"batch {batch!r} is not a whole number from 1 to 1048576")


@pytest.mark.parametrize("momentum", [0, 0.0, 0.5, np.float32(0.9), 1 - 2**-24])
@pytest.mark.parametrize("batch", [1, np.int64(8), 1 << 20])
def test_good_ones_are_taken(momentum, batch):
    assert (SGD(momentum=momentum, batch=batch).momentum, SGD(batch=batch).batch) == (momentum, batch)
