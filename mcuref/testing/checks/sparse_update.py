"""Check the sparse backward pass and update of a dense layer."""

import ctypes
import numbers
from collections.abc import Callable

import numpy as np

from mcuref.errors import InputError
from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded, call_c, is_c_function
from mcuref.testing.failure import Case, literal, require_callable
from mcuref.testing.search import search
from mcuref.testing.strategies import TINY, sparse_update_problems

EPS = float(np.finfo(np.float32).eps)
ARGUMENTS = ("dx", "w", "b", "x", "delta", "kept")


def check_sparse_update(implementation: Callable, examples: int = 200, seed: int = 0, tolerance: float = 1.0) -> None:
    """Check a dense layer's backward pass and SGD step of which only the kept outputs propagate and train.

    dx = sum over kept o of delta[o] w[o];   then, for kept o, w[o] -= learning_rate delta[o] x and
    b[o] -= learning_rate delta[o].

    - Weights and biases of the rows not kept keep their bits, and are never read: dx stays finite when those rows of w
      and those entries of delta are NaN. A dense computation on a masked delta fails here, since 0 * NaN is NaN.
    - dx is overwritten (it arrives full of NaN), with the weights from before the update.
    - Weights and biases of the kept rows are trained (TinyProp's published Python code never trains the biases).
    - Values are within tolerance * (T + 1) * eps * sum of |terms| of the float64 result, where T terms are added up
      (kept entries for dx; 2 for w and b) and eps = 2^-23: room for any order of the sum, with or without fused
      multiply-add.
    - x, delta and kept are unchanged, nothing is written outside any array.

    Parameters
    ----------
    implementation : one of
        Python  (dx [I], w [O, I], b [O], x [I], delta [O], kept, learning_rate) -> None, writes dx, w, b in place
        ctypes  void update(float *dx, float *w, float *b, const float *x, const float *delta, const uint16_t *kept,
                            uint32_t n_kept, uint32_t n_outputs, uint32_t n_inputs, float learning_rate)
        Arrays are float32, kept is uint16, ascending, possibly empty; 1 <= O, I <= 33.
    examples, seed : as in `check_topk`.
    tolerance : float > 0, see above.

    Raises
    ------
    CheckFailed : with the smallest failing input found.
    InputError : an argument is out of range.
    """
    __tracebackhide__ = True
    require_callable(implementation)
    _require_positive("tolerance", tolerance)

    def check_case(p):
        check_sparse_update_case(implementation, p.w, p.b, p.x, p.delta, p.kept, p.learning_rate, tolerance)

    search(check_case, sparse_update_problems(), examples, seed)


def check_sparse_update_case(
    implementation: Callable,
    w: np.ndarray,
    b: np.ndarray,
    x: np.ndarray,
    delta: np.ndarray,
    kept: np.ndarray,
    learning_rate: float,
    tolerance: float = 1.0,
) -> None:
    """`check_sparse_update` for one input; shapes and dtypes as there. Raises CheckFailed."""
    case = Case(
        "check_sparse_update_case",
        implementation,
        {"w": w, "b": b, "x": x, "delta": delta, "kept": kept, "learning_rate": learning_rate, "tolerance": tolerance},
    )
    after = _run(case, w, b, x, delta, kept, learning_rate)
    _check_bits(case, after, w, b, kept)
    _check_values(case, after)
    _check_unread(case)


def _run(case, w, b, x, delta, kept, learning_rate, **_):
    """Call the implementation on guarded copies; return the arrays afterwards by name."""
    nan = np.float32("nan")
    before = dict(zip(ARGUMENTS, (np.full_like(x, nan), w, b, x, delta, kept)))
    arrays = {name: Guarded(values, guard=0 if name == "kept" else nan) for name, values in before.items()}
    values = [array.values for array in arrays.values()]
    if is_c_function(case.implementation):
        case.call(
            call_c,
            case.implementation,
            None,
            [ctypes.c_uint32] * 3 + [ctypes.c_float],
            *values,
            kept.size,
            delta.size,
            x.size,
            learning_rate,
        )
    else:
        case.call(case.implementation, *values, learning_rate)
    for name, array in arrays.items():
        if array.outside:
            case.fail(
                f"nothing is written outside {name}",
                f"writes to its {array.values.size} entries",
                f"a write to entry {array.outside[0]}",
            )
        if name in ("x", "delta", "kept") and array.changed:
            case.fail(f"{name} is not written to", literal(before[name]), literal(array.values))
    return {name: array.values for name, array in arrays.items()}


def _check_bits(case, after, w, b, kept):
    """Rows that are not kept have the bits they had."""
    for o in np.setdiff1d(np.arange(b.size), kept):
        for name, old in (("w", w), ("b", b)):
            if old[o].tobytes() != after[name][o].tobytes():
                case.fail(
                    f"rows that are not kept keep their bits in {name}",
                    f"{name}[{o}] = {literal(old[o])}",
                    f"{name}[{o}] = {literal(after[name][o])}",
                )


def _check_values(case, after):
    """dx, w and b agree with the float64 oracle within the bound."""
    inputs = case.inputs
    expected = _expected(**inputs)
    bounds = _bounds(**inputs)
    for name, rule in (
        ("dx", "dx is the sum of delta[o] w[o] over the kept rows o"),
        ("w", "weights of the kept rows are trained: w[o] -= learning_rate delta[o] x"),
        ("b", "biases of the kept rows are trained: b[o] -= learning_rate delta[o]"),
    ):
        error = np.abs(after[name] - expected[name])
        if not np.all(error <= bounds[name]):  # so written, NaN is refused
            at = tuple(int(i) for i in np.argwhere(~(error <= bounds[name]))[0])
            if name == "dx" and _used_new_weights(after["dx"], bounds["dx"], expected["w"], **inputs):
                rule = "dx uses the weights from before the update"
            place = f"{name}[{', '.join(map(str, at))}]"
            case.fail(
                rule, f"{place} = {expected[name][at]:.9g} within {bounds[name][at]:.3g}", f"{place} = {after[name][at]:.9g}"
            )


def _expected(w, b, x, delta, kept, learning_rate, **_):
    """What the float64 oracles give, by name."""
    new_w, new_b = oracles.sgd_dense_update(w, b, delta, x, kept, learning_rate)
    return {"dx": oracles.dense_backward(delta, x, w, kept)[0], "w": new_w, "b": new_b}


def _bounds(w, b, x, delta, kept, learning_rate, tolerance):
    """How far float32 may be from the oracle, by name: see `check_sparse_update`.

    TINY is added because a term too small for float32 may count as 0.
    """
    magnitudes = _expected(abs(w), abs(b), abs(x), -abs(delta), kept, learning_rate)  # minus times minus: all terms add
    terms = {"dx": kept.size, "w": 2, "b": 2}
    return {name: tolerance * (terms[name] + 1) * EPS * abs(magnitudes[name]) + TINY for name in terms}


def _used_new_weights(dx, bound, new_w, x, delta, kept, **_):
    """Is dx what it would be with the updated weights? (The bound is doubled, as those are rounded too.)"""
    return bool(np.all(np.abs(dx - oracles.dense_backward(delta, x, new_w, kept)[0]) <= 2 * bound))


def _check_unread(case):
    """Fill the rows that are not kept with NaN: dx, b and the kept rows of w stay finite."""
    inputs = dict(case.inputs)
    rest = np.setdiff1d(np.arange(inputs["b"].size), inputs["kept"])
    for name in ("w", "delta"):
        inputs[name] = inputs[name].copy()
        inputs[name][rest] = np.nan
    after = _run(case, **inputs)
    for name, values in (("dx", after["dx"]), ("b", after["b"]), ("w", after["w"][inputs["kept"]])):
        if not np.all(np.isfinite(values)):
            case.fail(
                f"rows that are not kept are never read: with NaN put into those rows of w and delta, {name} stays finite",
                "finite numbers",
                f"{name} = {literal(values)}",
            )


def _require_positive(name, value):
    """Raise InputError unless `value` is a number > 0."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < float("inf"):
        raise InputError(f"{name} must be a number above 0, not {value!r}")
