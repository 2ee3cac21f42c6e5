"""The pieces of an experiment: a strategy with a seed, through all tasks."""

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple, Protocol

import numpy as np

from mcuref.experiments.spreading import Owner, Piece, spread
from mcuref.incremental.charges import mean_instructions
from mcuref.incremental.criterion import Criterion
from mcuref.incremental.keeping import ExperimentCheckpoints, Kept
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.setting import Setting
from mcuref.incremental.state import State
from mcuref.metrics import deviation

SCALARS = (
    "average_accuracy", "average_incremental_accuracy", "forgetting", "backward_transfer", "forward_transfer",
    "stored_bytes", "stored_share", "raw_pool_bytes", "inference_macs_final", "inference_macs_mean", "training_macs",
    "growth_macs", "distillation_macs", "verification_macs", "all_macs", "training_steps", "samples_rested", "sram_peak",
    "flash_peak",
)  # fmt: skip


class Learned(NamedTuple):
    """What a strategy came to: its result; and task rows, rows of the accuracy matrix and the learner's state, as kept."""

    result: dict[str, Any]
    rows: list[dict[str, Any]]
    matrix: list[list[float]]
    state: State


class Learning(Owner, Protocol):
    """What these pieces ask of whom they belong to: :class:`mcuref.incremental.experiment.Experiment`."""

    setting: Setting
    criterion: Criterion
    keeper: ExperimentCheckpoints | None
    after_task: Callable[[int, str, list[dict[str, Any]]], Any] | None
    learners: dict[tuple[str, int], IncrementalLearner]

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of what learns."""

    def strategy(self, name: str, seed: int, kept: Kept | None, references: list[float] | None) -> Learned:
        """A strategy through all tasks, from where it was kept."""

    def resumed(
        self, name: str, seed: int, rows: list[dict[str, Any]], matrix: list[list[float]], state: State
    ) -> IncrementalLearner:
        """A learner where it was kept."""


def learn(experiment: Learning, name: str, seed: int, kept: Kept | None = None, large: Learned | None = None) -> Learned:
    """A strategy through all tasks, from where it was ``kept`` if it was.

    large : of "fixed-large", for a strategy whose criterion is relative to that.
    """
    references = None if large is None else [task["held_out_accuracy"] for task in large.result["tasks"]]
    return experiment.strategy(name, seed, kept, references)


def strategies(experiment: Learning, executor: Executor | None = None) -> dict[Hashable, Learned]:
    """What all strategies came to with all seeds, by (strategy, seed).

    In this process checkpoints are written after every task; what was done elsewhere is kept when it is complete.
    """
    within, keeper = experiment.criterion.within, experiment.keeper
    pieces: dict[Hashable, Piece] = {}
    for seed in experiment.setting.seeds:
        for name in experiment.strategies:
            relative = name == "growing" and within is not None
            kept = keeper.kept(seed, name) if keeper else None
            pieces[name, seed] = Piece(learn, (name, seed, kept), ("fixed-large", seed) if relative else None)

    def arrived(key: Any, learned: Learned) -> None:
        name, seed = key
        if key in experiment.learners:  # it was done here
            return
        experiment.learners[key] = experiment.resumed(name, seed, learned.rows, learned.matrix, learned.state)
        if keeper:
            keeper.keep(seed, name, learned.rows, learned.matrix, learned.state)
        if experiment.after_task:
            for count in range(1, len(learned.rows) + 1):
                experiment.after_task(seed, name, learned.rows[:count])

    return spread(experiment, pieces, executor, arrived=arrived)


def row_of(
    name: str,
    results: list[dict[str, Any]],
    matrices: Sequence[str] = ("accuracy_matrix",),
    scalars: Sequence[str] = SCALARS,
    spread: Sequence[str] = ("average_accuracy", "forgetting"),
) -> dict[str, Any]:
    """One strategy: means over the seeds, peaks their maximum; of what ``spread`` names the deviation too."""
    row = {"name": name} | {matrix: np.mean([r[matrix] for r in results], axis=0).tolist() for matrix in matrices}
    for scalar in scalars:
        values = [r[scalar] for r in results]
        largest = scalar in ("sram_peak", "flash_peak", "stored_bytes", "raw_pool_bytes")
        row[scalar] = max(values) if largest else float(np.mean(values))
    row["instructions"] = mean_instructions([r["instructions"] for r in results])
    row["fits"] = None if results[0]["fits"] is None else all(r["fits"] for r in results)
    for scalar in spread:
        row[f"{scalar}_std"] = deviation([r[scalar] for r in results])
    return row | {"per_seed": results}
