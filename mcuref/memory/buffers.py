"""Buffers: named pieces of memory with a type, a shape, a region and a category."""

from dataclasses import dataclass
from math import prod

import numpy as np

ALIGNMENT = 4  # bytes: an offset in the arena is a multiple of it, so a float32 view of the arena reaches every buffer

REGIONS = ("sram", "flash")
CATEGORIES = (
    "weights",
    "activations",
    "errors",
    "gradients",
    "selection",
    "rule state",
    "optimiser state",
    "input",
    "scratch",
    "distilled data",
    "validation data",
    "constants",
)


def aligned(size):
    """``size`` in bytes, rounded up to the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True, eq=False)
class Buffer:
    """A piece of memory that instructions read and write.

    Parameters
    ----------
    name : str, unique in a program, such as ``dense1.weights``.
    dtype : str, NumPy name of the element type.
    shape : tuple of int, elements along each axis.
    category : str, one of :data:`CATEGORIES`.
    layer : str, the layer it belongs to, or "" for the program as a whole.
    region : str, "sram" or "flash".
    persistent : bool, whether the value outlives a sample (weights, state, constants); never shares its bytes.
    """

    name: str
    dtype: str
    shape: tuple
    category: str
    layer: str = ""
    region: str = "sram"
    persistent: bool = False

    @property
    def size(self):
        """Bytes requested, before alignment."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize
