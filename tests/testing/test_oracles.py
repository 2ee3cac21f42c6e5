"""The oracles, by hand-computed cases and by finite differences."""

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.layers import ACTIVATIONS
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


def test_relu_with_a_limit_has_derivative_0_there():
    assert oracles.relu_forward([-1.0, 0.0, 2.0, 6.0, 7.0], 6).tolist() == [0.0, 0.0, 2.0, 6.0, 6.0]
    assert oracles.relu_backward([1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.5, 5.5, 6.0, 6.0], 6).tolist() == [0, 2, 3, 0, 0]


@pytest.mark.parametrize("kind", [layer.kind for layer in ACTIVATIONS])
def test_backward_of_activations_agrees_with_finite_differences(kind):
    forward, backward = oracles.ACTIVATIONS[kind]
    x = np.array([-30.0, -3.25, -0.5, -1e-3, 1e-3, 0.5, 1.25, 5.5, 30.0])
    dy = np.arange(1.0, 10.0)
    slope = oracles.finite_difference(lambda v: np.sum(dy * forward(v)), x)
    np.testing.assert_allclose(backward(dy, forward(x)), slope, rtol=1e-6, atol=1e-7)


def test_add():
    total = oracles.add(np.float32([0.5, 1]), [1, 2])
    assert total.tolist() == [1.5, 3] and total.dtype == np.float64


# H, W, C, Ho, Wo, O, kh, kw, sh, sw, top, left
SAME = (3, 4, 2, 3, 2, 3, 3, 2, 1, 2, 1, 0)  # a kernel of 3 x 2 in steps of 1 x 2, one row of padding on either side
VALID = (5, 4, 1, 2, 3, 2, 3, 2, 2, 1, 0, 0)
LARGE = (2, 1, 2, 1, 3, 1, 4, 3, 1, 1, 1, 2)  # a kernel larger than the input
GEOMETRIES = [SAME, VALID, LARGE]
CHANNELWISE = [(*geometry[:5], geometry[2], *geometry[6:]) for geometry in GEOMETRIES]


def window_problem(geometry, weights):
    """x, w, b, delta and every entry's index; the numbers are all different, so that a maximum is one value."""
    random = np.random.default_rng(7)
    shapes = geometry[:3], weights, geometry[5:6], geometry[3:6]
    x, w, b, delta = (random.permutation(np.prod(shape)).reshape(shape) / 8 - 0.5 for shape in shapes)
    return x, w, b, delta, range(delta.size)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_conv_forward_is_the_sum_that_its_docstring_says(geometry):
    h, width, c, ho, wo, o, kh, kw, sh, sw, top, left = geometry
    x, w, b, _, _ = window_problem(geometry, (o, kh, kw, c))
    z = oracles.conv_forward(x, w, b, geometry)
    padded = np.pad(x, [(top, 9), (left, 9), (0, 0)])
    for oy, ox, n in np.ndindex(ho, wo, o):
        patch = padded[oy * sh : oy * sh + kh, ox * sw : ox * sw + kw]
        assert z[oy, ox, n] == pytest.approx(np.sum(patch * w[n]) + b[n])
    flat = oracles.conv_forward(x.reshape(-1), w.reshape(-1), b, np.array(geometry, np.int32))
    assert (flat == z).all()


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_conv_backward_agrees_with_finite_differences_of_a_quadratic_loss(geometry):
    h, width, c, ho, wo, o, kh, kw, *_ = geometry
    x, w, b, _, every = window_problem(geometry, (o, kh, kw, c))

    def loss(x, w, b):
        return 0.5 * np.sum(oracles.conv_forward(x, w, b, geometry) ** 2)

    dx, dw, db = oracles.conv_backward(oracles.conv_forward(x, w, b, geometry), x, w, every, geometry)
    np.testing.assert_allclose(dx, oracles.finite_difference(lambda v: loss(v, w, b), x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dw, oracles.finite_difference(lambda v: loss(x, v, b), w), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(db, oracles.finite_difference(lambda v: loss(x, w, v), b), rtol=1e-6, atol=1e-6)


def test_conv_backward_by_hand_and_of_kept_entries_alone():
    # two filters of 1 x 2 over a signal of three steps; entry 3 is position 1, channel 1
    geometry = (1, 3, 1, 1, 2, 2, 1, 2, 1, 1, 0, 0)
    x, w, delta = (
        np.array([1.0, 2.0, np.nan]),
        np.array([[1.0, 10.0], [np.nan, np.nan]]),
        np.array([3.0, np.nan, 5.0, np.nan]),
    )
    dx, dw, db = oracles.conv_backward(delta, x, w, [0], geometry)
    assert dx.reshape(-1).tolist() == [3, 30, 0]
    assert dw.reshape(2, 2).tolist() == [[3, 6], [0, 0]]
    assert db.tolist() == [3, 0]
    dx, _, db = oracles.conv_backward(delta, x, w, [0, 2], geometry)
    assert dx.reshape(-1).tolist() == [3, 35, 50]
    assert db.tolist() == [8, 0]
    dx, dw, db = oracles.conv_backward(delta, x, w, [], geometry)
    assert not dx.any() and not dw.any() and not db.any()


@pytest.mark.parametrize("geometry", CHANNELWISE)
def test_depthwise_is_a_convolution_of_each_channel_alone(geometry):
    h, width, c, ho, wo, _, kh, kw, *rest = geometry
    x, w, b, delta, _ = window_problem(geometry, (kh, kw, c))
    alone = (h, width, 1, ho, wo, 1, kh, kw, *rest)
    z = oracles.depthwise_forward(x, w, b, geometry)
    kept = [e for e in range(delta.size) if e % 3]
    dx, dw, db = oracles.depthwise_backward(delta, x, w, kept, geometry)
    for n in range(c):
        expected = oracles.conv_forward(x[..., n], w[..., n], b[n], alone)
        np.testing.assert_allclose(z[..., n], expected[..., 0])
        own = [e // c for e in kept if e % c == n]
        one_dx, one_dw, one_db = oracles.conv_backward(delta[..., n], x[..., n], w[..., n], own, alone)
        np.testing.assert_allclose(dx[..., n], one_dx[..., 0])
        np.testing.assert_allclose(dw[..., n], one_dw[0, ..., 0])
        assert db[n] == pytest.approx(one_db[0])


@pytest.mark.parametrize("geometry", CHANNELWISE)
def test_depthwise_backward_agrees_with_finite_differences_of_a_quadratic_loss(geometry):
    x, w, b, _, every = window_problem(geometry, (*geometry[6:8], geometry[2]))

    def loss(x, w, b):
        return 0.5 * np.sum(oracles.depthwise_forward(x, w, b, geometry) ** 2)

    dx, dw, db = oracles.depthwise_backward(oracles.depthwise_forward(x, w, b, geometry), x, w, every, geometry)
    np.testing.assert_allclose(dx, oracles.finite_difference(lambda v: loss(v, w, b), x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dw, oracles.finite_difference(lambda v: loss(x, v, b), w), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(db, oracles.finite_difference(lambda v: loss(x, w, v), b), rtol=1e-6, atol=1e-6)


def test_depthwise_backward_reads_nothing_of_what_is_not_kept():
    geometry = (1, 3, 2, 1, 2, 2, 1, 2, 1, 1, 0, 0)
    x, w = np.array([[1, np.nan], [2, np.nan], [4, np.nan]]), np.array([[10, np.nan], [100, np.nan]])
    dx, dw, db = oracles.depthwise_backward([3.0, np.nan, 5.0, np.nan], x, w, [0, 2], geometry)
    assert dx.reshape(3, 2).tolist() == [[30, 0], [350, 0], [500, 0]]
    assert dw.reshape(2, 2).tolist() == [[13, 0], [26, 0]]
    assert db.tolist() == [8, 0]


@pytest.mark.parametrize("geometry", CHANNELWISE)
def test_backward_of_pooling_agrees_with_finite_differences(geometry):
    x, _, _, c, _ = window_problem(geometry, (1,))
    y, taps = oracles.max_pool_forward(x, geometry)
    for dx, forward in (
        (oracles.max_pool_backward(c, taps, geometry), lambda v: oracles.max_pool_forward(v, geometry)[0]),
        (oracles.average_pool_backward(c, geometry), lambda v: oracles.average_pool_forward(v, geometry)),
    ):
        gradient = oracles.finite_difference(lambda v: np.sum(c * forward(v)), x)
        np.testing.assert_allclose(dx, gradient, rtol=1e-6, atol=1e-6)


def test_pooling_by_hand():
    # 3 x 3 windows over [[1, 2, 3], [4, 5, 6]], same padding: each sees both rows and two or three columns
    geometry, x = (2, 3, 1, 2, 3, 1, 3, 3, 1, 1, 1, 1), [1, 2, 3, 4, 5, 6]
    y, taps = oracles.max_pool_forward(x, geometry)
    assert y.reshape(-1).tolist() == [5, 6, 6] * 2
    assert taps.reshape(-1).tolist() == [8, 8, 7, 5, 5, 4]
    assert oracles.max_pool_backward([1, 2, 4, 8, 16, 32], taps, geometry).reshape(-1).tolist() == [0, 0, 0, 0, 9, 54]
    assert oracles.average_pool_forward(x, geometry).reshape(-1).tolist() == [3, 3.5, 4] * 2
    dx = oracles.average_pool_backward([4, 6, 8, 4, 6, 8], geometry)
    assert dx.reshape(-1).tolist() == [4, 8, 6] * 2


def test_of_equal_values_the_first_is_the_largest_and_a_nan_wins():
    geometry = (1, 4, 1, 1, 1, 1, 1, 4, 1, 1, 0, 0)
    for x, largest, tap in (([-2, -1, -1, -3], -1, 1), ([0.0, -0.0, 0, 0], 0, 0), ([1, np.nan, 7, 2], np.nan, 1)):
        y, taps = oracles.max_pool_forward(x, geometry)
        np.testing.assert_equal(y.item(), float(largest))
        assert taps.item() == tap


def test_softmax_cross_entropy_by_hand():
    loss, delta = oracles.softmax_cross_entropy([0.0, np.log(3.0)], 0)
    assert loss == pytest.approx(np.log(4.0))
    assert delta == pytest.approx([-0.75, 0.75])


def test_softmax_cross_entropy_survives_large_logits():
    loss, delta = oracles.softmax_cross_entropy([1000.0, 0.0], 1)
    assert loss == 1000.0
    assert delta.tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    "loss", [lambda z: oracles.softmax_cross_entropy(z, 2), lambda z: oracles.mean_squared_error(z, [0.0, 1.0, 0.5, -1.0])]
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
    [(0.0, 10, 1, 1), (0.25, 10, 2, 2), (0.35, 10, 4, 3), (0.5, 5, 2, 2), (0.5, 7, 4, 3), (1.5, 10, 10, 10)],
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
