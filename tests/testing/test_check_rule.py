"""check_rule passes right rules and names the fault of each wrong one, in Python and in C."""

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.testing import check_rule


def ratio(delta, y_max):
    y = np.abs(delta).sum(dtype=np.float32)
    largest = max(np.float32(y_max), y)
    return y / largest if largest else np.float32(0)


def clamp(k, n):
    return min(max(int(k), 1), n)


def right(delta, y_max):
    return clamp(np.rint(ratio(delta, y_max) * np.float32(delta.size)), delta.size)


def up_to_half(delta, y_max):
    return clamp(np.rint(np.float32(0.5) * ratio(delta, y_max) * np.float32(delta.size)), delta.size)


def damped(delta, y_max):
    share = np.float32(0.05) + np.float32(0.45) * ratio(delta, y_max)
    return clamp(np.rint(share * np.float32(0.25) ** 2 * delta.size), delta.size)


def truncates(delta, y_max):
    return clamp(ratio(delta, y_max) * np.float32(delta.size), delta.size)


def none_when_all_zero(delta, y_max):
    return right(delta, y_max) if delta.any() else 0


def not_clamped_below(delta, y_max):
    return int(np.rint(ratio(delta, y_max) * np.float32(delta.size)))


def not_clamped_above(delta, y_max):
    return int(max(1, np.rint(2 * ratio(delta, y_max) * delta.size)))


def maximum_updated_too_late(delta, y_max):
    y = np.abs(delta).sum(dtype=np.float32)
    return clamp(np.rint(0.5 * (y / y_max if y_max else 1) * delta.size), delta.size)


def divides_zero_by_zero(delta, y_max):
    y = float(np.abs(delta).sum())
    return clamp(np.rint(y / max(y, y_max) * delta.size), delta.size)


def takes_absolute_values(delta, y_max):
    delta[:] = np.abs(delta)
    return right(delta, y_max)


def returns_a_float(delta, y_max):
    return float(right(delta, y_max))


@pytest.mark.parametrize(
    "implementation, options",
    [
        (right, {}),
        (none_when_all_zero, {}),
        (truncates, {"rounding": "floor"}),
        (up_to_half, {"s_max": 0.5}),
        (damped, {"s_min": 0.05, "s_max": 0.5, "zeta": 0.25, "position": 2}),
    ],
)
def test_right_rules_pass(implementation, options):
    assert check_rule(implementation, examples=30, **options) is None


@pytest.mark.parametrize(
    "implementation, options, text",
    [
        (not_clamped_below, {}, "k is at least 1 and at most n\nexpected: 1\ngot:      0"),
        (not_clamped_above, {"s_max": 2.0}, "k is at least 1 and at most n\nexpected: 1\ngot:      2"),
        (truncates, {}, "k = round(S n)"),
        (maximum_updated_too_late, {"s_max": 0.5}, "with this sample's Y already in Y_max"),
        (right, {"s_max": 0.5}, "k = round(S n)"),
        (divides_zero_by_zero, {}, "got:      ZeroDivisionError"),
        (takes_absolute_values, {}, "delta is not written to"),
        (returns_a_float, {}, "returns a whole number"),
    ],
)
def test_wrong_rules_are_named(fails, implementation, options, text):
    fails(check_rule, implementation, text, **options)


@pytest.mark.parametrize(
    "options", [{"s_min": -0.1}, {"s_max": -1}, {"zeta": 0}, {"position": -1}, {"rounding": "up"}, {"examples": 0}]
)
def test_wrong_options_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        check_rule(right, **options)


RULE = """
#include <math.h>
#include <stdint.h>
uint32_t rule(const float *delta, uint32_t n, float y_max) {
    float y = 0;
    for (uint32_t i = 0; i < n; i++) y += fabsf(delta[i]);
    if (y > y_max) y_max = y;
    int32_t k = y_max > 0 ? (int32_t)(y / y_max * n + 0.5f) : 0;
    return k < 1 ? 1 : k > (int32_t)n ? n : (uint32_t)k;
}
"""


def test_a_right_rule_in_c_passes(compile_c):
    assert check_rule(compile_c(RULE, "rule"), examples=60) is None


def test_wrong_rules_in_c_are_named(compile_c, fails):
    fails(check_rule, compile_c(RULE.replace("fabsf", ""), "rule"), "k = round(S n)")
