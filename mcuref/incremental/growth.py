"""The size of a network, changed without losing what it learned: wider, narrower, deeper, more outputs.

All of it is told by *origins*: for the channels of each layer's resized output, the last axis, where they come from,
int[C], the old channel's index or -1 for a new one. ReLU, pooling and depthwise layers pass them on; a Flatten spreads
them over its positions, index = position * C + channel. Parameters and optimiser state [O, ..., I] follow the origins
of the layer's output along O and of its input along I.
"""

import operator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.kernels import random
from mcuref.layers import Add, Conv2D, Dense, DepthwiseConv2D, Flatten, Input, ReLU, Reshape, Residual
from mcuref.network import Network

METHODS = ("zero-outgoing", "net2wider", "shrink-and-perturb")
CHOICES = random.GROWTH + (1 << 16)  # streams of net2wider's choice of units to copy, + index of the layer
NOT_BELOW_0 = ("relu", "relu6")
PASS_ON = ("maxpool", "avgpool", "globalavgpool", "flatten", "reshape", "add")  # not below 0 if what they take is not


@dataclass(frozen=True, eq=False)
class Resized:
    """A network of another size, and how it came from the one before.

    Attributes
    ----------
    network : :class:`mcuref.Network`, with its parameters; name and seed are those of the one before.
    before : the network that was resized.
    layers : tuple, for each layer of ``network`` its index in ``before``; None for a new layer.
    origins : tuple of int arrays, for the channels of each layer's output the index before, -1 for a new one.
    """

    network: Network
    before: Network
    layers: tuple
    origins: tuple

    def state(self, old_state):
        """What a program of the new network has to restore to go on where one of the old network stopped.

        Parameters are the new network's. Rule state (Y_max), velocities, gradient sums, touched rows and the batch
        counter are those of the old state where they belong to something old, 0 where they belong to something new.

        Parameters
        ----------
        old_state : dict, what Program.state() of a program compiled from ``before`` returned, all layers trainable; its
            parameters must be those of ``before``. It is not changed.

        Returns
        -------
        dict for Program.restore() of a program compiled from ``network`` with the same rule, optimiser and loss.

        Raises
        ------
        InputError : a state of another network, or of other parameters than those that were resized.
        """
        old = _by_layer(self.before, old_state)
        hidden = old[self.before.parametric[0]]  # a new layer with parameters is a hidden one and has the same entries
        state = {}
        for i, (name, source) in enumerate(zip(self.network.names, self.layers)):
            new = hidden if self.network.parameter_shapes(i) else {}
            for kind, value in (new if source is None else old[source]).items():
                state[f"{name}.{kind}"] = self._entry(i, kind, value)
        return state

    def _entry(self, i, kind, old):
        """Entry of the state of the new layer i, from the old layer's or, if there was none, another layer's."""
        shapes, is_new = self.network.parameter_shapes(i), self.layers[i] is None
        parameter, _, sums = kind.partition("_")
        if kind in shapes:
            return self.network.parameters[f"{self.network.names[i]}.{kind}"].copy()
        if parameter in shapes and sums:  # a gradient or velocity of the parameter's shape
            nothing = np.zeros(shapes[parameter], np.float32)
            return nothing if is_new else _carried(self.network, self.origins, i, parameter, old, nothing)
        if kind == "touched_rows":  # bit r % 8 of byte r // 8
            (rows,) = shapes["bias"]
            bits = np.zeros(rows, np.uint8)
            if not is_new:
                bits = np.where(self.origins[i] >= 0, np.unpackbits(old, bitorder="little")[self.origins[i]], bits)
            return np.packbits(bits, bitorder="little")
        return np.zeros_like(old) if is_new else old.copy()


def hidden_widths(network):
    """Outputs or filters of the layers with parameters but the last, from the input on, tuple of int.

    Depthwise layers are left out: they have as many channels as their input. InputError if ``network`` is none
    or does not end with a Dense layer.
    """
    return tuple(network.shapes[i][-1] for i in _hidden(network))


def with_hidden_widths(network, widths):
    """The same layers at other hidden widths, with start parameters of its own; InputError as of :func:`widen`."""
    return _with_widths(network, _width_changes(network, widths, "changed", lambda new, old: True))


# -- wider -------------------------------------------------------------------------------------------------------------


def widen(network, widths, *, method="zero-outgoing", seed=0, noise=0.1, keep=0.4):
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
    method : one of :data:`METHODS`.
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
    if all(width == network.shapes[i][-1] for i, width in changes.items()):
        raise InputError(f"widths {list(changes.values())} are the network's own; at least one must be larger")
    wider = _with_widths(network, changes)
    origins = _origins(network, {i: _appended(network.shapes[i][-1], width) for i, width in changes.items()})
    if method == "net2wider":
        parameters = _copied(network, wider, origins, seed, noise)
    else:
        parameters = _zero_outgoing(network, wider, origins, seed)
    if method == "shrink-and-perturb":
        parameters = _perturbed(wider, parameters, seed, keep)
    return Resized(wider.with_parameters(parameters), network, tuple(range(len(origins))), origins)


def _zero_outgoing(network, wider, origins, seed):
    """Parameters of the wider network: new units with drawn incoming weights, bias 0, and weights 0 into old units."""

    def start(i, kind, shape):
        new = np.zeros(shape, np.float32)
        layer = wider.layers[i]
        if kind == "weights" and isinstance(layer, DepthwiseConv2D):
            new[(shape[0] - 1) // 2, (shape[1] - 1) // 2] = 1
        elif kind == "weights":  # numbers by their place: growing twice with one seed draws no row twice
            is_new = origins[i] < 0
            limit = np.sqrt(np.float32(6) / np.float32(layer.macs_of_entry(wider.input_shape(i))))
            new[is_new] = random.uniform(prod(shape), limit, seed, random.GROWTH + i).reshape(shape)[is_new]
        return new

    return _carried_parameters(network, wider, range(len(origins)), origins, start)


def _copied(network, wider, origins, seed, noise):
    """Parameters of the wider network: new units copy old ones, what leaves a unit is shared out over its copies."""
    copies = {i: _choices(origins[i], seed, i) for i in _hidden(network)}
    copies = _origins(network, copies)  # as origins, but with the old unit that was copied instead of -1
    parameters = _carried_parameters(network, wider, range(len(origins)), copies)
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
    """keep W + (1 - keep) fresh for weights, keep b for biases.

    Fresh is what a network starts from with a seed that is drawn by ``seed``: with ``seed`` itself it could be what
    this network started from, which would perturb nothing.
    """
    fresh = wider.with_seed(int(random.philox(seed, random.GROWTH, 1)[0])).parameters
    return {name: keep * old + (np.float32(1) - keep) * fresh[name] for name, old in parameters.items()}


# -- narrower ----------------------------------------------------------------------------------------------------------


def shrink(network, widths):
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
    origins = _origins(network, kept)
    narrower, layers = _with_widths(network, changes), tuple(range(len(origins)))
    parameters = _carried_parameters(network, narrower, layers, origins)
    return Resized(narrower.with_parameters(parameters), network, layers, origins)


def _contributions(network, i, kept):
    """Of each unit of hidden layer i, float64[O]; ``kept``: {layer: its units that stay}, all where it is not named."""

    def squares(j, kind):
        return np.square(network.parameters[f"{network.names[j]}.{kind}"], dtype=np.float64)

    width = network.shapes[i][-1]
    product = np.sqrt(squares(i, "weights").reshape(width, -1).sum(axis=1) + squares(i, "bias"))
    for j in _readers(network, i):
        if isinstance(network.layers[j], DepthwiseConv2D):
            product *= np.sqrt(squares(j, "weights").sum(axis=(0, 1)) + squares(j, "bias"))
        elif network.parameter_shapes(j):
            outgoing = squares(j, "weights")[kept.get(j, slice(None))]
            product *= np.sqrt(outgoing.reshape(-1, width).sum(axis=0))  # the channel is the last axis, also flattened
    return product


# -- deeper, more outputs ----------------------------------------------------------------------------------------------


def deepen(network, *, position=None):
    """Put in one more layer, the identity, and a ReLU behind it; the network's outputs stay as they are, to the bit.

    It stands where no value is below 0, behind a ReLU and pooling that may follow that: Dense(h) where values are flat,
    a 1x1 Conv2D where they are an image. ReLU(1 x + 0) = x. (Net2DeeperNet: Chen, Goodfellow, Shlens, "Net2Net", ICLR
    2016)

    Parameters
    ----------
    network : :class:`mcuref.Network` with the present parameters; residual blocks are left whole. It is not changed.
    position : int, index in network.layers of the layer behind which it comes. None: behind the last ReLU or ReLU6 and
        the MaxPool2D and AveragePool2D that follow it, so that of a network with convolutions alone it comes right
        before the Flatten.

    Returns
    -------
    :class:`Resized`.

    Raises
    ------
    InputError : no such place, which must also lie between the first and the last layer with parameters.
    """
    ends = _ends(_checked(network).written)
    position = _deepest(network, ends) if position is None else _checked_position(network, ends, position)
    shape = network.shapes[position]
    layer = Dense(shape[0]) if len(shape) == 1 else Conv2D(shape[-1], 1)
    cut = ends.index(position) + 1
    written = (*network.written[:cut], layer, ReLU(), *network.written[cut:])
    deeper = Network(written, seed=network.seed, name=network.name)
    layers = (*range(position + 1), None, None, *range(position + 1, len(network.layers)))
    origins = tuple(np.arange(shape[-1]) for shape in deeper.shapes)  # the new layer passes its input's channels on
    parameters = _carried_parameters(network, deeper, layers, origins)
    return Resized(deeper.with_parameters(parameters), network, layers, origins)


def _deepest(network, ends):
    """Where deepen puts a layer by itself: behind the last ReLU that is not in a block, and pooling behind it."""
    first, last = network.parametric[0], network.parametric[-1]
    places = [i for i in ends if first < i < last and network.layers[i].kind in NOT_BELOW_0]
    if not places:
        raise InputError(
            f"network {network.name!r} cannot be deepened: it has no ReLU or ReLU6 behind a hidden layer, and only "
            "there a new layer is the identity"
        )
    part = ends.index(places[-1])
    while network.written[part + 1].kind in ("maxpool", "avgpool"):
        part += 1
    return ends[part]


def _checked_position(network, ends, position):
    """``position``, if a new layer behind it would be the identity; else InputError."""
    position = arguments.whole("position", position, 0, len(network.layers) - 1)
    name = network.names[position]
    if position not in ends:
        raise InputError(f"position {position}, layer {name!r}, lies inside a residual block; blocks are left whole")
    if not network.parametric[0] < position < network.parametric[-1]:
        raise InputError(
            f"position {position}, layer {name!r}, does not lie between the first and the last layer with parameters"
        )
    if not _not_below_0(network, position):
        raise InputError(
            f"position {position}, layer {name!r}: its values may be below 0, where a new layer would not be the "
            "identity; it needs a ReLU or ReLU6 in front"
        )
    return position


def _not_below_0(network, i):
    """Whether no output of layer i can be below 0."""
    kind = network.layers[i].kind
    return kind in NOT_BELOW_0 or (kind in PASS_ON and all(_not_below_0(network, j) for j in network.sources[i]))


def _ends(written):
    """Index in network.layers of the last layer of each written part: a block's is its Add."""

    def count(part):
        if not isinstance(part, Residual):
            return 1
        return sum(count(layer) for layer in part.body) + (part.projection is not None) + 1

    return [int(end) - 1 for end in np.cumsum([count(part) for part in written])]


def add_outputs(network, outputs, *, seed=0):
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
    present = _checked(network).outputs
    outputs = arguments.whole("outputs", outputs, 1)
    if outputs <= present:
        raise InputError(f"outputs {outputs} are not more than the {present} that network {network.name!r} has")
    written = (*network.written[:-1], Dense(outputs))
    wider = Network(written, seed=network.seed, name=network.name)
    fresh = wider.with_seed(seed).parameters
    origins = (*(np.arange(shape[-1]) for shape in network.shapes[:-1]), _appended(present, outputs))
    layers = tuple(range(len(origins)))
    parameters = _carried_parameters(
        network, wider, layers, origins, lambda i, kind, shape: fresh[f"{wider.names[i]}.{kind}"]
    )
    return Resized(wider.with_parameters(parameters), network, layers, origins)


# -- origins -----------------------------------------------------------------------------------------------------------


def _appended(old, new):
    """The origin of a layer with ``old`` units that gets ``new`` - ``old`` more behind them."""
    return np.concatenate([np.arange(old), np.full(new - old, -1)])


def _origins(network, changed):
    """The origins of all layers of a chain, tuple of int arrays; ``changed``: {layer: origin} where it is not all."""
    origins = []
    for i, layer in enumerate(network.layers):
        if i in changed:
            origin = changed[i]
        elif isinstance(layer, (Input, Dense, Conv2D, Reshape)):  # no width changes in front of a Reshape
            origin = np.arange(network.shapes[i][-1])
        elif isinstance(layer, Flatten):
            origin = _flattened(origins[-1], network.input_shape(i))
        else:
            origin = origins[-1]
        origins.append(origin)
    return tuple(origins)


def _flattened(origin, shape):
    """An origin spread over the positions of an old shape [..., C]: position * C + channel, -1 where that is new."""
    first = np.arange(prod(shape[:-1]))[:, None] * shape[-1]
    return np.where(origin >= 0, first + origin, -1).reshape(-1)


def _carried(network, origins, i, kind, old, new):
    """A copy of ``new`` in which all that comes from ``old`` stands: values of the shape of layer i's ``kind``.

    new[o, ..., c] = old[origin of output o, ..., origin of input c] where neither is -1. Biases [O] and depthwise
    weights [kh, kw, C] have the output's channels alone, as last axis.
    """
    output = origins[i]
    if kind == "bias" or isinstance(network.layers[i], DepthwiseConv2D):
        return np.where(output >= 0, old[..., output], new)
    source = origins[network.sources[i][0]]
    is_old = (output >= 0).reshape(-1, *[1] * (old.ndim - 1)) & (source >= 0)
    return np.where(is_old, old[output][..., source], new)


def _nothing(i, kind, shape):
    return np.zeros(shape, np.float32)


def _identity(kind, shape):
    """Weights [C, C] or [C, 1, 1, C], or bias [C], of a layer whose output is its input."""
    return np.eye(shape[0], dtype=np.float32).reshape(shape) if kind == "weights" else np.zeros(shape, np.float32)


def _carried_parameters(before, after, layers, origins, start=_nothing):
    """Parameters of ``after``: those of ``before`` by their origins, start(layer, kind, shape) where they are new.

    A layer that is new itself is the identity.
    """
    parameters = {}
    for i in after.parametric:
        for kind, shape in after.parameter_shapes(i).items():
            if layers[i] is None:
                value = _identity(kind, shape)
            else:
                old = before.parameters[f"{before.names[layers[i]]}.{kind}"]
                value = _carried(after, origins, i, kind, old, start(i, kind, shape))
            parameters[f"{after.names[i]}.{kind}"] = value
    return parameters


# -- checks ------------------------------------------------------------------------------------------------------------


def _checked(network):
    """The network, if its size can be changed: it must end with a Dense layer, as compile asks for."""
    arguments.instance("network", network, Network, "a mcuref.Network, such as mcuref.build('mlp-64-32-10')")
    if not isinstance(network.layers[-1], Dense):
        raise InputError(
            f"network {network.name!r} ends with a {network.layers[-1].kind} layer; only networks that end with a "
            "Dense layer can change their size"
        )
    return network


def _hidden(network):
    """Indices of the layers whose widths are hidden_widths."""
    _checked(network)
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
    if not isinstance(widths, (list, tuple)) or len(widths) != len(hidden):
        present = list(hidden_widths(network))
        raise InputError(
            f"widths {widths!r} are not a list of {len(hidden)} whole numbers, as the present widths {present}"
        )
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


def _by_layer(network, state):
    """A state as a list of {kind: array}, one a layer; InputError unless it is of this network with its parameters."""
    arguments.instance("state", state, dict, "a dict, as Program.state() returns")
    entries = {name: {} for name in network.names}
    for name, value in state.items():
        layer, _, kind = str(name).partition(".")
        if layer not in entries:
            raise InputError(f"state has an unknown entry {name!r}; it is not of the network that was resized")
        entries[layer][kind] = np.asarray(value)
        parameter = network.parameters.get(f"{layer}.{kind.partition('_')[0]}")
        if parameter is not None and np.shape(value) != parameter.shape:
            raise InputError(f"state {name!r} has shape {np.shape(value)}; it must be {parameter.shape}")
    for name, value in network.parameters.items():
        if name not in state:
            raise InputError(f"state has no entry {name!r}; it must be of a program that trains all layers")
        if not np.array_equal(state[name], value):
            raise InputError(
                f"state {name!r} differs from the network that was resized; that one must have the present parameters, "
                "network.with_parameters(program.parameters())"
            )
    return list(entries.values())
