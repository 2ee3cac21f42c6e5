"""The frozen first layers of a network: their outputs, in 8 bits, are the samples that a learner trains on and stores.

A feature a >= 0, what a ReLU leaves, is the whole number

    q = min(floor(a / largest 255 + 1/2), 255)

and the head, the layers that go on learning, takes (q - mean) scale. ``largest`` of all features, and ``mean`` and
1 / ``scale``, their mean and standard deviation, are those of the samples that the body was frozen with.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.layers import Flatten, Input, Layer, Reshape, Residual
from mcuref.network import Network
from mcuref.program.compiler import compile
from mcuref.program.effort import network_macs

CODES = np.float32(255)  # the largest feature
CHUNK = 1024  # samples that the host hands over at once; it decides no bit
SHAPING = (Flatten, Reshape)
POOLS = ("maxpool", "avgpool", "globalavgpool")


class Body:
    """First layers of a network, with parameters that stay as they are, and the range of their outputs.

    Parameters
    ----------
    network : :class:`mcuref.Network` of these layers, the last of them a ReLU, or pooling of what one leaves.
    largest : float > 0, the feature that becomes 255.
    mean, scale : float, normalisation of the whole numbers that features become.

    Attributes
    ----------
    shape : tuple of int, of the features of a sample.
    program : :class:`mcuref.program.program.Program`, which computes them; nothing of it is trained.
    macs : int, multiply-accumulates of a sample.
    """

    def __init__(self, network: Network, largest: float = 1.0, mean: float = 0.0, scale: float = 1.0) -> None:
        self.shape = network.shapes[-1]
        flat = network if len(self.shape) == 1 else _flat(network)
        self.network, self.program = network, compile(flat, trainable=0)
        self.macs = network_macs(network, ())[0]
        self.largest, self.mean, self.scale = (np.float32(value) for value in (largest, mean, scale))

    @classmethod
    def frozen(cls, network: Network, x: NDArray[Any]) -> Self:
        """These layers as they are, with the range that their features of samples [N, ...] have, N > 0."""
        body = cls(network)
        features = body._real(x)
        largest = float(features.max()) or 1.0
        whole = _whole(features, largest)
        deviation = float(whole.std(dtype=np.float64)) or 1.0
        return cls(network, largest, whole.mean(dtype=np.float64), 1 / deviation)

    @classmethod
    def restored(cls, network: Network, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The body of these layers that :meth:`arrays` were of; InputError if one is missing or wrong."""
        arrays = dict(arrays)
        statistics = np.asarray(arrays.pop("statistics", ()))
        if statistics.shape != (3,) or not np.isfinite(statistics).all():
            raise InputError(f"statistics of features are {statistics}; they must be three finite numbers")
        return cls(network.with_parameters(arrays), *statistics)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it is beside its layers: parameters by name, and "statistics", float32[3]: largest, mean, scale."""
        return self.network.parameters | {"statistics": np.array([self.largest, self.mean, self.scale])}

    @property
    def input(self) -> Input:
        """The Input layer of samples."""
        return self.network.input

    @property
    def output(self) -> Input:
        """The Input layer of the head."""
        return Input(self.shape, "uint8", self.mean, self.scale)

    def features(self, x: NDArray[Any], counts: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:
        """Features uint8[N, *shape] of raw samples [N, ...]; ``counts``, as program.counts, are added up in, if given."""
        return _whole(self._real(x, counts), self.largest).reshape(len(x), *self.shape)

    def _real(self, x, counts=None):
        """The same before they are rounded, float32[N, values]."""
        counts = np.zeros_like(self.program.counts) if counts is None else counts
        parts = [self.program.outputs(x[i : i + CHUNK], counts=counts) for i in range(0, len(x), CHUNK)]
        return np.concatenate([np.zeros((0, self.program.network.outputs), np.float32), *parts])


def parted(network: Network, latent: int) -> tuple[Network, list[Layer]]:
    """(body, layers of the head): the network before its last ``latent`` layers with parameters, with its parameters.

    A residual block counts as one layer, and what follows a layer goes with it, but for a flatten or reshape before the
    head, which is the head's: so features keep their rows and columns.

    InputError unless the body has a layer with parameters, and outputs that are not negative.
    """
    if network.dtype != "float32":
        raise InputError(f"network {network.name!r} is {network.dtype}; features are stored of a float32 network")
    written = network.written
    parametric = [i for i, layer in enumerate(written) if isinstance(layer, Residual) or hasattr(layer, "macs_of_entry")]
    most = len(parametric) - 1
    if arguments.whole("latent", latent, 1) > most:
        may_be = f"it may be 1 to {most}" if most else "a layer with parameters must be left to freeze"
        raise InputError(
            f"latent {latent} is too much for the {most + 1} layers with parameters of network {network.name!r}; {may_be}"
        )
    cut = parametric[-latent]
    while isinstance(written[cut - 1], SHAPING):
        cut -= 1
    last = cut - 1
    while written[last].kind in POOLS:
        last -= 1
    if not written[last].kind.startswith("relu"):
        raise InputError(
            f"the layers of network {network.name!r} below its last {latent} with parameters end with a "
            f"{written[last].kind} layer; features are stored that a ReLU leaves"
        )
    layers = Network(written[:cut], seed=network.seed, name=f"body of {network.name}")
    mine = {name: network.parameters[name] for name in layers.parameters}
    return layers.with_parameters(mine), list(written[cut:])


def _flat(network):
    """The same layers and a flatten behind them: outputs of a program are a row."""
    return network.replaced(layers=[*network.written, Flatten()])


def _whole(features, largest):
    """uint8 of features float32; below 0 there are none."""
    with np.errstate(over="ignore"):  # what is infinite then is 255
        return np.minimum(np.floor(features / largest * CODES + np.float32(0.5)), CODES).astype(np.uint8)
