"""The walk of a window over an image, position by position: what the kernels of convolution and pooling have in common.

``g`` is a geometry as in :mod:`mcuref.kernels.geometry`. A kept entry e of the error is one element of the flattened
output: position e // O, channel e % O.
"""

from typing import NamedTuple

import numpy as np

from mcuref.kernels.arrays import Index, Indices, Int32s
from mcuref.kernels.geometry import KH, KW, LEFT, SH, SW, TOP, WO, C, H, O, W
from mcuref.kernels.jit import kernel


class Place(NamedTuple):
    """One position of the window.

    Attributes
    ----------
    base, ox : int, flat index of its first output, and the output's column.
    top, left : int, row and column of the input where its patch begins.
    ky0, ky1, kx0, kx1 : int, its taps inside the input: ky0 <= ky < ky1, kx0 <= kx < kx1.
    """

    base: Index
    ox: Index
    top: Index
    left: Index
    ky0: Index
    ky1: Index
    kx0: Index
    kx1: Index


@kernel
def place_at(base: Index, ox: Index, top: Index, left: Index, g: Int32s) -> Place:
    """The position of which these are known: its taps inside the input are found."""
    ky0, kx0 = max(0, -top), max(0, -left)
    ky1, kx1 = max(ky0, min(np.int64(g[KH]), g[H] - top)), max(kx0, min(np.int64(g[KW]), g[W] - left))
    return Place(base, ox, top, left, ky0, ky1, kx0, kx1)


@kernel
def first_place(g: Int32s) -> Place:
    """The first position."""
    return place_at(np.int64(0), np.int64(0), -np.int64(g[TOP]), -np.int64(g[LEFT]), g)


@kernel
def place_of(e: Index, at: Place, g: Int32s) -> Place:
    """The position of output e, which comes after those of ``at``, row by row: cheaper than a division."""
    base, ox, top, left = at.base, at.ox, at.top, at.left
    while e >= base + g[O]:
        base, ox, left = base + g[O], ox + 1, left + g[SW]
        if ox == g[WO]:
            ox, top, left = np.int64(0), top + g[SH], -np.int64(g[LEFT])
    return place_at(base, ox, top, left, g)


@kernel
def next_place(at: Place, g: Int32s) -> Place:
    """The position after ``at``."""
    return place_of(at.base + g[O], at, g)


@kernel
def entries_end(kept: Indices, begin: Index, limit: Index) -> Index:
    """The end of the kept entries below ``limit``: those are kept[begin:end]."""
    end = begin
    while end < kept.size and np.int64(kept[end]) < limit:
        end += 1
    return end


@kernel
def under(at: Place, ky: Index, kx: Index, g: Int32s) -> Index:
    """Flat index of the input's element (ky, kx, channel 0) under the window."""
    return ((at.top + ky) * g[W] + at.left + kx) * g[C]
