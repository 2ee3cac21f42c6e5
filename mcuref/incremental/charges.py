"""What a learner's work is charged to: multiply-accumulates, and instructions on a core, of each stage.

    training       training steps, forward and backward
    growth         those after the model has grown in the same task
    verification   inferences that the criterion asks for
    distillation   passes of embeddings, forward and backward, and distances between features that a choice is made by

Counted are multiply-accumulates of the programs that run, and n x D for the squared distances of n features of D values.
Work that is done once a value is not counted: augmentation, sums of features, steps of distilled samples, rounding,
weights that are copied, or mixed with fresh ones. Predictions that an experiment judges a learner by are no work of the
learner's.

Instructions are those of the programs alone, by the formulas of :mod:`mcuref.cost.instructions`; distances have no program.
On cores without an FPU half of the values behind a ReLU are assumed to be 0.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.cost.instructions import inference_instructions, measured, step_instructions
from mcuref.memory.targets import Budget
from mcuref.operators.columns import RUNS
from mcuref.program import effort
from mcuref.program.program import Program

STAGES = ("training", "growth", "verification", "distillation")
DEFAULT_CORE = "m4f"


def core_of(budget: Budget | None) -> str:
    """The core whose instructions are counted: the budget's; "m4f" if it is of no target; "" for one that is not known."""
    if budget is None or not (budget.core or budget.name):
        return DEFAULT_CORE
    return budget.core


class Charges:
    """Work so far.

    Parameters
    ----------
    core : str, a key of mcuref.export.cores.CORES, or "" for one that was not measured.

    Attributes
    ----------
    macs : {stage: int}, multiply-accumulates.
    instructions : {stage: float}, None of a stage in which a program ran that has a row without a formula.
    unmeasured : list of str, names of the operators of such rows, sorted.
    """

    def __init__(self, core: str = DEFAULT_CORE) -> None:
        self.core = core
        self.macs: dict[str, int] = dict.fromkeys(STAGES, 0)
        self.instructions: dict[str, float | None] = dict.fromkeys(STAGES, 0.0)
        self.unmeasured: list[str] = []

    def passes(self, stage: str, program: Program, counts: NDArray[np.int64], distances: int = 0) -> None:
        """Charge passes through a program, of training steps or of embeddings, whether or not they went all the way back.

        counts : int64[rows, 5], what they did, as ``program.counts``. distances : MACs of distances between features.
        """
        runs = int(counts[0, RUNS])
        step = step_instructions(program, self.core, counts, runs) if runs else 0.0
        self._charge(stage, program, sum(effort.macs(program.instructions, counts)) + distances, runs, step)

    def inferences(self, stage: str, program: Program, counts: NDArray[np.int64]) -> None:
        """Charge inferences, the search for the largest output included; counts as for :meth:`passes`."""
        runs = int(counts[0, RUNS])
        each = inference_instructions(program, self.core) if runs else 0.0
        self._charge(stage, program, sum(effort.macs(program.instructions, counts)), runs, each)

    def _charge(self, stage, program, products, runs, each):
        """Add MACs, and ``runs`` times the instructions of one, None if they are not known."""
        before = self.instructions[stage]
        self.macs[stage] += products
        self.instructions[stage] = None if before is None or each is None else float(before + runs * each)
        if each is None:
            known = (measured(self.core) or {"formulas": ()})["formulas"]
            self.unmeasured = sorted({*self.unmeasured, *(i.name for i in program.instructions if i.name not in known)})

    def resume(self, macs: Mapping[str, int], instructions: Mapping[str, float | None], unmeasured: Iterable[str]) -> None:
        """Go on from what was charged before; KeyError for a stage that is not there."""
        self.macs = {stage: int(macs[stage]) for stage in STAGES}
        self.instructions = {stage: instructions[stage] for stage in STAGES}
        self.unmeasured = list(unmeasured)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON: {"STAGE_macs", "all_macs": int, "instructions": as :func:`instruction_row` has them}."""
        figures: dict[str, Any] = {f"{stage}_macs": value for stage, value in self.macs.items()}
        figures["all_macs"] = sum(self.macs.values())
        return figures | {"instructions": instruction_row(self.core, self.instructions, self.unmeasured)}


def instruction_row(core: str, instructions: Mapping[str, float | None], unmeasured: Iterable[str] = ()) -> dict[str, Any]:
    """{"core", each stage, "all", "reason"}: instructions, None where they are not known, and why they are not, or None."""
    stages = [instructions[stage] for stage in STAGES]
    known = [value for value in stages if value is not None]
    reason = None
    if len(known) < len(stages):
        names = ", ".join(unmeasured)
        reason = f"{names} not measured on {core}" if measured(core) else "instructions of this core were not measured"
    return {"core": core, **dict(zip(STAGES, stages)), "all": sum(known) if reason is None else None, "reason": reason}


def mean_instructions(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds of what :func:`instruction_row` returns; None where one of them is."""
    row = dict(rows[0])
    for stage in (*STAGES, "all"):
        values = [each[stage] for each in rows]
        row[stage] = None if None in values else sum(values) / len(values)
    row["reason"] = next((each["reason"] for each in rows if each["reason"]), None)
    return row
