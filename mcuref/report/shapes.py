"""What a report has to be for its tables and pictures to be made again: one that was read, not one just made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcuref import plain
from mcuref.errors import InputError, McurefError
from mcuref.incremental.keeping import TASK

TRAINED = {
    **dict.fromkeys(("data", "model", "method", "preset", "regime", "metric", "evaluated_on", "dtype"), str), "seed": int,
    "input": dict,
    "history": [{"epoch": int, "samples": int, "skipped": int, "loss": float, "backward_effort": float}],
    "backward_effort": float, "total_effort": float, "timing": {"seconds": float},
    "counts": dict.fromkeys(("forward", "propagate", "weight_gradient", "update", "comparisons"), int),
    "memory": {"regions": {"sram": {"planned": int}, "flash": {"planned": int}}},
}  # fmt: skip
IN_INT8 = {
    **dict.fromkeys(("update", "scales", "deployed"), str), "headroom": (float, None), "exponents": {str: int},
    "saturation": [{"layer": str, **dict.fromkeys(("weights_before", "weights", "activations", "errors"), (float, None))}],
}  # fmt: skip
FIGURES = {"score": float, "sram_bytes": int, "flash_bytes": int}
QUANTISED = {
    **dict.fromkeys(("data", "model", "metric", "evaluated_on"), str), "float32": FIGURES, "int8": FIGURES,
    "calibration": {
        "method": str, "percentile": (float, None), "samples": int,
        "layers": [{
            "layer": str, "activation": (str, None), "low": (float, None), "high": (float, None), "outside": (float, None),
            "scale": float, "zero": int, "weights_at_limit": (int, None), "biases_clamped": (int, None),
        }],
    },
}  # fmt: skip
GROWN = {"seed": int, "accuracy_matrix": [[float]], "tasks": [TASK]}
SEED = GROWN | {"stages": [{"stage": str, "sram": int, "buffers": {str: int}}]}
STRATEGY = {
    "name": str, "accuracy_matrix": [[float]], "per_seed": [SEED],
    **dict.fromkeys(("stored_bytes", "sram_peak", "flash_peak"), int),
    **dict.fromkeys(
        ("average_accuracy", "average_accuracy_std", "average_incremental_accuracy", "forgetting", "forgetting_std",
         "stored_share", "inference_macs_final", "inference_macs_mean", "training_macs", "distillation_macs",
         "verification_macs"), float),
}  # fmt: skip
CHARGED = {  # of strategies, what reports have not had from the beginning: all of them have it, or none
    "raw_pool_bytes": int, "growth_macs": float, "all_macs": float,
    "instructions": {"all": (float, None), "reason": (str, None)},
}  # fmt: skip
LEARNED = {
    **dict.fromkeys(("data", "model", "evaluated_on"), str), "scenario": {"kind": str, "tasks": int}, "seeds": [int],
    "criterion": {str: (float, None)}, "held_out_samples": int,
    "recipe": {"verification": {"source": str, "per_class": int}}, "budget": (dict, None), "strategies": [STRATEGY],
    "growth": (list, None), "smallest_fixed": (dict, None),
}  # fmt: skip
DRIFTED = {
    **dict.fromkeys(("schema", "data", "model", "evaluated_on"), str), "seeds": [int], "budget": (dict, None),
    "drift": {"kind": str, "portions": int, "samples": [int], "changes": [int]}, "warnings": [str],
    "strategies": [{
        "name": str, **dict.fromkeys(("stored_bytes", "sram_peak", "flash_peak", "raw_pool_bytes"), int),
        **dict.fromkeys(
            (*(f"{name}{end}" for end in ("", "_std") for name in ("prequential_accuracy", "accuracy_old", "accuracy_new",
             "accuracy_before", "accuracy_drop")), "stored_share", "inference_macs_mean", "training_macs",
             "distillation_macs", "verification_macs", "growth_macs", "all_macs"), float),
        "per_seed": [{"prequential": [(float, None)], "changes": [{"recovery": (int, None)}]}],
    }],
}  # fmt: skip
OPTIONAL = {
    "budget": {"name": str}, "growth": [GROWN], "smallest_fixed": {"widths": [[int]], "inference_macs": float},
}  # fmt: skip


@contextmanager
def read_again(folder: Path | str) -> Iterator[None]:
    """InputError, one sentence, for whatever comes of a report in a run folder that is none; other errors pass."""
    try:
        yield
    except McurefError:
        raise
    except plain.NONSENSE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"run folder {str(folder)!r} has a report that cannot be shown: {reason}") from None


def check_report(report: Any, command: str) -> None:
    """ValueError, which says where, unless a report is such as a command makes."""
    if command == "train":
        plain.check(report, TRAINED | {"schema": str})
        plain.check(report, {report["metric"]: float})
        plain.check(report["history"], [{report["metric"]: float}], "it.history")
        if report["dtype"] == "int8":
            plain.check(report, IN_INT8 | {"schema": str})
    elif command == "quantise":
        plain.check(report, QUANTISED | {"schema": str})
    elif command == "drift":
        plain.check(report, DRIFTED)
        _check_drifted(report)
    else:
        plain.check(report, LEARNED | {"schema": str})
        _check_learned(report)
    if report["schema"] != f"mcuref.{command}/1":
        raise ValueError(f"its schema is {report['schema'][:60]!r}")


def _check_drifted(report):
    """The same for what a shape cannot say: a result for each seed, a figure for each portion."""
    if report["budget"] is not None:
        plain.check(report["budget"], OPTIONAL["budget"], "it.budget")
    drift, seeds = report["drift"], len(report["seeds"])
    results = [row["per_seed"] for row in report["strategies"]]
    if not (seeds and results and all(len(mine) == seeds for mine in results)):
        raise ValueError("it does not have a result for each strategy and seed")
    figures = [drift["samples"], *(one["prequential"] for mine in results for one in mine)]
    if drift["portions"] < 2 or {len(part) for part in figures} != {drift["portions"]}:
        raise ValueError(f"it does not have a figure for each of its {drift['portions']} portions")


def _check_learned(report):
    """The same for what a shape cannot say: that all has one length, a task or a seed."""
    for name, shape in OPTIONAL.items():
        if report[name] is not None:
            plain.check(report[name], shape, f"it.{name}")
    charged = {name: shape for name, shape in CHARGED.items() if any(name in row for row in report["strategies"])}
    plain.check(report["strategies"], [charged], "it.strategies")
    tasks, seeds = report["scenario"]["tasks"], len(report["seeds"])
    per_seed = [row["per_seed"] for row in report["strategies"]]
    several = [*per_seed, *([report["growth"]] if report["growth"] else [])]
    rows = [*report["strategies"], *(result for results in several for result in results)]
    if not (tasks and seeds and per_seed and all(len(results) == seeds for results in several)):
        raise ValueError("it does not have a result for each strategy and seed")
    matrices = [row["accuracy_matrix"] for row in rows]
    lengths = {len(part) for matrix in matrices for part in (matrix, *matrix)}
    lengths |= {len(row["tasks"]) for row in rows if "tasks" in row}
    if lengths != {tasks}:
        raise ValueError(f"it does not have a figure for each of its {tasks} tasks")
