"""Losses: oracle, finite differences, in place, and logits that overflow a careless softmax."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.elementary import exp_f32, log_f32
from mcuref.kernels.loss import mean_squared_error_f32, softmax_cross_entropy_f32
from mcuref.testing import oracles
from mcuref.testing.strategies import errors

from .bits import BROKEN, EPS, ORDINARY, SIZES, UNDERFLOW, assert_same_bits, drawn

U = EPS / 2  # one rounding


def softmax(z, label):
    """(loss, delta); delta over z, as the plan has it."""
    delta = np.array(z, np.float32)
    return softmax_cross_entropy_f32(delta, delta, np.int32(label)), delta


def squared(z, target):
    delta = np.array(z, np.float32)
    return mean_squared_error_f32(delta, delta, np.asarray(target, np.float32)), delta


def assert_softmax_near_the_oracle(z, label):
    (loss, delta), (exact_loss, exact_delta) = softmax(z, label), oracles.softmax_cross_entropy(z, label)
    n, margin = z.size, abs(float(z[label]) - float(z.max()))
    # e_i errs by 2 U of its own and by |z_i - max z| U from its argument (|t| e^t < 0.37), the sum by n U more;
    # then one division and one subtraction of at most 1
    sum_error = (0.37 * n + n + 2) * U
    assert (np.abs(delta - exact_delta) <= 1.01 * (sum_error + 5 * U) + n * UNDERFLOW * 2**23).all()
    # log of the sum (2 U of itself and the sum's relative error), the margin, one subtraction
    assert abs(loss - exact_loss) <= 1.01 * (sum_error + 4 * U * (np.log(n) + margin + 1))


def test_softmax_is_near_the_oracle_at_odd_sizes():
    for n in SIZES:
        for seed in range(6):
            z = drawn(ORDINARY, n, seed) / np.float32(10 ** (seed % 3))
            assert_softmax_near_the_oracle(z, seed % n)


@settings(max_examples=80, deadline=None)
@given(z=st.lists(st.integers(-4000, 4000), min_size=1, max_size=33), label=st.integers(0, 32))
def test_softmax_is_near_the_oracle_on_any_logits(z, label):
    assert_softmax_near_the_oracle(np.array(z, np.float32) / 32, label % len(z))


@settings(max_examples=80, deadline=None)
@given(z=errors(max_size=33), label=st.integers(0, 32))
def test_finite_logits_never_overflow_and_errors_sum_to_0(z, label):
    label %= z.size
    loss, delta = softmax(z, label)
    assert np.isfinite(delta).all() and -1 <= delta[label] <= 0 and loss >= 0
    assert abs(delta.sum(dtype=np.float64)) <= 4 * z.size * U


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from(SIZES))
def test_errors_agree_with_finite_differences(seed, n):
    z, target = drawn(ORDINARY[:7], n, seed), drawn(ORDINARY[:7], n, seed + 1)
    # central differences with step 1e-4 err by its square times the third derivative (below 1), and by 1e-16 / 1e-4
    tolerance = 1e-7 + (3 * n + 10) * EPS
    gradient = oracles.finite_difference(lambda v: oracles.softmax_cross_entropy(v, seed % n)[0], z, 1e-4)
    np.testing.assert_allclose(softmax(z, seed % n)[1], gradient, rtol=0, atol=tolerance)
    gradient = oracles.finite_difference(lambda v: oracles.mean_squared_error(v, target)[0], z, 1e-4)
    np.testing.assert_allclose(squared(z, target)[1], gradient, rtol=0, atol=tolerance * 30)


def test_loss_of_certain_and_of_hopeless_samples():
    loss, delta = softmax([100, 0, 0], 0)
    assert loss == 0 and delta[0] == 0
    loss, delta = softmax([0, 1e30], 0)
    assert loss == np.float32(1e30) and delta.tolist() == [-1, 1]
    loss, delta = softmax([3], 0)
    assert loss == 0 and delta[0] == 0
    loss, delta = softmax([7, 7, 7, 7], 2)
    assert delta.tolist() == [0.25, 0.25, -0.75, 0.25] and abs(loss - np.log(4)) <= 2 * EPS
    assert squared([1, 2], [1, 2])[0] == 0 and not squared([1, 2], [1, 2])[1].any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from(SIZES))
def test_squared_error_is_near_the_oracle(seed, n):
    z, target = drawn(ORDINARY, n, seed), drawn(ORDINARY, n, seed + 1)
    (loss, delta), (exact_loss, exact_delta) = squared(z, target), oracles.mean_squared_error(z, target)
    assert (np.abs(delta - exact_delta) <= 3.01 * U * np.abs(exact_delta)).all()  # difference, 2 / n, product
    assert abs(loss - exact_loss) <= (n + 4) * U * exact_loss  # difference twice, square, n sums, division


@pytest.mark.parametrize("loss", [lambda z: softmax(z, 0), lambda z: squared(z, np.ones(z.size))])
@np.errstate(all="ignore")
def test_nan_and_infinity_are_not_hidden(loss):
    # a NaN or +infinite output makes an error that is not finite, wherever it stands
    for n in SIZES:
        for bad in BROKEN[:2]:
            z = np.ones(n, np.float32)
            z[n // 2] = bad
            assert not np.isfinite(loss(z)[1]).all()


def test_sums_are_taken_in_the_order_of_the_outputs_bit_for_bit():
    for n in SIZES:
        z, target = drawn(ORDINARY[:7], n, n), drawn(ORDINARY[:7], n, n + 1)
        e = np.array([exp_f32(value - z.max()) for value in z], np.float32)
        total = np.float32(0)
        for value in e:
            total = total + value
        expected = e / total
        expected[n // 2] -= np.float32(1)
        loss, delta = softmax(z, n // 2)
        assert_same_bits(delta, expected)
        assert loss == np.float32(log_f32(total)) - (z[n // 2] - z.max())
        total = np.float32(0)
        for difference in z - target:
            total = total + difference * difference
        assert squared(z, target)[0] == total / np.float32(n)
        assert_same_bits(squared(z, target)[1], np.float32(2) / np.float32(n) * (z - target))


def test_in_place_has_the_bits_of_apart():
    z, target, apart = drawn(ORDINARY, 17, 1), drawn(ORDINARY, 17, 2), np.empty(17, np.float32)
    softmax_cross_entropy_f32(apart, z, np.int32(3))
    assert_same_bits(softmax(z, 3)[1], apart)
    mean_squared_error_f32(apart, z, target)
    assert_same_bits(squared(z, target)[1], apart)
