"""Layers: each file has a layer's shape rule, parameters, buffers and the instructions it emits into a program.

What every layer has is :class:`Layer`, and what those with parameters have, :class:`Parametric`. ``emit`` is the compiler's
(:class:`mcuref.program.emitter.Emitter`).
"""

from mcuref.layers import activations
from mcuref.layers.activations import *  # noqa: F403  every activation there is, by its own list
from mcuref.layers.activations import ACTIVATIONS, Softmax
from mcuref.layers.conv import Conv2D
from mcuref.layers.dense import Dense
from mcuref.layers.depthwise import DepthwiseConv2D
from mcuref.layers.flatten import Flatten, Reshape
from mcuref.layers.input import Input
from mcuref.layers.layer import Layer, Parametric, Passing
from mcuref.layers.losses import LOSSES, MeanSquaredError, Reconstruction, SoftmaxCrossEntropy, find_loss
from mcuref.layers.pooling import AveragePool2D, GlobalAveragePool, MaxPool2D
from mcuref.layers.residual import Add, Residual

# What a network is written with, by kind; an Input comes first, a Softmax last; an Add is made by a Residual.
KINDS: dict[str, type[Layer] | type[Residual]] = {
    layer.kind: layer
    for layer in (
        Dense, Conv2D, DepthwiseConv2D, MaxPool2D, AveragePool2D, GlobalAveragePool, *ACTIVATIONS, Flatten, Reshape,
        Residual, Softmax,
    )
}  # fmt: skip

__all__ = [
    "ACTIVATIONS",
    "KINDS",
    "LOSSES",
    "Add",
    "AveragePool2D",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Flatten",
    "GlobalAveragePool",
    "Input",
    "Layer",
    "MaxPool2D",
    "MeanSquaredError",
    "Parametric",
    "Passing",
    "Reconstruction",
    "Reshape",
    "Residual",
    "SoftmaxCrossEntropy",
    "find_loss",
    *activations.__all__,
]
