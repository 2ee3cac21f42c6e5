"""Write int8_weights.csv, beside this file: what the oracles of training come to, of every layer and mode, as checksums.

As a command: python tests/golden/generate_int8_weights.py
"""

import csv
import sys
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernels.int8.training import CASES, case_expected, case_inputs, check_of

FILE = Path(__file__).with_name("int8_weights.csv")
COLUMNS = ("layer", "what", "number", "problem", "result")
NUMBERS = 14  # of each


def problem_check(name, what, number):
    """CRC-32 of all that a case consists of."""
    case, changed, behind = case_inputs(name, what, number)
    numbers = np.array([*case.layer.g, *case.numbers, *case.step[1:], behind], np.int64)
    return check_of([case.delta, case.x, *case.read, *changed, numbers.astype("<i8")])


def main():
    """Write the file anew."""
    with open(FILE, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, what in CASES:
            for number in range(NUMBERS):
                result = check_of(case_expected(name, what, number))
                writer.writerow((name, what, number, f"{problem_check(name, what, number):08x}", f"{result:08x}"))


if __name__ == "__main__":
    main()
