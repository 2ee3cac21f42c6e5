"""Buffers: named pieces of memory with a type, a shape, a region and a category."""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

ALIGNMENT = 4  # bytes: an offset in the arena is a multiple of it, so a float32 view of the arena reaches every buffer

REGIONS = ("sram", "flash")


class Shown(NamedTuple):
    """How a category appears to people: the name of its column in a table, its colour in a picture."""

    column: str
    colour: str


# In the order of the reader's interest
CATEGORIES = {
    "weights": Shown("weights", "#4e79a7"),
    "activations": Shown("activ.", "#59a14f"),
    "errors": Shown("errors", "#e15759"),
    "gradients": Shown("grad.", "#af7aa1"),
    "selection": Shown("select.", "#f28e2b"),
    "rule state": Shown("state", "#bab0ac"),
    "optimiser state": Shown("optim.", "#9c755f"),
    "input": Shown("input", "#76b7b2"),
    "scratch": Shown("scratch", "#edc948"),
    "distilled data": Shown("stored", "#ff9da7"),
    "validation data": Shown("verif.", "#d37295"),
    "constants": Shown("const.", "#8cd17d"),
}


def aligned(size: int) -> int:
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
    category : str, a key of `CATEGORIES`.
    layer : str, the layer it belongs to, or "" for the program as a whole.
    region : str, "sram" or "flash".
    persistent : bool, whether the value outlives a sample (weights, state, constants); never shares its bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    category: str
    layer: str = ""
    region: str = "sram"
    persistent: bool = False

    @property
    def size(self) -> int:
        """Bytes requested, before alignment."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize
