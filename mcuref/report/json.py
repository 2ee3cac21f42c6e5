"""Results as plain data under versioned schemas: integers for bytes, fractions 0..1, durations only under ``timing``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mcuref.memory.targets import Budget
from mcuref.models import label
from mcuref.runs.description import now, program_description

if TYPE_CHECKING:
    from mcuref.experiments.comparison import Comparison
    from mcuref.experiments.papers import Paper
    from mcuref.program.program import Program
    from mcuref.runs.training import Deployment
    from mcuref.training import Result, Trainer


def budget_json(budget: Budget | None) -> dict[str, Any] | None:
    """A budget, or null for no limit."""
    return None if budget is None else asdict(budget)


def training_report(
    trainer: Trainer,
    result: Result,
    method: str,
    preset: str,
    regime: str,
    evaluated: str,
    seconds: float,
    deployment: Deployment | None = None,
) -> dict[str, Any]:
    """``mcuref.train/1``: what was trained how, what came of it, and what it needed."""
    program = trainer.program
    return {
        "schema": "mcuref.train/1",
        "data": trainer.data.name,
        "evaluated_on": evaluated,
        "regime": regime,
        "preset": preset,
        **program_description(now(program)),
        "dtype": program.arithmetic.name,
        **({} if deployment is None else deployment.said),
        **_of_int8(program),
        "seed": trainer.seed,
        "epochs": trainer.epochs,
        "budget": budget_json(program.budget),
        **{name: value for name, value in result.as_dict().items() if name not in ("score", "history")},
        result.metric: result.score,
        "history": result.history,
        "memory": program.report(),
        "timing": {"seconds": seconds},
    }


def _of_int8(program: Program) -> dict[str, Any]:
    """Of an int8 program that has trained, what became of its scales, and what came to an end of them."""
    if program.arithmetic.name != "int8":
        return {}
    from mcuref.program.saturation import exponents, saturation

    return {"exponents": exponents(program), "saturation": saturation(program)}


def comparison_json(
    comparison: Comparison,
    evaluated: str,
    rows: list[dict[str, Any]],
    sweep: list[dict[str, Any]],
    advantages: list[dict[str, Any]],
    warnings: Sequence[str] = (),
    equal_effort: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """``mcuref.compare/1``."""
    typed = any(kind.dtype == "int8" for kind in comparison.kinds)
    not_pretrained = {"pretrained_epochs": 0} if comparison.given == "int8" else {}
    return {
        "schema": "mcuref.compare/1",
        "data": comparison.data.name,
        "evaluated_on": evaluated,
        "model": label(comparison.model.name),
        "regime": comparison.regime,
        "protocol": asdict(comparison.protocol) | not_pretrained,
        **({"headroom": comparison.headroom} if typed else {}),
        "seeds": list(comparison.seeds),
        "budget": budget_json(comparison.budget),
        "rows": rows,
        "warnings": list(warnings),
        **({"sweep": sweep, "advantage": advantages} if sweep else {}),
        **({} if equal_effort is None else {"equal_effort": equal_effort}),
    }


def reproduction_json(name: str, paper: Paper, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """``mcuref.reproduce/1``: rows, and the claims of a paper beside them."""
    from mcuref.experiments.claims import judged, missing

    return {
        "schema": "mcuref.reproduce/1",
        "paper": name,
        "arxiv": paper.arxiv,
        "rows": list(results),
        "claims": [one.as_dict() for one in judged(paper, results)],
        "data_without_rows": missing(paper, results),
    }
