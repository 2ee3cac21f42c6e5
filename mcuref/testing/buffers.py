"""Arrays between guard words, so that a read or write past the end shows."""

import ctypes
from collections.abc import Iterable
from typing import Any

import numpy as np

GUARD_WORDS = 64  # a cache line or more on either side; an access further away is not seen, or crashes


class Guarded:
    """A copy of an array with guard words before and behind it.

    Attributes
    ----------
    values : the copy, C-contiguous, same shape and dtype; give this to the code under test.
    """

    def __init__(self, values: np.ndarray, guard: float) -> None:
        """`guard` fills the guard words: choose one that spoils the result of code that reads it."""
        self._whole = np.full(values.size + 2 * GUARD_WORDS, guard, values.dtype)
        self.values = self._whole[GUARD_WORDS:-GUARD_WORDS].reshape(values.shape)
        self.values[...] = values
        self._before = self._whole.copy()

    @property
    def changed(self) -> bool:
        """Were the values changed, bit for bit?"""
        size = self.values.size
        return self._changes(slice(GUARD_WORDS, GUARD_WORDS + size)).size > 0

    @property
    def outside(self) -> list[int]:
        """Positions that were written outside the values: negative ones before, >= the size behind."""
        positions = self._changes(slice(None)) - GUARD_WORDS
        return [int(i) for i in positions if not 0 <= i < self.values.size]

    def _changes(self, part):
        """Positions within `part` whose bits changed (compared as bits: NaN guards, zeros of either sign)."""
        bits = np.dtype(f"u{self._whole.itemsize}")
        return np.flatnonzero(self._whole[part].view(bits) != self._before[part].view(bits))


def is_c_function(implementation: object) -> bool:
    """Is it a function of a library loaded with ctypes?"""
    return isinstance(implementation, ctypes._CFuncPtr)  # type: ignore[attr-defined]


def call_c(function: Any, result: Any, types: Iterable, *arguments: Any) -> Any:
    """Call a C function; arrays are passed as pointers to their first element.

    Parameters
    ----------
    result : ctypes type of what it returns, or None.
    types : ctypes types of the arguments that are numbers, in order; arrays need none.
    """
    types = iter(types)
    function.restype = result
    function.argtypes = [ctypes.c_void_p if isinstance(value, np.ndarray) else next(types) for value in arguments]
    return function(*(value.ctypes.data if isinstance(value, np.ndarray) else value for value in arguments))
