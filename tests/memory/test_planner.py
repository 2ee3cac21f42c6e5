"""The planner: cases planned by hand, random lifetimes against brute force, and proof that the check has teeth."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.bench.plan_problems import hard_problem
from mcuref.memory import planner
from mcuref.memory.buffers import aligned
from mcuref.testing import CheckFailed, assert_no_overlap, check_plan, lower_bound, programs
from mcuref.testing.strategies import plan_problems

RANDOM = settings(max_examples=100, deadline=None, database=None, derandomize=True)

# lifetimes (size, first, last) and the size of the best plan, by hand
BY_HAND = {
    "nothing": ([], 0),
    "one": ([(8, 0, 0)], 8),
    "disjoint share all bytes": ([(100, 0, 1), (60, 2, 3), (100, 4, 4)], 100),
    "nested stand side by side": ([(100, 0, 9), (40, 2, 3), (20, 5, 6)], 140),
    "chained pairs meet at one row": ([(100, 0, 1), (60, 1, 2), (40, 2, 3)], 160),
    "identical lifetimes do overlap": ([(100, 0, 2), (52, 0, 2)], 152),  # 100 in TinyEngine
    "identical single rows": ([(4, 3, 3)] * 5, 20),
    "zero sizes cost nothing": ([(0, 0, 9), (16, 0, 9), (0, 4, 4)], 16),
    "by size alone takes 12": ([(4, 4, 5), (4, 1, 2), (4, 1, 3), (4, 3, 5)], 8),
}


def greedy_by_size(lifetimes):
    """Bytes of TFLM's planner, written anew: largest first, each at its lowest possible offset."""
    placed = []
    for size, first, last in sorted(lifetimes, key=lambda lifetime: -lifetime[0]):
        rivals = [(o, s) for o, (s, f, e) in placed if max(f, first) <= min(e, last)]
        # the lowest free offset is 0 or the end of a rival
        offset = min(o for o in (0, *(o + s for o, s in rivals)) if all(o + size <= p or p + s <= o for p, s in rivals))
        placed.append((offset, (size, first, last)))
    return max((offset + size for offset, (size, _, _) in placed), default=0)


def lifetimes_of_programs():
    """(size, first, last) as a compiler makes them: up to 30 buffers, aligned sizes, many of them equal."""
    lifetime = st.tuples(st.integers(0, 12), st.integers(0, 15), st.integers(0, 6))
    return st.lists(lifetime.map(lambda t: (4 * t[0], t[1], t[1] + t[2])), max_size=30)


@pytest.mark.parametrize("name", BY_HAND)
def test_planned_by_hand(name):
    lifetimes, size = BY_HAND[name]
    offsets = planner.plan(lifetimes)
    assert planner.extent(lifetimes, offsets) == size == planner.lower_bound(lifetimes)
    assert_no_overlap(offsets, lifetimes)


def test_better_than_greedy_by_size():
    assert greedy_by_size(BY_HAND["by size alone takes 12"][0]) == 12


def test_the_check_for_other_planners_passes():
    check_plan(planner.plan, alignment=1)
    check_plan(lambda lifetimes: planner.plan([(aligned(size), first, last) for size, first, last in lifetimes]))


@RANDOM
@given(lifetimes_of_programs() | plan_problems())
def test_random_lifetimes(lifetimes):
    offsets = planner.plan(lifetimes)
    assert_no_overlap(offsets, lifetimes)
    assert len(offsets) == len(lifetimes) and all(offset >= 0 for offset in offsets)
    rows = range(max((last for _, _, last in lifetimes), default=0) + 1)
    bound = max(sum(size for size, first, last in lifetimes if first <= row <= last) for row in rows)
    assert planner.lower_bound(lifetimes) == bound
    assert bound <= planner.extent(lifetimes, offsets) <= greedy_by_size(lifetimes)
    assert planner.plan(list(lifetimes)) == offsets, "not deterministic"


@RANDOM
@given(lifetimes_of_programs())
def test_aligned_sizes_give_aligned_offsets(lifetimes):
    assert all(offset % 4 == 0 for offset in planner.plan(lifetimes))


@RANDOM
@given(programs())
def test_plans_of_programs(program):
    """What shares bytes in a real program, in-place chains taken as one: greedy-by-size at most, mostly the bound."""
    placed = {p.buffer.name: p for p in program.plan.placements if p.buffer.region == "sram" and not p.buffer.persistent}
    chains = {}
    for p in placed.values():
        chains.setdefault(p.shares or p.buffer.name, []).append(p)
    lifetimes = [
        (aligned(max(p.buffer.size for p in chain)), min(p.first for p in chain), max(p.last for p in chain))
        for chain in chains.values()
    ]
    shared, bound = program.plan.shared("sram"), lower_bound(lifetimes)
    assert bound <= shared <= greedy_by_size(lifetimes)
    assert program.plan.overhead("sram") == (shared / bound if bound else 1)
    assert shared <= 1.2 * bound, "measured: 1.0 for 996 of 1000 programs, 1.1 for the worst"


@pytest.mark.parametrize("alive_together", [
    lambda a, b: a[1:] != b[1:] and a[1] <= b[2] and b[1] <= a[2],  # identical lifetimes taken for disjoint
    lambda a, b: a[1] < b[2] and b[1] < a[2],  # TinyEngine's strict comparisons
    lambda a, b: False,
])  # fmt: skip
def test_a_planner_with_wrong_lifetimes_is_caught(alive_together):
    """The same planner, its only fault the comparison: the check must see it, or it proves nothing about ours."""

    def faulty(lifetimes):
        offsets = []
        for i, lifetime in enumerate(lifetimes):
            ends = [offsets[j] + lifetimes[j][0] for j in range(i) if alive_together(lifetimes[j], lifetime)]
            offsets.append(aligned(max(ends, default=0)))
        return offsets

    with pytest.raises(CheckFailed, match="share no byte"):
        check_plan(faulty)


def test_the_more_buffers_the_fewer_moves(monkeypatch):
    """Of thousands a move looks at millions of pairs; two hundred of them would take minutes."""
    lifetimes, calls, place = hard_problem("wheels", 60, 1), [], planner.place
    monkeypatch.setattr(planner, "place", lambda *arguments: calls.append(1) or place(*arguments))
    monkeypatch.setattr(planner, "MOST_LOOKS", 10 * len(lifetimes) ** 2)
    planner.plan(lifetimes, steps=0)
    assert len(calls) == 5 + 10
