"""A network: layers in order, what feeds each, their shapes, and the parameters they start with."""

from collections.abc import Collection, Mapping
from functools import cached_property
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.kernels import random
from mcuref.layers import Add, Input, Residual
from mcuref.layers.layer import NEEDED, Layer, Parametric, Shape
from mcuref.names import hint, near
from mcuref.quantization.scales import PARAMETER_TYPES, Quantization, check

FLOATS: Mapping[str, str] = {}  # no kind of parameters is anything but float32


class Network:
    """Layers, with shapes checked and start parameters: a chain, but for the residual blocks in it.

    Start weights are uniform in +-sqrt(6 / fan_in) (He et al. 2015), the last layer's half of that, biases 0; they are a
    function of ``seed`` and the layer's index alone.

    Parameters
    ----------
    layers : sequence of layers, :class:`mcuref.layers.Input` first.
    seed : int, 0 <= seed < 2^32.
    name : str, for reports.
    parameters : dict of arrays to start from instead, as in `parameters`.
    parameter_types : {kind: NumPy type} of parameters that are not float32, {"weights": "int8", "bias": "int32"} say; a
        network that has such ones begins from given parameters.
    quantization : :class:`mcuref.quantization.scales.Quantization` of an int8 network, which begins from int8 weights and
        int32 biases; None for float32. One of the first layers alone makes a mixed network: these are its int8 body, which
        cannot be trained, the others its float32 head, with float32 parameters.

    Attributes
    ----------
    layers : tuple of layers in the order in which they are computed; of a residual block its body, then its projection,
        then an :class:`mcuref.layers.Add`.
    written : tuple of layers as they were given, residual blocks whole.
    sources : tuple of tuple of int, which layers feed each: mostly the one before it.
    names : tuple of str, one a layer: "input", "flatten1", "dense1", "relu1", ...
    shapes : tuple of tuple, the output shape of each layer.
    body : int, how many of the first layers are int8.
    """

    def __init__(
        self,
        layers: Any,
        *,
        seed: int = 0,
        name: str = "network",
        parameters: Any = None,
        parameter_types: Mapping[str, str] = FLOATS,
        quantization: Quantization | None = None,
    ) -> None:
        self.name, self.written, self.quantization = name, _checked_layers(layers), quantization
        self.parameter_types = dict(parameter_types if quantization is None else PARAMETER_TYPES)
        self.body = 0 if quantization is None else len(quantization.outputs)
        if not self.written or not isinstance(self.written[0], Input):
            raise InputError(f"network {name!r} must begin with an Input layer, such as Input((28, 28, 1), 'uint8')")
        self.layers: tuple[Layer, ...]
        self.sources: tuple[tuple[int, ...], ...]
        self.layers, self.sources = _in_order(self.written)
        self.seed = arguments.seed(seed)
        self.names = _names(self.layers)
        self.shapes = _shapes(self)
        if not self.parametric:
            raise InputError(f"network {name!r} has no layer with parameters, so there is nothing to train")
        if parameters is not None:
            self.parameters = _checked(self, parameters)
        elif self.parameter_types:
            raise InputError(f"network {name!r} has parameters that are not float32; it needs parameters to begin with")
        if quantization is not None:
            check(self, quantization)

    @property
    def input(self) -> Input:
        """The Input layer."""
        return self.written[0]

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return prod(self.shapes[-1])

    @cached_property
    def parametric(self) -> tuple[int, ...]:
        """Indices of the layers that have parameters, from the input on."""
        return tuple(i for i in range(len(self.layers)) if self.parameter_shapes(i))

    @cached_property
    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """Start parameters: {"dense1.weights": float32[O, I], "dense1.bias": float32[O], ...}."""
        start = {}
        for i in self.parametric:
            for kind, shape in self.parameter_shapes(i).items():
                start[f"{self.names[i]}.{kind}"] = self._initial(i, kind, shape)
        return start

    @property
    def dtype(self) -> str:
        """What its programs compute in: "int8" if it has scales, else "float32"; "mixed" if only the first layers have."""
        return "float32" if self.quantization is None else "mixed" if self.body < len(self.layers) else "int8"

    def real(self, outputs: NDArray[Any]) -> NDArray[np.float32]:
        """The values that outputs of its programs stand for: of int8, scale (q - zero)."""
        if self.quantization is None or self.dtype == "mixed":
            return outputs
        from mcuref.quantization.edges import real_values

        return real_values(outputs, self.quantization.outputs[-1])

    def parameter_shapes(self, i: int) -> dict[str, Shape]:
        """Shapes of the parameters of layer i, by kind."""
        return self.layers[i].parameter_shapes(self.input_shape(i)) if i else {}

    def parametric_layer(self, i: int) -> Parametric:
        """Layer i, one of `parametric`."""
        return cast(Parametric, self.layers[i])

    @property
    def trainable(self) -> tuple[int, ...]:
        """Indices of the layers that can be trained: all with parameters, of a mixed network those of its head."""
        first = self.body if self.dtype == "mixed" else 0
        return tuple(i for i in self.parametric if i >= first)

    def input_shape(self, i: int) -> Shape:
        """Shape of what layer i > 0 takes; the first of two."""
        return self.shapes[self.sources[i][0]]

    def reached(self, wanted: Collection[int]) -> list[bool]:
        """bool per layer: whether an error must reach its output, because it or a layer that feeds it is in ``wanted``."""
        reached = []
        for i, sources in enumerate(self.sources):
            reached.append(i in wanted or any(reached[j] for j in sources))
        return reached

    def with_parameters(self, parameters: Mapping[str, Any]) -> "Network":
        """The same layers, starting from other parameters."""
        return self.replaced(parameters=parameters)

    def replaced(
        self, layers: Any = None, parameters: Mapping[str, Any] | None = None, quantization: Quantization | None = None
    ) -> "Network":
        """The same network, but for what is given: other layers, parameters or scales."""
        return Network(
            self.written if layers is None else layers,
            seed=self.seed,
            name=self.name,
            parameters=self.parameters if parameters is None else parameters,
            parameter_types=self.parameter_types,
            quantization=self.quantization if quantization is None else quantization,
        )

    def without_softmax(self) -> "Network":
        """The same layers but a softmax at the end, which a loss has in it."""
        if self.written[-1].kind != "softmax":
            return self
        scales = self.quantization and self.quantization.of_first(min(self.body, len(self.layers) - 1))
        return self.replaced(layers=self.written[:-1], quantization=scales)

    def with_seed(self, seed: int) -> "Network":
        """The same layers, starting from the float32 parameters of another seed."""
        return Network(self.written, seed=seed, name=self.name)

    def start_limit(self, i: int) -> float:
        """Start weights of layer i are uniform in +- this, a float32."""
        limit = np.sqrt(np.float32(6) / np.float32(self.parametric_layer(i).macs_of_entry(self.input_shape(i))))
        return float(limit * np.float32(0.5) if i == self.parametric[-1] else limit)

    def _initial(self, i, kind, shape):
        if kind == "bias":
            return np.zeros(shape, np.float32)
        return random.uniform(prod(shape), self.start_limit(i), self.seed, random.PARAMETERS + i).reshape(shape)


def _checked_layers(layers):
    """The layers as a tuple; InputError if one of them is no layer (a class instead of an instance, say)."""
    if not isinstance(layers, (list, tuple)):
        raise InputError(f"layers {layers!r} are not a list of layers, such as [Input((4,)), Dense(3)]")
    for layer in layers:
        if isinstance(layer, type) or not hasattr(layer, "kind"):
            raise InputError(f"{layer!r} is not a layer, such as Dense(3)")
        for name in NEEDED if not isinstance(layer, (Input, Residual)) else ():
            if not hasattr(layer, name):
                what = f"layer of class {type(layer).__name__!r} has no {name!r}"
                raise InputError(f"{what}; mcuref.layers.Layer says what it needs")
        if isinstance(layer, Add):
            raise InputError("an Add layer needs two inputs and cannot stand in a chain; a Residual block makes one")
    return tuple(layers)


def _in_order(written):
    """(layers, sources): residual blocks taken apart into their layers and an Add."""
    layers, sources = [], []

    def chain(parts, source):
        """Append layers one behind the other, the first fed by ``source``; returns the index of the last."""
        for part in parts:
            if isinstance(part, Residual):
                body = chain(_checked_layers(part.body), source)
                shortcut = source if part.projection is None else chain(_checked_layers([part.projection]), source)
                append(Add(), (body, shortcut))
            else:
                append(part, () if source is None else (source,))
            source = len(layers) - 1
        return source

    def append(layer, fed_by):
        layers.append(layer)
        sources.append(fed_by)

    chain(written, None)
    return tuple(layers), tuple(sources)


def _names(layers):
    seen, names = {}, []
    for layer in layers:
        seen[layer.kind] = seen.get(layer.kind, 0) + 1
        names.append(layer.kind if layer.kind == "input" else f"{layer.kind}{seen[layer.kind]}")
    return tuple(names)


def _shapes(network):
    shapes = [network.input.shape]
    for name, layer, sources in zip(network.names[1:], network.layers[1:], network.sources[1:]):
        if isinstance(layer, Input):
            raise InputError(f"network {network.name!r} has a second Input layer; only the first layer may be one")
        if layer.kind == "softmax" and len(shapes) < len(network.layers) - 1:
            raise InputError(
                f"layer {name!r} of network {network.name!r} stands before others; a softmax can only be the last"
            )
        try:
            shapes.append(tuple(layer.output_shape(*(shapes[j] for j in sources))))
        except InputError as error:
            raise InputError(f"layer {name!r} of network {network.name!r}: {error}") from None
    return tuple(shapes)


def _converted(name: str, values: Any, dtype: str) -> NDArray[Any]:
    """A copy as a type: what does not fit into a float becomes infinite, into an integer is refused. InputError if it is no
    array of real numbers.
    """
    try:
        array = np.array(values)
        if array.dtype.kind not in "iuf":
            raise ValueError
    except ValueError:
        raise InputError(f"parameter {name!r} is not an array of real numbers") from None
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(dtype)
    if converted.dtype.kind != "f" and not np.array_equal(converted, array):
        raise InputError(f"parameter {name!r} has values that are not {dtype}")
    return converted


def _checked(network, parameters):
    """Copies of ``parameters`` with their types, all there, with the right shapes, finite."""
    arguments.instance("parameters", parameters, dict, "a dict of arrays by name, as Program.parameters() returns")
    checked = {}
    for i in network.parametric:
        for kind, shape in network.parameter_shapes(i).items():
            name = f"{network.names[i]}.{kind}"
            if name not in parameters:
                raise InputError(f"parameter {name!r} of network {network.name!r} is missing")
            types = network.parameter_types if i < network.body or network.quantization is None else FLOATS
            value = _converted(name, parameters[name], types.get(kind, "float32"))
            if value.shape != shape:
                raise InputError(f"parameter {name!r} has shape {value.shape}; it must be {shape}")
            if not np.isfinite(value).all():
                raise InputError(f"parameter {name!r} has NaN or infinite values")
            checked[name] = value
    unknown = sorted(set(parameters) - set(checked))
    if unknown:
        has = hint(near(unknown[0], checked), f"it has {', '.join(checked)}")
        raise InputError(f"parameter {unknown[0]!r} is not one of network {network.name!r}{has}")
    return checked
