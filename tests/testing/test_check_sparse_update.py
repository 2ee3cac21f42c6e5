"""check_sparse_update passes right updates and names the fault of each wrong one, in Python and in C."""

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.testing import CheckFailed, check_sparse_update


def right(dx, w, b, x, delta, kept, learning_rate):
    dx[:] = 0
    for o in kept:
        step = np.float32(learning_rate) * delta[o]
        dx += delta[o] * w[o]
        w[o] -= step * x
        b[o] -= step


def right_in_another_order(dx, w, b, x, delta, kept, learning_rate):
    dx[:] = delta[kept][::-1] @ w[kept][::-1]
    w[kept] -= np.float32(learning_rate) * np.outer(delta[kept], x)
    b[kept] -= np.float32(learning_rate) * delta[kept]


def masked_dense(dx, w, b, x, delta, kept, learning_rate):
    masked = np.zeros_like(delta)
    masked[kept] = delta[kept]
    dx[:] = masked @ w
    w -= np.float32(learning_rate) * np.outer(masked, x)
    b -= np.float32(learning_rate) * masked


def masks_by_multiplying(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    rest = np.setdiff1d(np.arange(b.size), kept)
    b[rest] -= 0 * delta[rest]


def bias_never_trained(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b.copy(), x, delta, kept, learning_rate)


def weights_never_trained(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w.copy(), b, x, delta, kept, learning_rate)


def new_weights(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    dx[:] = delta[kept] @ w[kept]


def weight_decay_on_all_rows(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    w *= np.float32(0.99)


def dense_bias(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    rest = np.setdiff1d(np.arange(b.size), kept)
    b[rest] -= np.float32(learning_rate) * delta[rest]


def dx_added_up(dx, w, b, x, delta, kept, learning_rate):
    before = dx.copy()
    right(dx, w, b, x, delta, kept, learning_rate)
    dx += before


def half_precision(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    w[kept] = w[kept].astype(np.float16)


def wrong_sign(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, -learning_rate)


def scales_delta(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    delta[kept] *= np.float32(learning_rate)


def rounds_x(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    x[:] = 0


def shifts_kept(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    kept += 1


def raises_when_none_is_kept(dx, w, b, x, delta, kept, learning_rate):
    right(dx, w, b, x, delta, kept, learning_rate)
    kept[0]


@pytest.mark.parametrize("implementation", [right, right_in_another_order])
def test_right_updates_pass(implementation):
    assert check_sparse_update(implementation, examples=40) is None


@pytest.mark.parametrize(
    "implementation, text",
    [
        (masked_dense, "rows that are not kept are never read"),
        (masks_by_multiplying, "rows that are not kept are never read"),
        (bias_never_trained, "biases of the kept rows are trained"),
        (weights_never_trained, "weights of the kept rows are trained"),
        (new_weights, "dx uses the weights from before the update"),
        (weight_decay_on_all_rows, "rows that are not kept keep their bits in w"),
        (dense_bias, "rows that are not kept keep their bits in b"),
        (dx_added_up, "dx is the sum of delta[o] w[o] over the kept rows o"),
        (half_precision, "weights of the kept rows are trained"),
        (wrong_sign, "of the kept rows are trained"),
        (scales_delta, "delta is not written to"),
        (rounds_x, "x is not written to"),
        (shifts_kept, "kept is not written to"),
        (raises_when_none_is_kept, "raises no exception\nexpected: a result\ngot:      IndexError"),
    ],
)
def test_wrong_updates_are_named(fails, implementation, text):
    fails(check_sparse_update, implementation, text)


def test_the_smallest_failing_input_is_shown(fails):
    failure = fails(check_sparse_update, bias_never_trained, "expected: b[0] = 0.5 within 5.36e-07\ngot:      b[0] = 1")
    assert "\nb = np.array([1.0], np.float32)\n" in failure.snippet


def test_tolerance_widens_the_bound():
    def inexact(dx, w, b, x, delta, kept, learning_rate):
        right(dx, w, b, x, delta, kept, learning_rate)
        w[kept] *= np.float32(1 + 2**-18)  # 32 eps away, where 3 eps are allowed

    check_sparse_update(inexact, examples=60, tolerance=20)
    with pytest.raises(CheckFailed, match="weights of the kept rows"):
        check_sparse_update(inexact, tolerance=1)


@pytest.mark.parametrize("tolerance", [0, -1.0, float("nan"), float("inf"), "tight", True])
def test_wrong_tolerances_are_refused(tolerance):
    with pytest.raises(InputError, match="tolerance"):
        check_sparse_update(right, tolerance=tolerance)


def test_wrong_examples_are_refused():
    with pytest.raises(InputError, match="examples"):
        check_sparse_update(right, examples=0)


UPDATE = """
#include <stdint.h>
void update(float *dx, float *w, float *b, const float *x, const float *delta, const uint16_t *kept,
            uint32_t n_kept, uint32_t n_outputs, uint32_t n_inputs, float learning_rate) {{
    for (uint32_t i = 0; i < n_inputs; i++) dx[i] = 0;
    for (uint32_t j = 0; j < n_kept; j++) {{
        float error = delta[kept[j]], *row = w + kept[j] * n_inputs, step = learning_rate * error;
        for (uint32_t i = 0; i {limit} n_inputs; i++) {{
            dx[i] += error * row[i];
            row[i] -= step * x[i];
        }}
        {bias}
    }}
}}
"""


def test_a_right_update_in_c_passes(compile_c):
    update = compile_c(UPDATE.format(limit="<", bias="b[kept[j]] -= step;"), "update")
    assert check_sparse_update(update, examples=60) is None


@pytest.mark.parametrize(
    "change, text",
    [
        ({"bias": ""}, "biases of the kept rows are trained"),
        ({"bias": "b[j] -= step;"}, "fails check_sparse_update: "),
        ({"bias": "b[kept[j]] -= step; b[n_outputs] = 0;"}, "nothing is written outside b"),
        ({"bias": "b[kept[j]] -= step; w[-1] = 0;"}, "nothing is written outside w"),
        ({"limit": "<="}, "fails check_sparse_update: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_updates_in_c_are_named(compile_c, fails, change, text):
    source = UPDATE.format(**{"limit": "<", "bias": "b[kept[j]] -= step;"} | change)
    fails(check_sparse_update, compile_c(source, "update"), text)
