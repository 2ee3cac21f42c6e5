"""From one data set to another: the source that a network is pre-trained on, and the output layer that is new behind it."""

from dataclasses import replace

from mcuref import datasets
from mcuref.datasets.data import Data
from mcuref.errors import InputError, MissingData
from mcuref.layers import Dense
from mcuref.network import Network


def check_source(name: str, data: Data) -> None:
    """MissingData, before anything is loaded, if the registered data set ``name`` is not on this machine."""
    info = datasets.find(name)
    if not info.present:
        raise MissingData(
            f"regime 'transfer' of data {data.name!r} begins with {name!r}, which is not on this machine; to bring it: "
            f"{info.command}"
        )


def load_source(name: str, data: Data) -> Data:
    """The data set that a network for ``data`` is pre-trained on; InputError if a network cannot take samples of both."""
    check_source(name, data)
    source = datasets.load(name)
    ours, theirs = ((each.input_shape, str(each.x_train.dtype)) for each in (data, source))
    if ours != theirs:
        raise InputError(
            f"samples of data {data.name!r} are {ours[1]} of shape {ours[0]}; those of {name!r}, which regime 'transfer' "
            f"begins with, are {theirs[1]} of shape {theirs[0]}, and a network takes one kind"
        )
    return source


def with_output_layer(network: Network, outputs: int, seed: int) -> Network:
    """The network with an output layer of so many outputs, at start weights of ``seed``; other parameters stay."""
    *body, last = network.without_softmax().written
    if not isinstance(last, Dense):
        raise InputError(
            f"network {network.name!r} ends with a layer of kind {last.kind!r}; regime 'transfer' puts a new layer in the "
            "place of a dense one"
        )
    fresh = Network([*body, replace(last, outputs=outputs)], seed=seed, name=network.name)
    start = fresh.names[fresh.parametric[-1]] + "."
    own = {name: value for name, value in fresh.parameters.items() if name.startswith(start)}
    return fresh.with_parameters(network.parameters | own)
