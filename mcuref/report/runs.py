"""A run on disk: report.json, history.csv, memory.csv, weights.npz; it appears whole or not at all."""

import csv
from dataclasses import asdict

import numpy as np

from mcuref.files import new_folder, write_json
from mcuref.report.json import budget_json
from mcuref.report.memory import memory_map


def training_report(trainer, result, method, preset, regime, evaluated, seconds):
    """``mcuref.train/1``: what was trained how, what came of it, and what it needed."""
    program = trainer.program
    return {
        "schema": "mcuref.train/1",
        "data": trainer.data.name,
        "evaluated_on": evaluated,
        "model": program.network.name,
        "regime": regime,
        "method": method,
        "preset": preset,
        "settings": asdict(program.rule),
        "optimiser": asdict(program.optimiser),
        "loss": program.loss,
        "dtype": "float32",
        "seed": trainer.seed,
        "epochs": trainer.epochs,
        "trainable_layers": [program.network.names[i] for i in program.trainable],
        "budget": budget_json(program.budget),
        **{name: value for name, value in result.as_dict().items() if name not in ("score", "history")},
        result.metric: result.score,
        "history": result.history,
        "memory": program.report(),
        "timing": {"seconds": seconds},
    }


def write_run(folder, trainer, report):
    """Make the run folder; InputError if it cannot be, and then nothing is left of it."""
    with new_folder(folder) as part:
        write_json(part / "report.json", report)
        history = report["history"]
        _write_csv(part / "history.csv", list(history[0]), [list(row.values()) for row in history])
        _write_csv(part / "memory.csv", *memory_map(trainer.program))
        np.savez(part / "weights.npz", **trainer.program.parameters())


def _write_csv(path, header, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
