"""Layers: each file has a layer's shape rule, parameters, buffers and the instructions it emits into a program.

A layer is a frozen description without arrays. What every layer has:

    kind                            lower-case word; layers of a network are named kind1, kind2, ... from the input
    output_shape(shape)             shape of the output for an input of ``shape``, or InputError
    parameter_shapes(shape)         {"weights": ..., "bias": ...}; empty for layers without parameters
    forward(emit, x)                emits the forward instructions; returns (output buffer, what backward will need)
    backward(emit, dy, saved)       layers without parameters: emits the way back; returns the error at the input

and, if it has parameters:

    parameter_axes                  what each axis of a parameter counts: see :class:`mcuref.memory.buffers.Buffer`
    macs(shape)                     multiply-accumulates of one forward pass; a dense weight gradient costs the same
    macs_of_entry(shape)            multiply-accumulates per kept error entry, of weight gradient or propagation
    rows(shape)                     where the weights of one output channel lie: (elements, row stride, stride)
    propagate(emit, delta, kept)    emits the error at the input, from the kept entries and the old weights
    update(emit, targets, ...)      emits the weight gradient of the kept entries, times a rate, into weights or sums

:class:`Add` has two inputs, and so two shapes and two values. ``emit`` is the compiler's
(:class:`mcuref.program.emitter.Emitter`).
"""

from mcuref.layers.conv import Conv2D
from mcuref.layers.dense import Dense
from mcuref.layers.depthwise import DepthwiseConv2D
from mcuref.layers.flatten import Flatten, Reshape
from mcuref.layers.input import Input
from mcuref.layers.losses import LOSSES, MeanSquaredError, Reconstruction, SoftmaxCrossEntropy, find_loss
from mcuref.layers.pooling import AveragePool2D, GlobalAveragePool, MaxPool2D
from mcuref.layers.relu import ReLU, ReLU6
from mcuref.layers.residual import Add, Residual

# What a network is written with, by kind; an Input comes first, an Add is made by a Residual.
KINDS = {
    layer.kind: layer
    for layer in (
        Dense, Conv2D, DepthwiseConv2D, MaxPool2D, AveragePool2D, GlobalAveragePool, ReLU, ReLU6, Flatten, Reshape, Residual
    )
}  # fmt: skip

__all__ = [
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
    "MaxPool2D",
    "MeanSquaredError",
    "ReLU",
    "ReLU6",
    "Reconstruction",
    "Reshape",
    "Residual",
    "SoftmaxCrossEntropy",
    "find_loss",
]
