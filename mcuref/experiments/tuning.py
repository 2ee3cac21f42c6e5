"""Settings fair to all: each method of a row gets as many candidates, judged on a validation split of the training set.

What is chosen lies with the score of every candidate in tuned/<row>.json, which rows read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuref.experiments.entries import Entry
from mcuref.experiments.protocols import TrainingProtocol
from mcuref.experiments.reproduction import METHODS, Method, RowRun, described
from mcuref.metrics import deviation

SEEDS = (0, 1, 2)
COARSE = (0.5, 1.0, 2.0, 4.0)  # times the protocol's rate, of methods with three settings to try
FINE = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0)  # of those with one
WITHIN = 0.003  # below the best setting's score, a setting that spends less is taken
RULE = (
    "of each setting the rate of the best mean score; of the settings within .3 points of the best one that of the least "
    "total effort"
)


def candidates(method: Method, protocol: TrainingProtocol) -> list[dict[str, Any]]:
    """{"learning_rate", "settings"} of each that is tried."""
    factors = FINE if len(method.tried) == 1 else COARSE
    rates = [float(f"{factor * protocol.learning_rate:.3g}") for factor in factors]
    return [{"learning_rate": rate, "settings": dict(settings)} for settings in method.tried for rate in rates]


def tune(run: RowRun, methods: Sequence[str], seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """``mcuref.tuned/1``: for each method what was tried, what it came to, and what is chosen.

    run : of the validation side, without anything tuned. A method that is as long as another one spends is tuned last,
    beside that one's choice.
    """
    found: dict[str, Any] = {}
    for name in sorted(methods, key=lambda name: METHODS[name].shorter != ""):
        method = METHODS[name]
        tried = candidates(method, run.protocol)
        entries = {str(i): method.entry(run.protocol, one) for i, one in enumerate(tried)}
        if method.shorter:
            entries = _shortened(run, name, entries, found, seeds)
        runs = run.runs(entries, seeds)
        scored = [one | _score(entries[str(i)], runs[str(i)]) for i, one in enumerate(tried)]
        chosen = choice(scored)
        found[name] = {"chosen": {key: chosen[key] for key in ("learning_rate", "settings")}, "candidates": scored}
    every = [one for method in found.values() for one in method["candidates"]]
    return {
        "schema": "mcuref.tuned/1",
        "row": run.row.name,
        "data": run.row.data,
        "model": run.row.model,
        "regime": run.row.regime,
        "evaluated_on": run.evaluate,
        "rule": RULE,
        "seeds": list(seeds),
        "trainings": len(every) * len(seeds),
        "macs": sum(one["macs"] for one in every),
        "methods": {name: found[name] for name in methods},
    }


def _shortened(run, name, entries, found, seeds):
    """The entries as short as makes full training, at its own choice, spend what another method spends at its choice."""
    method = METHODS[name]
    goal = _chosen(found[method.equal])["total_effort"]
    full = METHODS["full"].entry(run.protocol, found["full"]["chosen"])
    short = shortened(run, full, goal, method.shorter, seeds)
    return {key: Entry(**vars(entry) | {"epochs": short.epochs, "share": short.share}) for key, entry in entries.items()}


def _score(entry, runs):
    """Means over seeds of a candidate; a run that does not stay finite is worth nothing."""
    told = {"epochs": entry.epochs, "share": entry.share, "rule": described(entry)["rule"]}
    macs = sum(run["macs"] for run in runs if run is not None)
    if None in runs:
        return told | {"accuracy": None, "accuracy_std": None, "total_effort": None, "backward_effort": None, "macs": macs}
    scores = [run["accuracy"] for run in runs]
    means = {name: float(np.mean([run[name] for run in runs])) for name in ("total_effort", "backward_effort")}
    return told | {"accuracy": float(np.mean(scores)), "accuracy_std": deviation(scores), **means, "macs": macs}


def choice(scored: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What `RULE` takes of candidates; the first of equals."""
    best: dict[str, Any] = {}
    for one in scored:
        key = str(one["settings"])
        if one["accuracy"] is not None and (key not in best or one["accuracy"] > best[key]["accuracy"]):
            best[key] = one
    limit = max(one["accuracy"] for one in best.values()) - WITHIN
    return min((one for one in best.values() if one["accuracy"] >= limit), key=lambda one: one["total_effort"])


def _chosen(found):
    """The candidate that was chosen."""
    return next(one for one in found["candidates"] if all(one[key] == value for key, value in found["chosen"].items()))
