"""Figures of a stream: against plain definitions, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.incremental.prequential import BEFORE, TOLERANCE, prequential_accuracy, reactions

RANDOM = settings(max_examples=80, deadline=None, database=None, derandomize=True)
STREAM = st.integers(8, 24).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 20).map(lambda i: i / 20), min_size=n, max_size=n),
        st.lists(st.integers(1, 30), min_size=n, max_size=n),
        st.sets(st.integers(2, n - 1), min_size=1, max_size=3).map(sorted),
    )
)


def right(accuracies, counts):
    """Sample by sample, whether it was predicted right."""
    return np.concatenate([np.arange(n) < round(a * n) for a, n in zip(accuracies, counts)])


@RANDOM
@given(stream=STREAM)
def test_the_accuracy_of_a_stream_is_that_of_its_samples(stream):
    hits, counts, _ = stream
    exact = [round(a * n) / n for a, n in zip(hits, counts)]
    found = prequential_accuracy([None, *exact[1:]], counts)
    assert found == pytest.approx(right(exact, counts)[counts[0] :].mean(), abs=1e-12)  # rounding of sums


def slow(accuracies, counts, begin, end, start):
    """A change by its definition: walk through the portions."""
    first = max(start, begin - BEFORE)
    samples = hits = 0
    for i in range(first, begin):
        if accuracies[i] is not None:
            samples, hits = samples + counts[i], hits + accuracies[i] * counts[i]
    before, lowest, where = hits / samples, 2.0, None
    for i in range(begin, end):
        if accuracies[i] < lowest:
            lowest, where = accuracies[i], i
    passed, recovery = 0, None
    for i in range(begin, end):
        if (lowest >= before - TOLERANCE or i >= where) and accuracies[i] >= before - TOLERANCE:
            recovery = passed
            break
        passed += counts[i]
    return {"sample": sum(counts[:begin]), "before": before, "lowest": lowest, "drop": before - lowest, "recovery": recovery}


@RANDOM
@given(stream=STREAM)
def test_reactions_are_those_of_their_definition(stream):
    accuracies, counts, begins = stream
    accuracies = [None, *accuracies[1:]]
    ends, starts = [*begins[1:], len(counts)], [0, *begins]
    assert reactions(accuracies, counts, begins) == [
        slow(accuracies, counts, begin, end, start) for begin, end, start in zip(begins, ends, starts)
    ]


def test_a_drop_and_the_way_back():
    accuracies, counts = [None, 0.9, 0.9, 0.9, 0.5, 0.4, 0.87, 0.89, 0.3], [10] * 9
    assert reactions(accuracies, counts, [4]) == [
        {"sample": 40, "before": pytest.approx(0.9), "lowest": 0.3, "drop": pytest.approx(0.6), "recovery": None}
    ]
    first, second = reactions(accuracies, counts, [4, 8])
    assert first == {"sample": 40, "before": pytest.approx(0.9), "lowest": 0.4, "drop": pytest.approx(0.5), "recovery": 30}
    assert second["before"] == pytest.approx((0.4 + 0.87 + 0.89) / 3) and second["recovery"] is None


def test_what_was_not_harmed_has_recovered_at_once():
    assert reactions([None, 0.9, 0.9, 0.89, 0.95], [5] * 5, [3])[0]["recovery"] == 0


def test_a_slow_fall_has_not_recovered_before_its_end():
    """The first portions of a gradual change are as good as those before it."""
    assert reactions([None, 0.9, 0.9, 0.9, 0.6, 0.9], [5] * 6, [2])[0]["recovery"] == 15
