"""Patches of a convolution, float32: gathered, or read where they lie in the input, two at a time.

``g`` is a geometry as in :mod:`mcuref.kernels.geometry`. A patch is [kh, kw, C], with 0 for what lies outside the input.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Index, Int32s
from mcuref.kernels.dense import dense_forward_f32
from mcuref.kernels.geometry import HO, KH, KW, LEFT, SH, SW, TOP, WO, C, H, O, W
from mcuref.kernels.jit import kernel
from mcuref.kernels.pairs import dot_pair, dot_pair_columns
from mcuref.kernels.runs import copy_run
from mcuref.kernels.stack import TAPS
from mcuref.kernels.window import Place, first_place, next_place, under


@kernel
def gather_patch(patch: Float32s, x: Float32s, at: Place, g: Int32s) -> None:
    """patch[kh, kw, C] = the input under a window; 0 outside it."""
    c, width = np.int64(g[C]), np.int64(g[KW]) * g[C]
    first, last = at.kx0 * c, at.kx1 * c  # of a row of the patch, what lies inside
    for ky in range(g[KH]):
        row = ky * width
        if ky < at.ky0 or ky >= at.ky1:
            for i in range(row, row + width):
                patch[i] = np.float32(0)
            continue
        for i in range(row, row + first):
            patch[i] = np.float32(0)
        copy_run(patch, row + first, x, under(at, ky, at.kx0, g), last - first)
        for i in range(row + last, row + width):
            patch[i] = np.float32(0)


@kernel
def is_inside(at: Place, g: Int32s) -> bool:
    """Whether all of a patch lies inside the input."""
    return at.ky0 == 0 and at.ky1 == g[KH] and at.kx0 == 0 and at.kx1 == g[KW]


@kernel
def count_inside(g: Int32s) -> Index:
    """How many patches do."""
    rows = columns = np.int64(0)
    for oy in range(g[HO]):
        rows += 0 <= oy * g[SH] - g[TOP] <= g[H] - g[KH]
    for ox in range(g[WO]):
        columns += 0 <= ox * g[SW] - g[LEFT] <= g[W] - g[KW]
    return rows * columns


@kernel
def lay_columns(columns: Float32s, taps: Int32s, w: Float32s, b: Float32s, g: Int32s) -> None:
    """Weights and biases as :func:`mcuref.kernels.pairs.dot_pair_columns` takes them, with 0 where there are no filters.

    taps[2, TAPS]: where the taps of a patch lie in the input, and where they lie when it is gathered, from the first on.
    """
    outputs, width, line = np.int64(g[O]), np.int64(g[KW]) * g[C], np.int64(g[W]) * g[C]
    size = g[KH] * width
    for t in range(size):
        taps[t], taps[TAPS + t] = t // width * line + t % width, t
    for o in range((outputs + 7) // 8 * 8):
        first = o // 8 * 8 * (size + 1) + o % 8
        columns[first] = b[o] if o < outputs else np.float32(0)
        for t in range(size):
            columns[first + (t + 1) * 8] = w[o * size + t] if o < outputs else np.float32(0)


@kernel
def forward_in_pairs(
    out: Float32s,
    x: Float32s,
    w: Float32s,
    b: Float32s,
    columns: Float32s,
    taps: Int32s,
    gathered: Float32s,
    inside: bool,
    count: Index,
    g: Int32s,
) -> None:
    """The outputs of the ``count`` positions whose patches lie inside the input, or of those whose patches do not.

    The former are read where they lie, the latter gathered[2, kh kw C] first. Rows that are no whole vectors go by columns.
    """
    outputs, lines, width = np.int64(g[O]), np.int64(g[KH]), np.int64(g[KW]) * g[C]
    line, values = (np.int64(g[W]) * g[C], x) if inside else (width, gathered)
    size, left, o0, i0 = lines * width, count, np.int64(-1), np.int64(0)
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        if is_inside(at, g) == inside:
            i1 = under(at, 0, 0, g) if inside else left % 2 * size
            if not inside:
                gather_patch(gathered[i1 : i1 + size], x, at, g)
            if left % 2 == 0 or o0 < 0:  # the first of two; the first of an odd number is both
                o0, i0 = at.base, i1
            if left % 2 and width % 8:
                dot_pair_columns(out, o0, at.base, values, i0, i1, taps, size, columns, outputs)
            elif left % 2:
                dot_pair(out, o0, at.base, values, i0, i1, line, lines, width, w, b)
            left -= 1
        at = next_place(at, g)


@kernel
def forward_one_by_one(
    out: Float32s, patch: Float32s, x: Float32s, w: Float32s, b: Float32s, inside: bool, g: Int32s
) -> None:
    """The outputs of the positions whose patches lie inside the input, or of those whose patches do not: any sizes."""
    outputs, size = np.int64(g[O]), np.int64(g[KH]) * g[KW] * g[C]
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        if is_inside(at, g) == inside:
            start = under(at, 0, 0, g)
            if inside and g[KH] == 1:
                values = x[start : start + size]
            else:
                gather_patch(patch, x, at, g)
                values = patch
            dense_forward_f32(out[at.base : at.base + outputs], values, w, b)
        at = next_place(at, g)
