"""How many activations are exactly 0: what need not be multiplied, so that what a step costs depends on it."""

from typing import Any

import numpy as np

from mcuref.cost.sparsity import sparsity
from mcuref.memory.buffers import Buffer
from mcuref.program.program import Program
from mcuref.program.samples import Samples
from mcuref.program.step import Step

SAMPLES = 32  # that are enough to look at


def zero_shares(program: Program, x: Any) -> dict[Buffer, float]:
    """{buffer: share of zeros} of the activations that each layer with parameters reads, in samples x[S, ...].

    The program runs forward with its present parameters; its state does not change. Raises InputError for bad samples.
    """
    seen = {}
    for first in range(len(x)):
        samples = Samples.checked(program, x[first : first + 1], None, None, labelled=False)
        step = Step(program, samples, None, np.zeros_like(program.counts))
        for row, instruction in enumerate(program.instructions[: program.listing.forward_rows]):
            if "w" in instruction:
                buffer = instruction["x"]
                seen.setdefault(buffer, (instruction, []))[1].append(program.arena.view(buffer).copy())
            step.run(row, row + 1)
    return {buffer: _share(*read) for buffer, read in seen.items()}


def _share(instruction, samples):
    """The share of zeros in what an instruction reads; of a dense layer of int8 with the runs that the others lie in."""
    zero = instruction.constants.get("x_zero", 0)
    if instruction.name == "dense_forward_s8":
        return sparsity(samples, zero)
    return float(np.mean([np.mean(values == zero) for values in samples]))
