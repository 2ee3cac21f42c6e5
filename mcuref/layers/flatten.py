"""Flatten and Reshape: a new shape over the same bytes; no instruction, no byte."""

from dataclasses import dataclass
from math import prod

from mcuref.errors import InputError
from mcuref.layers.input import checked_shape


class _SameBytes:
    """What both share: buffers are flat, so value and error are passed on as they are."""

    def parameter_shapes(self, shape):
        """No parameters."""
        return {}

    def forward(self, emit, x):
        """Pass the buffer on."""
        return x, None

    def backward(self, emit, dy, saved):
        """Pass the error on."""
        return dy


@dataclass(frozen=True)
class Flatten(_SameBytes):
    """All axes of a sample in one, last axis fastest."""

    kind = "flatten"

    def output_shape(self, shape):
        """(number of values,)."""
        return (prod(shape),)


@dataclass(frozen=True)
class Reshape(_SameBytes):
    """Another shape of as many values, last axis fastest: (128, 9) as (1, 128, 9), for example.

    Parameters
    ----------
    shape : tuple of int.
    """

    shape: tuple

    kind = "reshape"

    def __post_init__(self):
        object.__setattr__(self, "shape", checked_shape("reshape", self.shape))

    def output_shape(self, shape):
        """The new one; InputError if it has another number of values."""
        if prod(shape) != prod(self.shape):
            raise InputError(f"shape {shape} has {prod(shape)} values; it cannot become {self.shape}")
        return self.shape
