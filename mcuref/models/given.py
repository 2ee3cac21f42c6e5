"""Models that come with their parameters, from a .tflite file or a run, and how they take the samples of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.layers import Input
from mcuref.models.description import Model
from mcuref.network import Network

if TYPE_CHECKING:
    from mcuref.importers.tflite import Imported

UINT8_ZERO = 128  # an int8 value that a uint8 sample becomes in a network that takes int8 values: the sample minus this


def given_model(name: str, network: Network, what: str, loss: str | None = None, units: bool = False) -> Model:
    """The :class:`Model` that a network with its parameters is.

    loss : that it is trained with; None: reconstruction where it has as many outputs as inputs and no softmax, else softmax
        cross-entropy.
    units : as of :class:`Model`.
    """
    if loss is None:
        same = network.outputs == network.input.size and network.layers[-1].kind != "softmax"
        loss = "reconstruction" if same else "softmax_cross_entropy"
    first = network.input
    return Model(name, first.shape, (), network.outputs, what, first.mean.size, loss, network=network, units=units)


def read_file(path: Path | str) -> Model:
    """The :class:`Model` in a .tflite file; InputError, one sentence, if it cannot be used."""
    from mcuref.importers.tflite import read_tflite

    return imported_model(read_tflite(path), str(path))


def imported_model(imported: Imported, name: str) -> Model:
    """The :class:`Model` in a file: its values are in units, unless mcuref wrote it, and with it how samples become them."""
    what = f"{imported.network.dtype} network from a TensorFlow Lite file"
    return given_model(name, imported.network, what, units=imported.graph.samples is None)


def with_data(model: Any, data: Data) -> Network:
    """The network of such a model, with an input that takes the samples of a data set; InputError if it cannot."""
    network = model.network
    if network.input.size != data.input_size:
        raise InputError(
            f"model {model.name!r} takes {network.input.size} values but a sample of data {data.name!r} has "
            f"{data.input_size} (shape {data.input_shape})"
        )
    if not network.input.takes(data.input_shape):
        raise InputError(
            f"model {model.name!r} takes samples of shape {network.input.shape}; those of data {data.name!r} have shape "
            f"{data.input_shape}"
        )
    if model.loss == "reconstruction":
        if data.kind != "anomaly" and network.outputs != data.input_size:
            raise InputError(f"model {model.name!r} has {network.outputs} outputs for {data.input_size} inputs")
    elif data.kind == "anomaly":
        raise InputError(f"model {model.name!r} tells classes apart, but data {data.name!r} has none to train on")
    elif network.outputs < data.classes:
        raise InputError(
            f"model {model.name!r} has {network.outputs} outputs but data {data.name!r} has {data.classes} classes"
        )
    dtype = str(data.x_train.dtype)
    if model.units:
        return network.replaced(layers=[_input(network, data, dtype), *network.written[1:]])
    if dtype != network.input.dtype:
        raise InputError(
            f"model {model.name!r} was trained on {network.input.dtype} samples; those of {data.name!r} are {dtype}"
        )
    return network


def _input(network: Network, data: Data, dtype: str) -> Input:
    """An Input of the network's shape for the samples of a data set, in their units.

    Of an int8 network: int8 samples are taken as they are, uint8 ones minus 128, as is usual for images whatever the scale;
    all others as (sample - zero) unit of the data, in the scale of its input.
    """
    if network.quantization is not None and dtype in ("int8", "uint8"):
        scale, zero = network.quantization.outputs[0]
        return Input(network.input.shape, dtype, zero + UINT8_ZERO * (dtype == "uint8"), scale)
    return Input(network.input.shape, dtype, data.zero, data.unit)
