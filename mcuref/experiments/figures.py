"""What follows from the runs of a row: means over seeds, paired differences, factors, each with its spread."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcuref.experiments.relations import advantage
from mcuref.metrics import deviation

Result = Mapping[str, Any]  # of a row, as mcuref.experiments.reproduction makes it
COLUMNS = ("total_effort", "backward_effort", "skipped", "rested", "instructions")
OF_FULL = {"total_of_full": "total_effort", "backward_of_full": "backward_effort", "instructions_of_full": "instructions"}


def column(runs: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """A figure of each run, in the order of seeds."""
    return [run[name] for run in runs]


def summary(result: Result) -> list[dict[str, Any]]:
    """A line a method: ``accuracy``, ``drop`` below full training on the same seeds, and what it took; each with _std.

    Beside the columns of the runs: what a run took over what full training took on the same seed, ``..._of_full``. None
    where there is no full training, and of instructions where they are not known.
    """
    full = result["methods"].get("full")
    return [_line(name, method, full) for name, method in result["methods"].items()]


def _line(name, method, full):
    runs = method["per_seed"]
    line = {"name": name} | {key: value for key, value in method.items() if key != "per_seed"}
    line |= _spread("accuracy", column(runs, "accuracy"))
    reference = None if full is None else full["per_seed"]
    line |= _spread("drop", reference and [a - b for a, b in zip(column(reference, "accuracy"), column(runs, "accuracy"))])
    for key in COLUMNS:
        line |= _spread(key, column(runs, key))
    for key, of in OF_FULL.items():
        line |= _spread(key, reference and _ratios(column(runs, of), column(reference, of)))
    return line


def _ratios(own, reference):
    pairs = list(zip(own, reference))
    return None if any(a is None or not b for a, b in pairs) else [a / b for a, b in pairs]


def _spread(name, values):
    """{name: mean, name_std: deviation over seeds}; None where a value is."""
    if not values or None in values:
        return {name: None, f"{name}_std": None}
    return {name: float(np.mean(values)), f"{name}_std": deviation(values)}


def factor(result: Result, name: str) -> dict[str, Any] | None:
    """How many times less backward effort a method has than static top-k of equal accuracy, seed by seed.

    {"factor": mean, "factor_std", "per_seed", "bounds": as of
    `mcuref.experiments.relations.advantage`}; None without that method or the sweep, or where it trained nothing.
    """
    sweep = [method["per_seed"] for method in result["methods"].values() if method["preset"] == "sweep"]
    if name not in result["methods"] or not sweep:
        return None
    runs = result["methods"][name]["per_seed"]
    found = [advantage(run, [ratio[i] for ratio in sweep]) for i, run in enumerate(runs)]
    factors = [one["factor"] for one in found]
    if None in factors:
        return None
    return _spread("factor", factors) | {"per_seed": factors, "bounds": column(found, "bound")}


def beside(result: Result, name: str, other: str) -> dict[str, Any]:
    """Points that a method is above another one on the same seeds: mean, deviation, standard error."""
    own, others = (column(result["methods"][which]["per_seed"], "accuracy") for which in (name, other))
    differences = [100 * (a - b) for a, b in zip(own, others)]
    return _spread("points", differences) | {"error": deviation(differences) / len(differences) ** 0.5}
