"""What lies between int8 and float32: a boundary, and int8 weights with a float32 master, as plain NumPy.

Each result is rounded once, as NumPy rounds what float64 holds exactly. Letters and arguments are those of
:mod:`mcuref.testing.oracles_int8_weights`.
"""

import numpy as np
from numpy.typing import NDArray

from mcuref.testing.oracles_int8 import Integers, _whole
from mcuref.testing.oracles_int8_weights import Gradient, Places, Step, as_weights, updated
from mcuref.testing.oracles_int8_weights import applied as applied_int8


def dequantised(q: Integers, scale: float, zero: int) -> NDArray[np.float32]:
    """(q - zero) scale."""
    with np.errstate(over="ignore", under="ignore"):
        return np.array([value - zero for value in _whole(q)], np.float32) * np.float32(scale)


def updated_master(
    w: Integers, b: Integers, master: NDArray[np.float32], gradient: Gradient, places: Places, step: Step, sample_rate: int
) -> tuple[NDArray[np.float32], NDArray[np.int8], list[int]]:
    """(master, w, b) after an update; biases change as they do beside residuals."""
    rows = {}
    for output, (sums, _) in gradient.items():
        factor, shift = step.of(output, sample_rate)
        if shift <= 62:
            rows[output] = factor, shift, sums
    moved = updated(as_weights(w, b, [0] * len(w)), gradient, places, step, sample_rate)
    return *_moved(w, master, rows, places), moved.b


def applied_master(
    w: Integers, b: Integers, master: NDArray[np.float32], a: Integers, a_bias: Integers, touched: set[int], places: Places,
    sample_rate: int,
) -> tuple[NDArray[np.float32], NDArray[np.int8], list[int]]:  # fmt: skip
    """(master, w, b) after the sums of touched outputs are applied."""
    (s, m), sums, elements = divmod(sample_rate, 512), _whole(a), len(a) // len(a_bias)
    rows = {row: (m, 16 + s, [sums[places(row, i)] for i in range(elements)]) for row in touched if 16 + s <= 62}
    moved = applied_int8(as_weights(w, b, [0] * len(w)), a, a_bias, touched, places, sample_rate)
    return *_moved(w, master, rows, places), moved.b


def _moved(w: Integers, master: NDArray[np.float32], rows: dict[int, tuple[int, int, list[int]]], places: Places):
    """Masters from which factor 2^(-8 - shift) g is taken away, and the weights that are next to them."""
    master, weights = master.copy(), np.array(w, np.int8)
    for output, (factor, shift, sums) in rows.items():
        for i, g in enumerate(sums):
            at = places(output, i)
            product = np.float32(np.float64(np.float32(g)) * factor * 2.0 ** (-8 - shift))
            master[at] = np.float32(np.float64(master[at]) - np.float64(product))
            weights[at] = np.int8(np.rint(np.clip(master[at], -127, 127)))
    return master, weights
