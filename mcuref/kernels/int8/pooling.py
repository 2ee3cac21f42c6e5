"""Pooling, int8: activations [H, W, C], flat; windows [kh, kw] with a geometry of :mod:`mcuref.kernels.geometry`, O = C.

Padding belongs to no window: a maximum is over the values inside, an average divides by their number. Sums are int32: no
window of fewer than 2^23 values overflows.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s, Uint8s
from mcuref.kernels.geometry import HO, KW, WO, C, H, W
from mcuref.kernels.int8.exponents import exponent, moved_shift
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.int8.pools import (
    add_to_chosen_tap,
    add_to_tap,
    average_of_taps,
    copy_to_chosen_tap,
    first_largest_of_taps,
    largest_of_taps,
)
from mcuref.kernels.int8.runs import copy_run_s8
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, under


@kernel
def max_pool_forward_s8(y: Int8s, taps: Uint8s, x: Int8s, low: np.int32, high: np.int32, g: Int32s) -> None:
    """y[Ho, Wo, C] = largest value of each window, clamped to low..high.

    ``taps`` uint8[Ho, Wo, C] gets which one it was before it was clamped, ky kw + kx, of equal ones the first; empty if
    nobody will ask.
    """
    c, line, width, least, most = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]), np.int8(low), np.int8(high)
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        source, rows, columns = under(at, at.ky0, at.kx0, g), at.ky1 - at.ky0, at.kx1 - at.kx0
        if taps.size:
            tap = at.ky0 * width + at.kx0
            first_largest_of_taps(y, taps, x, c, at.base, source, line, rows, columns, tap, width, least, most)
        else:
            largest_of_taps(y, x, c, at.base, source, line, rows, columns, least, most)
        at = next_place(at, g)


@kernel
def max_pool_backward_s8(dx: Int32s, dy: Int8s, taps: Uint8s, g: Int32s) -> None:
    """dx[H, W, C] = sum of the dy[Ho, Wo, C] whose largest value was there, at most 127 of each window; overwrites dx."""
    for i in range(dx.size):
        dx[i] = np.int32(0)
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                add_to_chosen_tap(dx, under(at, ky, kx, g), dy, taps, at.base, c, np.uint8(ky * g[KW] + kx))
        at = next_place(at, g)


@kernel
def max_pool_apart_backward_s8(dx: Int8s, dy: Int8s, taps: Uint8s, g: Int32s) -> None:
    """dx[H, W, C] = the dy[Ho, Wo, C] whose largest value was there, else 0; overwrites dx. Windows do not overlap."""
    for i in range(dx.size):
        dx[i] = np.int8(0)
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                copy_to_chosen_tap(dx, under(at, ky, kx, g), dy, taps, at.base, c, np.uint8(ky * g[KW] + kx))
        at = next_place(at, g)


@kernel
def average_pool_apart_backward_s8(dx: Int8s, dy: Int8s, g: Int32s) -> None:
    """dx[H, W, C] = the dy[Ho, Wo, C] of the window that holds the place, else 0; overwrites dx.

    Windows do not overlap, and all have as many values: the division by their number is in the unit of dx.
    """
    for i in range(dx.size):
        dx[i] = np.int8(0)
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                copy_run_s8(dx, under(at, ky, kx, g), dy, at.base, c)
        at = next_place(at, g)


@kernel
def average_pool_forward_s8(y: Int8s, x: Int8s, low: np.int32, high: np.int32, g: Int32s) -> None:
    """y[Ho, Wo, C] = sum over each window's values inside the input / their number, halves away from 0, clamped."""
    c, line, least, most = np.int64(g[C]), np.int64(g[W]) * g[C], np.int8(low), np.int8(high)
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        source, rows, columns = under(at, at.ky0, at.kx0, g), at.ky1 - at.ky0, at.kx1 - at.kx0
        average_of_taps(y, x, c, at.base, source, line, rows, columns, least, most)
        at = next_place(at, g)


@kernel
def average_pool_backward_s8(dx: Int32s, dy: Int8s, g: Int32s) -> None:
    """dx[H, W, C] = sum of dy m over the windows that hold the place, with 14 bits behind the point; overwrites dx.

    m = 2^14 / number of values of the window inside the input, to the nearest, halves up. With |dy| <= 127 nothing overflows
    where at most 1,032 windows hold a place: 127 2^14 1,032 < 2^31.
    """
    for i in range(dx.size):
        dx[i] = np.int32(0)
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        number = (at.ky1 - at.ky0) * (at.kx1 - at.kx0)
        m = np.int32((np.int64(1 << 14) + (number >> 1)) // number)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                add_to_tap(dx, under(at, ky, kx, g), dy, at.base, c, m)
        at = next_place(at, g)


@kernel
def mean_forward_s8(
    y: Int8s,
    x: Int8s,
    exponents: Int8s,
    slots: Int8s,
    x_zero: np.int32,
    y_zero: np.int32,
    multiplier: np.int32,
    shift: np.int32,
    low: np.int32,
    high: np.int32,
    g: Int32s,
) -> None:
    """y[C] = sum over all positions of x[H, W, C] - x_zero, scaled with two roundings, + y_zero, clamped to low..high.

    The multiplier has 1 / (H W) in it. slots[2] are the places of the exponents of x and y, none where there are none: the
    shift grows by that of x less that of y, within -31..30.
    """
    moved = np.int64(shift)
    if slots.size:
        moved = moved_shift(shift, exponent(exponents, slots[0]) - exponent(exponents, slots[1]))
    c, count = np.int64(g[C]), np.int64(g[H]) * g[W]
    for i in range(c):
        total = np.int32(0)
        for position in range(count):
            total = np.int32(total + np.int32(x[position * c + i]))
        centred = np.int32(np.int64(total) - count * np.int64(x_zero))
        y[i] = clamped(scaled_twice(centred, multiplier, moved) + np.int64(y_zero), low, high)
