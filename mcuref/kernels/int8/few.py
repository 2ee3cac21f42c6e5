"""Errors with few entries that are not 0: these are listed, and taken one by one, for all channels in one pass."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer
from mcuref.kernels.geometry import KH, KW, C, O
from mcuref.kernels.int8.blocks import Room
from mcuref.kernels.int8.magnitudes import count_above, list_nonzero
from mcuref.kernels.int8.patches import gather_patch_s8
from mcuref.kernels.int8.products import TILE, add_tiles_s8
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, place_of

FEW = 5  # one of so many entries is few enough to take them one by one
MANY = -1


@kernel
def list_few(places: Int32s, delta: Int8s) -> np.int64:
    """How many of delta[n] are not 0, int64, which ``places`` lists; -1 if they are too many to be taken one by one."""
    count = np.int64(count_above(delta, 0, delta.size, 0))
    if FEW * count > delta.size or count > places.size:
        return np.int64(MANY)
    list_nonzero(places, delta)
    return count


@kernel
def sum_listed(
    room: Room, count: Index, lanes: Index, delta: Int8s, x: Int8s, channel: Index, x_zero: Integer, g: Int32s
) -> None:
    """As :func:`mcuref.kernels.int8.blocks.sum_block`, of so many channels or those left, and of entries that are listed in
    room.order.
    """
    outputs, size = np.int64(g[O]), np.int64(g[KH]) * g[KW] * g[C]
    columns, lanes, at, gathered = (size + TILE - 1) & -TILE, min(np.int64(lanes), outputs - channel), first_place(g), False
    patch = room.patches[:columns]
    for r in range(lanes):
        room.totals[r] = room.seen[r] = np.int32(0)
    for i in range(lanes * columns):
        room.rows[i] = np.int32(0)
    for l in range(count):
        e = np.int64(room.order[l])
        if e >= at.base + outputs:
            at, gathered = place_of(e, at, g), False
        r = e - at.base - channel
        if 0 <= r < lanes:
            if not gathered:
                gather_patch_s8(patch, x, x_zero, at, g)
                gathered = True
            room.totals[r] += np.int32(delta[e])
            room.seen[r] = np.int32(1)
            add_tiles_s8(room.rows, r * columns, patch, columns, np.int16(delta[e]))
