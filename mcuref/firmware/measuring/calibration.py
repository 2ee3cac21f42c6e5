"""Programs that instructions are measured on: many small ones of all kinds for the fit, the zoo's to check it."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuref import rules
from mcuref.baseline_rules import Biases, Channels, RandomK
from mcuref.datasets import load
from mcuref.errors import MissingData
from mcuref.export.material import Material
from mcuref.layers import (
    ACTIVATIONS,
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    ReLU,
    ReLU6,
    Residual,
    Softmax,
)
from mcuref.memory.buffers import Buffer
from mcuref.models import build
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.program.moves import move_shares
from mcuref.program.program import Program
from mcuref.program.zeros import zero_shares

SAMPLES = 4  # of a small program: two batches of two
DTYPES = ("uint8", "int8", "int16", "float32")
RULES = (
    rules.Full(),
    rules.TopK(0.1, output="dense"),
    rules.TopK(0.3, output="rule"),
    rules.TopK(0.5, bias="dense"),
    rules.TinyProp(),
    rules.TinyProp(0.0, 0.5, output="rule"),
    rules.TinyPropV2(output="rule"),
)
BASELINE_RULES = (RandomK(0.1), RandomK(0.4, "rule"), RandomK(0.02, "rule"), Biases(), Channels(0.3, 2, "rule"))
OPTIMISERS = (SGD(0.01), SGD(0.01, momentum=0.5), SGD(0.01), SGD(0.01, batch=2), SGD(0.01, momentum=0.9, batch=2))
LOSSES = ("softmax_cross_entropy", "softmax_cross_entropy", "mean_squared_error")
REAL = ("mlp-64-32-10", "cnn-8", "mlp-784-32-10", "cnn-28", "mlp-har", "cnn-32")  # of the zoo


def calibration_programs() -> list[Material]:
    """List of Material: every opcode but those of some activations, with odd sizes, strides and paddings, always the same.

    The samples are pixels of the embedded digits, poured into the shape at hand: after normalisation and ReLU they have
    the zeros and the range that real activations have, which is what software floats depend on. Some networks of the
    zoo with their own data join where those data sets are there.
    """
    random, materials = np.random.default_rng(1), []
    networks = [_perceptron(random) for _ in range(28)] + [_convolutional(random) for _ in range(36)]
    for number, network in enumerate(networks):
        for turn in range(3):
            materials.append(_small(network, 3 * number + turn))
    materials += [_autoencoder(widths) for widths in ((40, 9, 40), (33, 16, 4, 33), (100, 20, 100))]
    for name in REAL:
        with suppress(MissingData):
            materials += [zoo_material(name, method, 3) for method in ("full", "tinyprop")]
    return materials


def activation_programs() -> list[Material]:
    """List of Material, for instructions of activations that no other program has: a new one changes no other formula.

    A softmax is in programs for inference alone.
    """
    materials = []
    for activation in ACTIVATIONS:
        random = np.random.default_rng(2)
        for turn in range(12):
            widths = [int(n) for n in random.integers(2, 200, 3)]
            hidden = [part for width in widths[1:] for part in (Dense(width), activation())]
            materials.append(_small(Network([_input(random, (widths[0],)), *hidden, Dense(7)], seed=turn), turn))
    random = np.random.default_rng(3)
    for turn in range(12):
        first, last = (int(n) for n in random.integers(2, 60, 2))
        network = Network([_input(random, (first,)), Dense(last), Softmax()], seed=turn)
        x = _pixels(network.input.shape, SAMPLES, network.input.dtype)
        materials.append(Material(compile(network, trainable=0), x, np.zeros(SAMPLES, np.int32), SAMPLES))
    return materials


def baseline_programs() -> list[Material]:
    """List of Material, for instructions of rules that others are compared with."""
    random, materials = np.random.default_rng(6), []
    for turn in range(16):
        network = _perceptron(random) if turn % 2 else _convolutional(random)
        materials += [_small(network, turn, rule=rule) for rule in BASELINE_RULES]
    return materials


def in_place_programs() -> list[Material]:
    """List of Material: a first layer of each kind that reads samples of each type in place, by one pair and by several."""
    random, materials, turn = np.random.default_rng(4), [], 0
    for dtype in DTYPES:
        for kind in range(3):
            for pairs in (1, 2, 0) if dtype == "float32" else (1, 2):  # 0: the samples are the values
                for _ in range(14):
                    network = _read_in_place(random, dtype, kind, pairs, turn)
                    materials.append(_small(network, turn, input="in-place"))
                    turn += 1
    return materials


def _read_in_place(random, dtype, kind, pairs, seed):
    """A small network of a kind of first layer over such samples."""
    if kind == 0:
        shape, first = (2 * int(random.integers(2, 90)),), [Dense(int(random.integers(2, 70)))]
    else:
        shape = (*(int(n) for n in random.integers(5, 15, 2)), 2 * int(random.integers(1, 5)))
        kernel = tuple(int(n) for n in random.integers(1, 5, 2))
        window = {
            "stride": tuple(int(n) for n in random.integers(1, 3, 2)),
            "padding": str(random.choice(("same", "valid"))),
        }
        first = [Conv2D(int(random.integers(2, 20)), kernel, **window) if kind == 1 else DepthwiseConv2D(kernel, **window)]
    layer = Input(shape, dtype, np.full(pairs, 4.9), np.full(pairs, 1 / 6)) if pairs else Input(shape)
    return Network([layer, *first, ReLU(), Flatten(), Dense(7)], seed=seed)


def _pixels(shape, samples, dtype):
    """Samples of any shape from the embedded digits."""
    x = np.resize(load("digits").x_train[: samples * 8], (samples, *shape))
    return x.astype(dtype)


def _input(random, shape):
    """An Input layer that brings digits to mean 0 and deviation 1, with a pair for all values or one a channel."""
    pairs = random.choice((1, shape[-1]))
    return Input(shape, str(random.choice(DTYPES)), np.full(pairs, 4.9), np.full(pairs, 1 / 6))


def _small(network, turn, input="copy", rule=None):
    """A network with a rule, if none is given, an optimiser and a loss, each of its turn."""
    own, optimiser, loss = (kinds[turn % len(kinds)] for kinds in (RULES, OPTIMISERS, LOSSES))
    rule = rule or own
    if getattr(rule, "bias", "masked") == "dense" or not getattr(rule, "weights", True):
        optimiser = SGD(0.01)
    x = _pixels(network.input.shape, SAMPLES, network.input.dtype)
    y = np.arange(turn, turn + SAMPLES) % network.outputs
    return Material(compile(network, rule, optimiser, loss=loss, input=input), x, y, SAMPLES)


def _perceptron(random):
    layers = [_input(random, (int(random.integers(3, 180)),))]
    for _ in range(random.integers(1, 4)):
        layers += [Dense(int(random.integers(2, 70)))] + [ReLU(), ReLU6()][: random.integers(0, 3)][-1:]
    return Network([*layers, Dense(int(random.integers(2, 40)))], seed=int(random.integers(99)))


def _autoencoder(widths):
    first, *hidden, last = widths
    layers = [
        Input((first,), "float32", [4.9], [1 / 6]),
        *(part for w in hidden for part in (Dense(w), ReLU())),
        Dense(last),
    ]
    program = compile(Network(layers), rules.Full(), SGD(0.001), loss="reconstruction")
    return Material(program, _pixels((first,), SAMPLES, "float32"), None, SAMPLES)


def _convolutional(random):
    """Windows of every kind, until the image is small."""
    shape = (*(int(n) for n in random.integers(5, 17, 2)), int(random.integers(1, 9)))
    layers = [_input(random, shape)]
    for _ in range(random.integers(1, 5)):
        layers += _block(random, layers)
    layers += [[Flatten()], [GlobalAveragePool()]][int(random.integers(0, 4) == 0)]
    return Network([*layers, Dense(int(random.integers(2, 20)))], seed=int(random.integers(99)))


def _block(random, layers):
    """A few layers that fit behind the given ones."""
    rows, columns, channels = Network([*layers, Conv2D(1, 1)]).shapes[-2]
    kernel = tuple(int(random.integers(1, min(n, 4) + 1)) for n in (rows, columns))
    window = {"stride": tuple(int(n) for n in random.integers(1, 3, 2)), "padding": str(random.choice(("same", "valid")))}
    filters, kind = int(random.integers(2, 20)), random.integers(0, 10)
    if kind < 4:
        return [Conv2D(filters, kernel, **window), ReLU()]
    if kind < 5:
        return [Conv2D(filters, 1), ReLU()]
    if kind < 7:
        return [DepthwiseConv2D(kernel, **window), ReLU6()]
    if kind < 8:
        return [MaxPool2D(kernel, **window)]
    if kind < 9:
        return [AveragePool2D(kernel, **window)]
    return [Residual([Conv2D(channels, 3, padding="same"), ReLU(), Conv2D(channels, kernel, padding="same")]), ReLU()]


# ---------------------------------------------------------------------------------------------------------------------
# the zoo


RAN: dict[int, tuple[Material, dict[Buffer, Any]]] = {}  # {id of a material: (itself, what was looked at)}


@dataclass(frozen=True)
class ZooData:
    """What a network of the zoo is shown: a data set, and how many of its samples."""

    data: str
    samples: int


ZOO_DATA = {
    "mlp-64-32-10": ZooData("digits", 8), "cnn-8": ZooData("digits", 8),
    "mlp-784-32-10": ZooData("mnist", 6), "mlp-784-128-64-10": ZooData("mnist", 4), "cnn-28": ZooData("mnist", 6),
    "mlp-har": ZooData("uci_har", 4), "cnn-har": ZooData("uci_har", 4), "cnn-32": ZooData("cifar10", 4),
    "autoencoder": ZooData("dcase2020_toycar", 2), "resnet-8": ZooData("cifar10", 1),
    "ds-cnn": ZooData("speech_commands_mfcc49x10", 1), "mobilenet-v1-0.25": ZooData("cifar10", 1),
}  # fmt: skip


def zoo_material(name: str, method: str, samples: int | None = None) -> Material:
    """A network of the zoo with samples of its data set; InputError where that is not there.

    There are no images for MobileNet: it gets those of cifar10, three times as large.
    """
    data = load(ZOO_DATA[name].data)
    samples = samples or ZOO_DATA[name].samples
    spread = np.linspace(0, len(data.x_train) - 1, samples).astype(int)
    x, y = data.x_train[spread], None if data.kind == "anomaly" else data.y_train[spread]
    loss = "softmax_cross_entropy" if y is not None else "reconstruction"
    if name.startswith("mobilenet"):
        x = ((x.repeat(3, 1).repeat(3, 2) - data.mean) * data.scale).astype(np.float32)
        network, y = build(name), None if y is None else y % 2
    else:
        network = build(name, data)
    rule = rules.with_stored(rules.make(method), samples)
    return Material(compile(network, rule, SGD(0.01), loss=loss), x, y, samples)


def counted(material: Material) -> tuple[Program, dict[Buffer, Any]]:
    """(program, zeros): after mcuref itself ran it on the samples, so that its counts are those of the firmware.

    It runs once, for all cores.
    """
    if id(material) not in RAN:
        program = material.program
        program.reset()
        moves = move_shares(program, material.x, material.y)
        if material.steps:
            stored, epochs = material.shown.T
            program.train(material.x, material.y, index=stored, epoch=epochs)
        else:
            program.outputs(material.x, counts=program.counts)
        RAN[id(material)] = material, zero_shares(program, material.x) | moves
    return material.program, RAN[id(material)][1]
