"""Check how many entries TinyProp keeps."""

import ctypes
import operator
from collections.abc import Callable

import numpy as np

from mcuref.errors import InputError
from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded, call_c, is_c_function
from mcuref.testing.failure import Case, require_callable
from mcuref.testing.search import require_whole, search
from mcuref.testing.strategies import rule_problems

EPS = float(np.finfo(np.float32).eps)


def check_rule(
    implementation: Callable,
    s_min: float = 0.0,
    s_max: float = 1.0,
    zeta: float = 1.0,
    position: int = 0,
    rounding: str = "nearest",
    examples: int = 200,
    seed: int = 0,
) -> None:
    """Check k = clamp(round(S n), 1, n) with Y = sum |delta|, Y_max = max(Y_max, Y), S as in `back_propagation_ratio`.

    - k is at least 1 and at most n (TinyProp's published Python code loses its clamp, so it gets k = 0 and trains
      nothing, or k > n and raises).
    - Y_max takes in this sample's Y before S is computed.
    - Where float32 could land on either side of a rounding step, both k are right.
    - If delta is all zero, any k in 0..n is right, as nothing is kept; but no exception, and delta is unchanged.

    Parameters
    ----------
    implementation : one of
        Python  (delta: float32 [n], y_max: float) -> k
        ctypes  uint32_t rule(const float *delta, uint32_t n, float y_max)
        y_max is the running maximum from before the sample, 0 at the start; 1 <= n <= 33. The parameters below are the
        implementation's own: it is not told them.
    s_min, s_max : 0 <= s_min <= s_max.      zeta : > 0.      position : int >= 0, 0 is the output layer.
    rounding : "nearest" (half to even) or "floor".
    examples, seed : as in `check_topk`.

    Raises
    ------
    CheckFailed : with the smallest failing input found.
    InputError : an argument is out of range.
    """
    __tracebackhide__ = True
    require_callable(implementation)
    require_whole("position", position, at_least=0)
    if not 0 <= s_min <= s_max or not 0 < zeta:
        raise InputError(f"0 <= s_min <= s_max and 0 < zeta must hold, not s_min {s_min}, s_max {s_max}, zeta {zeta}")
    oracles.kept_count(1.0, 1, rounding)  # refuses an unknown rounding before any search
    search(
        lambda problem: check_rule_case(implementation, problem[0], problem[1], s_min, s_max, zeta, position, rounding),
        rule_problems(max_size=33),
        examples,
        seed,
    )


def check_rule_case(
    implementation: Callable,
    delta: np.ndarray,
    y_max: float,
    s_min: float = 0.0,
    s_max: float = 1.0,
    zeta: float = 1.0,
    position: int = 0,
    rounding: str = "nearest",
) -> None:
    """`check_rule` for one input: delta float32 [n], y_max from before the sample. Raises CheckFailed."""
    case = Case(
        "check_rule_case",
        implementation,
        {
            "delta": delta,
            "y_max": y_max,
            "s_min": s_min,
            "s_max": s_max,
            "zeta": zeta,
            "position": position,
            "rounding": rounding,
        },
    )
    errors = Guarded(delta, guard=np.nan)  # whoever reads past the end has a NaN in the sum
    k = _kept_count(case, errors.values, y_max)
    low, high = _right_counts(delta, y_max, s_min, s_max, zeta, position, rounding)
    expected = str(low) if low == high else f"{low} to {high}"
    if errors.changed or errors.outside:
        case.fail("delta is not written to", "no write", "a write")
    if not min(low, 1) <= k <= delta.size:
        case.fail("k is at least 1 and at most n", expected, k)
    if not low <= k <= high:
        case.fail("k = round(S n), S from Y / Y_max with this sample's Y already in Y_max", expected, k)


def _kept_count(case, delta, y_max):
    """k from either form of implementation."""
    if is_c_function(case.implementation):
        return case.call(
            call_c, case.implementation, ctypes.c_uint32, [ctypes.c_uint32, ctypes.c_float], delta, delta.size, y_max
        )
    k = case.call(case.implementation, delta, y_max)
    try:
        return operator.index(k)
    except TypeError:
        case.fail("returns a whole number", "such a number", repr(k))


def _right_counts(delta, y_max, s_min, s_max, zeta, position, rounding):
    """Lowest and highest k that are right: S may be off by a rounding of 2^-23 for each operation."""
    if not delta.any():
        return 0, delta.size
    y = float(np.abs(delta.astype(np.float64)).sum())
    ratio = oracles.back_propagation_ratio(y, max(y_max, y), s_min, s_max, zeta, position)
    slack = (delta.size + position + 8) * EPS
    return tuple(oracles.kept_count(ratio * (1 + side * slack), delta.size, rounding) for side in (-1, 1))
