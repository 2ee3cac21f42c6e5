"""Write the golden traces: python tests/golden/generate.py. Only after a change of a definition, which is a new version."""

import platform
import sys
from pathlib import Path

import mcuref
from mcuref import rules
from mcuref.program.trace import write_csv

FIRST, SAMPLES = 1400, 8  # traced: these samples, after training on those before them, so that some are skipped
HERE = Path(__file__).parent


def golden_trace(method):
    """Trace of some digits through mlp-64-32-10, start weights of seed 0, rate 0.02 linear, preset paper."""
    data = mcuref.load_data("digits")
    network = mcuref.build("mlp-64-32-10", data, seed=0)
    program = mcuref.compile(network, rules.make(method, "paper"), mcuref.SGD(0.02, "linear"))
    total = FIRST + SAMPLES
    program.train(data.x_train, data.y_train, range(FIRST), total=total)
    return program.trace(data.x_train, data.y_train, range(FIRST, total), first=FIRST, total=total)


def main():
    """Write a file a method."""
    import numba
    import numpy

    for method in rules.METHODS:
        with open(HERE / f"digits-{method}.csv", "w", encoding="utf-8") as file:
            file.write(
                f"# {golden_trace.__doc__} Method {method}, samples {FIRST} to {FIRST + SAMPLES - 1} after those before. Tolerance 0.\n"
                f"# generate.py, mcuref {mcuref.__version__}, numba {numba.__version__}, numpy {numpy.__version__}, "
                f"Python {platform.python_version()}\n"
            )
            write_csv(golden_trace(method), file)


if __name__ == "__main__":
    sys.exit(main())
