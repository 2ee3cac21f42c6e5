"""The graph that a network is in a .tflite file: the operators of TensorFlow Lite, and the tensors between them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.importers.graph import Graph, Operation, Samples, Tensor
from mcuref.layers import (
    Add,
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
from mcuref.memory.tflm import greedy_arena, requirements
from mcuref.network import Network
from mcuref.quantization.quantise import fused_activations
from mcuref.quantization.scales import Scale

# Versions of operators from which on their kernels take int8, as TensorFlow Lite's converter gives them; others have 1
VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "RESHAPE": 1, "QUANTIZE": 1}
INT8_VERSION = 2
ACTIVATED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "AVERAGE_POOL_2D", "MAX_POOL_2D"}  # they can clamp
NONE = (np.empty(0, np.float32), np.empty(0, np.int64), 0)  # no scales


def graph_of(network: Network) -> Graph:
    """The graph of a network, int8 if it has scales, else float32; InputError if a layer is none that a file can hold.

    Tensors are called as the layers whose outputs they are; a ReLU that the operator before computes with it gives its name.
    What the device feeds and gets is in :func:`mcuref.export.tflite.tflite_bytes`.
    """
    return _Writing(network).graph()


def tflm_arena(network: Network) -> int:
    """Bytes that TensorFlow Lite Micro plans for the activations of the network's file: see :mod:`mcuref.memory.tflm`."""
    return greedy_arena(requirements(graph_of(network)))


class _Writing:
    """A graph in the making. ``values``: of each layer, the tensor that holds its output."""

    def __init__(self, network: Network) -> None:
        self.network, self.quantization = network, network.quantization
        self.type = network.dtype.upper()
        self.fused = fused_activations(network) if self.quantization is None else self.quantization.fused
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self.values: list[int] = []

    def graph(self) -> Graph:
        """The whole of it."""
        first = self.begin()
        for i in range(1, len(self.network.layers)):
            self.layer(i)
        last = self.end()
        layer = self.network.input
        samples = Samples(layer.dtype, tuple(layer.mean.tolist()), tuple(layer.scale.tolist()))
        return Graph(tuple(self.tensors), tuple(self.operations), first, last, samples)

    def begin(self) -> int:
        """The input, behind a QUANTIZE if an int8 network takes float32 samples; returns the tensor that is fed."""
        name, shape = self.network.names[0], (1, *self.network.shapes[0])
        if self.quantization is None or self.network.input.dtype != "float32":
            self.values.append(self.computed(name, shape, self.scale(0)))
            return self.values[0]
        first = self.tensor(name, shape, "FLOAT32")
        self.values.append(self.computed(f"{name}.int8", shape, self.scale(0)))
        self.operation("QUANTIZE", (first,), self.values[0])
        return first

    def end(self) -> int:
        """The output, behind a DEQUANTIZE if it leaves an int8 network as float32."""
        if self.quantization is None or self.quantization.output_type == "int8":
            return self.values[-1]
        out = self.tensor("output", self.tensors[self.values[-1]].shape, "FLOAT32")
        self.operation("DEQUANTIZE", (self.values[-1],), out)
        return out

    def layer(self, i: int) -> None:
        """The operator of a layer, or none if the one before has done its work."""
        layer, sources = self.network.layers[i], tuple(self.values[j] for j in self.network.sources[i])
        if type(layer) not in OPERATORS:
            raise InputError(
                f"layer {self.network.names[i]!r} is of class {type(layer).__name__!r}, for which TensorFlow Lite has no "
                f"operator; a .tflite file can hold {', '.join(kind.__name__ for kind in OPERATORS)}"
            )
        name, make = OPERATORS[type(layer)]
        if self.is_done(i):
            self.values.append(sources[0])
            return
        sources, options = make(self, i, sources)
        clamp = next((j for j in self.fused if self.network.sources[j] == (i,)), None) if name in ACTIVATED else None
        if name in ACTIVATED:
            options["activation"] = "NONE" if clamp is None else self.network.layers[clamp].kind.upper()
        title = self.network.names[i if clamp is None else clamp]
        self.values.append(self.computed(title, (1, *self.network.shapes[i]), self.scale(i)))
        self.operation(name, sources, self.values[-1], options)

    def is_done(self, i: int) -> bool:
        """Whether a ReLU is clamped by the operator before; one behind a MEAN, say, has an operator of its own."""
        if i not in self.fused:
            return False
        before = OPERATORS.get(type(self.network.layers[self.network.sources[i][0]]))
        return before is not None and before[0] in ACTIVATED

    def scale(self, i: int) -> Scale | None:
        """The scale of a layer's output."""
        return None if self.quantization is None else self.quantization.outputs[i]

    def computed(self, name: str, shape: tuple[int, ...], scale: Scale | None) -> int:
        """A tensor that is computed; returns its index."""
        scales = NONE if scale is None else (np.array([scale.scale], np.float32), np.array([scale.zero], np.int64), 0)
        return self.tensor(name, shape, self.type, None, scales)

    def tensor(
        self, name: str, shape: Sequence[int], kind: str, data: NDArray[Any] | None = None, scales: tuple = NONE
    ) -> int:
        """Append a tensor; returns its index."""
        self.tensors.append(Tensor(len(self.tensors), name, tuple(shape), kind, data, *scales))
        return self.tensors[-1].index

    def constant(self, name: str, values: NDArray[Any], scales: NDArray[np.float32] | None = None, axis: int = 0) -> int:
        """Append a tensor that stands in the file; returns its index. ``scales`` : of its integers, whose zeros are 0."""
        own = NONE if scales is None else (scales, np.zeros(scales.size, np.int64), axis)
        return self.tensor(name, values.shape, values.dtype.name.upper(), values, own)

    def operation(self, name: str, inputs: tuple[int, ...], output: int, options: Mapping[str, Any] | None = None) -> None:
        """Append an operator."""
        version = VERSIONS.get(name, INT8_VERSION) if self.type == "INT8" else 1
        self.operations.append(Operation(len(self.operations), name, version, inputs, (output,), options or None))

    def weights(self, i: int, x: int, axis: int, shape: tuple[int, ...]) -> tuple[int, int]:
        """The constants of a layer that sums: (weights, brought to ``shape``, biases)."""
        name, scales, steps = self.network.names[i], None, None
        values, bias = (self.network.parameters[f"{name}.{kind}"] for kind in ("weights", "bias"))
        if self.quantization is not None:
            scales = self.quantization.weights[name]
            steps = self.tensors[x].scales[0] * scales
        return (
            self.constant(f"{name}.weights", values.reshape(shape), scales, axis),
            self.constant(f"{name}.bias", bias, steps),
        )


Made = tuple[tuple[int, ...], dict[str, Any]]  # (inputs, options) of an operator


def _window(kernel: Any, stride: Any, padding: str) -> dict[str, Any]:
    """Options that all windows have."""
    rows, columns = (stride, stride) if np.ndim(stride) == 0 else stride
    return {"stride_rows": int(rows), "stride_columns": int(columns), "padding": padding.upper()}


def _convolution(to: _Writing, i: int, sources: tuple[int, ...], axis: int, shape: tuple[int, ...]) -> Made:
    """What both convolutions have: padding that is given side by side is a PAD before a VALID one."""
    layer: Any = to.network.layers[i]
    (x,), padding = sources, layer.padding
    weights = to.weights(i, x, axis, shape)
    if not isinstance(padding, str):
        x, padding = _padded(to, i, x, padding), "valid"
    options = _window(layer.kernel, layer.stride, padding) | {"dilation_rows": 1, "dilation_columns": 1}
    return (x, *weights), options


def _padded(to, i, x, padding):
    """The tensor that a PAD makes of x; x itself if there is nothing to pad."""
    around = np.array([(0, 0), *padding, (0, 0)], np.int32)
    if not around.any():
        return x
    name, shape = to.network.names[i], tuple(int(n) for n in to.tensors[x].shape + around.sum(axis=1))
    sizes = to.constant(f"{name}.padding", around)
    out = to.computed(f"{name}.padded", shape, to.scale(to.network.sources[i][0]))
    to.operation("PAD", (x, sizes), out)
    return out


def _conv(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    return _convolution(to, i, sources, 0, to.network.parameter_shapes(i)["weights"])


def _depthwise(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    layer: Any = to.network.layers[i]
    inputs, options = _convolution(to, i, sources, 3, (1, *to.network.parameter_shapes(i)["weights"]))
    return inputs, options | {"multiplier": layer.multiplier}


def _dense(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    (x,) = sources
    return (x, *to.weights(i, x, 0, to.network.parameter_shapes(i)["weights"])), {"format": 0, "keeps": False}


def _pool(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    layer: Any = to.network.layers[i]
    window = layer.window(to.network.input_shape(i))
    rows, columns = window.kernel
    return sources, _window(window.kernel, window.stride, window.padding) | {"rows": rows, "columns": columns}


def _mean(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    axes = to.constant(f"{to.network.names[i]}.axes", np.array([1, 2], np.int32))
    return (*sources, axes), {"keeps": False}


def _reshape(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    shape = np.array([1, *to.network.shapes[i]], np.int32)
    return (*sources, to.constant(f"{to.network.names[i]}.shape", shape)), {"shape": shape}


def _softmax(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    layer: Any = to.network.layers[i]
    return sources, {"beta": layer.beta}


def _plain(to: _Writing, i: int, sources: tuple[int, ...]) -> Made:
    return sources, {}


# What each layer becomes: the operator, and what gives its inputs and options
OPERATORS: dict[type, tuple[str, Callable[[_Writing, int, tuple[int, ...]], Made]]] = {
    Dense: ("FULLY_CONNECTED", _dense),
    Conv2D: ("CONV_2D", _conv),
    DepthwiseConv2D: ("DEPTHWISE_CONV_2D", _depthwise),
    MaxPool2D: ("MAX_POOL_2D", _pool),
    AveragePool2D: ("AVERAGE_POOL_2D", _pool),
    GlobalAveragePool: ("MEAN", _mean),
    ReLU: ("RELU", _plain),
    ReLU6: ("RELU6", _plain),
    Tanh: ("TANH", _plain),
    Sigmoid: ("LOGISTIC", _plain),
    Softmax: ("SOFTMAX", _softmax),
    Flatten: ("RESHAPE", _reshape),
    Reshape: ("RESHAPE", _reshape),
    Add: ("ADD", _plain),
}
