"""A program of the conformance list: what it is made of, and how it is shown samples."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mcuref.calibration import quantise, quantise_to_train, quantised_body
from mcuref.export.material import Material
from mcuref.kernels.random import philox, uniform
from mcuref.layers import Input
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.rules import Full

STREAM = 0x40000000  # of the generator: samples, then answers
SOFTMAX, SQUARED, RECONSTRUCTION = "softmax_cross_entropy", "mean_squared_error", "reconstruction"
MIDDLE = {"float32": (0.25, 0.5), "uint8": (127.5, 1 / 128), "int8": (-0.5, 1 / 128), "int16": (3.0, 1 / 32768)}
IMAGE = Input((5, 7, 3), "int8", *MIDDLE["int8"])
WINDOWS = (  # at strides and paddings that cut them off at each side
    (1, 1, "valid"),
    (3, 1, "same"),
    (3, 2, "same"),
    (3, 2, "valid"),
    ((5, 7), 1, "valid"),
    ((5, 1), (1, 2), "same"),
    ((1, 3), (2, 1), "same"),
    ((2, 4), (1, 2), "same"),
)


@dataclass
class Row:
    """One program of the list.

    Attributes
    ----------
    layers : list, an Input first. rule, optimiser : as of ``mcuref.compile``; options : its other arguments.
    samples : int, how many are shown.
    weights : what the parameters start from: a value for all of them, for ties and extremes, or arrays by name; random
        ones if None.
    dtype : "float32"; "int8", with scales of what the samples come to; "mixed", int8 below the layers that train.
    x, targets : float, limits of uniform float32 samples and targets; 0: all zeros; or arrays, as they are.
    """

    name: str
    layers: list
    rule: object = Full()
    optimiser: SGD = SGD(0.125)
    samples: int = 3
    weights: object = None
    x: object = 2.0
    targets: object = None
    options: dict = field(default_factory=dict)
    dtype: str = "float32"


def materials(rows: Iterable[Row]) -> list[tuple[str, Material]]:
    """[(name, Material)] of rows; its place in the list seeds each."""
    return [(row.name, _material(seed, row)) for seed, row in enumerate(rows)]


def _material(seed, row):
    """The :class:`Material` of a row."""
    network = Network(row.layers, seed=seed, name=row.name)
    if row.weights is not None:
        arrays = row.weights if isinstance(row.weights, dict) else dict.fromkeys(network.parameters, row.weights)
        start = {name: np.broadcast_to(arrays[name], value.shape) for name, value in network.parameters.items()}
        network = network.with_parameters(start)
    x, y = _samples(seed, row), _answers(seed, row, network.outputs)
    program = compile(_deployed(network, x, row), row.rule, row.optimiser, **row.options)
    return Material(program, x, y, inferences=1)


def _deployed(network, x, row):
    """The network in the numbers that the row says."""
    trainable, loss = row.options.get("trainable"), row.options.get("loss", SOFTMAX)
    if row.dtype == "mixed":
        return quantised_body(network, x, trainable)
    if row.dtype == "int8" and trainable == 0:
        return quantise(network, x).network
    return quantise_to_train(network, x, trainable=trainable, loss=loss) if row.dtype == "int8" else network


def _samples(seed, row):
    """Samples over the whole range of the input's type, or as the row says."""
    layer = row.layers[0]
    shape = (row.samples, *layer.shape)
    if isinstance(row.x, np.ndarray):
        return row.x
    if layer.dtype == "float32":
        return uniform(row.samples * layer.size, row.x, seed, STREAM).reshape(shape)
    return philox(seed, STREAM, row.samples * layer.size).astype(layer.dtype).reshape(shape)


def _answers(seed, row, outputs):
    """Labels, or targets where the row has some; None for reconstruction."""
    if row.options.get("loss") == RECONSTRUCTION:
        return None
    if row.targets is None:
        return (philox(seed, STREAM + 1, row.samples) % np.uint32(outputs)).astype(np.int32)
    if isinstance(row.targets, np.ndarray):
        return row.targets
    return uniform(row.samples * outputs, row.targets, seed, STREAM + 1).reshape(row.samples, outputs)
