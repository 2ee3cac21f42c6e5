"""A network: layers in order, their shapes, and the parameters they start with."""

from functools import cached_property
from math import prod

import numpy as np

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.kernels import random
from mcuref.layers import Input


class Network:
    """Layers in a chain, with shapes checked and start parameters.

    Start weights are uniform in +-sqrt(6 / fan_in) (He et al. 2015), the last layer's half of that, biases 0; they are a
    function of ``seed`` and the layer's index alone.

    Parameters
    ----------
    layers : sequence of layers, :class:`mcuref.layers.Input` first.
    seed : int, 0 <= seed < 2^32.
    name : str, for reports.
    parameters : dict of float32 arrays to start from instead, as in :attr:`parameters`.

    Attributes
    ----------
    layers : tuple of layers.
    names : tuple of str, one a layer: "input", "flatten1", "dense1", "relu1", ...
    shapes : tuple of tuple, the output shape of each layer.
    """

    def __init__(self, layers, *, seed=0, name="network", parameters=None):
        self.layers, self.name = _layers(layers), name
        if not self.layers or not isinstance(self.layers[0], Input):
            raise InputError(f"network {name!r} must begin with an Input layer, such as Input((28, 28, 1), 'uint8')")
        self.seed = arguments.seed(seed)
        self.names = _names(self.layers)
        self.shapes = _shapes(self)
        if not self.parametric:
            raise InputError(f"network {name!r} has no layer with parameters, so there is nothing to train")
        if parameters is not None:
            self.parameters = _checked(self, parameters)

    @property
    def input(self):
        """The Input layer."""
        return self.layers[0]

    @property
    def outputs(self):
        """Number of outputs."""
        return prod(self.shapes[-1])

    @cached_property
    def parametric(self):
        """Indices of the layers that have parameters, from the input on."""
        return tuple(i for i in range(len(self.layers)) if self.parameter_shapes(i))

    @cached_property
    def parameters(self):
        """Start parameters: {"dense1.weights": float32[O, I], "dense1.bias": float32[O], ...}."""
        start = {}
        for i in self.parametric:
            for kind, shape in self.parameter_shapes(i).items():
                start[f"{self.names[i]}.{kind}"] = self._initial(i, kind, shape)
        return start

    def parameter_shapes(self, i):
        """Shapes of the parameters of layer i, by kind."""
        return self.layers[i].parameter_shapes(self.shapes[i - 1]) if i else {}

    def with_parameters(self, parameters):
        """The same layers, starting from other parameters."""
        return Network(self.layers, seed=self.seed, name=self.name, parameters=parameters)

    def with_seed(self, seed):
        """The same layers, starting from the parameters of another seed."""
        return Network(self.layers, seed=seed, name=self.name)

    def _initial(self, i, kind, shape):
        if kind == "bias":
            return np.zeros(shape, np.float32)
        limit = np.sqrt(np.float32(6) / np.float32(prod(shape[1:])))
        if i == self.parametric[-1]:
            limit = limit * np.float32(0.5)
        return random.uniform(prod(shape), limit, self.seed, random.PARAMETERS + i).reshape(shape)


def _layers(layers):
    """The layers as a tuple; InputError if one of them is no layer (a class instead of an instance, say)."""
    if not isinstance(layers, (list, tuple)):
        raise InputError(f"layers {layers!r} are not a list of layers, such as [Input((4,)), Dense(3)]")
    for layer in layers:
        if isinstance(layer, type) or not hasattr(layer, "parameter_shapes"):
            raise InputError(f"{layer!r} is not a layer, such as Dense(3)")
    return tuple(layers)


def _names(layers):
    seen, names = {}, []
    for layer in layers:
        seen[layer.kind] = seen.get(layer.kind, 0) + 1
        names.append(layer.kind if layer.kind == "input" else f"{layer.kind}{seen[layer.kind]}")
    return tuple(names)


def _shapes(network):
    shapes = [network.input.shape]
    for name, layer in zip(network.names[1:], network.layers[1:]):
        if isinstance(layer, Input):
            raise InputError(f"network {network.name!r} has a second Input layer; only the first layer may be one")
        try:
            shapes.append(layer.output_shape(shapes[-1]))
        except InputError as error:
            raise InputError(f"layer {name!r} of network {network.name!r}: {error}") from None
    return tuple(shapes)


def _float32(name, values):
    """A copy as float32; what does not fit becomes infinite. InputError if it is no array of real numbers."""
    try:
        array = np.array(values)
        if array.dtype.kind not in "iuf":
            raise ValueError
    except ValueError:
        raise InputError(f"parameter {name!r} is not an array of real numbers") from None
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _checked(network, parameters):
    """Copies of ``parameters`` as float32, all there, with the right shapes, finite."""
    arguments.instance("parameters", parameters, dict, "a dict of arrays by name, as Program.parameters() returns")
    checked = {}
    for i in network.parametric:
        for kind, shape in network.parameter_shapes(i).items():
            name = f"{network.names[i]}.{kind}"
            if name not in parameters:
                raise InputError(f"parameter {name!r} of network {network.name!r} is missing")
            value = _float32(name, parameters[name])
            if value.shape != shape:
                raise InputError(f"parameter {name!r} has shape {value.shape}; it must be {shape}")
            if not np.isfinite(value).all():
                raise InputError(f"parameter {name!r} has NaN or infinite values")
            checked[name] = value
    unknown = sorted(set(parameters) - set(checked))
    if unknown:
        raise InputError(f"parameter {unknown[0]!r} is not one of network {network.name!r}: {', '.join(checked)}")
    return checked
