"""Convolutions eight rows at a time: sums of eight channels' weights, and what eight positions send back.

A core does one channel, or one entry, after the other; all is exact, so it comes to the same.
"""

from typing import NamedTuple

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.geometry import HO, KH, KW, WO, C, O, W
from mcuref.kernels.int8.patches import gather_patch_s8
from mcuref.kernels.int8.products import ROWS, TILE, add_run_s32, copy_less_s32, multiply_8, pair_factors
from mcuref.kernels.int8.stack import BYTES, ENTRIES
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, under


class Room(NamedTuple):
    """Arrays on the stack: eight rows of sums; lists; patches, or nothing."""

    rows: Int32s
    factors: Int32s
    order: Int32s
    totals: Int32s
    seen: Int32s
    patches: Int8s


@kernel
def sum_block(room: Room, delta: Int8s, x: Int8s, channel: Index, x_zero: Integer, g: Int32s) -> None:
    """room.rows[8, columns] = sums over positions p of delta[p, o] times the patch of p, of eight channels o or those left.

    Columns are kh kw C and what is missing to a multiple of 16, in which there is anything. totals[8] are those of delta,
    seen[8] is 0 for a channel whose delta is 0 everywhere. Outside the input there is x_zero. Patches of the first channels
    are still there for the next, where there is room for all.
    """
    outputs, size, positions = np.int64(g[O]), np.int64(g[KH]) * g[KW] * g[C], np.int64(g[HO]) * g[WO]
    columns, lanes = (size + TILE - 1) & -TILE, min(np.int64(ROWS), outputs - channel)
    most, at = min(2 * (ENTRIES // ROWS), BYTES // columns) & -2, first_place(g)
    for r in range(ROWS):
        room.totals[r] = room.seen[r] = np.int32(0)
    for first in range(0, positions, most):
        held, count = min(most, positions - first), np.int64(0)
        if channel == 0 or positions > most:
            for l in range(held):
                gather_patch_s8(room.patches[l * columns : l * columns + size], x, x_zero, at, g)
                at = next_place(at, g)
        for pair in range((held + 1) >> 1):
            e = (first + 2 * pair) * outputs + channel
            if lanes == ROWS and 2 * pair + 1 < held:
                some = pair_factors(room.factors, ROWS * pair, delta, e, e + outputs, room.totals, room.seen)
            else:
                some = few_factors(room, ROWS * pair, delta, e, outputs if 2 * pair + 1 < held else 0, lanes)
            room.order[count] = np.int32(pair)
            count += np.int64(some != 0)
        multiply_8(room.rows, columns, room.patches, columns, held, room.factors, ROWS, 1, room.order, count, first)


@kernel
def few_factors(room: Room, at: Index, delta: Int8s, e: Index, outputs: Index, lanes: Index) -> Index:
    """As :func:`mcuref.kernels.int8.products.pair_factors`, of fewer channels, or of one position if outputs is 0."""
    some = np.int32(0)
    for r in range(ROWS):
        low = np.int32(delta[e + r]) if r < lanes else np.int32(0)
        high = np.int32(delta[e + outputs + r]) if r < lanes and outputs > 0 else np.int32(0)
        room.factors[at + r] = (low & np.int32(0xFFFF)) | (high << np.int32(16))
        room.totals[r] += low + high
        room.seen[r] |= low | high
        some |= low | high
    return np.int64(some)


@kernel
def take_sums(sums: Int32s, room: Room, r: Index, x_zero: Integer) -> None:
    """sums[kh kw C] of the channel in row r, of x - x_zero instead of x."""
    copy_less_s32(sums, 0, room.rows, r * ((sums.size + TILE - 1) & -TILE), sums.size, np.int32(x_zero) * room.totals[r])


@kernel
def list_factors(
    room: Room, delta: Int8s, first: Index, lanes: Index, share: Uint8s, halvings: Integer, outputs: Index
) -> Index:
    """What ``lanes`` positions from entry ``first`` on send back, two channels a factor, [8, (O + 1) / 2]; others nothing.

    Returns how many pairs of channels have any, which room.order lists.
    """
    half, pairs, count = (np.int32(1) << np.int32(halvings)) >> np.int32(1), (outputs + 1) >> 1, np.int64(0)
    for i in range(pairs):
        room.seen[i] = np.int32(0)
    for r in range(ROWS):
        row, e = r * pairs, first + r * outputs
        for i in range(pairs):
            low = high = np.int32(0)
            if r < lanes:
                low = np.int32(delta[e + 2 * i]) * np.int32(share[2 * i])
                if 2 * i + 1 < outputs:
                    high = np.int32(delta[e + 2 * i + 1]) * np.int32(share[2 * i + 1])
            low, high = (low + half) >> np.int32(halvings), (high + half) >> np.int32(halvings)
            room.factors[row + i] = (low & np.int32(0xFFFF)) | (high << np.int32(16))
            room.seen[i] |= low | high
    for i in range(pairs):
        room.order[count] = np.int32(i)
        count += np.int64(room.seen[i] != 0)
    return count


@kernel
def send_back(dx: Int32s, room: Room, delta: Int8s, w: Int8s, share: Uint8s, halvings: Integer, g: Int32s) -> None:
    """dx[H, W, C] += what all entries send back: :func:`mcuref.kernels.int8.conv.conv_backward_input_s8`."""
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    outputs, size, positions, at = np.int64(g[O]), np.int64(g[KH]) * width, np.int64(g[HO]) * g[WO], first_place(g)
    for position in range(0, positions, ROWS):
        lanes = min(np.int64(ROWS), positions - position)
        count = list_factors(room, delta, position * outputs, lanes, share, halvings, outputs)
        pairs = (outputs + 1) >> 1
        if count > 0:
            multiply_8(room.rows, size, w, size, outputs, room.factors, 1, pairs, room.order, count, 0)
        for r in range(lanes):
            if count > 0:
                target, taps = under(at, at.ky0, at.kx0, g), r * size + at.ky0 * width + at.kx0 * c
                for ky in range(at.ky1 - at.ky0):
                    add_run_s32(dx, target + ky * line, room.rows, taps + ky * width, (at.kx1 - at.kx0) * c)
            at = next_place(at, g)
