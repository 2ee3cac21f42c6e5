"""Full training at the effort of another method: never more, near it where that can be, measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref import Data
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import named_rules
from mcuref.experiments.equal_effort import WITHIN, full_at_equal_effort, search
from mcuref.experiments.kinds import kinds
from mcuref.report.comparison_tables import equal_effort_table


def found(target, efforts):
    """(what a search finds where ``efforts`` are those of 1, 2, ..., how often it asks)."""
    looking, asked, answer = search(target, len(efforts), efforts[-1]), [], None
    while True:
        try:
            asked.append(looking.send(answer))
        except StopIteration as end:
            return end.value, len(asked)
        answer = efforts[asked[-1] - 1]


@given(steps=st.lists(st.floats(0.001, 1.0), min_size=1, max_size=60), target=st.floats(0.0, 1.2))
def test_the_largest_count_or_one_that_is_near_enough(steps, target):
    """However unevenly the effort grows."""
    efforts = (np.cumsum(steps) / np.sum(steps)).tolist()
    count, asked = found(target, efforts)
    below = [n for n, effort in enumerate(efforts, 1) if effort <= target]
    if not below:
        assert count is None
    else:
        assert count in below and (count == below[-1] or efforts[count - 1] >= target - WITHIN)
    assert asked < max(len(efforts), 2)


def test_few_questions_where_effort_is_nearly_linear():
    efforts = [0.87 * (n / 60000) * (1.02 - 0.02 * n / 60000) for n in range(1, 60001)]
    for target in (0.02, 0.1, 0.333, 0.5, 0.8):
        count, asked = found(target, efforts)
        assert target - WITHIN <= efforts[count - 1] <= target and asked <= 3
    assert found(0.87, efforts) == (60000, 0) and found(1.0, efforts) == (60000, 0)


@pytest.fixture
def data():
    """300 training and 90 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(390, 4)).astype(np.float32)
    y = np.arange(390) % 3
    x[np.arange(390), y] += 2
    return Data("small", "features", x[:300], y[:300], x[300:], y[300:])


def row_of(rows, method, dtype):
    return next(row for row in rows if (row["method"], row["dtype"]) == (method, dtype))


def test_rows_are_of_full_training_that_was_shown_less(data):
    """Each is measured, and is the row that an entry of its own would give."""
    comparison = Comparison(data, "mlp-4-9-3", seeds=(0, 1), epochs=5, kinds=kinds(["float32", "int8"]))
    entries = named_rules(["full", "topk", "tinypropv2"])
    rows = comparison.run(entries)
    equal = full_at_equal_effort(comparison, entries["full"], rows)
    assert [(row["dtype"], row["equal_to"], row["form"]) for row in equal] == [
        (dtype, "tinypropv2", form) for dtype in ("float32", "int8") for form in ("epochs", "share")
    ]
    for row in equal:
        method, full = (
            [r for r in rows if (r["method"], r["dtype"]) == (m, row["dtype"])][0] for m in ("tinypropv2", "full")
        )
        assert row["total_effort"] <= method["total_effort"] < full["total_effort"]
        assert row["form"] == "epochs" or row["total_effort"] > method["total_effort"] - WITHIN - 1 / 300
        assert (row["epochs"] < 5, row["share"] < 1) == (row["form"] == "epochs", row["form"] == "share")
        assert row["below_method"] == method["accuracy"] - row["accuracy"]
        assert row["accuracy_drop"] == full["accuracy"] - row["accuracy"]
        differences = np.subtract(method["per_seed"], row["per_seed"])
        assert row["below_method_std"] == pytest.approx(np.std(differences, ddof=1))


def test_a_method_that_spends_as_much_is_compared_with_full_training_itself(data):
    comparison, entries = Comparison(data, "mlp-4-9-3", epochs=2), named_rules(["full", "tinyprop"], s_min=1, s_max=1)
    rows = comparison.run(entries)
    rows[1] |= {"total_effort": rows[0]["total_effort"]}
    for row in full_at_equal_effort(comparison, entries["full"], rows):
        assert (row["epochs"], row["share"], row["per_seed"]) == (2, 1.0, rows[0]["per_seed"])
    rows[1] |= {"total_effort": 0.0001}
    assert full_at_equal_effort(comparison, entries["full"], rows) == [], "less than a sample"


def test_the_table(data):
    comparison, entries = Comparison(data, "mlp-4-9-3", epochs=5), named_rules(["full", "tinypropv2"])
    rows = comparison.run(entries)
    table = next(
        part
        for part in equal_effort_table(full_at_equal_effort(comparison, entries["full"], rows), rows, 5)
        if hasattr(part, "rows")
    )
    assert [cells[0].plain for cells in table.rows] == ["tinypropv2"] * 2
    assert "of 5 epochs" in table.rows[0][1].plain and "% of the samples" in table.rows[1][1].plain
