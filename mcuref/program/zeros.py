"""How many activations are exactly 0: what need not be multiplied, so that what a step costs depends on it."""

from typing import Any

import numpy as np

from mcuref.cost.instructions import MASKED, read_by
from mcuref.cost.sparsity import sparsity
from mcuref.memory.buffers import Buffer
from mcuref.program.program import Program
from mcuref.program.samples import Samples
from mcuref.program.step import Step

SAMPLES = 32  # that are enough to look at


def zero_shares(program: Program, x: Any) -> dict[Buffer, float]:
    """{buffer: share of zeros} of the activations that each layer with parameters reads, in samples x[S, ...]; of int8 also
    of those that errors come back through a ReLU by. That of a sample that is read in place stands by the weights it meets.

    The program runs forward with its present parameters; its state does not change. Raises InputError for bad samples.
    """
    seen = {}
    forward = program.instructions[: program.listing.forward_rows]
    readers = {i["x"]: i for i in forward if "w" in i and "x" in i}
    masks = {i["y"]: i for i in program.instructions if i.operator.family in MASKED and "low" in i.dimensions}
    for first in range(len(x)):
        samples = Samples.checked(program, x[first : first + 1], None, None, labelled=False)
        step = Step(program, samples, None, np.zeros_like(program.counts))
        for row, instruction in enumerate(forward):
            step.run(row, row + 1)
            for buffer in instruction.outputs:
                if buffer in readers or buffer in masks:
                    seen.setdefault(buffer, []).append(program.arena.view(buffer).copy())
    shares = {buffer: _share(readers.get(buffer) or masks[buffer], values) for buffer, values in seen.items()}
    if program.arithmetic.in_place:
        reader = next(instruction for instruction in forward if "w" in instruction)
        shares[read_by(reader)] = float(np.mean(program.network.input.normalised(np.asarray(x)) == 0))
    return shares


def _share(instruction, samples):
    """The share of zeros in what an instruction reads; of a dense layer of int8 with the runs that the others lie in."""
    if instruction.operator.family in MASKED:
        return float(np.mean([np.mean((y <= instruction["low"]) | (y >= instruction["high"])) for y in samples]))
    zero = instruction.constants.get("x_zero", 0)
    if instruction.name == "dense_forward_s8":
        return sparsity(samples, zero)
    return float(np.mean([np.mean(values == zero) for values in samples]))
