"""Ranges: from which to which value int8 reaches, by what was seen, and the scale with which it does."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.quantization.edges import quantised_samples
from mcuref.quantization.multipliers import nearest
from mcuref.quantization.scales import Scale

METHODS = ("minmax", "percentile", "mse")
PERCENTILE = 99.99
LOWEST, HIGHEST = -128, 127  # of int8
TINY, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
BINS = 4096  # of the histogram on which errors are compared: 16 a step of int8
# of the smallest and the largest value, at which a clip is tried: 1, 15/16, ..., 9/16, half of these, ... down to 9/128
SHARES = np.outer([1, 1 / 2, 1 / 4, 1 / 8], np.arange(16, 8, -1) / 16).reshape(-1)


class Range(NamedTuple):
    """From ``low`` <= 0 to ``high`` >= 0; 0 always is in it, because padding and ReLUs need it exactly."""

    low: float
    high: float


def find_range(values: Any, method: str = "minmax", percentile: float = PERCENTILE) -> Range:
    """The range of some values by a method; InputError if one of them is NaN or infinite, or there is none.

    Parameters
    ----------
    values : float32 array of any shape.
    method : "minmax": from the smallest to the largest. "percentile": that of 100 - ``percentile`` to that of
        ``percentile``. "mse": where the mean squared error of what is rounded and clipped is least, of shares 1 to 9/128
        of the smallest and of the largest value, 6 to 12 % apart, on a histogram.
    percentile : float, above 50, to 100.
    """
    values = np.asarray(values, np.float32).reshape(-1)
    arguments.one_of("method", method, METHODS)
    percentile = float(arguments.number("percentile", percentile, 50, 100, above=True))
    if not values.size or not np.isfinite(values).all():
        what = "has NaN or infinite ones" if values.size else "is of none"
        raise InputError(f"a range of values {what}; it needs finite values, at least one")
    if method == "percentile":
        low, high = np.percentile(values.astype(np.float64), [100 - percentile, percentile])
    else:
        low, high = values.min(), values.max()
    found = Range(min(float(low), 0.0), max(float(high), 0.0))
    return _of_least_error(values, found) if method == "mse" else found


def _of_least_error(values: NDArray[np.float32], whole: Range) -> Range:
    """The range inside the whole one in which the mean squared error is least; of equal ones the widest."""
    shown = values[values != 0].astype(np.float64)  # 0 is exact in all of them
    if not shown.size:
        return whole
    counts, edges = np.histogram(shown, BINS, whole)
    centres = ((edges[:-1] + edges[1:]) / 2)[counts > 0]
    counts = counts[counts > 0]
    lows, highs = (end * SHARES if end else [end] for end in whole)
    best, least = whole, np.inf
    for low in lows:
        for high in highs:
            tried = Range(float(low), float(high))
            scale, zero = scale_of(tried)
            steps = quantised_samples(centres, Scale(scale, zero)).astype(np.float64) - zero
            error = np.cumsum((steps * scale - centres) ** 2 * counts)[-1]  # one after the other, on every machine
            if error < least:
                best, least = tried, error
    return best


def scale_of(bounds: Range, finest: float = 0.0) -> Scale:
    """The scale with which int8 reaches from ``low`` to ``high``, no finer than ``finest``.

    Every value between them is at most half a step away from one of int8. A range of 0 alone is taken as 0 to 1; steps are
    normal float32 numbers, however narrow the range.
    """
    low, high = bounds
    if not (-LARGEST <= low <= 0 <= high <= LARGEST):
        raise InputError(f"range {low} to {high} is not one of finite float32 numbers with 0 in it")
    if low == high:
        high = 1.0
    scale = float(np.float32(max((high - low) / (HIGHEST - LOWEST), finest, TINY)))
    return Scale(scale, int(np.clip(nearest(np.float64(LOWEST - low / scale)), LOWEST, HIGHEST)))
