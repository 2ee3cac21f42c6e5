"""Buffers: named pieces of memory with a type, a shape, a region and a category."""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

ALIGNMENT = 4  # bytes: an offset in the arena is a multiple of it, so a float32 view of the arena reaches every buffer

REGIONS = ("sram", "flash")


class Appearance(NamedTuple):
    """How a category appears to people: the name of its column in a table, its colour in a picture."""

    column: str
    colour: str


# In the order of the reader's interest
CATEGORIES = {
    "weights": Appearance("weights", "#4e79a7"),
    "activations": Appearance("activ.", "#59a14f"),
    "errors": Appearance("errors", "#e15759"),
    "gradients": Appearance("grad.", "#af7aa1"),
    "selection": Appearance("select.", "#f28e2b"),
    "rule state": Appearance("state", "#bab0ac"),
    "optimiser state": Appearance("optim.", "#9c755f"),
    "input": Appearance("input", "#76b7b2"),
    "scratch": Appearance("scratch", "#edc948"),
    "distilled data": Appearance("stored", "#ff9da7"),
    "validation data": Appearance("verif.", "#d37295"),
    "constants": Appearance("const.", "#8cd17d"),
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
    axes : tuple of str, what each axis counts, so that the value can follow when the network is resized: "outputs" or
        "inputs", channels of the layer's output or of its input; "output bits", the same with a bit each, the lowest
        first; "", anything that stays as it is. () stands for "" along every axis.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    category: str
    layer: str = ""
    region: str = "sram"
    persistent: bool = False
    axes: tuple = ()

    @property
    def size(self) -> int:
        """Bytes requested, before alignment."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize
