"""A network that was resized: where everything in it comes from, told by *origins*.

For the channels of each layer's resized output, the last axis, an origin says where they come from: int[C], the old
channel's index or -1 for a new one. ReLU, pooling and depthwise layers pass them on; a Flatten spreads them over its
positions, index = position * C + channel. Parameters and state follow the origins of the layer's output and input along
the axes that count such channels: each buffer says which those are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.incremental.integers import fresh_scales
from mcuref.layers import Conv2D, Dense, Flatten, Input, Reshape
from mcuref.network import Network
from mcuref.program.program import Program
from mcuref.quantization.scales import Quantization

Origin = NDArray[np.int64]


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
    layers: tuple[int | None, ...]
    origins: tuple[Origin, ...]

    def state(self, program: Program, old_state: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """What a program of the new network restores to go on where one of the old network stopped.

        Parameters are the new network's. All else that the program keeps (Y_max, velocities, touched rows, ...) is carried
        over along the axes of its buffer, and is as in the program's start state where it belongs to something new.

        Parameters
        ----------
        program : a program of ``network`` in its start state, all layers trainable; its state is not changed.
        old_state : dict, what Program.state() returned of a program of ``before`` with the same rule, optimiser and loss;
            its parameters must be those of ``before``. It is not changed.

        Returns
        -------
        dict for Program.restore().

        Raises
        ------
        InputError : a state of another network, or of other parameters than those that were resized.
        """
        arguments.instance("state", old_state, dict, "a dict, as Program.state() returns")
        state, taken = program.state(), {}
        for buffer in program.state_buffers:
            if not buffer.layer:  # of the program as a whole: as many as before, since layers that are new have none
                state[buffer.name] = taken[buffer.name] = _of_program(buffer, old_state)
                continue
            i = self.network.names.index(buffer.layer)
            if self.layers[i] is not None:
                name = self.before.names[self.layers[i]] + buffer.name.removeprefix(buffer.layer)
                taken[name] = self._checked(i, name, buffer, old_state)
                if buffer.name not in self.network.parameters:
                    state[buffer.name] = carried(
                        buffer.axes, _channels(self.network, self.origins, i), taken[name], state[buffer.name]
                    )
        if unknown := old_state.keys() - taken.keys():
            raise InputError(
                f"state has an unknown entry {sorted(map(str, unknown))[0]!r}; it is not of the network that was resized"
            )
        return state

    def _checked(self, i, name, buffer, old_state):
        """The old state's entry that becomes this buffer of the new layer i; InputError unless it is what it must be."""
        if name not in old_state:
            raise InputError(f"state has no entry {name!r}; it must be of a program that trains all layers")
        value, shape = np.asarray(old_state[name]), self._old_shape(i, buffer)
        if value.shape != shape:
            raise InputError(f"state {name!r} has shape {value.shape}; it must be {shape}")
        if name in self.before.parameters and not np.array_equal(value, self.before.parameters[name]):
            raise InputError(
                f"state {name!r} differs from the network that was resized; that one must have the present parameters, "
                "network.with_parameters(program.parameters())"
            )
        return value

    def _old_shape(self, i, buffer):
        """Shape of a buffer of the new layer i before."""
        old = self.layers[i]
        counts = {"outputs": self.before.shapes[old][-1]}
        if old:
            counts["inputs"] = self.before.input_shape(old)[-1]
        counts["output bits"] = -(-counts["outputs"] // 8)
        axes = buffer.axes or ("",) * len(buffer.shape)
        return tuple(counts.get(axis, size) for axis, size in zip(axes, buffer.shape))


def _of_program(buffer, old_state):
    """The old state's entry of the program as a whole, a copy; InputError unless it has its shape."""
    value = np.array(old_state.get(buffer.name))
    if value.shape != buffer.shape:
        raise InputError(f"state {buffer.name!r} has shape {value.shape}; it must be {buffer.shape}")
    return value


def appended(old: int, new: int) -> Origin:
    """The origin of a layer with ``old`` units that gets more behind them, or keeps the first ``new``."""
    return np.concatenate([np.arange(min(old, new)), np.full(max(new - old, 0), -1)])


def origins_of(network: Network, changed: Mapping[int, Origin]) -> tuple[Origin, ...]:
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


def _channels(network, origins, i):
    """{"outputs": origin, "inputs": origin} of what layer i of the resized network gives and takes."""
    inputs = {"inputs": origins[network.sources[i][0]]} if network.sources[i] else {}
    return {"outputs": origins[i]} | inputs


def carried(axes: tuple[str, ...], channels: Mapping[str, Origin], old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """A copy of ``new`` in which all that comes from ``old`` stands.

    new[..., c, ...] = old[..., origin of c, ...] along each axis that counts channels, where no origin is -1.

    Parameters
    ----------
    axes : tuple of str, what each axis counts, as a :class:`mcuref.memory.buffers.Buffer` says it.
    channels : {"outputs": origin, "inputs": origin}.
    """
    if "output bits" in axes:
        size, packed = channels["outputs"].size, axes.index("output bits")
        axes = tuple(axis.replace("output bits", "outputs") for axis in axes)
        old = np.unpackbits(old, packed, bitorder="little")
        new = np.unpackbits(new, packed, count=size, bitorder="little")
        return np.packbits(carried(axes, channels, old, new), packed, bitorder="little")
    is_old = np.bool_(True)
    for number, axis in enumerate(axes):
        if axis:
            origin = channels[axis]
            old = old.take(origin, number)
            is_old = is_old & (origin >= 0).reshape(-1, *[1] * (len(axes) - number - 1))
    return np.where(is_old, old, new)


def _nothing(i, kind, shape):
    return np.zeros(shape, np.float32)


def _identity(axes, shape):
    """Weights [C, C] or [C, 1, 1, C], or bias [C], of a layer whose output is its input."""
    return np.eye(shape[0], dtype=np.float32).reshape(shape) if "inputs" in axes else np.zeros(shape, np.float32)


def carried_parameters(
    before: Network,
    after: Network,
    layers: Sequence[int | None],
    origins: Sequence[Origin],
    start: Callable[[int, str, tuple[int, ...]], NDArray[np.float32]] = _nothing,
) -> dict[str, NDArray[np.float32]]:
    """Parameters of ``after``, in the types of ``before``: its own by their origins, start(layer, kind, shape) where they
    are new.

    A layer that is new itself is the identity.
    """
    parameters = {}
    for i in after.parametric:
        for kind, shape in after.parameter_shapes(i).items():
            axes = after.parametric_layer(i).parameter_axes[kind]
            if layers[i] is None:
                value = _identity(axes, shape)
            else:
                old = before.parameters[f"{before.names[layers[i]]}.{kind}"]
                new = start(i, kind, shape).astype(old.dtype, copy=False)
                value = carried(axes, _channels(after, origins, i), old, new)
            parameters[f"{after.names[i]}.{kind}"] = value
    return parameters


def carried_scales(before: Network, after: Network, origins: Sequence[Origin]) -> Quantization | None:
    """The scales of ``after``, which has the layers of ``before``: of values, and of rows of weights that were there, those
    they had; of new rows what fresh weights need. None of float32.
    """
    if before.quantization is None:
        return None
    weights = {}
    for i in after.parametric:
        name, new = after.names[i], fresh_scales(after, i)
        old = np.broadcast_to(before.quantization.weights[name], before.shapes[i][-1:])
        weights[name] = carried(("outputs",), {"outputs": origins[i]}, old, new)
    return replace(before.quantization, weights=weights)


def checked_network(network: Any) -> Network:
    """The network, if its size can be changed: it must end with a Dense layer, as compile asks for."""
    arguments.instance("network", network, Network, "a mcuref.Network, such as mcuref.build('mlp-64-32-10')")
    if not isinstance(network.layers[-1], Dense):
        raise InputError(
            f"network {network.name!r} ends with a {network.layers[-1].kind} layer; only networks that end with a "
            "Dense layer can change their size"
        )
    return network
