"""Scales: what the int8 values of a network stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scale(NamedTuple):
    """An int8 value q stands for the real value scale (q - zero).

    Attributes
    ----------
    scale : float, a positive float32.
    zero : int, -128 to 127: the int8 value that stands for 0.
    """

    scale: float
    zero: int


@dataclass(frozen=True, eq=False)
class Quantization:
    """What the int8 values of a network stand for; its parameters are int8 weights and int32 biases then.

    Attributes
    ----------
    outputs : tuple of :class:`Scale`, one a layer, in the order of ``Network.layers``; the first is the input's. A layer
        that passes values on (Flatten, MaxPool2D, ...) has that of what feeds it.
    weights : {layer name: float32[outputs], or float32[1] of a dense layer whose outputs share one}: a weight w stands for
        scale w. A bias stands for (scale of the layer's input) (scale of the weights) b.
    fused : frozenset of int, indices of the ReLUs whose work the layer before does: it clamps its output, in the scale of
        the ReLU, and the ReLU is no instruction.
    output_type : "int8", or "float32" for a network whose outputs leave it as real values (a file that ends with
        DEQUANTIZE). An input of float32 samples is quantised before it enters.
    """

    outputs: tuple[Scale, ...]
    weights: Mapping[str, NDArray[np.float32]]
    fused: frozenset[int] = frozenset()
    output_type: str = "int8"
