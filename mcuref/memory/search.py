"""A search for plans of hard problems: for those where placing buffers in a few orders misses the lower bound.

**Sections.** Time is cut wherever a buffer begins or ends. A section knows which buffers are alive in it; a plan is a pile
of them in each section, and a buffer takes the same bytes in all of its sections.

**From the bottom up.** Every plan can be pressed down until each buffer lies on offset 0 or on another that it lives with.
Such a plan comes out when its buffers are placed by rising offset, each on top of what is placed already. So a step picks
the next buffer; where it goes, follows. Any is taken but one that would start above the top of another that is still to
be placed: that other one would fit below it.

**Looking ahead.** What is still to be placed in a section lies above the lowest place that any of it can have, so the
section ends at the sum of both at least. If that is beyond the ceiling, the step is undone and the next buffer tried. If
none is left, the search goes back to a step that has a buffer in one of the sections that failed: others are not to blame.

**Raising the ceiling.** The ceiling starts below the best size that is known, and where `PATIENCE` steps bring the search no
further, it is raised by as little as is needed. So a descent ends with a plan that is smaller than the best known, or
gives up.

**Learning from failures.** An order says which of the buffers that may be next is tried first. Buffers that had no room
are blamed, and come earlier in the order of the next descent: mostly they are large or live long, and found their places
taken by others. What a buffer would leave empty below it counts too: the larger the share of its own bytes, over time, the
later it is tried. Every other descent starts from the order that gave the best plan (at first, by area) and from what was
blamed since; the rest from three fixed orders in turn, and from what was blamed in all.

Nothing here depends on a clock or on random numbers: the same problem and number of steps give the same plan. It may miss
a plan that exists. Sections, pressed plans and looking ahead are from MiniMalloc (Moffitt, ASPLOS 2023).
"""

from collections.abc import Sequence

import numpy as np

PATIENCE = 30  # steps without getting further, after which the ceiling is raised
DESCENT = 20  # steps a buffer, after which a descent gives up
WASTE = 0.3  # of the order: how much later a buffer is tried that would leave as much empty below it as it takes
FORGET = 0.9  # what blame is worth after another descent
MOST_READS = 4_000_000_000  # of buffers in sections, one each in a step: beyond several hundred buffers steps become slow
PLACED = 1 << 62  # instead of an offset: above all others


class _Problem:
    """Buffers of more than no bytes as arrays; buffers and sections go by their numbers."""

    def __init__(self, lifetimes):
        self.sizes, begins, lasts = np.array(lifetimes, np.int64).T
        edges = np.unique(np.concatenate((begins, lasts + 1)))
        self.first, self.end = np.searchsorted(edges, begins), np.searchsorted(edges, lasts + 1)  # sections
        self.durations = lasts + 1 - begins
        self.areas = self.sizes * self.durations
        sections = np.arange(len(edges) - 1)[:, None]
        alive = (self.first <= sections) & (sections < self.end)
        self.alive = alive[alive.any(axis=1)]  # [section, buffer], without sections in which nothing is alive
        self.spans = np.diff(edges)[alive.any(axis=1)]  # [section] instructions
        gone = np.concatenate(([0], np.cumsum(~alive.any(axis=1))))
        self.first, self.end = self.first - gone[self.first], self.end - gone[self.end]
        self.totals = self.alive @ self.sizes  # [section]
        self.neighbours = [np.flatnonzero(self.alive[a:b].any(axis=0)) for a, b in zip(self.first, self.end)]
        self.members = np.nonzero(self.alive)[1]  # buffers of section 0, then of section 1, ...
        self.starts = np.concatenate(([0], np.cumsum(self.alive.sum(axis=1))))  # of each section in members, and the end

    def orders(self):
        """Orders to start from, each as a buffer's place in it, from 0 to 1."""
        widths = self.end - self.first
        crowds = np.array([self.totals[a:b].max() for a, b in zip(self.first, self.end)])
        # what counts most stands last
        keys = ((self.areas,), (self.areas, crowds, widths), (self.sizes, self.durations), (self.sizes, widths))
        return [_places(np.lexsort([-key for key in order])) for order in keys]

    def waste(self, buffers, offsets, floor):
        """What buffers would leave empty between them and the floor of their sections: 1 is as much as they take."""
        below = np.concatenate(([0], np.cumsum(floor * self.spans)))
        first, end = self.first[buffers], self.end[buffers]
        empty = offsets * self.durations[buffers] - (below[end] - below[first])
        return np.minimum(empty / self.areas[buffers], 1)


def _places(order):
    """Where in an order each buffer stands, from 0 to 1."""
    return np.argsort(order) / len(order)


class _Node:
    """A buffer that is placed, and what may be placed next."""

    def __init__(self, problem, rank, parent, buffer, offset, lowest, rest, floor):
        self.parent, self.buffer, self.offset = parent, buffer, offset
        self.lowest = lowest  # [buffer] the lowest offset it can still have, or PLACED
        self.rest = rest  # [section] bytes that are still to be placed
        self.floor = floor  # [section] the lowest offset of what is still to be placed, 0 if nothing is
        self.depth = parent.depth + 1 if parent else 0
        self.blamed = np.zeros(len(lowest), bool)  # buffers of sections that were too full
        untried = np.flatnonzero(lowest < min((lowest + problem.sizes).min(), PLACED))
        late = rank[untried]
        if len(untried) > 1:
            late = late + WASTE * len(rank) * problem.waste(untried, lowest[untried], floor)
        self.untried = untried[np.argsort(-late, kind="stable")].tolist()  # the last is the first to be tried

    def offsets(self):
        """Offsets of all buffers placed so far."""
        offsets, node = [0] * len(self.lowest), self
        while node.parent:
            offsets[node.buffer], node = node.offset, node.parent
        return offsets


class _Descent:
    """One try at a plan of less than ``size`` bytes, aimed at ``ceiling``."""

    def __init__(self, problem, order, ceiling, size):
        self.problem, self.ceiling, self.size = problem, ceiling, size
        self.rank = np.argsort(np.argsort(order, kind="stable"))
        self.steps = 0
        self.blame = np.zeros(len(order))  # of each buffer, 1 at most for every time that the ceiling was raised
        self._since_progress()

    def _since_progress(self):
        self.waited, self.cheapest = 0, (self.size, None, -1)  # the child that least exceeds the ceiling
        self.failures = np.zeros(len(self.blame))  # of each buffer

    def run(self, limit):
        """Offsets, or None after so many steps, or where no plan was found."""
        count = len(self.rank)
        totals = self.problem.totals
        node = self._node(None, -1, 0, np.zeros(count, np.int64), totals, np.zeros_like(totals))
        deepest = 0
        while self.steps < limit:
            if node is None or self.waited > PATIENCE:
                if self.cheapest[1] is None:
                    break
                self._note_blame()
                self.ceiling, node, buffer = self.cheapest
                node.untried.append(buffer)
                self._since_progress()
            child = self._step(node) if node.untried else None
            if child is None:
                node = node if node.untried else self._back(node)
                continue
            node = child
            if node.depth == count:
                self._note_blame()
                return node.offsets()
            if node.depth > deepest:
                deepest = node.depth
                self._since_progress()
        self._note_blame()
        return None

    def _note_blame(self):
        self.blame += self.failures / max(self.failures.max(), 1)

    def _node(self, *state):
        return _Node(self.problem, self.rank, *state)

    def _step(self, node):
        """The node's next child, or None if a section would be too full."""
        self.steps += 1
        self.waited += 1
        problem, buffer = self.problem, node.untried.pop()
        offset = int(node.lowest[buffer])
        top = offset + int(problem.sizes[buffer])
        rest, lowest = node.rest.copy(), node.lowest.copy()
        rest[problem.first[buffer] : problem.end[buffer]] -= problem.sizes[buffer]
        near = problem.neighbours[buffer]
        raised = near[lowest[near] < top]  # the buffer among them; elsewhere no floor rises
        lowest[raised] = top
        lowest[buffer] = PLACED
        a, b = problem.first[raised].min(), problem.end[raised].max()
        members, starts = problem.members[problem.starts[a] : problem.starts[b]], problem.starts[a:b]
        floor = node.floor.copy()
        floor[a:b] = np.minimum.reduceat(lowest[members], starts - starts[0])
        floor[rest == 0] = 0
        ends = floor + rest
        section = int(ends.argmax())
        if ends[section] <= self.ceiling:
            return self._node(node, buffer, offset, lowest, rest, floor)
        alive = problem.alive[section]
        self.failures += alive & (lowest < PLACED)
        node.blamed |= alive
        if ends[section] < self.cheapest[0]:
            self.cheapest = (int(ends[section]), node, buffer)
        return None

    def _back(self, node):
        """Where to go on when all of a node's children failed: above the nearest buffer of a section that was too full."""
        blamed = node.blamed
        buffer, node = node.buffer, node.parent
        while node and blamed.any() and not blamed[buffer]:
            buffer, node = node.buffer, node.parent
        if node:
            node.blamed |= blamed
        return node


def _of_one(blame):
    """The same with 1 for the buffer that is blamed most."""
    return blame / max(blame.max(), 1e-9)


def search(lifetimes: Sequence[tuple[int, int, int]], size: int, steps: int) -> list[int] | None:
    """Offsets of a plan that takes less than ``size`` bytes, or None if so many steps find none.

    ``lifetimes`` is [(bytes, first, last), ...]. A step tries to place one buffer; the search stops at the lower bound, and
    after fewer steps, but two a buffer, where each has thousands of buffers to look at (``MOST_READS``).
    """
    used = [i for i, (bytes_, _, _) in enumerate(lifetimes) if bytes_]
    if not used:
        return None
    problem = _Problem([lifetimes[i] for i in used])
    (by_area, *orders), best, found, turn = problem.orders(), None, None, 0
    blame = blame_of_best = np.zeros(len(used))
    steps = min(steps, max(2 * len(used), MOST_READS // len(problem.members)))
    bound = int(problem.totals.max())
    while size > bound and steps > 0:
        follow = best is not None and turn % 2 == 0
        if follow:
            order = best - _of_one(blame_of_best)
        else:
            order = (orders[turn // 2 % len(orders)] if turn % 2 else by_area) - _of_one(blame)
        descent = _Descent(problem, order, (bound + size) // 2 if size > 1.01 * bound else bound, size)
        offsets = descent.run(min(steps, DESCENT * len(used)))
        blame = FORGET * blame + _of_one(descent.blame)
        if offsets is not None:
            found, size = offsets, int((np.array(offsets) + problem.sizes).max())
            best, blame_of_best = _places(np.argsort(order, kind="stable")), descent.blame
        elif follow:
            blame_of_best = FORGET * blame_of_best + _of_one(descent.blame)
        steps -= descent.steps
        turn += 1
    if found is None:
        return None
    offsets = [0] * len(lifetimes)
    for i, offset in zip(used, found):
        offsets[i] = offset
    return offsets
