"""Check a top-k selection: exact, ties included."""

import ctypes
import operator
from collections.abc import Callable

import numpy as np

from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded, call_c, is_c_function
from mcuref.testing.failure import Case, require_callable
from mcuref.testing.search import search
from mcuref.testing.strategies import MAX, topk_problems

NEVER_WRITTEN = 0xA5A5


def check_topk(implementation: Callable, examples: int = 200, seed: int = 0) -> None:
    """Check that a selection keeps the k largest |delta|: ascending, ties to the lowest index, exact zeros dropped.

    Both forms are also held to: indices in range, none twice, delta unchanged; the C form to nothing written outside
    its k entries. Entries among the k behind those it reports are its own to use.

    Parameters
    ----------
    implementation : one of
        Python  (delta: float32 [n], k: int) -> sequence of indices
        ctypes  uint32_t topk(uint16_t *kept, const float *delta, uint32_t n, uint32_t k), kept has room for k entries;
                returns how many it kept. Argument and result types are set here.
        1 <= k <= n <= 33 and delta is finite. C code that goes astray by more than 64 entries may crash the process.
    examples : int, how many inputs to try.
    seed : int, the same seed tries the same inputs.

    Raises
    ------
    CheckFailed : with the smallest failing input found.
    InputError : an argument is out of range.
    """
    __tracebackhide__ = True
    require_callable(implementation)
    search(lambda problem: check_topk_case(implementation, *problem), topk_problems(max_size=33), examples, seed)


def check_topk_case(implementation: Callable, delta: np.ndarray, k: int) -> None:
    """`check_topk` for one input: delta float32 [n], 1 <= k <= n. Raises CheckFailed."""
    case = Case("check_topk_case", implementation, {"delta": delta, "k": k})
    errors = Guarded(delta, guard=MAX)  # whoever reads past the end selects an index that is out of range
    kept = (_kept_c if is_c_function(implementation) else _kept_python)(case, errors.values, k)
    expected = oracles.top_k(delta, k).tolist()
    rules = {
        "every index is between 0 and n - 1": all(0 <= i < delta.size for i in kept),
        "no index comes twice": len(set(kept)) == len(kept),
        "at most k entries are kept": len(kept) <= k,
        "delta is not written to": not errors.changed,
        "nothing is written outside the n entries of delta": not errors.outside,
    }
    for rule, holds in rules.items():
        if not holds:
            case.fail(rule, expected, kept)
    if kept != expected:
        case.fail(_difference(delta, k, kept, expected), expected, kept)


def _kept_python(case, delta, k):
    """Indices from a Python callable, as a list of int."""
    result = case.call(case.implementation, delta, k)
    try:
        return [operator.index(i) for i in result]
    except TypeError:
        case.fail("returns a sequence of whole-number indices", "such a sequence", repr(result))


def _kept_c(case, delta, k):
    """Indices from a C function, as a list of int."""
    kept = Guarded(np.full(k, NEVER_WRITTEN, np.uint16), guard=NEVER_WRITTEN)
    count = case.call(
        call_c, case.implementation, ctypes.c_uint32, [ctypes.c_uint32, ctypes.c_uint32], kept.values, delta, delta.size, k
    )
    if kept.outside:
        case.fail(
            "nothing is written outside the k entries of kept",
            f"writes to kept[0..{k - 1}]",
            "a write to " + ", ".join(f"kept[{i}]" for i in kept.outside),
        )
    if count > k:
        case.fail("at most k entries are kept", f"at most {k}", f"{count} as the count returned")
    return kept.values[:count].tolist()


def _difference(delta, k, kept, expected):
    """The property that `kept` breaks, given that its indices are in range, distinct and at most k."""
    if sorted(kept) == expected:
        return "the indices come in ascending order"
    if any(delta[i] == 0 for i in kept):
        return "entries that are exactly 0 are dropped"
    if sorted(abs(delta[kept])) == sorted(abs(delta[expected])):
        return "of equal |delta| the lowest index is kept"
    return "the k largest |delta| are kept"
