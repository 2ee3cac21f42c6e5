"""Layers: each file has a layer's shape rule, parameters, buffers and the instructions it emits into a program.

A layer is a frozen description without arrays. What every layer has:

    kind                            lower-case word; layers of a network are named kind1, kind2, ... from the input
    output_shape(shape)             shape of the output for an input of ``shape``, or InputError
    parameter_shapes(shape)         {"weights": ..., "bias": ...}; empty for layers without parameters
    forward(emit, x)                emits the forward instructions; returns (output buffer, what backward will need)
    backward(emit, dy, saved)       layers without parameters: emits the way back; returns the error at the input

and, if it has parameters:

    macs(shape)                     multiply-accumulates of one forward pass; a dense weight gradient costs the same
    macs_of_entry(shape)            multiply-accumulates per kept error entry, of weight gradient or propagation
    propagate(emit, delta, kept)    emits the error at the input, from the kept entries and the old weights
    update(emit, delta, kept, x)    emits the weight update of the kept entries

``emit`` is the compiler's (:class:`mcuref.program.compiler.Emitter`).
"""

from mcuref.layers.dense import Dense
from mcuref.layers.flatten import Flatten
from mcuref.layers.input import Input
from mcuref.layers.losses import LOSSES, MeanSquaredError, Reconstruction, SoftmaxCrossEntropy, find_loss
from mcuref.layers.relu import ReLU

__all__ = [
    "LOSSES",
    "Dense",
    "Flatten",
    "Input",
    "MeanSquaredError",
    "ReLU",
    "Reconstruction",
    "SoftmaxCrossEntropy",
    "find_loss",
]
