"""Strategies side by side on one stream that drifts: each portion is first predicted, then learned."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.datasets.data import Data
from mcuref.incremental.drift import KINDS, PORTIONS, DriftScenario, Portion, changes, drifting_scenario
from mcuref.incremental.experiment import Experiment
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.metrics import matrix_metrics
from mcuref.incremental.pieces import SCALARS, row_of
from mcuref.incremental.prequential import prequential_accuracy, reactions
from mcuref.incremental.protocols import find_protocol
from mcuref.incremental.repetition import MOST_TASKS
from mcuref.incremental.scenario import Task
from mcuref.incremental.setting import NEVER, Setting
from mcuref.models.description import Model

CONCEPTS = ("old", "new")
_OF_TASKS = matrix_metrics([[0.0]], [0.0])
WORK = tuple(name for name in SCALARS if name not in _OF_TASKS)  # figures that do not rest on tasks
LEARNED = ("prequential_accuracy", *(f"accuracy_{concept}" for concept in CONCEPTS), "accuracy_before", "accuracy_drop")


class DriftExperiment(Experiment):
    """One table: an :class:`Experiment` whose tasks are the portions of a stream.

    Before a portion is learned it is predicted by the model as it is then; the first one is learned alone, since no class
    is known yet. After each portion the test side is judged in the old and in the new concept. The strategy "never" is
    "fixed-large" that learns no more from the portion on in which the first change begins.

    A phase of training has as many steps as make those of `MOST_TASKS` tasks over the whole stream; a portion goes on from
    the present weights (``keep`` 1) and is itself trained on once, with stored samples in between (``stream_pass``), since
    of the slots it gets so small a part. The setting may say otherwise.

    Parameters
    ----------
    data, model, setting, others : as of :class:`Experiment`; ``setting.drift`` says which course the change takes.

    Raises
    ------
    InputError : the data has no change of its samples, or anything else is wrong.
    """

    scenario: DriftScenario

    def __init__(self, data: Data, model: Model | str, setting: Setting, **others: Any) -> None:
        self.course = arguments.one_of("drift", setting.drift, KINDS)
        steps = find_protocol(data.name).steps * MOST_TASKS // PORTIONS
        given = {"steps": steps, "keep": 1.0, "stream_pass": True} | dict(setting.given)
        super().__init__(data, model, replace(setting, given=tuple(given.items())), **others)

    def what_arrives(self) -> DriftScenario:
        """The stream, in portions."""
        return drifting_scenario(self.data, self.course)

    def arriving(self, task: Task) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(samples, labels) that a portion brings, as far changed as they are by then."""
        return self.scenario.samples(cast(Portion, task))

    def held_out(self, tasks: list[Task]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(samples, labels) to verify on after these portions, of the concepts of the last one."""
        return self.scenario.held_out(cast(list[Portion], tasks))

    @property
    def begins(self) -> list[int]:
        """Portions in which a change begins, list of int."""
        return changes(self.scenario.kind, self.scenario.count)

    def learned(
        self, learner: IncrementalLearner, name: str, tasks: list[Task], rows: list[dict[str, Any]], reference: float | None
    ) -> dict[str, Any]:
        """The row of the last of these portions, now that it is predicted and learned; with "prequential", accuracy."""
        x, y = self.arriving(tasks[-1])
        before = {"prequential": float(np.mean(learner.predict(x) == y)) if rows else None}
        if name == NEVER and len(rows) >= self.begins[0]:
            nothing = {"samples": 0, "new_classes": [], "stored": {}, "growths": []}
            work = {"macs": dict.fromkeys(rows[-1]["macs"], 0)}
            return rows[-1] | {"task": len(tasks), "accuracy": rows[-1]["verified"]} | nothing | work | before
        return super().learned(learner, name, tasks, rows, reference) | before

    def _judged(self, learner, tasks):
        """Accuracy on the test side in the old and in the new concept, list of float."""
        return [float(np.mean(learner.predict(x) == self.data.y_test)) for x in self.scenario.concepts]

    def _task_row(self, learner, row, accuracies, tasks):
        mean = {"per_task": accuracies, "accuracy": float(np.mean(accuracies))}
        return super()._task_row(learner, row, accuracies, tasks) | mean

    def figures(self, seed: int, rows: list[dict[str, Any]], matrix: list[list[float]]) -> dict[str, Any]:
        """Prequential accuracy, what became of it at each change, and accuracy in both concepts; plain data."""
        accuracies, counts = [row["prequential"] for row in rows], self.scenario.counts
        changed = reactions(accuracies, counts, self.begins)
        return {
            "prequential": accuracies,
            "prequential_accuracy": prequential_accuracy(accuracies, counts),
            "changes": changed,
            "accuracy_before": float(np.mean([change["before"] for change in changed])),
            "accuracy_drop": float(np.mean([change["drop"] for change in changed])),
            "concepts": matrix,
            **{f"accuracy_{concept}": accuracy for concept, accuracy in zip(CONCEPTS, matrix[-1])},
        }

    def row(self, name: str, results: list[dict[str, Any]]) -> dict[str, Any]:
        """A strategy: means over the seeds; "recovered", the part of all changes, and samples that those took, or None."""
        times = [change["recovery"] for result in results for change in result["changes"]]
        known = [time for time in times if time is not None]
        recovered = {
            "recovered": len(known) / len(times),
            "recovery_samples": float(np.mean(known)) if known else None,
            "prequential": [None, *np.mean([r["prequential"][1:] for r in results], axis=0).tolist()],
        }
        return row_of(name, results, ("concepts",), (*LEARNED, *WORK), LEARNED) | recovered
