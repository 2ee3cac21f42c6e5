"""check_topk passes right selections and names the fault of each wrong one, in Python and in C."""

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.testing import CheckFailed, check_topk, check_topk_case, oracles


def largest_first(delta, k):
    return sorted(range(len(delta)), key=lambda i: (-abs(delta[i]), i))[:k]


def right_list(delta, k):
    return sorted(i for i in largest_first(delta, k) if delta[i] != 0)


def highest_index_wins(delta, k):
    return sorted(i for i in np.argsort(np.abs(delta), kind="stable")[::-1][:k] if delta[i] != 0)


def heap_order(delta, k):
    return [i for i in largest_first(delta, k) if delta[i] != 0]


def zeros_kept(delta, k):
    return sorted(largest_first(delta, k))


def zeros_replaced(delta, k):
    return np.flatnonzero(delta)[:k] if k > 1 else right_list(delta, k)


def one_too_few(delta, k):
    return right_list(delta, k - 1)


def one_too_many(delta, k):
    return right_list(delta, k + 1)


def keeps_none(delta, k):
    return []


def counts_from_one(delta, k):
    return [i + 1 for i in right_list(delta, k)]


def repeats_one(delta, k):
    return right_list(delta, k)[:1] * 2


def ignores_magnitude(delta, k):
    return sorted(i for i in np.argsort(-delta, kind="stable")[:k] if delta[i] != 0)


def flushes_denormals(delta, k):
    return right_list(np.where(abs(delta) < np.finfo(np.float32).tiny, np.float32(0), delta), k)


def consumes_delta(delta, k):
    kept = right_list(delta, k)
    delta[kept] = 0
    return kept


def writes_before_delta(delta, k):
    delta.base[63] = 0
    return right_list(delta, k)


def returns_floats(delta, k):
    return [float(i) for i in right_list(delta, k)]


def returns_nothing(delta, k):
    pass


@pytest.mark.parametrize("implementation", [oracles.top_k, right_list])
def test_right_selections_pass(implementation):
    assert check_topk(implementation, examples=40) is None


@pytest.mark.parametrize(
    "implementation, text",
    [
        (highest_index_wins, "of equal |delta| the lowest index is kept"),
        (heap_order, "the indices come in ascending order"),
        (zeros_kept, "entries that are exactly 0 are dropped"),
        (zeros_replaced, "fails check_topk: "),
        (one_too_few, "the k largest |delta| are kept"),
        (one_too_many, "at most k entries are kept"),
        (keeps_none, "the k largest |delta| are kept"),
        (counts_from_one, "every index is between 0 and n - 1"),
        (repeats_one, "no index comes twice"),
        (ignores_magnitude, "fails check_topk: "),
        (flushes_denormals, "the k largest |delta| are kept"),
        (consumes_delta, "delta is not written to"),
        (writes_before_delta, "nothing is written outside the n entries of delta"),
        (returns_floats, "returns a sequence of whole-number indices"),
        (returns_nothing, "returns a sequence of whole-number indices"),
    ],
)
def test_wrong_selections_are_named(fails, implementation, text):
    fails(check_topk, implementation, text)


def test_the_message_in_full():
    with pytest.raises(CheckFailed) as found:
        check_topk(highest_index_wins)
    assert (
        str(found.value)
        == """\
highest_index_wins fails check_topk: of equal |delta| the lowest index is kept
expected: [0]
got:      [1]
To repeat it:
import numpy as np
from mcuref.testing import check_topk_case
delta = np.array([1.0, 1.0], np.float32)
k = 1
check_topk_case(highest_index_wins, delta, k)"""
    )


def test_an_exception_in_the_code_is_reported_with_its_cause(fails):
    def divides(delta, k):
        return right_list(1 / float(delta[0]) * delta, k)

    failure = fails(check_topk, divides, "raises no exception\nexpected: a result\ngot:      ZeroDivisionError")
    assert isinstance(failure.__cause__, ZeroDivisionError)
    assert "delta = np.array([0.0], np.float32)" in failure.snippet


def test_code_that_keeps_state_is_told_apart():
    calls = []

    def every_seventh(delta, k):
        calls.append(k)
        return [] if len(calls) % 7 == 3 else right_list(delta, k)

    with pytest.raises(CheckFailed, match="The same input does not give the same result each time"):
        check_topk(every_seventh)


def test_code_without_a_usable_name_is_called_implementation(fails):
    fails(check_topk, lambda delta, k: [], "implementation fails check_topk")


def test_a_failing_search_prints_nothing(capfd):
    with pytest.raises(CheckFailed):
        check_topk(zeros_kept)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("options", [{"examples": 0}, {"examples": 1.5}, {"examples": True}, {"seed": -1}, {"seed": "now"}])
def test_wrong_options_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        check_topk(right_list, **options)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(InputError, match="must be a function"):
        check_topk([0, 1])


def test_a_case_by_hand():
    assert check_topk_case(right_list, np.array([3, 3, 5], np.float32), 2) is None
    with pytest.raises(CheckFailed, match="lowest index"):
        check_topk_case(highest_index_wins, np.array([3, 3, 5], np.float32), 2)


SELECTION = """
#include <math.h>
#include <stdint.h>
uint32_t topk(uint16_t *kept, const float *delta, uint32_t n, uint32_t k) {{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {{
        uint32_t larger = 0;  /* entries that go before i */
        for (uint32_t j = 0; j < n; j++)
            larger += fabsf(delta[j]) > fabsf(delta[i]) || (j {tie} i && fabsf(delta[j]) == fabsf(delta[i]));
        if (larger {limit} k && delta[i] != 0) kept[count++] = (uint16_t)i;
    }}
    {end}
    return count;
}}
"""


def test_a_right_selection_in_c_passes(compile_c):
    assert check_topk(compile_c(SELECTION.format(tie="<", limit="<", end=""), "topk"), examples=60) is None


@pytest.mark.parametrize(
    "change, text",
    [
        ({"tie": ">"}, "of equal |delta| the lowest index is kept"),
        ({"limit": "<="}, "nothing is written outside the k entries of kept"),
        ({"end": "kept[k] = 0;"}, "nothing is written outside the k entries of kept"),
        ({"end": "kept[-1] = 0;"}, "a write to kept[-1]"),
        ({"end": "count = k + 1;"}, "at most k entries are kept"),
        ({"end": "count = k;"}, "every index is between 0 and n - 1"),  # entries never written
        ({"end": "((float *)delta)[n] = 0;"}, "nothing is written outside the n entries of delta"),
        ({"end": "((float *)delta)[0] = 7;"}, "delta is not written to"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_selections_in_c_are_named(compile_c, fails, change, text):
    fails(check_topk, compile_c(SELECTION.format(**{"tie": "<", "limit": "<", "end": ""} | change), "topk"), text)


def test_reading_past_the_end_in_c_is_seen(compile_c, fails):
    source = SELECTION.format(tie="<", limit="<", end="").replace("i < n", "i <= n").replace("j < n", "j <= n")
    fails(check_topk, compile_c(source, "topk"), "every index is between 0 and n - 1")
