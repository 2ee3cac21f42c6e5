"""The width of a network, changed without losing what it learned: wider, narrower, more outputs."""

import operator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.incremental.integers import fresh_weights, parted, real_parameters
from mcuref.incremental.resizing import Resized, appended, carried_parameters, carried_scales, checked_network, origins_of
from mcuref.kernels import random
from mcuref.layers import Add, Dense, DepthwiseConv2D, Reshape
from mcuref.network import Network
from mcuref.quantization.scales import Quantization

METHODS = ("zero-outgoing", "net2wider", "shrink-and-perturb")
KEEP = 0.4  # of the weights, by shrink-and-perturb
CHOICES = random.GROWTH + (1 << 16)  # streams of net2wider's choice of units to copy, + index of the layer


def hidden_widths(network: Network) -> tuple[int, ...]:
    """Outputs or filters of the layers with parameters but the last, from the input on, tuple of int.

    Depthwise layers are left out: they have as many channels as their input. InputError if ``network`` is none
    or does not end with a Dense layer.
    """
    return tuple(network.shapes[i][-1] for i in _hidden(network))


def inference_macs(network: Network) -> int:
    """Multiply-accumulates of one forward pass."""
    return sum(network.parametric_layer(i).macs(network.input_shape(i)) for i in network.parametric)


def with_hidden_widths(network: Network, widths: Any) -> Network:
    """The same layers at other hidden widths, with start parameters of its own; InputError as of :func:`widen`."""
    return _with_widths(network, _width_changes(network, widths, "changed", lambda new, old: True))


# -- wider -------------------------------------------------------------------------------------------------------------


def widen(
    network: Network, widths: Any, *, method: str = "zero-outgoing", seed: int = 0, noise: float = 0.1, keep: float = KEEP
) -> Resized:
    """Give hidden layers more units; new ones stand behind the old ones.

    zero-outgoing        The incoming weights of a new unit are uniform in +-sqrt(6 / fan_in), as of a new network, its
                         bias is 0, and its weights into units that were there before are 0: the outputs stay as they
                         are. A new channel of a depthwise layer gets the identity kernel, 1 at the centre.
                         (A baseline of Evci et al., "GradMax", ICLR 2022)
    net2wider            A new unit is a copy of an old one, drawn at random. What leaves a unit that is now there m
                         times is divided by m, so that the outputs stay as they are but for ``noise``: each incoming
                         weight w of a copy becomes w (1 + u), u uniform in +-noise, so that copies can part.
                         (Net2WiderNet: Chen, Goodfellow, Shlens, "Net2Net", ICLR 2016)
    shrink-and-perturb   As zero-outgoing, then all weights W <- keep W + (1 - keep) fresh, all biases b <- keep b;
                         fresh is what another network of this size would start from. The outputs change.
                         (Ash, Adams, "On warm-starting neural network training", NeurIPS 2020)

    Parameters
    ----------
    network : :class:`mcuref.Network` with the present parameters, network.with_parameters(program.parameters()); a
        chain, and the same layers again in the result. It is not changed.
    widths : list of int, one for each of :func:`hidden_widths`; none smaller, at least one larger than it is.
    method : one of `METHODS`; of an int8 network zero-outgoing, whose new rows of weights get scales of their own, as
        :mod:`mcuref.incremental.integers` says.
    seed : int, 0 <= seed < 2^32, of all that is drawn.
    noise : float, 0 <= noise <= 1, of net2wider; 0 for exact copies, which get the same gradients for ever.
    keep : float, 0 <= keep <= 1, of shrink-and-perturb.

    Returns
    -------
    :class:`Resized`.

    Raises
    ------
    InputError : any other argument; residual blocks, whose two ways must keep the same width.
    """
    arguments.one_of("method", method, METHODS)
    seed = arguments.seed(seed)
    noise, keep = arguments.number("noise", noise, 0, 1), arguments.number("keep", keep, 0, 1)
    changes = _width_changes(network, widths, "widened", operator.ge)
    if network.dtype == "int8" and method != "zero-outgoing":
        raise InputError(f"method {method!r} is of float32 networks; an int8 network is widened by 'zero-outgoing'")
    if all(width == network.shapes[i][-1] for i, width in changes.items()):
        raise InputError(f"widths {list(changes.values())} are the network's own; at least one must be larger")
    wider = _with_widths(network, changes)
    origins = origins_of(network, {i: appended(network.shapes[i][-1], width) for i, width in changes.items()})
    if method == "net2wider":
        parameters, scales = _copied(network, wider, origins, seed, noise), None
    else:
        parameters, scales = _zero_outgoing(network, wider, origins, seed)
    if method == "shrink-and-perturb":
        parameters = _perturbed(wider, parameters, seed, keep)
    wider = wider.replaced(parameters=parameters, quantization=scales)
    return Resized(wider, network, tuple(range(len(origins))), origins)


def _zero_outgoing(network, wider, origins, seed):
    """(parameters, scales) of the wider network: new units with drawn incoming weights, bias 0, weights 0 into old units."""
    scales = carried_scales(network, wider, origins)

    def start(i, kind, shape):
        """What a layer's new weights or biases begin as; what is old is written over it."""
        new = np.zeros(shape, np.float32)
        if kind == "weights" and isinstance(wider.layers[i], DepthwiseConv2D):
            one = 1 if scales is None else np.rint(1 / scales.weights[wider.names[i]]).clip(max=127)
            new[(shape[0] - 1) // 2, (shape[1] - 1) // 2] = one
        elif kind == "weights" and (is_new := origins[i] < 0).any():
            # numbers by their place: growing twice with one seed draws no row twice
            new[is_new] = fresh(wider, i, scales, seed, random.GROWTH + i)[is_new]
        return new

    return carried_parameters(network, wider, range(len(origins)), origins, start), scales


def _copied(network, wider, origins, seed, noise):
    """Parameters of the wider network: new units copy old ones, what leaves a unit is shared out over its copies."""
    copies = {i: _choices(origins[i], seed, i) for i in _hidden(network)}
    copies = origins_of(network, copies)  # as origins, but with the old unit that was copied instead of -1
    parameters = carried_parameters(network, wider, range(len(origins)), copies)
    for i in wider.parametric:
        if isinstance(wider.layers[i], DepthwiseConv2D):
            continue
        weights, source, is_new = parameters[f"{wider.names[i]}.weights"], copies[i - 1], origins[i] < 0
        weights /= np.bincount(source)[source].astype(np.float32)
        drawn = random.uniform(weights.size, noise, seed, random.GROWTH + i).reshape(weights.shape)
        weights[is_new] *= np.float32(1) + drawn[is_new]
    return parameters


def _choices(origin, seed, i):
    """An origin with old units, drawn at random, in place of -1: floor(philox n / 2^32) of n old units."""
    old = int(np.count_nonzero(origin >= 0))
    draws = random.philox(seed, CHOICES + i, origin.size).astype(np.uint64)
    return np.where(origin >= 0, origin, (draws * np.uint64(old) >> np.uint64(32)).astype(np.int64))


def _perturbed(wider, parameters, seed, keep):
    """keep W + (1 - keep) fresh for weights, keep b for biases."""
    fresh = wider.with_seed(fresh_seed(seed)).parameters
    return {name: keep * old + (np.float32(1) - keep) * fresh[name] for name, old in parameters.items()}


def fresh_seed(seed: int) -> int:
    """The seed whose start weights are the fresh ones of a growth with ``seed``; with that itself they could be those that
    this network started from, which would perturb nothing.
    """
    return int(random.philox(seed, random.GROWTH, 1)[0])


# -- narrower ----------------------------------------------------------------------------------------------------------


def shrink(network: Network, widths: Any) -> Resized:
    """Take units out of hidden layers, those that contribute least; the others keep their order.

    contribution of unit j = ||incoming weights and bias of j|| * ||outgoing weights of j||, norms L2, times that of its
    kernels and bias in depthwise layers between. Of equal ones the higher index goes first. Layers are decided on from
    the last to the first, so that what leaves for a unit that goes does not count: units that :func:`widen` added by
    zero-outgoing contribute 0 and go first. (Each norm on its own: He, Fan, Qian, Tan, Yu, "Reshaping deep neural
    network for fast decoding by node-pruning", ICASSP 2014)

    Parameters
    ----------
    network : :class:`mcuref.Network` with the present parameters; a chain. It is not changed.
    widths : list of int from 1, one for each of :func:`hidden_widths`, none larger than it is.

    Returns
    -------
    :class:`Resized`.

    Raises
    ------
    InputError : wrong widths; residual blocks, whose two ways must keep the same width.
    """
    changes = _width_changes(network, widths, "shrunk", operator.le)
    kept = {}
    for i, width in reversed(changes.items()):
        if width < network.shapes[i][-1]:
            order = np.argsort(-_contributions(network, i, kept), kind="stable")
            kept[i] = np.sort(order[:width])
    origins = origins_of(network, kept)
    narrower, layers = _with_widths(network, changes), tuple(range(len(origins)))
    parameters = carried_parameters(network, narrower, layers, origins)
    narrower = narrower.replaced(parameters=parameters, quantization=carried_scales(network, narrower, origins))
    return Resized(narrower, network, layers, origins)


def _contributions(network, i, kept):
    """Of each unit of hidden layer i, float64[O]; ``kept``: {layer: its units that stay}, all where it is not named."""
    parameters = real_parameters(network)

    def squares(j, kind):
        return np.square(parameters[f"{network.names[j]}.{kind}"], dtype=np.float64)

    width = network.shapes[i][-1]
    product = np.sqrt(squares(i, "weights").reshape(width, -1).sum(axis=1) + squares(i, "bias"))
    for j in _readers(network, i):
        if isinstance(network.layers[j], DepthwiseConv2D):
            product *= np.sqrt(squares(j, "weights").sum(axis=(0, 1)) + squares(j, "bias"))
        elif network.parameter_shapes(j):
            outgoing = squares(j, "weights")[kept.get(j, slice(None))]
            product *= np.sqrt(outgoing.reshape(-1, width).sum(axis=0))  # the channel is the last axis, also flattened
    return product


# -- more outputs --------------------------------------------------------------------------------------------------------


def add_outputs(network: Network, outputs: int, *, seed: int = 0) -> Resized:
    """Give the last layer more outputs, for classes that are new; those there were stay as they are, to the bit.

    New rows of weights are those that a network of this size starts from with ``seed``: uniform in
    +-sqrt(6 / fan_in) / 2. Their biases are 0.

    Parameters
    ----------
    network : :class:`mcuref.Network` with the present parameters; residual blocks are left as they are. It is not
        changed.
    outputs : int, more than it has.
    seed : int, 0 <= seed < 2^32, of the new weights.

    Returns
    -------
    :class:`Resized`.

    Raises
    ------
    InputError : no more outputs than before; a last layer that is not Dense.
    """
    present = checked_network(network).outputs
    outputs, seed = arguments.whole("outputs", outputs, 1), arguments.seed(seed)
    if outputs <= present:
        raise InputError(f"outputs {outputs} are not more than the {present} that network {network.name!r} has")
    return _of_outputs(network, outputs, seed)


def with_outputs(network: Network, outputs: int, seed: int) -> Network:
    """A network to begin with, with another number of outputs.

    float32: start parameters of its own, of a seed. int8: the network's parameters and scales, the first of its outputs, or
    more; what a device begins with is what it got with its scales.
    """
    if network.dtype == "int8":
        return _of_outputs(network, outputs, seed).network
    return Network([*network.written[:-1], Dense(outputs)], seed=seed, name=network.name)


def _of_outputs(network, outputs, seed):
    """The Resized with as many outputs: the first of those there are, and new ones behind them."""
    other = Network((*network.written[:-1], Dense(outputs)), seed=network.seed, name=network.name)
    origins = (*(np.arange(shape[-1]) for shape in network.shapes[:-1]), appended(network.outputs, outputs))
    layers, scales = tuple(range(len(origins))), carried_scales(network, other, origins)

    def start(i, kind, shape):
        """New weights and biases of the last layer; others are all there."""
        if kind == "bias" or (origins[i] >= 0).all():
            return np.zeros(shape, np.float32)
        return fresh(other, i, scales, seed, random.PARAMETERS + i)

    parameters = carried_parameters(network, other, layers, origins, start)
    return Resized(other.replaced(parameters=parameters, quantization=scales), network, layers, origins)


def fresh(network: Network, i: int, scales: Quantization | None, seed: int, stream: int) -> NDArray[Any]:
    """Weights of layer i as drawn: float32, or int8 in the scales of an int8 network; of the network shapes alone count."""
    if scales is not None:
        return parted(fresh_weights(network, i, scales.weights[network.names[i]], seed, stream))[0]
    shape = network.parameter_shapes(i)["weights"]
    return random.uniform(prod(shape), network.start_limit(i), seed, stream).reshape(shape)


# -- checks ------------------------------------------------------------------------------------------------------------


def _hidden(network):
    """Indices of the layers whose widths are hidden_widths."""
    checked_network(network)
    return [i for i in network.parametric[:-1] if not isinstance(network.layers[i], DepthwiseConv2D)]


def _readers(network, i):
    """Indices of the layers of a chain that see the units of hidden layer i: up to the next Dense or Conv2D."""
    end = next(j for j in network.parametric if j > i and not isinstance(network.layers[j], DepthwiseConv2D))
    return range(i + 1, end + 1)


def _width_changes(network, widths, changed, allowed):
    """{hidden layer: its new width}, of all of them in order; InputError unless allowed(new, present) for each."""
    hidden = _hidden(network)
    if any(isinstance(layer, Add) for layer in network.layers):
        raise InputError(
            f"network {network.name!r} has residual blocks; widths cannot change there, because what is added must "
            "keep the same shape"
        )
    if several := [n for n, layer in zip(network.names, network.layers) if getattr(layer, "multiplier", 1) != 1]:
        raise InputError(f"layer {several[0]!r} has several filters a channel; widths cannot change around it")
    if not isinstance(widths, (list, tuple)) or len(widths) != len(hidden):
        present = list(hidden_widths(network))
        raise InputError(f"widths {widths!r} are not a list of {len(hidden)} whole numbers, as the present widths {present}")
    changes = {}
    for i, width in zip(hidden, widths):
        name, present = network.names[i], network.shapes[i][-1]
        changes[i] = arguments.whole(f"width of layer {name!r}:", width, 1)
        if not allowed(changes[i], present):
            raise InputError(f"layer {name!r} cannot be {changed} from {present} to {width}")
        reshaped = [network.names[j] for j in _readers(network, i) if isinstance(network.layers[j], Reshape)]
        if reshaped and changes[i] != present:
            raise InputError(f"the width of layer {name!r} cannot change: layer {reshaped[0]!r} depends on it")
    return changes


def _with_widths(network, changes):
    """The chain with other widths of some layers; its parameters are not those of ``network``."""
    written = list(network.written)
    for i, width in changes.items():
        field = "outputs" if isinstance(written[i], Dense) else "filters"
        written[i] = replace(written[i], **{field: width})
    return Network(written, seed=network.seed, name=network.name)
