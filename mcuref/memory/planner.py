"""Offsets for buffers that live at different times: bytes are shared by what is never alive together.

A lifetime is a pair (first, last) of instruction indices, both inclusive; two buffers with the same lifetime do overlap
(a planner in the field gets exactly this wrong). Sizes are in bytes, aligned.
"""

from bisect import insort
from collections.abc import Sequence

from mcuref.memory.search import search

Lifetime = tuple[int, int, int]  # bytes, first and last instruction
MOST_STEPS = 100_000  # of a search: a few seconds for several hundred buffers
MOST_LOOKS = 50_000_000  # that moves take, of one buffer at another: the same


def lower_bound(lifetimes: Sequence[Lifetime]) -> int:
    """No plan can be smaller: the largest sum of sizes alive at one instruction."""
    change = {}
    for size, first, last in lifetimes:
        change[first] = change.get(first, 0) + size
        change[last + 1] = change.get(last + 1, 0) - size
    alive = peak = 0
    for index in sorted(change):
        alive += change[index]
        peak = max(peak, alive)
    return peak


def place(lifetimes: Sequence[Lifetime], order: Sequence[int]) -> list[int]:
    """Offsets in bytes, one a buffer: in ``order``, each at the lowest gap among those already placed it lives with.

    This is the greedy planner of TensorFlow Lite Micro when ``order`` is by falling size.
    """
    offsets = [0] * len(lifetimes)
    placed: list[tuple[int, int, int, int]] = []  # start, end, first, last, by start
    for i in order:
        size, first, last = lifetimes[i]
        offset = 0
        for start, end, begins, ends in placed:
            if begins <= last and first <= ends:
                if start - offset >= size:
                    break
                if end > offset:
                    offset = end
        offsets[i] = offset
        insort(placed, (offset, offset + size, first, last))
    return offsets


def extent(lifetimes: Sequence[Lifetime], offsets: Sequence[int]) -> int:
    """Bytes from offset 0 to the end of the last buffer."""
    return max((offset + size for offset, (size, _, _) in zip(offsets, lifetimes)), default=0)


def _orders(lifetimes):
    """Orders worth trying, greedy-by-size first."""
    indices = range(len(lifetimes))

    def size(i):
        return lifetimes[i][0]

    def duration(i):
        return lifetimes[i][2] - lifetimes[i][1] + 1

    yield sorted(indices, key=lambda i: (-size(i), i))
    yield sorted(indices, key=lambda i: (-size(i) * duration(i), i))
    yield sorted(indices, key=lambda i: (-duration(i), -size(i), i))
    yield sorted(indices, key=lambda i: (lifetimes[i][1], -size(i), i))
    yield sorted(indices, key=lambda i: (-lifetimes[i][2], -size(i), i))


def plan(lifetimes: Sequence[Lifetime], rounds: int = 200, steps: int = 400) -> list[int]:
    """Offsets in bytes: never larger than greedy-by-size, usually the lower bound.

    Tries a few orders, then improves the best one: the buffer that ends highest is moved to the front. Where all of that
    misses the lower bound it searches (:mod:`mcuref.memory.search`). Deterministic; stops as soon as the lower bound is
    met, or after ``rounds`` moves, fewer of more than 500 buffers (``MOST_LOOKS``), and, of the search, ``steps`` for each
    buffer, ``MOST_STEPS`` in all.
    """
    best = _quick(lifetimes, min(rounds, 20 * len(lifetimes), MOST_LOOKS // max(len(lifetimes), 1) ** 2))
    size = extent(lifetimes, best)
    if size == lower_bound(lifetimes):
        return best
    return search(lifetimes, size, min(steps * len(lifetimes), MOST_STEPS)) or best


def _quick(lifetimes, rounds):
    """The best of a few orders, improved by ``rounds`` moves at most."""
    bound = lower_bound(lifetimes)
    best_order, *others = _orders(lifetimes)
    best = place(lifetimes, best_order)
    for order in others:
        if extent(lifetimes, best) == bound:
            return best
        offsets = place(lifetimes, order)
        if extent(lifetimes, offsets) < extent(lifetimes, best):
            best, best_order = offsets, order
    order, offsets = best_order, best
    for _ in range(rounds):
        if extent(lifetimes, best) == bound:
            break
        height = extent(lifetimes, offsets)
        top = next(i for i in order if offsets[i] + lifetimes[i][0] == height)
        if order[0] == top:
            break
        order = [top] + [i for i in order if i != top]
        offsets = place(lifetimes, order)
        if extent(lifetimes, offsets) < extent(lifetimes, best):
            best = offsets
    return best
