"""A graph of operators as it stands in a file: tensors, what makes each of them, what it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor.

    Attributes
    ----------
    index : int, its place in the file.
    name : str.
    shape : tuple of int, the batch of 1 included.
    type : str, "INT8", "FLOAT32", ...
    data : array, or None of one that is computed; its bytes are the file's.
    scales, zeros : float32[n], int64[n]: what its integers stand for; n is 0 if it has none, 1, or the size of an axis.
    axis : int, that one.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    data: NDArray[Any] | None
    scales: NDArray[np.float32]
    zeros: NDArray[np.int64]
    axis: int = 0

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Operation:
    """An operator at work.

    Attributes
    ----------
    index : int, its place in the file, which is the order in which they are computed.
    name : str, of the operator: "CONV_2D", ...
    version : int, of the operator.
    inputs : tuple of int, indices of tensors; -1 for one that is left out.
    outputs : tuple of int.
    options : {name: value} of those that are looked at, or None if it has none.
    """

    index: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] | None

    def wrong(self, what: str) -> InputError:
        """The error that says what is wrong with this operator."""
        return InputError(f"operator {self.index} ({self.name}) {what}")


class Samples(NamedTuple):
    """What samples a network was trained on, and how they become its input, as of :class:`mcuref.layers.Input`."""

    dtype: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """Tensors and operators; ``input`` and ``output`` are indices of tensors.

    ``samples`` is what a file that mcuref wrote says of them, None in others.
    """

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    input: int
    output: int
    samples: Samples | None = None
