"""Programs of some rules, for instructions that no other program has: of rests, and of efforts that are set."""

from itertools import product

import numpy as np

from mcuref import rules
from mcuref.calibration import quantise_to_train
from mcuref.export.material import Material
from mcuref.firmware.measuring import calibration
from mcuref.firmware.measuring.calibration import SAMPLES
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.rules import Rule

NETWORKS = 6  # of each kind and type that a rule is measured in
EPOCHS = 4  # in which stored samples are shown
RULES = (
    rules.TinyPropR(output="rule", threshold=0.9, rests=1, stored=5),
    rules.TinyPropR(output="rule", threshold=0.9, rests=15, stored=70_000),
    rules.TinyPropR(output="rule", threshold=0.9, stored=300, effort=0.2),
    rules.TinyPropV2(output="rule", threshold=0.9, effort=0.6, epochs=4),
)


def rule_programs() -> list[Material]:
    """List of Material: each rule in perceptrons and convolutional networks, float32 and int8, always the same."""
    random = np.random.default_rng(6)
    makers = (calibration._perceptron, calibration._convolutional)
    networks = [make(random) for make in makers for _ in range(NETWORKS)]
    return [_material(network, rule, dtype) for rule, network, dtype in product(RULES, networks, ("float32", "int8"))]


def _material(network: Network, rule: Rule, dtype: str) -> Material:
    """A network of that type under a rule, with some epochs of stored samples."""
    count = SAMPLES * EPOCHS
    x = calibration._pixels(network.input.shape, count, network.input.dtype)
    deployed = network if dtype == "float32" else quantise_to_train(network, x)
    return Material(compile(deployed, rule, SGD(0.05)), x, np.arange(count) % network.outputs, SAMPLES)
