"""Convolutions of errors with few entries that are not 0: these are listed, and taken one by one, for all channels.

A core finds them channel by channel, or as it comes to them; all is exact, so it comes to the same.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.geometry import KH, KW, C, O, W
from mcuref.kernels.int8.blocks import Room
from mcuref.kernels.int8.exponents import rsh
from mcuref.kernels.int8.magnitudes import count_above, list_nonzero
from mcuref.kernels.int8.patches import gather_patch_s8
from mcuref.kernels.int8.products import ROWS, TILE, add_rows_s8, copy_less_s32
from mcuref.kernels.int8.stack import COLUMNS, ENTRIES
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, place_of, under

FEW = 5  # one of so many entries is few enough to take them one by one
MANY = -1


@kernel
def are_few(delta: Int8s) -> bool:
    """Whether so few of delta[n] are not 0 that these are taken one by one."""
    return bool(FEW * count_above(delta, 0, delta.size, 0) <= delta.size)


@kernel
def runs_of_patch(g: Int32s) -> tuple[np.int64, np.int64]:
    """Of how many runs of the input a patch inside it is, and of how many elements each: rows that touch are one run."""
    width = np.int64(g[KW]) * g[C]
    return (np.int64(1), g[KH] * width) if g[KW] == g[W] else (np.int64(g[KH]), width)


@kernel
def in_tiles(n: Index) -> np.int64:
    """n and what is missing to a multiple of 16, int64."""
    return np.int64((n + TILE - 1) & -TILE)


@kernel
def list_few(places: Int32s, delta: Int8s, g: Int32s) -> tuple[np.int64, np.int64]:
    """How many of delta[n] are not 0, which ``places`` lists, and of how many channels there is room for sums, int64.

    The first is -1, and the second 8, if they are not few or if there is no room for a list of them.
    """
    if not are_few(delta) or count_above(delta, 0, delta.size, 0) > places.size:
        return np.int64(MANY), np.int64(ROWS)
    runs, length = runs_of_patch(g)
    lanes = min(np.int64(ROWS * COLUMNS) // (runs * in_tiles(length)), np.int64(ENTRIES))
    return np.int64(list_nonzero(places, delta, 0, delta.size)), lanes


@kernel
def sum_listed(
    room: Room, count: Index, lanes: Index, delta: Int8s, x: Int8s, channel: Index, x_zero: Integer, g: Int32s
) -> None:
    """room.rows[lanes, runs, columns] = sums over entries listed in room.order of delta[e] times the patch of e, by channel.

    Columns are those of a run of a patch and what is missing to a multiple of 16, in which there is anything. totals[lanes]
    are those of delta, seen[lanes] is 0 for a channel whose delta is 0 everywhere. Outside the input there is x_zero.
    """
    runs, length = runs_of_patch(g)
    across, line, lanes = in_tiles(length), np.int64(g[W]) * g[C], min(np.int64(lanes), np.int64(g[O]) - channel)
    columns, last = runs * across, x.size - (runs - 1) * line - across
    at, inside = first_place(g), False
    room.totals[:lanes] = 0
    room.seen[:lanes] = 0
    room.rows[: lanes * columns] = 0
    start = np.int64(0)
    for l in range(count):
        e = np.int64(room.order[l])
        if l == 0 or e >= at.base + g[O]:
            at = place_of(e, at, g)
            start = under(at, 0, 0, g)
            inside = at.ky1 - at.ky0 == g[KH] and at.kx1 - at.kx0 == g[KW] and start <= last
        r, q = e - at.base - channel, np.int32(delta[e])
        if 0 <= r < lanes:
            room.totals[r] += q
            room.seen[r] = np.int32(1)
            if inside:
                add_rows_s8(room.rows, r * columns, across, x, start, line, runs, across, q)
            else:
                gather_patch_s8(room.patches, x, x_zero, at, g)
                add_rows_s8(room.rows, r * columns, across, room.patches, 0, length, runs, across, q)


@kernel
def take_listed(sums: Int32s, room: Room, r: Index, x_zero: Integer, g: Int32s) -> None:
    """sums[kh kw C] of the channel in row r, of x - x_zero instead of x."""
    runs, length = runs_of_patch(g)
    across, less = in_tiles(length), np.int32(x_zero) * room.totals[r]
    for run in range(runs):
        copy_less_s32(sums, run * length, room.rows, (r * runs + run) * across, length, less)


@kernel
def send_back_entries(
    dx: Int32s, places: Int32s, delta: Int8s, w: Int8s, share: Uint8s, halvings: Integer, g: Int32s
) -> None:
    """dx[H, W, C] += what all entries send back, one by one: :func:`mcuref.kernels.int8.conv.conv_backward_input_s8`."""
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    at = first_place(g)
    for first in range(0, delta.size, ENTRIES):
        for l in range(list_nonzero(places, delta, first, min(np.int64(ENTRIES), np.int64(delta.size) - first))):
            e = np.int64(places[l])
            at = place_of(e, at, g)
            o = e - at.base
            v = np.int32(rsh(np.int64(delta[e]) * np.int64(share[o]), halvings))
            target, taps = under(at, at.ky0, at.kx0, g), (o * g[KH] + at.ky0) * width + at.kx0 * c
            runs, length = at.ky1 - at.ky0, (at.kx1 - at.kx0) * c
            if length == line and length == width:  # rows that touch
                runs, length = np.int64(1), runs * length
            add_rows_s8(dx, target, line, w, taps, width, runs, length, v)
