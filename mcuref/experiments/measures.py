"""What a claim of a paper can be measured by: figures of all rows of its data sets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuref.experiments.figures import factor, summary

Results = Sequence[Mapping[str, Any]]  # of rows, as mcuref.experiments.reproduction makes them
Figure = Callable[[Results], float | None]  # None where these rows do not say


@dataclass(frozen=True)
class Measure:
    """What a claim is measured by here.

    Attributes
    ----------
    what : in words, with the unit.
    figure : the paper's.
    least : whether ours has to be at least that; else at most.
    of : callable(results) -> ours, or None where these rows do not say.
    """

    what: str
    figure: float
    least: bool
    of: Figure

    def held(self, value: float) -> bool:
        """Whether a value, not rounded, is what the paper has or better."""
        return value >= self.figure if self.least else value <= self.figure


def mean(method: str, column: str, scale: float = 1) -> Figure:
    """The mean over data sets, of each the mean over its rows, of a column."""

    def of(results):
        sets: dict[str, list[float]] = {}
        for result in results:
            value = _of(result, method, column)
            if value is not None:
                sets.setdefault(result["data"], []).append(scale * value)
        return float(np.mean([np.mean(values) for values in sets.values()])) if sets else None

    return of


def _of(result, method, column):
    return next((line[column] for line in summary(result) if line["name"] == method), None)


def inverse(of: Figure) -> Figure:
    """How many times less, of a share."""

    def times(results):
        value = of(results)
        return 1 / value if value else None

    return times


def least(method: str, column: str) -> Figure:
    """The least of all rows, in percent."""

    def of(results):
        values = [value for result in results if (value := _of(result, method, column)) is not None]
        return 100 * min(values) if values else None

    return of


def factors(method: str, pick: Callable[[list[float]], float]) -> Figure:
    """Of the factors of all rows against static top-k of equal accuracy."""

    def of(results):
        values = [found["factor"] for result in results if (found := factor(result, method)) is not None]
        return float(pick(values)) if values else None

    return of


def on(data: str, of: Figure) -> Figure:
    """The same on one data set."""
    return lambda results: of([result for result in results if result["data"] == data])


def less_loss(results: Results) -> float | None:
    """Points that static top-k of ratio 0.1, a typical setting, loses more than TinyProp; a mean over data sets."""
    static, own = (mean(method, "drop", 100)(results) for method in ("topk 0.1", "tinyprop"))
    return None if static is None or own is None else static - own


def times_faster(method: str, figure: float) -> tuple[Measure, ...]:
    """Without a word of what is faster, a claim is measured by each thing that could be."""
    return (
        Measure("times less work in the backward pass, dense", figure, True, inverse(mean(method, "backward_effort"))),
        Measure("times less than full training really does there", figure, True, inverse(mean(method, "backward_of_full"))),
        Measure("times less work in both passes, dense", figure, True, inverse(mean(method, "total_effort"))),
        Measure("times fewer instructions, whole run", figure, True, inverse(mean(method, "instructions_of_full"))),
    )
