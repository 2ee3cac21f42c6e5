"""What a row of a program did, and how often loops over windows and over elements run: what features are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mcuref.cost.compiled import Row
from mcuref.cost.sparsity import Moves, Runs, Sparsity, expected_runs
from mcuref.operators.geometry import Geometry

LANES = 8  # elements a pass of the kernels' inner loops


@dataclass(frozen=True)
class Work:
    """What a row of a program did, summed over all samples.

    Attributes
    ----------
    instruction : Instruction.
    runs, chosen, kept, comparisons : float, as counted by the executor.
    fresh : float, rows of weights that a batch came to for the first time; of begin_rows alone.
    zeros : float, share of zeros in the activations that it reads, or in those that its gradients are products of.
    moves : :class:`Moves`, of an update of int8.
    """

    instruction: Row
    runs: float
    chosen: float = 0.0
    kept: float = 0.0
    comparisons: float = 0.0
    fresh: float = 0.0
    zeros: float = 0.0
    moves: Moves = Moves()

    def __getitem__(self, name):
        """The row's operand, dimension or constant of that name."""
        return self.instruction[name]

    @property
    def g(self) -> Geometry:
        """The row's geometry."""
        return Geometry(*(self.instruction.dimensions[name] for name in Geometry._fields))

    @property
    def mean_kept(self) -> float:
        """Kept entries of a run."""
        return self.kept / self.runs if self.runs else 0.0

    def runs_of_inputs(self, n: int, rule: str) -> Runs:
        """Runs that its n inputs lie in, as they were seen; where nobody has looked, as their share of zeros makes them."""
        return self.zeros.runs[rule] if isinstance(self.zeros, Sparsity) else expected_runs(self.zeros, n, rule)

    def products(self, times: float, n: int) -> dict[str, float]:
        """``times`` loops over n products of activations."""
        return {**loop(times, n, "product"), "product with 0": times * n * self.zeros}


def loop(times: float, n: int, what: str, size: int = LANES) -> dict[str, float]:
    """``times`` loops over n elements: whole passes of ``size`` of them, single ones behind, and how many of those.

    A loop that is too short for a whole pass skips what prepares one.
    """
    return {
        f"{what} x {size}": times * (n // size),
        what: times * (n % size),
        f"{what}, remainder {n % size}": times,
        f"{what}, short": times * (n < size),
    }


# ---------------------------------------------------------------------------------------------------------------------
# windows


def taps_inside(g: Geometry) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(int[Ho], int[Wo]): how many rows and columns of a window lie inside the input, at each position."""
    return tuple(
        np.maximum(np.minimum(kernel, extent - corner) - np.maximum(0, -corner), 0)
        for extent, kernel, corner in (
            (g.H, g.KH, np.arange(g.HO) * g.SH - g.TOP),
            (g.W, g.KW, np.arange(g.WO) * g.SW - g.LEFT),
        )
    )


def positions(g: Geometry) -> int:
    """How many windows there are."""
    return g.HO * g.WO


def mean_taps(g: Geometry) -> float:
    """Taps inside, mean over all positions."""
    rows, columns = taps_inside(g)
    return rows.mean() * columns.mean()


def in_fours(mean: float) -> tuple[float, float]:
    """(passes of four, single ones) that a mean number of rows takes; between whole numbers it is interpolated."""
    low = int(mean)
    share = mean - low
    fours = (1 - share) * (low // 4) + share * ((low + 1) // 4)
    return fours, mean - 4 * fours
