"""The claims of a paper beside what was measured here: held or not, by figures that are not rounded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcuref.experiments.papers import Claim, Measure, Paper


@dataclass(frozen=True)
class Judged:
    """A claim by one of its measures; ``found`` is None, and so is ``held``, where no row says anything about it."""

    claim: Claim
    measure: Measure
    found: float | None

    @property
    def held(self) -> bool | None:
        """Whether it is held."""
        return None if self.found is None else self.measure.held(self.found)

    @property
    def verdict(self) -> str:
        """The same in words."""
        return {True: "held", False: "not held", None: "no row"}[self.held]

    @property
    def shown(self) -> str:
        """What was found with two decimals, rounded to the side that holds less."""
        if self.found is None:
            return "-"
        rounded = (math.floor if self.measure.least else math.ceil)(100 * self.found) / 100
        return f"{rounded:.2f}"

    @property
    def wanted(self) -> str:
        """The paper's figure."""
        return f"{'≥' if self.measure.least else '≤'} {self.measure.figure:g}"

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        told = {"claim": self.claim.text, "source": self.claim.source, "measure": self.measure.what}
        return told | {"paper": self.measure.figure, "found": self.found, "held": self.held}


def of_paper(paper: Paper, results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the results that are on a paper's data."""
    return [result for result in results if result["data"] in paper.data]


def judged(paper: Paper, results: Sequence[Mapping[str, Any]]) -> list[Judged]:
    """Each claim by each of its measures, on those results that are on the paper's data."""
    own = of_paper(paper, results)
    return [Judged(claim, measure, measure.of(own)) for claim in paper.claims for measure in claim.measures]


def missing(paper: Paper, results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Data sets of the paper of which there is no result."""
    there = {result["data"] for result in results}
    return [data for data in paper.data if data not in there]
