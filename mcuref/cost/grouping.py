"""How many kept entries of a convolution's error are taken at once: up to four whose windows have the same taps inside.

Entries are taken as kept independently of each other, all with the same probability.
"""

from functools import lru_cache
from math import comb

import numpy as np

from mcuref.cost.work import taps_inside
from mcuref.operators.geometry import Geometry

AT_ONCE = 4
Flushes = dict[tuple[int, int, int], float]  # {(rows, columns of the window inside, how many at once): times}


def by_position(g: Geometry, share: float, times: float) -> Flushes:
    """Entries of one position, over its channels, ``times`` over: in fours, and what is left."""
    counts = [comb(g.O, k) * share**k * (1 - share) ** (g.O - k) for k in range(g.O + 1)]
    fours = sum(chance * (k // AT_ONCE) for k, chance in enumerate(counts))
    rest = [sum(chance for k, chance in enumerate(counts) if k % AT_ONCE == r) for r in range(AT_ONCE)]
    found = {}
    for (rows, columns), places in _kinds(g).items():
        for count, chance in ((AT_ONCE, fours), *enumerate(rest)):
            if count and rows * columns:
                found[rows, columns, count] = times * places * chance
    return found


def _kinds(g):
    """{(rows, columns inside): how many positions have such windows}."""
    rows, columns = taps_inside(g)
    pairs, counts = np.unique(np.stack(np.meshgrid(rows, columns), -1).reshape(-1, 2), axis=0, return_counts=True)
    return dict(zip(map(tuple, pairs.tolist()), counts.tolist()))


def over_positions(g: Geometry, share: float, times: float) -> Flushes:
    """Entries of one channel, over its positions, ``times`` over: those before one with other taps are a group of less."""
    return {key: times * value for key, value in _over_positions(g, float(f"{share:.3g}")).items()}


@lru_cache(maxsize=4096)
def _over_positions(g, share):
    """The same once. ``waiting``: the chance that so many entries of such a window wait to be taken."""
    rows, columns = taps_inside(g)
    above, beside = _corners(g.H, g.KH, g.HO, g.SH, g.TOP), _corners(g.W, g.KW, g.WO, g.SW, g.LEFT)
    found, waiting, none = {}, {}, 1.0
    for y, top in enumerate(above):
        for x, left in enumerate(beside):
            kind, size = (top, left), (int(rows[y]), int(columns[x]))
            before = waiting.get(kind, (size, np.zeros(AT_ONCE)))[1]
            others = 1 - none - before.sum()
            for other, (window, chances) in waiting.items():
                if other != kind:
                    _flush(found, window, share * chances)
                    waiting[other] = window, (1 - share) * chances
            full = share * before[-1]
            _flush(found, size, np.array([0, 0, 0, full]))
            now = (1 - share) * before
            now[1:] += share * before[:-1]
            now[0] += share * (none + others) + full
            none *= 1 - share
            waiting[kind] = size, now
    for window, chances in waiting.values():
        _flush(found, window, chances)
    return found


def _flush(found, window, chances):
    """Add groups of 1 to 4 entries that are taken."""
    for count, chance in enumerate(chances, 1):
        if chance:
            found[*window, count] = found.get((*window, count), 0.0) + float(chance)


def _corners(extent, kernel, n, step, before):
    """Of each position along a side what of the window is cut off: (taps before, taps behind)."""
    first = np.arange(n) * step - before
    return list(zip(np.maximum(-first, 0).tolist(), np.maximum(first + kernel - extent, 0).tolist()))
