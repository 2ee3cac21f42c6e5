"""Search for a failing input with Hypothesis, shrink it, and report it without Hypothesis's own words."""

import numbers
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from mcuref.errors import InputError
from mcuref.testing.failure import CheckFailed


def search(check_case: Callable[[Any], None], strategy: SearchStrategy, examples: int, seed: int) -> None:
    """Run `check_case(problem)` on `examples` problems from `strategy`; raise the CheckFailed of the smallest failure.

    The same seed gives the same problems under the same version of Hypothesis while the code around is the same (it
    picks up constants from imported modules). Failing inputs are not stored; all that Hypothesis may leave behind is
    its cache of those constants, a folder `.hypothesis`.

    Raises
    ------
    InputError : `examples` or `seed` is not a whole number in range.
    CheckFailed : a property is broken, or the same input gives now this result and now that.
    """
    __tracebackhide__ = True  # pytest then shows the caller's line and the message, not this function
    require_whole("examples", examples, at_least=1)
    require_whole("seed", seed, at_least=0)
    last_failure = None

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        derandomize=False,  # the seed above decides
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        verbosity=hypothesis.Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
    @hypothesis.given(strategy)
    def run(problem):
        """One problem; what fails is kept, for the smallest is the last."""
        nonlocal last_failure
        try:
            check_case(problem)
        except CheckFailed as failure:
            last_failure = failure
            raise

    try:
        run()
    except (CheckFailed, Flaky) as found:
        failure = found if isinstance(found, CheckFailed) else _unrepeatable(last_failure)
    else:
        return
    failure.__notes__ = []  # Hypothesis's "Falsifying example"
    raise failure.with_traceback(None) from failure.__cause__


def require_whole(name: str, value: object, at_least: int) -> None:
    """Raise InputError unless `value` is a whole number >= `at_least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < at_least:
        raise InputError(f"{name} must be a whole number, at least {at_least}, not {value!r}")


def _unrepeatable(failure):
    """The failure of an input that failed once and passed, or failed otherwise, when it was tried again."""
    changed = CheckFailed(
        f"The same input does not give the same result each time: does the code keep state, or read "
        f"memory it never wrote? One of the failures:\n{failure}"
    )
    changed.violated, changed.snippet = failure.violated, failure.snippet
    changed.__cause__ = failure.__cause__
    return changed
