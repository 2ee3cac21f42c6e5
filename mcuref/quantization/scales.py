"""Scales: what the int8 values of a network stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError

PARAMETER_TYPES = {"weights": "int8", "bias": "int32"}
SAME_SCALE = ("flatten", "reshape", "maxpool", "avgpool")  # kinds of layers that pass values on in the scale of their input
CLAMPING = ("relu", "relu6")  # that the layer before can do
CLAMPED = ("conv", "depthwise", "dense", "add", "maxpool", "avgpool", "globalavgpool")  # which can
OUTPUT_TYPES = ("int8", "float32")


class Scale(NamedTuple):
    """An int8 value q stands for the real value scale (q - zero).

    Attributes
    ----------
    scale : float, a positive float32.
    zero : int, -128 to 127: the int8 value that stands for 0.
    """

    scale: float
    zero: int


# Scales that the outputs of some kinds of layers have, whatever they compute
FIXED = {"softmax": Scale(1 / 256, -128), "sigmoid": Scale(1 / 256, -128), "tanh": Scale(1 / 128, 0)}


@dataclass(frozen=True, eq=False)
class Quantization:
    """What the int8 values of a network stand for; its parameters are int8 weights and int32 biases then.

    Attributes
    ----------
    outputs : tuple of :class:`Scale`, one a layer, in the order of ``Network.layers``; the first is the input's. A layer
        that passes values on (Flatten, MaxPool2D, ...) has that of what feeds it. Layers behind the last of them are
        float32.
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

    def with_outputs(self, outputs: tuple[Scale, ...]) -> Self:
        """The same with other scales of outputs."""
        return replace(self, outputs=outputs)

    def of_first(self, layers: int) -> Self:
        """The same of the first layers alone."""
        return replace(self, outputs=self.outputs[:layers], fused=frozenset(i for i in self.fused if i < layers))


class Layered(Protocol):
    """What is asked of a network: :class:`mcuref.Network`."""

    name: str

    @property
    def input(self) -> Any:
        """The Input layer."""

    @property
    def layers(self) -> Sequence[Any]:
        """Layers in order."""

    @property
    def sources(self) -> Sequence[Sequence[int]]:
        """Which layers feed each."""

    @property
    def names(self) -> Sequence[str]:
        """A name for each."""

    @property
    def parametric(self) -> Sequence[int]:
        """Indices of the layers that have parameters."""

    @property
    def shapes(self) -> Sequence[tuple[int, ...]]:
        """Shapes of their outputs."""

    @property
    def parameters(self) -> Mapping[str, NDArray[Any]]:
        """Parameters by name."""


def check(network: Layered, quantization: Quantization) -> None:
    """InputError, one sentence, unless scales are those that the network's layers need."""
    what = f"the quantization of network {network.name!r}"
    body = len(quantization.outputs)
    if body > len(network.layers):
        raise InputError(f"{what} has {body} outputs; the network has {len(network.layers)} layers")
    _check_body(network, quantization, body, what)
    for name, (scale, zero) in zip(network.names, quantization.outputs):
        if not (isfinite(scale) and scale > 0 and -128 <= zero <= 127):
            raise InputError(
                f"{what} gives layer {name!r} scale {scale} and zero {zero}; scale > 0 and -128..127 are needed"
            )
    for i in quantization.fused:
        _check_fused(network, i, what, body)
    for i, name in enumerate(network.names[:body]):
        kind = network.layers[i].kind
        if kind in FIXED and quantization.outputs[i] != FIXED[kind]:
            raise InputError(f"{what} gives layer {name!r} scale {quantization.outputs[i]}; it must be {FIXED[kind]}")
        same = kind in SAME_SCALE or i in quantization.fused
        if same and quantization.outputs[i] != quantization.outputs[network.sources[i][0]]:
            raise InputError(f"{what} gives layer {name!r} another scale than its input; it must have the same")
    for i in network.parametric:
        if i < body:
            _check_weights(network.names[i], network, quantization, what)
    if quantization.output_type not in OUTPUT_TYPES:
        raise InputError(f"{what} has output type {quantization.output_type!r}; it may be {' or '.join(OUTPUT_TYPES)}")


def _check_body(network, quantization, body, what):
    """A body with a float32 head behind it needs layers with parameters, as the head does, else it is no such network."""
    own = sum(i < body for i in network.parametric)
    if body < len(network.layers) and not 0 < own < len(network.parametric):
        raise InputError(
            f"{what} has {body} outputs; the network has {len(network.layers)} layers, and if the last are float32, one of "
            "them needs parameters, and one of the others"
        )
    for i in network.parametric:
        if i >= body and network.names[i] in quantization.weights:
            raise InputError(f"{what} has scales of the weights of layer {network.names[i]!r}, which is float32")


def _check_fused(network, index, what, body):
    if index not in range(body):
        raise InputError(
            f"{what} fuses layer number {index}; the network has {body} layers" + " of int8" * (body < len(network.layers))
        )
    name, before = network.names[index], network.sources[index]
    readers = [i for i, sources in enumerate(network.sources) if set(sources) & set(before)]
    if network.layers[index].kind not in CLAMPING or readers != [index]:
        raise InputError(f"{what} fuses layer {name!r}; it must be a ReLU and all that reads the layer before")
    kind = network.layers[before[0]].kind
    if kind not in CLAMPED:
        raise InputError(f"{what} fuses layer {name!r} with one of kind {kind!r}; it may be {' or '.join(CLAMPED)}")


def _check_weights(name, network, quantization, what):
    weights, outputs = quantization.weights.get(name), network.parameters[f"{name}.bias"].size
    dense = network.parameters[f"{name}.weights"].ndim == 2
    sizes = (1, outputs) if dense else (outputs,)
    if weights is None or weights.dtype != np.float32 or weights.ndim != 1 or weights.size not in sizes:
        raise InputError(
            f"{what} has no float32 scales of the weights of layer {name!r}, {' or '.join(map(str, sizes))} of them"
        )
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise InputError(f"{what} has scales of the weights of layer {name!r} that are not finite and positive")
