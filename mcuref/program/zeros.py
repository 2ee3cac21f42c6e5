"""How many activations are exactly 0: what a multiplication in software need not compute, so its cost depends on it."""

from typing import Any

import numpy as np

from mcuref.memory.buffers import Buffer
from mcuref.program.program import Program
from mcuref.program.samples import Samples
from mcuref.program.step import Step

SAMPLES = 32  # that are enough to look at


def zero_shares(program: Program, x: Any) -> dict[Buffer, float]:
    """{buffer: share of zeros} of the activations that each layer with parameters reads, in samples x[S, ...].

    The program runs forward with its present parameters; its state does not change. Raises InputError for bad samples.
    """
    found = {}
    for first in range(len(x)):
        samples = Samples.checked(program, x[first : first + 1], None, None, labelled=False)
        step = Step(program, samples, None, np.zeros_like(program.counts))
        for row, instruction in enumerate(program.instructions[: program.listing.forward_rows]):
            if "w" in instruction:
                values = program.arena.view(instruction["x"])
                found.setdefault(instruction["x"], []).append(np.mean(values == 0))
            step.run(row, row + 1)
    return {buffer: float(np.mean(shares)) for buffer, shares in found.items()}
