"""A stream that drifted on disk: report.json, prequential.csv, memory.csv and the picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcuref.errors import InputError
from mcuref.files import new_file, write_json
from mcuref.models import label
from mcuref.report.incremental_runs import write_places
from mcuref.report.json import budget_json
from mcuref.report.learned import nothing_learned
from mcuref.runs import checkpoints
from mcuref.runs.results import REPORT, complete, write_csv

if TYPE_CHECKING:
    from mcuref.incremental.drifting import DriftExperiment


def drift_report(experiment: DriftExperiment, rows: list[dict[str, Any]], evaluated: str, seconds: float) -> dict[str, Any]:
    """``mcuref.drift/1``."""
    scenario = experiment.scenario
    return {
        "schema": "mcuref.drift/1",
        "data": experiment.data.name,
        "evaluated_on": evaluated,
        "model": label(experiment.model.name),
        "drift": {
            "kind": scenario.kind,
            "portions": scenario.count,
            "samples": scenario.counts,
            "changes": experiment.begins,
        },
        "seeds": list(experiment.setting.seeds),
        "budget": budget_json(experiment.budget),
        **experiment.settings(),
        "strategies": rows,
        "warnings": _warnings(experiment, rows),
        "timing": {"seconds": seconds},
    }


def _warnings(experiment, rows):
    """Strategies that were no better on the way than one answer for every sample."""
    labels = [[experiment.data.y_test] for _ in experiment.setting.seeds]
    return nothing_learned({row["name"]: row["prequential_accuracy"] for row in rows}, "accuracy", labels)


def write_drift(folder: Path | str, experiment: DriftExperiment, report: dict[str, Any]) -> str | None:
    """Write the results into the run folder, their sha256 last; the picture too where matplotlib is installed.

    Returns a sentence if it could not be drawn, else None.
    """
    from mcuref.report.drift_plots import draw_drift
    from mcuref.report.incremental_plots import write_pictures

    folder = Path(folder)
    with new_file(folder / "prequential.csv") as part:
        write_csv(part, ["strategy", "seed", "portion", "samples", "prequential", "old", "new"], _portions(report))
    write_places(folder, experiment)
    try:
        pictures, missing = draw_drift(report), None
    except InputError as error:
        pictures, missing = {}, str(error)
    write_pictures(pictures, folder)
    checkpoints.drop_previous(folder)
    write_json(folder / REPORT, report)
    complete(folder, "prequential.csv", "memory.csv", "prequential.png")
    return missing


def _portions(report):
    for strategy in report["strategies"]:
        for result in strategy["per_seed"]:
            rows = zip(report["drift"]["samples"], result["prequential"], result["concepts"])
            for number, (count, prequential, concepts) in enumerate(rows, 1):
                yield strategy["name"], result["seed"], number, count, prequential, *concepts
