"""Results as plain data under versioned schemas: integers for bytes, fractions 0..1, durations only under ``timing``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mcuref.memory.targets import Budget
from mcuref.models import label

if TYPE_CHECKING:
    from mcuref.comparison import Comparison


def budget_json(budget: Budget | None) -> dict[str, Any] | None:
    """A budget, or null for no limit."""
    return None if budget is None else asdict(budget)


def comparison_json(
    comparison: Comparison,
    evaluated: str,
    rows: list[dict[str, Any]],
    sweep: list[dict[str, Any]],
    advantages: list[dict[str, Any]],
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """``mcuref.compare/1``."""
    return {
        "schema": "mcuref.compare/1",
        "data": comparison.data.name,
        "evaluated_on": evaluated,
        "model": label(comparison.model.name),
        "regime": comparison.regime,
        "protocol": asdict(comparison.protocol),
        "seeds": list(comparison.seeds),
        "budget": budget_json(comparison.budget),
        "rows": rows,
        "warnings": list(warnings),
    } | ({"sweep": sweep, "advantage": advantages} if sweep else {})
