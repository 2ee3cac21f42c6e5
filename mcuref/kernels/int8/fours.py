"""Four runs at a time: what is added to sums by errors one after the other is kept until there are four."""

from typing import NamedTuple

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer
from mcuref.kernels.int8.products import add_scaled_2_s8, add_scaled_4_s8
from mcuref.kernels.jit import kernel


class Fours(NamedTuple):
    """Up to four windows that are still to be added, the last one first; where there is none, its factor is 0.

    Attributes
    ----------
    count : int, how many.
    j0, ... : int, where their first rows begin.
    a0, ... : int, their factors.
    """

    count: Index
    j0: Index
    j1: Index
    j2: Index
    j3: Index
    a0: Integer
    a1: Integer
    a2: Integer
    a3: Integer


@kernel
def no_fours() -> Fours:
    """None yet."""
    zero = np.int64(0)
    return Fours(zero, zero, zero, zero, zero, zero, zero, zero, zero)


@kernel
def with_window(fours: Fours, j: Index, a: Integer) -> Fours:
    """One more, of three at most."""
    count = fours.count + np.int64(1)
    return Fours(count, np.int64(j), fours.j0, fours.j1, fours.j2, np.int64(a), fours.a0, fours.a1, fours.a2)


@kernel
def add_fours(
    y: Int32s, i: Index, line: Index, x: Int8s, fours: Fours, x_line: Index, rows: Index, n: Index, x_zero: Integer
) -> None:
    """y[i + row line + t] += sum of a (x[j + row x_line + t] - x_zero) for row < rows, t < n."""
    constant = -np.int64(x_zero) * (fours.a0 + fours.a1 + fours.a2 + fours.a3)
    j0, j1, j2, j3, a0, a1, a2, a3 = fours.j0, fours.j1, fours.j2, fours.j3, fours.a0, fours.a1, fours.a2, fours.a3
    if fours.count > 2:
        for row in range(rows):
            at, to = row * x_line, i + row * line
            add_scaled_4_s8(y, to, x, j0 + at, j1 + at, j2 + at, j3 + at, n, a0, a1, a2, a3, constant)
    elif fours.count > 0:
        for row in range(rows):
            at, to = row * x_line, i + row * line
            add_scaled_2_s8(y, to, x, j0 + at, j1 + at, n, a0, a1, constant)
