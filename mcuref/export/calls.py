"""What C calls, by the arithmetic of a program: what runs programs of int8 has names of its own."""

import re

from mcuref.program.program import Program


def is_int8(program: Program) -> bool:
    """Whether a program computes in int8 from its samples to its outputs, and is called by program/int8.h."""
    return program.network.dtype == "int8"


def header(program: Program) -> str:
    """The header that declares what runs a program."""
    return f"program/{'int8' if is_int8(program) else 'float32'}.h"


def stored(program: Program) -> int:
    """How many stored samples a program lets rest; 0: it lets none."""
    return program.instructions[0]["N"] if program.listing.rests else 0


def called(text: str, program: Program) -> str:
    """C source, or text about it, that calls what runs programs of float32, for a program."""
    if not is_int8(program):
        return text
    return re.sub(r"\bmcuref_(infer|outputs|train|train_stored|loss)\b", r"mcuref_\1_s8", text)
