"""Flatten and Reshape: a new shape over the same bytes; no instruction, no byte."""

from dataclasses import dataclass
from math import prod
from typing import Any

from mcuref.errors import InputError
from mcuref.layers.input import checked_shape
from mcuref.layers.layer import Emit, Shape
from mcuref.memory.buffers import Buffer


class _SameBytes:
    """What both share: buffers are flat, so value and error are passed on as they are."""

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """No parameters."""
        return {}

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, None]:
        """Pass the buffer on."""
        return x, None

    def backward(self, emit: Emit, dy: Buffer, saved: Any) -> Buffer:
        """Pass the error on."""
        return dy


@dataclass(frozen=True)
class Flatten(_SameBytes):
    """All axes of a sample in one, last axis fastest."""

    kind = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        """(number of values,)."""
        return (prod(shape),)


@dataclass(frozen=True)
class Reshape(_SameBytes):
    """Another shape of as many values, last axis fastest: (128, 9) as (1, 128, 9), for example.

    Parameters
    ----------
    shape : tuple of int.
    """

    shape: Shape

    kind = "reshape"

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", checked_shape("reshape", self.shape))

    def output_shape(self, shape: Shape) -> Shape:
        """The new one; InputError if it has another number of values."""
        if prod(shape) != prod(self.shape):
            raise InputError(f"shape {shape} has {prod(shape)} values; it cannot become {self.shape}")
        return self.shape
