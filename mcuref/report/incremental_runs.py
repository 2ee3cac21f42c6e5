"""An experiment of incremental learning on disk: report.json, accuracy.csv, memory.csv, what was stored, and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mcuref.errors import InputError
from mcuref.files import new_file, write_json
from mcuref.incremental.smallest import smallest_fixed
from mcuref.models import label
from mcuref.report.json import budget_json
from mcuref.report.learned import nothing_learned
from mcuref.runs import checkpoints
from mcuref.runs.results import REPORT, complete, write_csv

if TYPE_CHECKING:
    from mcuref.incremental.experiment import Experiment


PICTURES = ("accuracy.png", "size.png", "matrix.png", "stored.png")


def incremental_report(experiment: Experiment, rows: list[dict[str, Any]], evaluated: str, seconds: float) -> dict[str, Any]:
    """``mcuref.incremental/1``."""
    scenario = experiment.scenario
    return {
        "schema": "mcuref.incremental/1",
        "data": experiment.data.name,
        "evaluated_on": evaluated,
        "model": label(experiment.model.name),
        "scenario": {"kind": scenario.kind, "tasks": scenario.count},
        "seeds": list(experiment.setting.seeds),
        "budget": budget_json(experiment.budget),
        **experiment.settings(),
        "strategies": rows,
        "smallest_fixed": smallest_fixed(experiment, rows),
        "growth": next((row["per_seed"] for row in rows if row["name"] == "growing"), None),
        "warnings": _warnings(experiment, rows),
        "timing": {"seconds": seconds},
    }


def _warnings(experiment, rows):
    """Strategies that ended no better than one answer for every sample of every task."""
    labels = experiment.data.y_test
    parts = [[labels[task.test] for task in experiment.scenario.tasks(seed)] for seed in experiment.setting.seeds]
    return nothing_learned({row["name"]: row["average_accuracy"] for row in rows}, "accuracy", parts)


def write_experiment(folder: Path | str, experiment: Experiment, report: dict[str, Any]) -> str | None:
    """Write the results into the run folder, their sha256 last; pictures too where matplotlib is installed.

    Returns a sentence if pictures could not be drawn, else None.
    """
    folder = Path(folder)
    with new_file(folder / "accuracy.csv") as part:
        write_csv(part, ["strategy", "seed", "after_task", "task", "accuracy"], _accuracies(report))
    write_places(folder, experiment)
    samples, labels = experiment.stored_samples()
    with new_file(folder / "stored.npz") as part, open(part, "wb") as file:
        np.savez(file, x=samples, y=labels)
    missing = _draw(folder, experiment, report, samples, labels)
    checkpoints.drop_previous(folder)
    write_json(folder / REPORT, report)
    complete(folder, "accuracy.csv", "memory.csv", "stored.npz", *PICTURES)
    return missing


_PLACES = ("name", "region", "offset", "bytes", "category", "stages")


def write_places(folder: Path, experiment: Experiment) -> None:
    """Write memory.csv: where everything lies at the end, of every strategy and seed."""
    with new_file(folder / "memory.csv") as part:
        write_csv(part, ["strategy", "seed", *_PLACES], _places(experiment))


def _accuracies(report):
    for strategy in report["strategies"]:
        for result in strategy["per_seed"]:
            for i, row in enumerate(result["accuracy_matrix"], 1):
                for j, accuracy in enumerate(row, 1):
                    yield strategy["name"], result["seed"], i, j, accuracy


def _places(experiment):
    for strategy in experiment.strategies:
        for seed in experiment.setting.seeds:
            for row in experiment.learners[strategy, seed].memory.where():
                yield strategy, seed, *(row[name] for name in _PLACES)


def _draw(folder, experiment, report, samples, labels):
    """Draw all pictures, then write them: what cannot be drawn is told, what cannot be written stops the run."""
    from mcuref.report.incremental_plots import draw_report, draw_samples, write_pictures

    try:
        pictures = draw_report(report)
        if len(samples) and report["latent"] is None:  # features are no pictures
            names = experiment.data.class_names
            pictures["stored.png"] = draw_samples(samples, labels, experiment.data.kind, names, "stored.png")
    except InputError as error:
        return str(error)
    write_pictures(pictures, folder)
    return None
