"""The network that a device trains: a float32 one in the type that is trained in, with room for what training changes."""

from mcuref import arguments
from mcuref.calibration import HEADROOM, quantise_to_train, quantised_body
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.network import Network
from mcuref.program.compiler import trainable_layers
from mcuref.quantization.headroom import rescaled
from mcuref.quantization.mixed import dequantised_head, nominal_body
from mcuref.quantization.nominal import nominal

DTYPES = ("float32", "int8", "mixed")
PRETRAINED_HEADROOM = 2.0  # weights that are trained already change less
MOST_HEADROOM = 64


def deployed(
    network: Network,
    dtype: str | None,
    data: Data,
    *,
    loss: str,
    pretrained: bool,
    trainable: int | None = None,
    headroom: float | None = None,
) -> Network:
    """A network in the type that it is trained in.

    Parameters
    ----------
    network : :class:`mcuref.Network`, with the weights that training starts from.
    dtype : "float32" or "int8"; "mixed": the layers below those that are trained are int8, these are float32; None: the
        network's own.
    data : :class:`mcuref.Data` that it is trained on; scales of values are calibrated on some of its training samples.
    loss, trainable : as of :func:`mcuref.compile`.
    pretrained : whether the weights were trained before; those that were not grow more.
    headroom : float, 1 to 64, times as wide as their largest needs are the scales of the weights that are trained; None:
        `mcuref.calibration.HEADROOM` for start weights, `PRETRAINED_HEADROOM` for others. An int8 network keeps its scales
        if None; else they become so many times as wide, and it no longer computes quite what it did.

    Raises
    ------
    InputError : float32 of an int8 network, or headroom of weights that are trained in float32.
    """
    dtype = network.dtype if dtype is None else arguments.one_of("dtype", dtype, DTYPES)
    if headroom is not None:
        headroom = float(arguments.number("headroom", headroom, 1, MOST_HEADROOM))
        if dtype != "int8":
            raise InputError(f"headroom {headroom:g} is of int8 weights; float32 weights have room without it")
    _check_type(network, dtype)
    if dtype == "mixed":
        return _mixed(network, data, trainable)
    if network.dtype == "int8":
        return network if headroom is None else rescaled(network, trainable_layers(network, trainable), headroom)
    if dtype == "float32":
        return network
    room = headroom or (PRETRAINED_HEADROOM if pretrained else HEADROOM)
    return quantise_to_train(network, data.x_train, trainable=trainable, loss=loss, headroom=room)


def _check_type(network, dtype):
    """InputError unless a network can become one of that type."""
    if network.dtype == "mixed" != dtype:
        raise InputError(f"network {network.name!r} has an int8 body and a float32 head; it can be trained as it is")
    if dtype == "float32" and network.dtype == "int8":
        raise InputError(f"network {network.name!r} is int8 and has no float32 weights; it can be trained as int8")


def _mixed(network, data, trainable):
    """A network with a float32 head of the layers that are trained."""
    if network.dtype == "mixed":
        return network
    if network.dtype == "int8":
        return dequantised_head(network, trainable)
    return quantised_body(network, data.x_train, trainable)


def planned(network: Network, dtype: str, trainable: int | None = None) -> Network:
    """A network of the same plan as the one that :func:`deployed` makes of this: for estimates, without data."""
    _check_type(network, dtype)
    if network.dtype == dtype:
        return network
    if dtype == "int8":
        return nominal(network.without_softmax())
    return dequantised_head(network, trainable) if network.dtype == "int8" else nominal_body(network, trainable)
