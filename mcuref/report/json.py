"""Results as plain data under versioned schemas: integers for bytes, fractions 0..1, durations only under ``timing``."""

from dataclasses import asdict

from mcuref.models import label


def budget_json(budget):
    """A budget, or null for no limit."""
    return None if budget is None else asdict(budget)


def comparison_json(comparison, evaluated, rows, sweep, advantages, warnings=()):
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
