"""The oracles, by hand-computed cases and by finite differences."""

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.testing import oracles

W = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]])
B = np.array([0.25, -1.0])
X = np.array([2.0, -1.0, 1.0])


def test_dense_forward_by_hand():
    assert oracles.dense_forward(X, W, B).tolist() == [3.25, -3.5]


def test_oracles_compute_in_float64():
    third = np.float32(1) / np.float32(3)
    z = oracles.dense_forward(np.array([third]), np.array([[third]]), np.zeros(1, np.float32))
    assert z.dtype == np.float64
    assert z[0] == float(third) ** 2


def test_dense_backward_by_hand():
    dx, dw, db = oracles.dense_backward([10.0, 100.0], X, W, [1])
    assert dx.tolist() == [-100.0, 50.0, 0.0]
    assert dw.tolist() == [[0, 0, 0], [200.0, -100.0, 100.0]]
    assert db.tolist() == [0, 100.0]


def test_dense_backward_agrees_with_finite_differences_of_a_quadratic_loss():
    def loss(x, w, b):
        return 0.5 * np.sum(oracles.dense_forward(x, w, b) ** 2)

    delta = oracles.dense_forward(X, W, B)
    dx, dw, db = oracles.dense_backward(delta, X, W, [0, 1])
    np.testing.assert_allclose(dx, oracles.finite_difference(lambda x: loss(x, W, B), X), rtol=1e-7)
    np.testing.assert_allclose(dw, oracles.finite_difference(lambda w: loss(X, w, B), W), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(db, oracles.finite_difference(lambda b: loss(X, W, b), B), rtol=1e-7)


def test_dense_backward_never_reads_rows_that_are_not_kept():
    w, delta = W.copy(), np.array([2.0, np.nan])
    w[1] = np.nan
    dx, dw, db = oracles.dense_backward(delta, X, w, [0])
    assert dx.tolist() == [2.0, 4.0, 6.0]
    assert np.isfinite(dw).all() and np.isfinite(db).all()


def test_sgd_dense_update_by_hand_leaves_its_arguments_alone():
    w, b = W.copy(), B.copy()
    new_w, new_b = oracles.sgd_dense_update(w, b, np.array([4.0, 8.0]), X, [0], 0.5)
    assert new_w.tolist() == [[-3.0, 4.0, 1.0], [-1.0, 0.5, 0.0]]
    assert new_b.tolist() == [-1.75, -1.0]
    assert (w == W).all() and (b == B).all()


def test_relu_and_its_derivative_which_is_0_at_0():
    assert oracles.relu_forward([-1.0, 0.0, 2.0]).tolist() == [0.0, 0.0, 2.0]
    assert oracles.relu_backward([5.0, np.nan, 7.0], [-1.0, 0.0, 2.0]).tolist() == [0.0, 0.0, 7.0]


def test_softmax_cross_entropy_by_hand():
    loss, delta = oracles.softmax_cross_entropy([0.0, np.log(3.0)], 0)
    assert loss == pytest.approx(np.log(4.0))
    assert delta == pytest.approx([-0.75, 0.75])


def test_softmax_cross_entropy_survives_large_logits():
    loss, delta = oracles.softmax_cross_entropy([1000.0, 0.0], 1)
    assert loss == 1000.0
    assert delta.tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    "loss",
    [lambda z: oracles.softmax_cross_entropy(z, 2), lambda z: oracles.mean_squared_error(z, [0.0, 1.0, 0.5, -1.0])],
)
def test_errors_of_the_losses_agree_with_finite_differences(loss):
    z = np.array([0.3, -1.2, 2.0, 0.7])
    np.testing.assert_allclose(loss(z)[1], oracles.finite_difference(lambda at: loss(at)[0], z), rtol=1e-7)


def test_mean_squared_error_by_hand():
    loss, delta = oracles.mean_squared_error([1.0, 2.0], [0.0, 4.0])
    assert loss == 2.5
    assert delta.tolist() == [1.0, -2.0]


@pytest.mark.parametrize(
    "delta, k, kept",
    [
        ([3, 3, 5], 2, [0, 2]),  # TinyProp's C gives 1, 2
        ([3, 3, 3, 3, 7], 4, [0, 1, 2, 4]),  # TinyProp's C gives 1, 2, 3, 4
        ([1, -2, 2, -2], 2, [1, 2]),
        ([0.0, -0.0, 1], 2, [2]),  # zeros are dropped, not replaced
        ([0.0, -0.0], 2, []),
        ([1e-45, 0.0, -1e-45], 3, [0, 2]),
        ([-4.0], 1, [0]),
    ],
)
def test_top_k_by_hand(delta, k, kept):
    assert oracles.top_k(np.array(delta, np.float32), k).tolist() == kept


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (dict(y=1.0, y_max=4.0), 0.25),
        (dict(y=1.0, y_max=4.0, s_min=0.5, s_max=0.9), 0.6),
        (dict(y=4.0, y_max=4.0, zeta=0.5, position=3), 0.125),  # the first sample of a run: s_max zeta^position
        (dict(y=0.0, y_max=0.0, s_min=0.125), 0.125),  # 0 / 0 counts as 0
    ],
)
def test_back_propagation_ratio_by_hand(arguments, expected):
    assert oracles.back_propagation_ratio(**arguments) == pytest.approx(expected)


@pytest.mark.parametrize(
    "ratio, n, k, floor",
    [
        (0.0, 10, 1, 1),
        (0.25, 10, 2, 2),
        (0.35, 10, 4, 3),
        (0.5, 5, 2, 2),
        (0.5, 7, 4, 3),
        (1.5, 10, 10, 10),
    ],
)
def test_kept_count_rounds_half_to_even_and_clamps(ratio, n, k, floor):
    assert oracles.kept_count(ratio, n) == k
    assert oracles.kept_count(ratio, n, rounding="floor") == floor


def test_kept_count_refuses_an_unknown_rounding():
    with pytest.raises(InputError, match="up"):
        oracles.kept_count(0.5, 4, rounding="up")


def test_decision_by_hand():
    assert oracles.decision(1.0, 4.0) == 0.25
    assert oracles.decision(1.0, 4.0, d_min=0.2, d_max=0.6, beta=2.0) == pytest.approx(0.6)
    assert oracles.decision(0.0, 0.0) == 0.0
