"""One more layer that is the identity, to begin with."""

import numpy as np

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.incremental.resizing import Resized, carried_parameters, checked_network
from mcuref.layers import Conv2D, Dense, ReLU, Residual
from mcuref.network import Network

NOT_BELOW_0 = ("relu", "relu6")
PASS_ON = ("maxpool", "avgpool", "globalavgpool", "flatten", "reshape", "add")  # not below 0 if what they take is not


def deepen(network: Network, *, position: int | None = None) -> Resized:
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
    ends = _ends(checked_network(network).written)
    if network.dtype == "int8":
        raise InputError(f"network {network.name!r} is int8; only float32 networks are deepened")
    position = _deepest(network, ends) if position is None else _checked_position(network, ends, position)
    shape = network.shapes[position]
    layer = Dense(shape[0]) if len(shape) == 1 else Conv2D(shape[-1], 1)
    cut = ends.index(position) + 1
    written = (*network.written[:cut], layer, ReLU(), *network.written[cut:])
    deeper = Network(written, seed=network.seed, name=network.name)
    layers = (*range(position + 1), None, None, *range(position + 1, len(network.layers)))
    origins = tuple(np.arange(shape[-1]) for shape in deeper.shapes)  # the new layer passes its input's channels on
    parameters = carried_parameters(network, deeper, layers, origins)
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
