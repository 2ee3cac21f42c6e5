"""Write the golden vectors: python tests/golden/generate_vectors.py. Only after a change of a definition.

Folders that are there are left alone: delete those that a new definition makes wrong. What is in them, and how a port
is checked against them, stands in the README.txt of each. check_vectors.c is such a check.
"""

import sys
from pathlib import Path

import mcuref
from mcuref import layers, rules
from mcuref.export.material import Material
from mcuref.export.vectors import write_vectors

HERE = Path(__file__).parent
SAMPLES, INFERENCES = 12, 4


def mlp():
    """Digits through mlp-64-8-10, TinyPropV2: some samples are skipped."""
    data = mcuref.load_data("digits")
    network = mcuref.build("mlp-64-8-10", data, seed=0)
    rule = rules.TinyPropV2(0.0, 1.0, output="rule", threshold=0.93)
    program = mcuref.compile(network, rule, mcuref.SGD(0.05, "linear"))
    return Material(program, data.x_train[:SAMPLES], data.y_train[:SAMPLES], INFERENCES)


def cnn():
    """Digits through a small convolutional network, TinyProp, momentum, batches of 2."""
    data = mcuref.load_data("digits")
    network = mcuref.Network(
        [
            mcuref.Input((8, 8, 1), "uint8", 0, 1 / 16),
            layers.Conv2D(4, 3, 2, "same"),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, 1, "same"),
            layers.ReLU6(),
            layers.Residual([layers.Conv2D(4, 1)]),
            layers.MaxPool2D(2),
            layers.Flatten(),
            mcuref.Dense(10),
        ],
        seed=0,
        name="small cnn",
    )
    program = mcuref.compile(network, rules.TinyProp(output="rule"), mcuref.SGD(0.05, "linear", momentum=0.5, batch=2))
    return Material(program, data.x_train[:8], data.y_train[:8], INFERENCES)


def rests():
    """Digits at a quarter of their size, TinyPropR: stored samples that were skipped rest."""
    data = mcuref.load_data("digits")
    network = mcuref.Network(
        [mcuref.Input((8, 8, 1), "uint8", 0, 1 / 16), layers.MaxPool2D(2), layers.Flatten(), mcuref.Dense(10)],
        seed=0,
        name="small",
    )
    rule = rules.TinyPropR(0.0, 1.0, output="rule", threshold=0.97, stored=99)
    program = mcuref.compile(network, rule, mcuref.SGD(0.05, "linear"))
    return Material(program, data.x_train[:16], data.y_train[:16], INFERENCES)


VECTORS = {"vectors-mlp": mlp, "vectors-cnn": cnn, "vectors-rests": rests}


def main():
    """Write a folder a network."""
    for name, make in VECTORS.items():
        if (HERE / name).exists():
            print(f"{name} is there already", file=sys.stderr)
        else:
            write_vectors(make(), HERE / name)


if __name__ == "__main__":
    sys.exit(main())
