"""A network that was resized: where everything in it comes from, told by *origins*.

For the channels of each layer's resized output, the last axis, an origin says where they come from: int[C], the old
channel's index or -1 for a new one. ReLU, pooling and depthwise layers pass them on; a Flatten spreads them over its
positions, index = position * C + channel. Parameters and optimiser state [O, ..., I] follow the origins of the layer's
output along O and of its input along I.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.layers import Conv2D, Dense, DepthwiseConv2D, Flatten, Input, Reshape
from mcuref.network import Network


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
        old = by_layer(self.before, old_state)
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
            return nothing if is_new else carried(self.network, self.origins, i, parameter, old, nothing)
        if kind == "touched_rows":  # bit r % 8 of byte r // 8
            (rows,) = shapes["bias"]
            bits = np.zeros(rows, np.uint8)
            if not is_new:
                bits = np.where(self.origins[i] >= 0, np.unpackbits(old, bitorder="little")[self.origins[i]], bits)
            return np.packbits(bits, bitorder="little")
        return np.zeros_like(old) if is_new else old.copy()


def appended(old, new):
    """The origin of a layer with ``old`` units that gets ``new`` - ``old`` more behind them."""
    return np.concatenate([np.arange(old), np.full(new - old, -1)])


def origins_of(network, changed):
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


def carried(network, origins, i, kind, old, new):
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


def carried_parameters(before, after, layers, origins, start=_nothing):
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
                value = carried(after, origins, i, kind, old, start(i, kind, shape))
            parameters[f"{after.names[i]}.{kind}"] = value
    return parameters


def checked_network(network):
    """The network, if its size can be changed: it must end with a Dense layer, as compile asks for."""
    arguments.instance("network", network, Network, "a mcuref.Network, such as mcuref.build('mlp-64-32-10')")
    if not isinstance(network.layers[-1], Dense):
        raise InputError(
            f"network {network.name!r} ends with a {network.layers[-1].kind} layer; only networks that end with a "
            "Dense layer can change their size"
        )
    return network


def by_layer(network, state):
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
