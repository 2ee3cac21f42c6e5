"""The default normalisation of a data set, from its training set alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE = 4 << 20  # values that are squared at once


def default_normalisation(x: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """mean and scale, float32[c] each, such that `(x - mean) * scale` is a sensible network input.

    uint8 values of any shape become 0..1 (c = 1). Anything else is standardised over the last axis: each feature of
    [N, F], each channel of [N, T, C] and of [N, H, W, C]. Sums are float64, only the result is rounded to float32.

    Parameters
    ----------
    x : uint8, int8, int16 or float32 array, [N, ...], N >= 1, finite: the training samples.
    """
    if x.dtype == np.uint8:
        return np.zeros(1, np.float32), np.full(1, 1 / 255, np.float32)
    columns = x.reshape(-1, x.shape[-1])
    mean = columns.mean(axis=0, dtype=np.float64)
    deviation = np.sqrt(_squares(columns, mean) / len(columns))
    with np.errstate(divide="ignore", over="ignore"):
        scale = (1 / deviation).astype(np.float32)
    scale[~np.isfinite(scale)] = 1  # deviation 0 (exact: a float64 sum of equal float32 is), or too small to invert
    return mean.astype(np.float32), scale


def _squares(columns, mean):
    """Sums over rows of (columns - mean)^2, float64[c], a piece of the rows at a time."""
    rows = max(1, PIECE // columns.shape[1])
    total = 0.0
    for first in range(0, len(columns), rows):
        total = _added(total, columns[first : first + rows] - mean)
    return total


def _added(total, difference):
    np.square(difference, out=difference)
    difference[0] += total  # NumPy adds rows one after the other (c > 1): the order, so the bits, of a single sum
    return difference.sum(axis=0)
