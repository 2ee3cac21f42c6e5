"""Settings fair to all: each method of a row gets as many candidates, judged on a validation split of the training set.

What is chosen lies with the score of every candidate in tuned/<row>.json, which rows read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcuref.errors import InputError
from mcuref.experiments.protocols import TrainingProtocol
from mcuref.experiments.reproduction import METHODS, Method, RowRun, mean_of
from mcuref.metrics import deviation

COARSE = (0.7, 1.4, 2.8, 5.6)  # times the protocol's rate, of methods with three settings to try
FINE = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0)  # of those with one
WITHIN = 0.003  # below the best setting's score, a setting that spends less is taken
TWICE = 1.9  # times a rate: from here on the next one that was tried counts as twice as high
RULE = (
    "of each setting the rate whose mean score, averaged with that of twice the rate, is best; of the settings within .3 "
    "points of the best one that of the least total effort"
)


def candidates(method: Method, protocol: TrainingProtocol) -> list[dict[str, Any]]:
    """{"learning_rate", "settings"} of each that is tried."""
    factors = FINE if len(method.tried) == 1 else COARSE
    rates = [float(f"{factor * protocol.learning_rate:.3g}") for factor in factors]
    return [{"learning_rate": rate, "settings": dict(settings)} for settings in method.tried for rate in rates]


def tune(run: RowRun, methods: Sequence[str]) -> dict[str, Any]:
    """``mcuref.tuned/1``: for each method what was tried, what it came to, and what is chosen.

    run : of the validation side, without anything tuned. A method that is as long as another one spends is tuned last,
    beside that one's choice, and is left out if nothing is as short.
    """
    found: dict[str, Any] = {}
    for name in sorted(methods, key=lambda name: METHODS[name].shorter != ""):
        tried = candidates(METHODS[name], run.protocol)
        length = _length(run, name, found)
        if length is None:
            continue
        entries = {str(i): replace(METHODS[name].entry(run.protocol, one), **length) for i, one in enumerate(tried)}
        runs = run.runs(entries)
        scored = [one | _score(runs[str(i)]) for i, one in enumerate(tried)]
        chosen = {key: value for key, value in choice(scored).items() if key in ("learning_rate", "settings")}
        found[name] = {"chosen": chosen, "seeds": list(run.seeds), **length, "candidates": scored}
    return {
        "schema": "mcuref.tuned/1",
        "row": run.row.name,
        "data": run.row.data,
        "model": run.row.model,
        "regime": run.row.regime,
        "evaluated_on": run.evaluate,
        "rule": RULE,
        "methods": {name: found[name] for name in methods if name in found},
    }


def joined(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What was tuned of a row at two times, in the order of `METHODS`; what was tuned anew as it is now."""
    methods = {**old["methods"], **new["methods"]}
    return {**new, "methods": {name: methods[name] for name in METHODS if name in methods}}


def cost(tuning: Mapping[str, Any]) -> tuple[int, int]:
    """(trainings, MACs) of a search; those that find how long runs may be are not in it."""
    every = [(one, found["seeds"]) for found in tuning["methods"].values() for one in found["candidates"]]
    return sum(len(seeds) for _, seeds in every), sum(one["macs"] for one, _ in every)


def _length(run, name, found):
    """{"epochs", "share"} of a method: as short as full training, at its choice, is at what another spends at its choice.

    None if nothing is as short.
    """
    if not METHODS[name].shorter:
        return {"epochs": None, "share": 1.0}
    goal = _chosen(found[METHODS[name].equal])["total_effort"]
    short = run.shortened(name, METHODS["full"].entry(run.protocol, found["full"]["chosen"]), goal)
    return None if short is None else {"epochs": short.epochs, "share": short.share}


def _score(runs):
    """Means over seeds of a candidate; None where a run did not stay finite: such a candidate is never chosen."""
    macs = sum(run["macs"] for run in runs if run is not None)
    if None in runs:
        return {"accuracy": None, "accuracy_std": None, "total_effort": None, "macs": macs}
    spread = {"accuracy_std": deviation([run["accuracy"] for run in runs])}
    return {"accuracy": mean_of(runs, "accuracy"), **spread, "total_effort": mean_of(runs, "total_effort"), "macs": macs}


def choice(scored: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What `RULE` takes of candidates; the first of equals.

    A rate at the edge of what stays stable is good with some seeds and fails with others, so one that falls apart at twice
    the height is not taken, nor one of which that was not tried.
    """
    best: dict[str, tuple[float, Mapping[str, Any]]] = {}
    for one in scored:
        key, score = str(one["settings"]), _steady_score(one, scored)
        if score is not None and (key not in best or score > best[key][0]):
            best[key] = score, one
    if not best:
        raise InputError(f"none of the {len(scored)} candidates stays finite; the protocol's rate is too high")
    limit = max(score for score, _ in best.values()) - WITHIN
    return min((one for score, one in best.values() if score >= limit), key=lambda one: one["total_effort"])


def _steady_score(one, scored):
    """The mean of a candidate's score and that of its settings at twice the rate; None where there is none."""
    above = [o for o in scored if o["settings"] == one["settings"] and o["learning_rate"] >= TWICE * one["learning_rate"]]
    if not above:
        return None
    twice = min(above, key=lambda other: other["learning_rate"])
    if None in (one["accuracy"], twice["accuracy"]):
        return None
    return (one["accuracy"] + twice["accuracy"]) / 2


def _chosen(found):
    """The candidate that was chosen."""
    return next(one for one in found["candidates"] if all(one[key] == value for key, value in found["chosen"].items()))
