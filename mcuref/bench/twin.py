"""The same network in PyTorch, for its speed (:mod:`mcuref.bench.benchmark`) and its results. Needs the extra "peers".

Images are [N, C, H, W] there, and a module does what a user of PyTorch would write: padding is an argument of the
convolution where it is the same on both sides, and what lies flat keeps PyTorch's order, with the weights behind it.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mcuref.layers import (
    ACTIVATIONS,
    AveragePool2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    Reshape,
    Softmax,
)
from mcuref.layers.residual import Add
from mcuref.network import Network


class Twin(torch.nn.Module):
    """A :class:`mcuref.Network` with its start parameters; takes what :func:`twin_input` makes of samples.

    Parameters
    ----------
    network : Network.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.steps = torch.nn.ModuleList()
        self.sources, place = [], {0: 0}  # values are numbered by steps: a layer that does nothing makes none
        for i in range(1, len(network.layers)):
            module = _module(network, i)
            if module is None:
                place[i] = place[network.sources[i][0]]
                continue
            self.steps.append(module)
            self.sources.append(tuple(place[j] for j in network.sources[i]))
            place[i] = len(self.steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs z, [N, outputs]."""
        values = [x]
        for step, sources in zip(self.steps, self.sources):
            values.append(step(*[values[j] for j in sources]))
        return values[-1]


def twin_input(network: Network, x: NDArray[Any]) -> torch.Tensor:
    """Samples [N, *shape] as a Twin takes them: normalised, images with the channels first."""
    flat = x.reshape(len(x), -1).astype(np.float32)
    pairs = network.input.size // network.input.mean.size
    normalised = (flat - np.tile(network.input.mean, pairs)) * np.tile(network.input.scale, pairs)
    shape = network.shapes[1] if _reshapes_input(network) else network.input.shape
    return _channels_first(torch.from_numpy(normalised.reshape(len(x), *shape))).contiguous()


class _Function(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


def _channels_first(x):
    return x.permute(0, 3, 1, 2) if x.dim() == 4 else x


def _channels_last(x):
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def _module(network, i):
    """What layer i does, as a module; None if it does nothing."""
    layer, shape = network.layers[i], network.input_shape(i)
    if isinstance(layer, (Flatten, Reshape)):
        return _reshaped(network, i)
    if isinstance(layer, Softmax):
        return None  # the loss has it in it
    if isinstance(layer, ACTIVATIONS):
        return getattr(torch.nn, type(layer).__name__)()  # PyTorch has them under the same names
    if isinstance(layer, Add):
        return _Function(torch.add)
    if isinstance(layer, GlobalAveragePool):
        return _Function(lambda x: x.mean((2, 3)))
    if isinstance(layer, (MaxPool2D, AveragePool2D)):
        return _pool(layer, layer.geometry(shape))
    weights, bias = (network.parameters[f"{network.names[i]}.{kind}"] for kind in ("weights", "bias"))
    if isinstance(layer, Dense):
        return _dense(network, i, weights, bias)
    return _convolution(layer, layer.geometry(shape), weights, bias)


def _readers(network, i):
    return [j for j, sources in enumerate(network.sources) if i in sources]


def _reshapes_input(network):
    """Whether the first layer gives the samples another shape; they come in that shape then."""
    return isinstance(network.layers[1], (Flatten, Reshape)) and _readers(network, 0) == [1]


def _feeds_dense(network, i):
    """Whether layer i flattens an image for dense layers alone: then their weights are put in PyTorch's order."""
    if (
        not isinstance(network.layers[i], Flatten)
        or len(network.input_shape(i)) != 3
        or (i == 1 and _reshapes_input(network))
    ):
        return False
    return all(isinstance(network.layers[j], Dense) for j in _readers(network, i))


def _reshaped(network, i):
    if network.input_shape(i) == network.shapes[i] or (i == 1 and _reshapes_input(network)):
        return None
    if _feeds_dense(network, i):
        return torch.nn.Flatten()
    return _Function(lambda x: _channels_first(_channels_last(x).reshape(len(x), *network.shapes[i])))


def _dense(network, i, weights, bias):
    (source,) = network.sources[i]
    if _feeds_dense(network, source):
        h, w, c = network.input_shape(source)
        weights = weights.reshape(-1, h, w, c).transpose(0, 3, 1, 2).reshape(weights.shape)
    return _filled(torch.nn.Linear(*weights.shape[::-1]), weights, bias)


def _convolution(layer, geometry, weights, bias):
    """Weights [O, kh, kw, C], or [kh, kw, C] of a depthwise one, become [O, C, kh, kw] and [C, 1, kh, kw]."""
    depthwise = isinstance(layer, DepthwiseConv2D)
    weights = weights.transpose(2, 0, 1)[:, None] if depthwise else weights.transpose(0, 3, 1, 2)
    c, o = geometry[2], geometry[5]
    padding, sides = _padding(geometry)
    module = torch.nn.Conv2d(c, o, geometry[6:8], geometry[8:10], padding, groups=c if depthwise else 1)
    return _padded(_filled(module, weights, bias), sides, 0.0)


def _pool(layer, geometry):
    window, stride = geometry[6:8], geometry[8:10]
    padding, sides = _padding(geometry)
    sides = sides or [padding[1], padding[1], padding[0], padding[0]]
    if isinstance(layer, MaxPool2D):
        return _padded(torch.nn.MaxPool2d(window, stride), sides, -np.inf)
    mean = torch.nn.AvgPool2d(window, stride)
    if not any(sides):
        return mean
    padded = _padded(mean, sides, 0.0)  # padding counts for nothing: what is outside goes from the divisor too
    return _Function(lambda x: padded(x) / padded(torch.ones_like(x)))


def _padding(geometry):
    """(padding of rows and columns, None) if it is alike on both sides, else ((0, 0), [left, right, above, below])."""
    h, w, _, ho, wo, _, kh, kw, sh, sw, top, left = geometry
    below, right = max((ho - 1) * sh + kh - h - top, 0), max((wo - 1) * sw + kw - w - left, 0)
    return ((top, left), None) if (top, left) == (below, right) else ((0, 0), [left, right, top, below])


def _padded(module, sides, value):
    if not sides or not any(sides):
        return module
    return torch.nn.Sequential(_Function(lambda x: functional.pad(x, sides, value=value)), module)


def _filled(module, weights, bias):
    """The module with these parameters."""
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights)))
        module.bias.copy_(torch.from_numpy(bias))
    return module
