"""Write int8.csv, beside this file: checksums of what LiteRT's reference kernels come to, of cases of every operator.

As a command: python tests/golden/generate_int8.py
"""

import csv
import sys
from pathlib import Path
from zlib import crc32

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernels.int8.cases import KINDS, case
from tests.litert import model_of, run_reference

FILE = Path(__file__).with_name("int8.csv")
COLUMNS = ("kind", "number", "outputs", "problem", "reference")
CASES = 40  # of a kind


def problem(each):
    """CRC-32 of all that a case consists of but what ours come to."""
    check = 0
    tensors = [*each.model["inputs"], each.model["output"]]
    for values in each.inputs:
        check = crc32(np.ascontiguousarray(values), check)
    for tensor in tensors:
        text = f"{tuple(map(int, tensor.shape))} {tensor.zero} {tensor.dtype} {tensor.axis} {tensor.values is None}"
        check = crc32(text.encode(), check)
        for part in (tensor.scale, tensor.values):
            if part is not None:
                check = crc32(np.ascontiguousarray(part, np.float32 if part is tensor.scale else tensor.dtype), check)
    options = sorted(each.model.get("options", ("", {}))[1].items())
    return crc32(repr([(name, float(value)) for name, value in options]).encode(), check)


def outputs_check(outputs):
    """CRC-32 of outputs."""
    return crc32(np.ascontiguousarray(outputs))


def main():
    """Write the file anew."""
    with open(FILE, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for kind in KINDS:
            for number in range(CASES):
                each = case(kind, number)
                reference = run_reference(model_of(**each.model), *each.inputs)
                checks = f"{problem(each):08x}", f"{outputs_check(reference):08x}"
                writer.writerow((kind, number, reference.size, *checks))


if __name__ == "__main__":
    main()
