"""Ranges and scales: what int8 covers, how far it is off, and that odd values have a defined end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import InputError
from mcuref.quantization.edges import quantised_samples
from mcuref.quantization.ranges import LARGEST, METHODS, TINY, Range, find_range, scale_of
from mcuref.quantization.scales import Scale
from mcuref.testing import strategies

RANDOM = settings(max_examples=100, deadline=None, database=None, derandomize=True)
# half a step; the scale and the quotient are float32, each off by 2^-24 of at most 256 steps
HALF = 0.5 + 2 * 256 * 2.0**-24


def real(values, scale):
    """What the int8 values that stand for these are, float64; also beyond float32."""
    return scale.scale * (quantised_samples(values, scale).astype(np.float64) - scale.zero)


@RANDOM
@given(values=strategies.errors(), method=st.sampled_from(METHODS))
def test_every_value_inside_is_half_a_step_away_at_most_and_0_is_exact(values, method):
    bounds = find_range(values, method, 90)
    scale = scale_of(bounds)
    inside = values[(values >= bounds.low) & (values <= bounds.high)]
    assert (np.abs(real(inside, scale) - inside) <= HALF * scale.scale).all()
    assert real(np.zeros(1, np.float32), scale)[0] == 0
    assert np.float32(scale.scale) == scale.scale >= TINY and scale.zero in range(-128, 128)


@RANDOM
@given(values=strategies.errors())
def test_from_the_smallest_to_the_largest_nothing_is_outside(values):
    assert find_range(values) == Range(min(0, values.min()), max(0, values.max()))


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero"),
    [
        (0, 1, 1 / 255, -128),
        (0, 0, 1 / 255, -128),  # as 0 to 1
        (-1, 0, 1 / 255, 127),
        (-128, 127, 1, 0),
        (-0.5, 254.5, 1, -128),  # -127.5: halves away from 0, as TensorFlow Lite's converter has it
        (0, 1e-45, TINY, -128),
        (-LARGEST, LARGEST, LARGEST / 127.5, -1),
    ],
)
def test_ranges_have_a_scale_however_odd(low, high, scale, zero):
    assert scale_of(Range(low, high)) == Scale(float(np.float32(scale)), zero)


def test_a_scale_is_no_finer_than_asked_for():
    assert scale_of(Range(0, 1), 0.5) == Scale(0.5, -128)
    assert scale_of(Range(-1, 1), 0.5) == Scale(0.5, -126)


def test_percentiles_leave_out_what_is_rare():
    values = np.r_[np.arange(1000, dtype=np.float32), 1e6, -1e6]
    low, high = find_range(values, "percentile", 99)
    assert low == 0 and 980 < high < 1000
    assert find_range(values, "percentile", 100) == (-1e6, 1e6)


@pytest.mark.parametrize("rectified", [False, True])
def test_the_least_error_is_that_of_a_finer_search(rectified):
    values = np.random.default_rng(0).laplace(0, 1, 100_000).astype(np.float32)
    values = np.maximum(values, 0) if rectified else values

    def error(bounds):
        return np.mean((real(values, scale_of(bounds)) - values) ** 2)

    whole, found = find_range(values), find_range(values, "mse")
    shares = np.linspace(0.5, 1, 20)
    finer = min(error(Range(whole.low * a, whole.high * b)) for a in ([1] if rectified else shares) for b in shares)
    assert error(found) < 0.95 * error(whole)  # it clips
    # what is tried is at most 12 % apart, so 6 % away at the worst from where the error, a parabola there, is least
    assert error(found) < 1.02 * finer


def test_values_that_are_all_alike_are_kept():
    for method in METHODS:
        assert find_range(np.full(9, 3, np.float32), method) == (0, 3)
        assert find_range(np.zeros(9, np.float32), method) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1, np.nan],), "a range of values has NaN or infinite ones; it needs finite values, at least one"),
        (([-np.inf],), "a range of values has NaN or infinite ones; it needs finite values, at least one"),
        (([],), "a range of values is of none; it needs finite values, at least one"),
        (([1], "max"), "method 'max' is not known; did you mean minmax?"),
        (([1], "percentile", 50), "percentile 50 is not a number above 50 to 100"),
        (([1], "percentile", 101), "percentile 101 is not a number above 50 to 100"),
    ],
)
def test_what_has_no_range_is_refused(arguments, sentence):
    with pytest.raises(InputError) as caught:
        find_range(*arguments)
    assert str(caught.value).startswith(sentence.partition(";")[0] if "known" in sentence else sentence)


@pytest.mark.parametrize("bounds", [(1, 2), (-2, -1), (0, np.inf), (np.nan, 0), (0, 1e39)])
def test_what_is_no_range_has_no_scale(bounds):
    with pytest.raises(InputError, match="finite float32 numbers with 0 in it"):
        scale_of(Range(*bounds))
