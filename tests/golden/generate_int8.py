"""Write int8.csv, beside this file: checksums of what LiteRT's reference kernels come to, of cases of every operator.

And int8_training.csv: of what the oracles come to, of cases of what trains.

As a command: python tests/golden/generate_int8.py
"""

import csv
import sys
from pathlib import Path
from zlib import crc32

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kernels.int8 import training_cases
from tests.kernels.int8.cases import KINDS, case
from tests.litert import model_of, run_reference

FILE = Path(__file__).with_name("int8.csv")
TRAINING_FILE = Path(__file__).with_name("int8_training.csv")
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


def training_problem(each):
    """CRC-32 of all that a case of training consists of but what ours come to."""
    check = 0
    for values in each.problem:
        check = crc32(np.ascontiguousarray(values, np.int64), crc32(str(values.dtype).encode(), check))
    return check


def outputs_check(outputs):
    """CRC-32 of outputs."""
    return crc32(np.ascontiguousarray(outputs))


def write(path, kinds, case, problem, reference):
    """Write a file: a row a case."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for kind in kinds:
            for number in range(CASES):
                each = case(kind, number)
                outputs = reference(each)
                writer.writerow((kind, number, outputs.size, f"{problem(each):08x}", f"{outputs_check(outputs):08x}"))


def main():
    """Write the files anew."""
    training = training_cases.KINDS, training_cases.case
    write(TRAINING_FILE, *training, training_problem, lambda each: each.reference())
    write(FILE, KINDS, case, problem, lambda each: run_reference(model_of(**each.model), *each.inputs))


if __name__ == "__main__":
    main()
