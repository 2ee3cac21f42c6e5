"""Write the golden traces: python tests/golden/generate.py. Only after a change of a definition: a new version.

Files that are there are left alone: delete those that a new definition makes wrong.
"""

import platform
import sys
from pathlib import Path

import mcuref
from mcuref import layers, rules
from mcuref.program.trace import write_csv

FIRST, SAMPLES = 1400, 8  # traced: these samples, after training on those before them, so that some are skipped
CNN_FIRST, CNN_SAMPLES = 52, 8  # the same for the convolutional network
HERE = Path(__file__).parent


def golden_trace(method):
    """Trace of some digits through mlp-64-32-10, start weights of seed 0, rate 0.02 linear, preset paper."""
    data = mcuref.load_data("digits")
    network = mcuref.build("mlp-64-32-10", data, seed=0)
    rule = rules.with_stored(rules.make(method, "paper"), FIRST)
    program = mcuref.compile(network, rule, mcuref.SGD(0.02, "linear"))
    return trace_after(program, data, FIRST, SAMPLES)


def cnn():
    """A network with every layer: 8 x 8 digits, strides, both paddings, a block with a projection; seed 0."""
    return mcuref.Network(
        [
            mcuref.Input((8, 8, 1), "uint8", 0, 1 / 16),
            layers.Conv2D(6, 3, 2, "same"),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, 1, "same"),
            layers.ReLU6(),
            layers.Residual([layers.Conv2D(8, (1, 3), 1, "same"), layers.ReLU(), layers.Conv2D(8, 1)], layers.Conv2D(8, 1)),
            layers.ReLU(),
            layers.MaxPool2D(2),
            layers.AveragePool2D((1, 2)),
            layers.Flatten(),
            mcuref.Dense(10),
        ],
        seed=0,
        name="cnn",
    )


# method and optimiser of each trace of the convolutional network, by the end of its file's name
CNN = {
    "full": (rules.Full(), mcuref.SGD(0.05, "linear")),
    "tinyprop": (rules.TinyProp(), mcuref.SGD(0.05, "linear")),
    "tinypropv2": (rules.TinyPropV2(threshold=0.92), mcuref.SGD(0.05, "linear")),
    "momentum-batch": (rules.TinyPropV2(threshold=0.92), mcuref.SGD(0.02, "linear", momentum=0.75, batch=3)),
}


# the same of networks that read the digits in place, dense and convolutional
IN_PLACE = {
    "mlp": (rules.TinyProp(), mcuref.SGD(0.02, "linear")),
    "cnn": (rules.TinyPropV2(threshold=0.92), mcuref.SGD(0.02, "linear", momentum=0.75, batch=3)),
}


# of the network of golden_trace: the effort of two epochs is governed, so that samples are left out, skipped and trained
GOVERNED = {"governed": (rules.TinyPropR(threshold=0.8, effort=0.4, stored=FIRST, epochs=2), mcuref.SGD(0.02, "linear"))}


def golden_governed_trace(name):
    """Trace of some digits through mlp-64-32-10 with a governed effort, start weights of seed 0."""
    data = mcuref.load_data("digits")
    return trace_after(mcuref.compile(mcuref.build("mlp-64-32-10", data, seed=0), *GOVERNED[name]), data, FIRST, SAMPLES)


def golden_cnn_trace(name):
    """Trace of some digits through a convolutional network (cnn() in generate.py), start weights of seed 0."""
    data = mcuref.load_data("digits")
    return trace_after(mcuref.compile(cnn(), *CNN[name]), data, CNN_FIRST, CNN_SAMPLES)


def golden_in_place_trace(name):
    """Trace of some digits through a network that reads them in place, start weights of seed 0."""
    data = mcuref.load_data("digits")
    network = mcuref.build("mlp-64-32-10", data, seed=0) if name == "mlp" else cnn()
    program = mcuref.compile(network, *IN_PLACE[name], input="in-place")
    return trace_after(program, data, CNN_FIRST, CNN_SAMPLES)


def trace_after(program, data, first, count):
    """Trace of ``count`` samples after training on the ``first`` ones; where samples rest, of the last of these again."""
    total = first + count
    program.train(data.x_train, data.y_train, range(first), total=total)
    again = count if program.listing.rests else 0
    order = range(first - again, total - again)
    return program.trace(data.x_train, data.y_train, order, first=first, total=total, epoch=int(again > 0))


def main():
    """Write a file a method, one that is governed, a file a method and optimiser of the others that are here."""
    import numba
    import numpy

    files = {f"digits-{method}.csv": (golden_trace, method, FIRST) for method in rules.METHODS}
    files |= {f"digits-{name}.csv": (golden_governed_trace, name, FIRST) for name in GOVERNED}
    files |= {f"digits-cnn-{name}.csv": (golden_cnn_trace, name, CNN_FIRST) for name in CNN}
    files |= {f"digits-in-place-{name}.csv": (golden_in_place_trace, name, CNN_FIRST) for name in IN_PLACE}
    for file_name, (make, name, first) in files.items():
        what = f"Method {name}" if make is golden_trace else " and ".join(map(repr, (CNN | IN_PLACE | GOVERNED)[name]))
        if (HERE / file_name).exists():
            print(f"{file_name} is there already", file=sys.stderr)
            continue
        records = make(name)
        with open(HERE / file_name, "w", encoding="utf-8") as file:
            file.write(
                f"# {make.__doc__} {what}, samples {records[0][0]} to {records[-1][0]} after those before {first}. "
                "Tolerance 0.\n"
                f"# generate.py, mcuref {mcuref.__version__}, numba {numba.__version__}, numpy {numpy.__version__}, "
                f"Python {platform.python_version()}\n"
            )
            write_csv(records, file)


if __name__ == "__main__":
    sys.exit(main())
