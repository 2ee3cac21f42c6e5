"""What rows of a comparison are to one another: drops below full training and float32, and factors over static top-k."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mcuref.experiments.kinds import Kind
from mcuref.metrics import deviation


def relate(rows: Mapping[tuple[Kind, str], dict[str, Any]], reference: str | None) -> None:
    """Fill in what compares rows, by kind and key of their entry, with that of key ``reference``, and with float32."""
    for (kind, key), row in rows.items():
        full = None if reference is None else rows.get((kind, reference))
        row |= below(full, row)
        if kind.dtype != "float32":
            row |= drops("dtype_drop", rows.get((Kind(), key)), row)


def below(full: Mapping[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row has for its relation to full training of its kind, which may be None."""
    related = drops("accuracy_drop", full, row)
    if full is not None:
        spent, most = (r["counts"]["weight_gradient"] + r["counts"]["propagate"] for r in (row, full))
        related["backward_effort_nonzero"] = spent / most if most else 0.0
    return related


def drops(name: str, reference: Mapping[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """{name, name_std}: what a row is below another one on the same seeds; None where there is no other."""
    if reference is None:
        return {name: None, f"{name}_std": None}
    differences = [theirs - own for theirs, own in zip(reference["per_seed"], row["per_seed"])]
    return {name: reference["accuracy"] - row["accuracy"], f"{name}_std": deviation(differences)}


def adaptive(row: Mapping[str, Any]) -> bool:
    """Whether a row is of a method that decides by itself how much it trains."""
    return row["method"].startswith("tinyprop")


def advantage(row: Mapping[str, Any], sweep: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """How many times less backward effort a row has than static top-k of equal accuracy.

    Linear interpolation of effort over accuracy between neighbouring ratios of the sweep. A method more accurate than
    every ratio is compared with the most accurate one, less accurate than every ratio with the cheapest: the first is
    then a lower bound of the advantage. Returns {"factor", "topk_effort", "bound"}; bound is "", "at least" or
    "at most"; factor is None for a method that trained nothing.
    """
    points = sorted((r["backward_effort"], r["accuracy"]) for r in sweep)
    best = max(accuracy for _, accuracy in points)
    if row["accuracy"] >= best:
        effort, bound = min(e for e, a in points if a == best), "at least"
    elif row["accuracy"] <= points[0][1]:
        effort, bound = points[0][0], "at most"
    else:  # the first crossing from the cheap side: the least effort at which top-k is as good
        (e0, a0), (e1, a1) = next(pair for pair in zip(points, points[1:]) if pair[0][1] < row["accuracy"] <= pair[1][1])
        effort, bound = e0 + (e1 - e0) * (row["accuracy"] - a0) / (a1 - a0), ""
    factor = effort / row["backward_effort"] if row["backward_effort"] else None
    return {"factor": factor, "topk_effort": effort, "bound": bound}


def advantages(rows: Iterable[Mapping[str, Any]], sweep: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The :func:`advantage` of each adaptive row over the sweep of its kind, with what says which row it is."""
    found = []
    for row in rows:
        ratios = [other for other in sweep if all(other[name] == row[name] for name in Kind._fields)]
        if ratios and adaptive(row):
            kind = {name: row[name] for name in Kind._fields}
            found.append({"method": row["method"]} | kind | advantage(row, ratios))
    return found
