"""The planner's search: hard problems to the byte, odd ones, and no overlap whatever it is given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.bench.plan_problems import KINDS, hard_problem
from mcuref.bench.planner import measure
from mcuref.memory import planner
from mcuref.memory import search as searching
from mcuref.memory.planner import extent, lower_bound
from mcuref.memory.search import search
from mcuref.testing import assert_no_overlap, check_plan
from mcuref.testing.strategies import plan_problems

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)

# kind, buffers, seed: KiB of the lower bound, of the quick orders' plan and of the search's; the same on every machine
HARD = {
    "cuts 60 1": (1024, 1080, 1024),
    "cuts 150 1": (1019, 1248, 1035),
    "bands 150 1": (997, 1148, 1019),
    "wheels 90 1": (1024, 1237, 1029),
    "wheels 150 1": (1024, 1244, 1056),
    "phases 150 1": (1010, 1072, 1010),
}


def larger_than_any(lifetimes):
    """More bytes than all buffers side by side."""
    return sum(size for size, _, _ in lifetimes) + 1


def searched(lifetimes):
    """Offsets by the search alone: any plan at all is smaller than what it has to beat."""
    return search(lifetimes, larger_than_any(lifetimes), 100 * len(lifetimes)) or [0] * len(lifetimes)


@pytest.mark.parametrize("case", HARD, ids=lambda case: case.replace(" ", "-"))
def test_hard_problems_to_the_byte(case):
    kind, buffers, seed = case.split()
    lifetimes = hard_problem(kind, int(buffers), int(seed))
    plans = planner.plan(lifetimes, steps=0), planner.plan(lifetimes, steps=100)
    for offsets in plans:
        assert_no_overlap(offsets, lifetimes)
    assert (lower_bound(lifetimes) / 1024, *(extent(lifetimes, offsets) / 1024 for offsets in plans)) == HARD[case]


@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_problem_fits_a_megabyte_where_it_was_cut_and_is_the_same_again(kind):
    lifetimes = hard_problem(kind, 100, 7)
    assert lower_bound(lifetimes) <= 1024 * 1024
    assert 0.94 * 1024**3 <= sum(size * (last + 1 - first) for size, first, last in lifetimes) <= 1024**3
    assert lifetimes == hard_problem(kind, 100, 7) != hard_problem(kind, 100, 8)


def test_a_row_of_the_benchmark():
    row = measure("cuts", 60)
    assert row.quick >= row.searched >= 1 and row.buffers <= 60 and row.seconds > 0


@pytest.mark.parametrize(("lifetimes", "size"), [
    ([], 0),
    ([(0, 0, 3), (0, 2, 2)], 0),
    ([(8, 5, 5)], 8),
    ([(4, 3, 3)] * 5, 20),
    ([(100, 0, 2), (52, 0, 2)], 152),
    ([(100, 0, 0), (60, 10, 10), (0, 0, 10)], 100),  # nothing that takes bytes is alive between
    ([(100, 0, 1), (60, 1, 2), (40, 2, 3)], 160),
    ([(7, 0, 9), (5, 0, 3), (5, 4, 9), (3, 2, 5)], 15),
    ([(4, 4, 5), (4, 1, 2), (4, 1, 3), (4, 3, 5)], 8),
    ([(2**40, 0, 1), (2**40, 1, 2), (1, 0, 0)], 2**41),
])  # fmt: skip
def test_odd_problems(lifetimes, size):
    offsets = searched(lifetimes)
    assert_no_overlap(offsets, lifetimes)
    assert extent(lifetimes, offsets) == size


def test_nothing_is_found_that_is_no_smaller():
    lifetimes = [(100, 0, 2), (52, 0, 2)]
    assert search(lifetimes, 152, 1000) is None and search(lifetimes, 153, 0) is None


@RANDOM
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 15), st.integers(0, 6)), max_size=30) | plan_problems())
def test_random_lifetimes(drawn):
    lifetimes = [(4 * size, first, first + last) for size, first, last in drawn]
    offsets = searched(lifetimes)
    assert_no_overlap(offsets, lifetimes)
    assert all(offset >= 0 and offset % 4 == 0 for offset in offsets)
    assert lower_bound(lifetimes) <= extent(lifetimes, offsets) < larger_than_any(lifetimes)
    assert searched(list(lifetimes)) == offsets, "not deterministic"
    assert extent(lifetimes, planner.plan(lifetimes)) <= extent(lifetimes, planner.plan(lifetimes, steps=0))


def test_the_check_for_other_planners_passes():
    check_plan(searched, alignment=1)


def test_quick_plans_at_the_lower_bound_are_not_searched_for(monkeypatch):
    monkeypatch.setattr(planner, "search", lambda *_: pytest.fail("searched"))
    assert planner.plan([(100, 0, 1), (60, 1, 2), (40, 2, 3)]) == [0, 100, 0]
    assert planner.plan([]) == []


def test_where_steps_are_slow_there_are_fewer(monkeypatch):
    lifetimes, steps, step = hard_problem("wheels", 60, 1), [], searching._Descent._step
    monkeypatch.setattr(searching._Descent, "_step", lambda *arguments: steps.append(1) or step(*arguments))
    monkeypatch.setattr(searching, "MOST_READS", 1)
    assert_no_overlap(searched(lifetimes), lifetimes)
    assert len(steps) <= 2 * len(lifetimes)
