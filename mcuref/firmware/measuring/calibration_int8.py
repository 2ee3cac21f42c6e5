"""Programs of int8 that instructions are measured on, and the zoo's to check them, as those of float32."""

from contextlib import suppress

import numpy as np

from mcuref import rules
from mcuref.calibration import quantise, quantise_to_train, quantised_body
from mcuref.errors import MissingData
from mcuref.export.material import Material
from mcuref.firmware.measuring import calibration
from mcuref.firmware.measuring.calibration import LOSSES, OPTIMISERS, RULES, SAMPLES, ZOO_DATA
from mcuref.layers import AveragePool2D, Conv2D, Dense, Flatten, Input, MaxPool2D, ReLU, Sigmoid, Softmax, Tanh
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.arithmetic.int8 import UPDATES, Int8
from mcuref.program.compiler import compile

STORED = tuple(name for name in UPDATES if name != "master")
INT8_RULES = (*(rule for rule in RULES if getattr(rule, "bias", "masked") != "dense"), rules.TopK(0.6, output="rule"))


def calibration_programs() -> list[Material]:
    """List of Material: opcodes of int8, ways of storing weights, sizes around those of vectors; always the same."""
    random, materials = np.random.default_rng(4), []
    networks = [_perceptron(random) for _ in range(30)] + [calibration._convolutional(random) for _ in range(40)]
    networks += [_pooled(random) for _ in range(12)]
    for number, network in enumerate(networks):
        for turn in range(2):
            materials.append(_small(network, 2 * number + turn))
    materials += [_autoencoder(widths) for widths in ((40, 9, 40), (33, 16, 4, 33), (100, 20, 100))]
    for name in calibration.REAL:
        with suppress(MissingData):
            materials += [zoo_material(name, method, 3) for method in ("full", "tinyprop")]
    return materials


def other_programs() -> list[Material]:
    """List of Material, for instructions that no other program has: activations, a softmax, and what makes int8 float32."""
    random, materials = np.random.default_rng(5), []
    for turn in range(10):
        widths = [int(n) for n in random.integers(2, 200, 3)]
        for activations in ([Tanh()], [Sigmoid()], [Tanh(), ReLU()]):
            hidden = [part for width in widths[1:] for part in (Dense(width), *activations)]
            network = Network([calibration._input(random, (widths[0],)), *hidden, Dense(7)], seed=turn)
            materials.append(_small(network, turn))
        network = Network([calibration._input(random, (widths[0],)), Dense(widths[1]), Softmax()], seed=turn)
        x = _samples(network)
        materials.append(
            Material(compile(quantise(network, x).network, trainable=0), x, np.zeros(len(x), np.int32), SAMPLES)
        )
        mixed = Network([calibration._input(random, (widths[0],)), Dense(widths[1]), ReLU(), Dense(7)], seed=turn)
        x = _samples(mixed)
        materials.append(Material(compile(quantised_body(mixed, x, 1)), x, np.arange(len(x)), SAMPLES))
    return materials


def baseline_programs() -> list[Material]:
    """List of Material, for instructions of rules that others are compared with."""
    random, materials = np.random.default_rng(7), []
    for turn in range(16):
        network = _perceptron(random) if turn % 2 else calibration._convolutional(random)
        materials += [_small(network, turn, rule) for rule in calibration.BASELINE_RULES]
    return materials


def _samples(network):
    return calibration._pixels(network.input.shape, SAMPLES, network.input.dtype)


def _small(network, turn, given=None):
    """A network with a rule, if none is given, an optimiser, a loss and a way of storing weights, each of its turn."""
    kinds = zip((INT8_RULES, OPTIMISERS, LOSSES, (*STORED, "residual", "residual")), (1, 1, 1, 2))
    rule, optimiser, loss, update = (each[turn // slower % len(each)] for each, slower in kinds)
    rule = given or rule
    optimiser = optimiser if getattr(rule, "weights", True) else SGD(0.01)
    x = _samples(network)
    y = np.arange(turn, turn + SAMPLES) % network.outputs
    deployed = quantise_to_train(network, x, loss=loss)
    return Material(compile(deployed, rule, optimiser, loss=loss, arithmetic=Int8(update)), x, y, SAMPLES)


def _perceptron(random):
    """Also wide ones: runs of inputs that are 0 are looked for where there are many outputs."""
    layers = [calibration._input(random, (int(random.integers(3, 400)),))]
    for _ in range(random.integers(1, 4)):
        layers += [Dense(int(random.integers(2, 100))), ReLU()]
    return Network([*layers, Dense(int(random.integers(2, 40)))], seed=int(random.integers(99)))


def _pooled(random):
    """Windows that lie beside each other, as those of most networks do."""
    rows, columns, channels, filters = (int(random.integers(*limits)) for limits in ((8, 17), (8, 17), (1, 9), (2, 20)))
    pool = (MaxPool2D, AveragePool2D)[int(random.integers(0, 2))]
    first = [calibration._input(random, (rows, columns, channels)), Conv2D(filters, 3, 1, "same"), ReLU(), pool(2)]
    head = [Conv2D(int(random.integers(2, 20)), (1, 2)), ReLU(), pool((2, 1)), Flatten(), Dense(int(random.integers(2, 12)))]
    return Network([*first, *head], seed=int(random.integers(99)))


def _autoencoder(widths):
    first, *hidden, last = widths
    layers = [
        Input((first,), "float32", [4.9], [1 / 6]),
        *(part for w in hidden for part in (Dense(w), ReLU())),
        Dense(last),
    ]
    network = Network(layers)
    x = calibration._pixels((first,), SAMPLES, "float32")
    deployed = quantise_to_train(network, x, loss="reconstruction")
    return Material(compile(deployed, rules.Full(), SGD(0.001), loss="reconstruction"), x, None, SAMPLES)


def zoo_material(name: str, method: str, samples: int | None = None) -> Material:
    """A network of the zoo in int8 with samples of its data set; MissingData where that is not there."""
    material = calibration.zoo_material(name, method, samples or ZOO_DATA[name].samples)
    program = material.program
    deployed = quantise_to_train(program.network, material.x, loss=program.loss)
    return Material(
        compile(deployed, program.rule, program.optimiser, loss=program.loss), material.x, material.y, material.inferences
    )
