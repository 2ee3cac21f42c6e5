"""Methods side by side: same start weights, same order, same epochs and learning rate, one row a method."""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np

from mcuref import rules
from mcuref.experiments.entries import Entries, Entry
from mcuref.experiments.inference import inference_row
from mcuref.experiments.kinds import Kind
from mcuref.experiments.pieces import trainings
from mcuref.experiments.relations import drops, relate
from mcuref.experiments.shared import Shared
from mcuref.experiments.store import PieceStore
from mcuref.metrics import deviation
from mcuref.models import build


class Comparison(Shared):
    """A table: rows of entries.

    Seeds and methods are independent, so they run on all cores there are; what comes out does not depend on how many.
    Parameters are those of :class:`mcuref.experiments.shared.Shared`.
    """

    def run(
        self, entries: Entries, executor: Executor | None = None, store: PieceStore | None = None
    ) -> list[dict[str, Any]]:
        """Rows of entries, {key: :class:`mcuref.experiments.entries.Entry`}, of each kind, one behind the other.

        Drops are against the row of its kind whose method is full, and against float32. Of a model that comes as int8 the
        first row is of the method none: the model as it is, on the same test samples.

        executor : as of :func:`mcuref.experiments.spreading.spread`; rows do not depend on it.
        store : :class:`mcuref.experiments.store.PieceStore` or None: what it has is not trained again, and what is trained
            it keeps.
        """
        self.check(entries)
        rows = self.rows({(kind, key): entry for kind in self.kinds for key, entry in entries.items()}, executor, store)
        relate(rows, reference(entries))
        untouched = [self._untouched(list(rows.values()))] if self.given == "int8" else []
        return untouched + list(rows.values())

    def rows(
        self, entries: Mapping[tuple[Kind, str], Entry], executor: Executor | None = None, store: PieceStore | None = None
    ) -> dict[tuple[Kind, str], dict[str, Any]]:
        """Rows by kind and key, not yet related to one another."""
        results = trainings(self, entries, executor, store)
        return {
            (kind, key): self._row(kind, entry, [results[kind, key, seed] for seed in self.seeds])
            for (kind, key), entry in entries.items()
        }

    def _untouched(self, rows):
        """The row of a model that is not trained, beside those that are: what they gain is their drop below it, negative."""
        model = build(self.model, self.data)
        row = inference_row(model, self.second, self.loss, self.budget)
        row |= {"per_seed": row["per_seed"] * len(self.seeds)}
        full = next((other for other in rows if other["method"] == "full"), None)
        return row | drops("accuracy_drop", full, row)

    def _row(self, kind, entry, results):
        scores = [result["score"] for result in results]
        instructions = [result["instructions"] for result in results]
        protocol = self.protocol_of(entry)
        return {
            "method": entry.method,
            "preset": entry.preset,
            **kind._asdict(),
            "epochs": protocol.epochs,
            "share": float(entry.share),
            "learning_rate": protocol.learning_rate,
            "trainable": self.trained_of(entry),
            "metric": results[0]["metric"],
            "accuracy": float(np.mean(scores)),
            "accuracy_std": deviation(scores),
            "per_seed": scores,
            "accuracy_drop": None,
            "accuracy_drop_std": None,
            "dtype_drop": None,
            "dtype_drop_std": None,
            "backward_effort": float(np.mean([result["backward_effort"] for result in results])),
            "backward_effort_nonzero": None,
            "total_effort": float(np.mean([result["total_effort"] for result in results])),
            "samples_skipped": sum(r["samples_skipped"] for r in results) / sum(r["samples_shown"] for r in results),
            "samples_rested": sum(r["samples_rested"] for r in results) / sum(r["samples_shown"] for r in results),
            "mean_ratio_per_layer": _mean_ratios([result["mean_ratio_per_layer"] for result in results]),
            "counts": {name: sum(result["counts"][name] for result in results) for name in results[0]["counts"]},
            "instructions_per_step": None if instructions[0] is None else float(np.mean(instructions)),
            "settings": rules.settings_of(entry.rule),
            "sram_bytes": results[0]["sram_bytes"],
            "flash_bytes": results[0]["flash_bytes"],
            "timing": {"seconds": sum(result["seconds"] for result in results)},
        }


def reference(entries: Entries) -> str | None:
    """The key of full training as the protocol has it, or of the first full training; None if there is none."""
    full = [key for key, entry in entries.items() if entry.method == "full"]
    whole = [key for key in full if (entries[key].epochs, entries[key].share, entries[key].trainable) == (None, 1, None)]
    return next(iter(whole + full), None)


def _mean_ratios(results):
    layers = zip(*results)
    return [
        {"layer": rows[0]["layer"]} | {key: float(np.mean([row[key] for row in rows])) for key in ("ratio", "kept_ratio")}
        for rows in layers
    ]
