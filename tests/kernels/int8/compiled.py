"""Run as a script in a fresh process: compile int8 kernels, and write what they are and come to as JSON to the file given.

{"checks": {kind: CRC-32 of the outputs of some cases}, "codes": {kernel: [{"llvm", "asm"}, one a signature]}}; of the kind
"executor" the loop that runs whole programs instead, "planted" one with a row that is of float32.
"""

import importlib
import json
import pkgutil
import sys
from pathlib import Path
from zlib import crc32

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import numpy as np

import mcuref.kernels.int8
from mcuref.kernels.jit import kernel
from mcuref.operations.loop import loop
from mcuref.operations.views import GO_ON
from mcuref.program import executor
from mcuref.program.arithmetic.int8 import INT8
from tests.kernels.int8 import cases, training_cases, weight_cases

CASES = 20  # of a kind
MAKERS = {kind: module.case for module in (cases, training_cases, weight_cases) for kind in module.KINDS}
KINDS = tuple(MAKERS)


def checks(kinds):
    """CRC-32 of our outputs, by kind."""
    outputs = {kind: [MAKERS[kind](kind, number).ours for number in range(CASES)] for kind in kinds}
    return {kind: [crc32(np.ascontiguousarray(values)) for values in found] for kind, found in outputs.items()}


def defined():
    """{name: function} of all that the modules of int8 kernels define."""
    names = [module.name for module in pkgutil.iter_modules(mcuref.kernels.int8.__path__)]
    modules = [importlib.import_module(f"mcuref.kernels.int8.{name}") for name in names]
    return {f.__name__: f for m in modules for f in vars(m).values() if getattr(f, "__module__", "") == m.__name__}


def codes():
    """LLVM and assembly of every signature of every kernel that has been called."""
    kernels = {name: f for name, f in defined().items() if getattr(f, "signatures", ())}
    return {
        name: [{"llvm": f.inspect_llvm(s), "asm": f.inspect_asm(s)} for s in f.signatures] for name, f in kernels.items()
    }


@kernel(inlined=True)
def in_float32(row, f, memory, host, sample, counts):
    """A row that an int8 program must not have."""
    memory.f32[0] = memory.f32[1] * f[0]
    return GO_ON


@kernel
def planted(table, constants, memory, host, begin_row, first_row, end_row, results, result_offset, counts, status):
    """The loop over such rows."""
    run = in_float32
    loop(run, table, constants, memory, host, begin_row, first_row, end_row, results, result_offset, counts, status)


def loops(name):
    """LLVM and assembly of a loop over the rows of programs, for the types that the one of int8 programs has."""
    execute, signature = (
        {"executor": executor.compiled_loop(INT8), "planted": planted}[name],
        executor._signature("uint16", INT8),
    )
    execute.compile(signature)
    return {name: [{"llvm": execute.inspect_llvm(signature), "asm": execute.inspect_asm(signature)}]}


if __name__ == "__main__":
    kinds = sys.argv[2:]
    if kinds in (["executor"], ["planted"]):
        found = {"codes": loops(*kinds)}
    else:
        found = {"checks": checks(kinds or KINDS), "codes": codes()}
    Path(sys.argv[1]).write_text(json.dumps(found))
