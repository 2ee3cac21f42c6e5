"""What each operator of a graph becomes: a layer, or two where it has an activation in it, or needs another shape."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.importers import scales
from mcuref.importers.graph import Graph, Operation, Tensor
from mcuref.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    ReLU,
    ReLU6,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
)
from mcuref.layers.layer import Shape
from mcuref.quantization.scales import Scale

NUMBERS = {"INT8": np.int8, "FLOAT32": np.float32, "INT32": np.int32}
BIAS = {"INT8": "INT32", "FLOAT32": "FLOAT32"}
FUSED = {"RELU": ReLU, "RELU6": ReLU6}
Padding = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Step:
    """A layer of the network, and what the file says of it.

    Attributes
    ----------
    layer : the layer.
    tensor : int, index of the tensor that is its output.
    scale : of that, or None of a float32 network.
    parameters : {kind: array}.
    weights : float32[outputs], or float32[1] of a dense layer: scales of its weights, or None.
    fused : bool, of a ReLU whose work the layer before does.
    """

    layer: Any
    tensor: int
    scale: Scale | None
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    weights: NDArray[np.float32] | None = None
    fused: bool = False


@dataclass(frozen=True, eq=False)
class Site:
    """An operator where it stands.

    Attributes
    ----------
    graph : Graph.
    operation : Operation.
    type : str, what the network computes with: "INT8" or "FLOAT32".
    shape : tuple, what the network has there: without the batch, and with fewer axes where the file keeps ones.
    padding : rows and columns that a PAD before it adds, or None.
    """

    graph: Graph
    operation: Operation
    type: str
    shape: Shape
    padding: Padding | None = None

    def operand(self, position: int) -> Tensor | None:
        """An input, or None if it is left out."""
        inputs = self.operation.inputs
        return self.graph.tensors[inputs[position]] if position < len(inputs) and inputs[position] >= 0 else None

    @property
    def x(self) -> Tensor:
        """Its first input."""
        return self.graph.tensors[self.operation.inputs[0]]

    @property
    def y(self) -> Tensor:
        """Its output."""
        return self.graph.tensors[self.operation.outputs[0]]

    def option(self, name: str) -> Any:
        """One of its options."""
        if self.operation.options is None:
            raise self.operation.wrong("has no options, and needs them")
        return self.operation.options[name]

    def constant(self, position: int, kind: str, what: str) -> Tensor:
        """An input that stands in the file."""
        tensor = self.operand(position)
        if tensor is None or tensor.data is None:
            raise self.operation.wrong(f"has {what} that are not in the file; they must be constant")
        if tensor.type != kind:
            raise self.operation.wrong(f"has {what} of type {tensor.type}; beside {self.type} they must be {kind}")
        return tensor

    def weights(self) -> Tensor:
        """Its second input, weights of the network's type; in a float32 network they may be int8 (see `_real`)."""
        tensor = self.operand(1)
        hybrid = tensor is not None and (self.type, tensor.type) == ("FLOAT32", "INT8")
        return self.constant(1, "INT8" if hybrid else self.type, "weights")

    def scale(self, tensor: Tensor) -> Scale | None:
        """The scale of what is computed; None if it is float32."""
        return scales.scale_of(self.operation, tensor) if self.type == "INT8" else None

    def check_unchanged(self) -> None:
        """InputError unless the output has the input's scale."""
        scale = self.scale(self.x)
        if scale is not None:
            scales.check_scale(self.operation, self.y, scale, "what passes its input on")

    def check_scale(self, needed: Scale) -> None:
        """InputError unless the output has this scale, if it is int8."""
        if self.type == "INT8":
            scales.check_scale(self.operation, self.y, needed, "this operator")

    def step(self, layer: Any, **more: Any) -> Step:
        """The layer that has this operator's output."""
        return Step(layer, self.y.index, self.scale(self.y), **more)


def _window(site: Site, kernel: tuple[int, int]) -> dict[str, Any]:
    """Kernel, stride and padding of a layer with a window."""
    stride = site.option("stride_rows"), site.option("stride_columns")
    padding = site.option("padding").lower()
    if site.padding is not None:
        if padding != "valid":
            raise site.operation.wrong("has padding SAME behind a PAD; only VALID is supported there")
        padding = site.padding
    return {"kernel": kernel, "stride": stride, "padding": padding}


def _image(site: Site) -> list[Step]:
    """What brings the values to rows, columns and channels, if they are not there yet."""
    if len(site.x.shape) != 4:
        raise site.operation.wrong(f"takes an input of shape {site.x.shape}; it must be 1 x rows x columns x channels")
    shape = site.x.shape[1:]
    return [] if shape == site.shape else [Step(Reshape(shape), site.x.index, site.scale(site.x))]


def _activated(site: Site, step: Step) -> list[Step]:
    """The layer, with the activation of its operator behind it."""
    activation = site.option("activation")
    if activation == "NONE":
        return [step]
    if activation not in FUSED:
        raise site.operation.wrong(f"has activation {activation} in it; only {' and '.join(FUSED)} are supported there")
    return [step, site.step(FUSED[activation](), fused=site.type == "INT8")]


def _weighted(site: Site, layer: Any, weights: Tensor, shape: Shape, axis: int, one: bool = False) -> list[Step]:
    """A layer with weights, brought to ``shape``, and biases. ``one``: whether one scale may stand for all outputs."""
    outputs = weights.shape[axis]
    bias = site.constant(2, BIAS[site.type], "biases") if site.operand(2) else None
    if bias is not None and bias.shape != (outputs,):
        raise site.operation.wrong(f"has biases of shape {bias.shape}; it has {outputs:,} outputs")
    found = None
    if site.type == "INT8":
        if bias is None and not one:
            raise site.operation.wrong("has no biases; a convolution of INT8 needs them")
        x, y = (scales.scale_of(site.operation, tensor) for tensor in (site.x, site.y))
        found = scales.scales_of_weights(site.operation, weights, axis)
        scales.check_sums(site.operation, x, found, bias, y)
        found = found if one or len(found) == outputs else np.repeat(found, outputs)
    elif weights.type == "INT8":
        weights = _real(site, weights, axis)
    given = np.zeros(outputs, NUMBERS[BIAS[site.type]]) if bias is None else bias.data
    parameters = {"weights": weights.data.reshape(shape), "bias": given}  # type: ignore[union-attr]  # it is constant
    return _activated(site, site.step(layer, parameters=parameters, weights=found))


def _real(site: Site, weights: Tensor, axis: int) -> Tensor:
    """int8 weights between float32 values ("dynamic range quantisation") as the float32 values that they stand for.

    TensorFlow Lite rounds the values to 8 bits too, anew for every sample; here they stay float32.
    """
    found = scales.scales_of_weights(site.operation, weights, axis)
    shape = [1] * len(weights.shape)
    shape[axis] = found.size
    data = weights.data.astype(np.float32) * found.reshape(shape)  # type: ignore[union-attr]  # it is constant
    return replace(weights, type="FLOAT32", data=data)


def _undilated(site):
    dilation = site.option("dilation_rows"), site.option("dilation_columns")
    if dilation != (1, 1):
        raise site.operation.wrong(f"has dilation {dilation}; only (1, 1) is supported")


def _conv(site: Site) -> list[Step]:
    before, weights = _image(site), site.weights()
    _undilated(site)
    if len(weights.shape) != 4 or weights.shape[3] != site.x.shape[3]:
        needs = (
            f"an input of {site.x.shape[3]:,} channels needs outputs x rows x columns x channels; groups are not supported"
        )
        raise site.operation.wrong(f"has weights of shape {weights.shape}; {needs}")
    layer = Conv2D(weights.shape[0], **_window(site, weights.shape[1:3]))
    return before + _weighted(site, layer, weights, weights.shape, 0)


def _depthwise(site: Site) -> list[Step]:
    before, weights = _image(site), site.weights()
    _undilated(site)
    multiplier, channels = site.option("multiplier"), site.x.shape[3]
    if len(weights.shape) != 4 or weights.shape[0] != 1 or weights.shape[3] != multiplier * channels:
        needs = f"{channels:,} channels with multiplier {multiplier} need 1 x rows x columns x channels times multiplier"
        raise site.operation.wrong(f"has weights of shape {weights.shape}; {needs}")
    if site.type == "FLOAT32" and multiplier != 1:
        raise site.operation.wrong(f"has multiplier {multiplier}; beside FLOAT32 it must be 1")
    layer = DepthwiseConv2D(**_window(site, weights.shape[1:3]), multiplier=multiplier)
    return before + _weighted(site, layer, weights, weights.shape[1:], 3)


def _dense(site: Site) -> list[Step]:
    weights = site.weights()
    if site.option("format"):
        raise site.operation.wrong("has shuffled weights, which are not supported")
    if len(weights.shape) != 2 or weights.shape[1] != site.x.size:
        raise site.operation.wrong(
            f"has weights of shape {weights.shape} and an input of shape {site.x.shape}; they must be outputs x inputs, "
            f"of one input of all {site.x.size:,} values: batches are not supported"
        )
    if site.y.shape != (1, weights.shape[0]):
        raise site.operation.wrong(
            f"has an output of shape {site.y.shape}; it must be {(1, weights.shape[0])}: keep_num_dims is not supported"
        )
    before = [] if len(site.shape) == 1 else [Step(Flatten(), site.x.index, site.scale(site.x))]
    return before + _weighted(site, Dense(weights.shape[0]), weights, weights.shape, 0, one=True)


def _pool(kind: Any) -> Callable[[Site], list[Step]]:
    def pool(site: Site) -> list[Step]:
        before = _image(site)
        site.check_unchanged()
        layer = kind(**_window(site, (site.option("rows"), site.option("columns"))))
        return before + _activated(site, site.step(layer))

    return pool


def _mean(site: Site) -> list[Step]:
    before, axes = _image(site), site.constant(1, "INT32", "axes")
    if axes.size > 4 or {int(axis) % 4 for axis in axes.data.flat} != {1, 2}:  # type: ignore[union-attr]
        raise site.operation.wrong("is not over rows and columns, axes 1 and 2; no other mean is supported")
    return [*before, site.step(GlobalAveragePool())]


def _reshape(site: Site) -> list[Step]:
    site.check_unchanged()
    if site.operand(1) is not None:
        wanted = site.constant(1, "INT32", "sizes").data
    else:
        wanted = site.option("shape")
    wanted = [int(n) for n in np.atleast_1d(wanted)[: len(site.y.shape) + 1]]  # type: ignore[arg-type]
    fits = len(wanted) == len(site.y.shape) and wanted.count(-1) < 2
    if not fits or any(n not in (-1, size) for n, size in zip(wanted, site.y.shape)):
        raise site.operation.wrong(f"has sizes {wanted} and an output of shape {site.y.shape}; they must agree")
    shape = site.y.shape[1:]
    return [site.step(Flatten() if len(shape) == 1 else Reshape(shape))]


def _softmax(site: Site) -> list[Step]:
    beta = float(site.option("beta"))
    if len(site.shape) != 1 or len(site.x.shape) != 2:
        raise site.operation.wrong(f"takes an input of shape {site.x.shape}; it must be 1 x outputs")
    if site.type == "FLOAT32" and beta != 1:
        raise site.operation.wrong(f"has beta {beta:g}; beside FLOAT32 it must be 1")
    if site.type == "INT8":
        scales.check_softmax(site.operation, beta, scales.scale_of(site.operation, site.x))
    site.check_scale(scales.SOFTMAX)
    return [site.step(Softmax(beta))]


def _activation(kind: Any, needed: Scale | None = None) -> Callable[[Site], list[Step]]:
    def activation(site: Site) -> list[Step]:
        if needed is not None:
            site.check_scale(needed)
        elif site.type == "INT8":
            x, y = (scales.scale_of(site.operation, tensor) for tensor in (site.x, site.y))
            scales.check_sums(site.operation, x, np.ones(1, np.float32), None, y)
        return [site.step(kind())]

    return activation


def added(site: Site) -> list[Step]:
    """What an ADD becomes behind its residual block: an activation, or nothing. Its sum is the block's."""
    a, b, y = site.x, site.graph.tensors[site.operation.inputs[1]], site.y
    if not a.shape == b.shape == y.shape:
        raise site.operation.wrong(f"has shapes {a.shape}, {b.shape} and {y.shape}; they must be equal")
    if site.type == "INT8":
        scales.check_added(site.operation, *(scales.scale_of(site.operation, tensor) for tensor in (a, b, y)))
    return _activated(site, site.step(None))


def padding_of(site: Site) -> Padding:
    """The rows and columns that a PAD adds."""
    site.check_unchanged()
    sizes = site.constant(1, "INT32", "sizes")
    if sizes.shape != (4, 2) or len(site.x.shape) != 4:
        raise site.operation.wrong(f"takes an input of shape {site.x.shape}; only rows and columns of images can be padded")
    around = sizes.data.tolist()  # type: ignore[union-attr]
    if around[0] != [0, 0] or around[3] != [0, 0]:
        raise site.operation.wrong(f"pads {around}; only rows and columns can be padded")
    if site.y.shape != tuple(size + sum(more) for size, more in zip(site.x.shape, around)):
        raise site.operation.wrong(f"pads {site.x.shape} by {around}; that does not make {site.y.shape}")
    (top, bottom), (left, right) = around[1:3]
    return (top, bottom), (left, right)


class Supported(NamedTuple):
    """An operator that is known: what makes layers of it, its newest known version, how many inputs it has."""

    steps: Callable[[Site], Any]
    version: int
    inputs: tuple[int, ...]


OPERATORS = {
    "CONV_2D": Supported(_conv, 3, (2, 3)),
    "DEPTHWISE_CONV_2D": Supported(_depthwise, 3, (2, 3)),
    "FULLY_CONNECTED": Supported(_dense, 6, (2, 3)),
    "ADD": Supported(added, 2, (2,)),
    "AVERAGE_POOL_2D": Supported(_pool(AveragePool2D), 2, (1,)),
    "MAX_POOL_2D": Supported(_pool(MaxPool2D), 2, (1,)),
    "MEAN": Supported(_mean, 2, (2,)),
    "RESHAPE": Supported(_reshape, 1, (1, 2)),
    "SOFTMAX": Supported(_softmax, 2, (1,)),
    "RELU": Supported(_activation(ReLU), 2, (1,)),
    "RELU6": Supported(_activation(ReLU6), 2, (1,)),
    "TANH": Supported(_activation(Tanh, scales.TANH), 2, (1,)),
    "LOGISTIC": Supported(_activation(Sigmoid, scales.LOGISTIC), 2, (1,)),
    "PAD": Supported(padding_of, 2, (2,)),
    "QUANTIZE": Supported(lambda site: None, 2, (1,)),
    "DEQUANTIZE": Supported(lambda site: None, 2, (1,)),
}


def lowered(site: Site) -> Any:
    """What an operator becomes: its steps, of a PAD its padding."""
    try:
        return OPERATORS[site.operation.name].steps(site)
    except InputError as error:
        if str(error).startswith("operator "):
            raise
        raise site.operation.wrong(f"cannot be a layer: {error}") from None
