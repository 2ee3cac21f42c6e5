"""How many inputs of a layer are 0, and in how many runs those lie that are not: what need not be multiplied.

Kernels of int8 look for runs of inputs (export/c/kernels/int8/inputs.h): one ends before so many zeros, and is of whole
blocks; how many of each depends on the instructions that a core has.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RULES = {"plain": (1, 4), "DSP": (4, 8), "vectors": (8, 16)}  # {instructions that a core has: (BLOCK, GAP)}
LISTED, LONGEST, FARTHEST = 40, 248, 255  # RUNS, LONGEST_RUN, and the most zeros before a run


class Runs(NamedTuple):
    """How many runs there are in the inputs of a layer, how many inputs lie in them or behind the last one listed, and how
    many of these are left of whole blocks at the end.
    """

    number: float
    covered: float
    rest: float


class Moves(NamedTuple):
    """What becomes of the kept entries of an int8 layer's error where its weights are updated, as shares.

    Attributes
    ----------
    large : of rows of a dense layer, those whose steps are large, by shifts of less than 8 bits.
    none : of these rows, those without a step: all of them are too small.
    moved : of its products of errors and inputs, neither 0, those that make a step.
    dense : of the positions of a channel of a convolution, those kept, as an average kept entry sees it; 0: the same
        everywhere.
    """

    large: float = 0.0
    none: float = 0.0
    moved: float = 1.0
    dense: float = 0.0


class Sparsity(float):
    """The share of zeros in the inputs of an int8 layer.

    Attributes
    ----------
    runs : {of `RULES`: Runs}, mean over samples.
    """

    runs: dict[str, Runs]

    def __new__(cls, share: float, runs: dict[str, Runs]) -> "Sparsity":
        """A share with its runs."""
        made = super().__new__(cls, share)
        made.runs = runs
        return made


def sparsity(samples: Sequence[NDArray[Any]], zero: int) -> Sparsity:
    """The :class:`Sparsity` of some inputs; ``zero`` stands for 0."""
    found = {rule: [find_runs(x != zero, *RULES[rule]) for x in samples] for rule in RULES}
    means = {rule: Runs(*np.mean(np.array(every, np.float64), axis=0).tolist()) for rule, every in found.items()}
    return Sparsity(float(np.mean([x == zero for x in samples])), means)


def find_runs(used: NDArray[np.bool_], block: int, gap: int) -> Runs:
    """The runs of n inputs, as the kernel in C finds them; ``used``: which of them are not 0."""
    n, places = used.size, np.flatnonzero(used).tolist()
    at = count = covered = nearest = rest = 0
    while at < n and count < LISTED:
        while nearest < len(places) and places[nearest] < at:
            nearest += 1
        at = min(places[nearest] if nearest < len(places) else n, at + FARTHEST)
        end = at
        for place in places[nearest:]:
            if place - end >= gap or place - at >= LONGEST:
                break
            end = place + 1
        length = min(-(-(end - at) // block) * block, n - at)
        at, covered, count, rest = at + length, covered + length, count + 1, rest + length % block
    return Runs(count, covered + n - at, rest + (n - at) % block)


def expected_runs(zeros: float, n: int, rule: str) -> Runs:
    """The runs of n inputs of which that share is 0, each by itself."""
    block, gap = RULES[rule]
    ended = zeros**gap
    count = n * (1 - zeros) * ended + 1
    covered = min(n * (1 - ended * (gap * (1 - zeros) + zeros)) + count * (block - 1) / 2, n)
    count = max(count, covered / LONGEST)
    listed = min(LISTED / count, 1.0)
    return Runs(min(count, LISTED), listed * covered + (1 - listed) * n, (block - 1) / 2 * (1 - zeros))
