"""Errors on their way back through an int8 network, in plain Python integers: narrowed from sums, and where two meet."""

from fractions import Fraction
from typing import NamedTuple

from mcuref.testing import oracles_int8_training as back

FINE = 14  # bits behind the point of what is narrowed


class Error(NamedTuple):
    """An error: what it is of each value, its exponent, its unit, and whether it still is sums of 32 bits."""

    values: list[int]
    exponent: int
    unit: Fraction
    sums: bool


def narrowed(error: Error) -> Error:
    """Sums as int8: an exponent that grows by the bits that are dropped, a unit of as many bits as are behind the point."""
    if not error.sums:
        return error
    found, _ = back.narrow(error.values, error.exponent, FINE)
    return Error(found.values.tolist(), found.exponent, error.unit * 2**FINE, False)


def met(a: Error, b: Error) -> Error:
    """The sum of two errors, in the larger of their units, with 14 bits behind the point."""
    a, b = narrowed(a), narrowed(b)
    unit = max(a.unit, b.unit)
    multipliers, shifts = zip(*(_of_15_bits(2**FINE * error.unit / unit) for error in (a, b)))
    values, exponent = back.add_backward(a.values, b.values, (a.exponent, b.exponent), multipliers, shifts)
    return Error(values.tolist(), exponent, unit / 2**FINE, True)


def _of_15_bits(share: Fraction) -> tuple[int, int]:
    """(m, s) with m 2^s next to a share of at most 2^14; m from 2^14 to below 2^15."""
    shift = 0
    while share < Fraction(2) ** (shift + 14):
        shift -= 1
    m = round(share / Fraction(2) ** shift)
    return (2**14, shift + 1) if m == 2**15 else (m, shift)
