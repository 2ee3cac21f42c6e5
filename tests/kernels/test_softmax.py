"""Softmax: oracle at odd sizes and on any input, saturation, NaN, in place as apart, the loss's own, golden bits."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.elementary import exp_f32
from mcuref.kernels.hashing import START, fnv1a
from mcuref.kernels.loss import softmax_cross_entropy_f32
from mcuref.kernels.softmax import softmax_forward_f32
from mcuref.testing import oracles

from . import smooth
from .bits import BROKEN, EPS, ORDINARY, SIZES, UNDERFLOW, assert_same_bits, drawn

U = EPS / 2  # one rounding


def softmax(x):
    """The kernel, apart."""
    return smooth.apart(softmax_forward_f32, x)


def assert_near_the_oracle(x):
    # as in test_loss.py: e_i errs by 2 U and by the rounding of its argument, the sum by n U more; then one division
    bound = 1.01 * ((0.37 * x.size + x.size + 2) * U + 4 * U) + x.size * UNDERFLOW * 2**23
    assert (np.abs(softmax(x) - oracles.softmax(x)) <= bound).all()


def test_it_is_near_the_oracle_at_odd_sizes():
    for n in SIZES:
        for seed in range(6):
            assert_near_the_oracle(drawn(ORDINARY, n, seed) / np.float32(10 ** (seed % 3)))


@settings(max_examples=80, deadline=None)
@given(x=st.lists(st.integers(-4000, 4000), min_size=1, max_size=33))
def test_it_is_near_the_oracle_on_any_input(x):
    assert_near_the_oracle(np.array(x, np.float32) / 32)


def test_it_saturates_without_overflow_and_does_not_hide_nan():
    with np.errstate(over="raise"):  # which plain Python sees
        assert_same_bits(softmax(np.float32([3e38, 0, 3e38, -3e37])), np.float32([0.5, 0, 0.5, 0]))
        assert softmax(np.float32([7])).tolist() == [1]
    for n in SIZES:
        for bad in BROKEN[:2]:
            for place in {0, n // 2, n - 1}:
                x = np.ones(n, np.float32)
                x[place] = bad
                with np.errstate(invalid="ignore"):
                    assert np.isnan(softmax(x)).any()


def test_sums_are_taken_in_the_order_of_the_inputs_bit_for_bit():
    for n in SIZES:
        x, total = drawn(ORDINARY[:7], n, n), np.float32(0)
        e = np.array([exp_f32(value - x.max()) for value in x], np.float32)
        for value in e:
            total = total + value
        assert_same_bits(softmax(x), e / total)


def test_in_place_has_the_bits_of_apart_and_so_has_the_loss():
    for n in SIZES:
        x = drawn(ORDINARY, n, 1)
        apart, delta = softmax(x), np.empty_like(x)
        softmax_cross_entropy_f32(delta, x, np.int32(n - 1))
        softmax_forward_f32(x, x)
        assert_same_bits(x, apart)
        assert_same_bits(delta[:-1], apart[:-1])
        assert delta[-1] == apart[-1] - np.float32(1)


def test_golden_bits():
    x = np.arange(-200, 200, dtype=np.float32) / np.float32(32) + np.float32(0.001)
    assert f"{int(fnv1a(softmax(x).view(np.uint8), START)):08x}" == "0d9e3216"
