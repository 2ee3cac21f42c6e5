"""What the papers promise, and on which rows it is looked at here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcuref.arguments import one_of
from mcuref.datasets import find, load
from mcuref.experiments.measures import Measure, factors, least, less_loss, mean, on, times_faster
from mcuref.experiments.reproduction import ROWS, Row


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper, where it stands there, and what it is measured by."""

    text: str
    source: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Paper:
    """A paper: its title and number, the data sets that it has, by their names here, and what it claims of them."""

    title: str
    arxiv: str
    data: tuple[str, ...]
    claims: tuple[Claim, ...]

    def rows(self) -> list[str]:
        """The rows that are computed for it: those on its data, and those on the embedded data, which need no download."""
        return [name for name, row in ROWS.items() if row.data in ("digits", *self.data)]


def rows_of(paper: Paper, given: Sequence[str] | None) -> tuple[list[Row], list[str]]:
    """The rows of these names, and what is left out in sentences; of None those of the paper whose data is here.

    InputError for a row that the paper does not have; MissingData for one that was named and whose data is not here.
    """
    names = paper.rows() if given is None else [one_of("row", name, paper.rows()) for name in given]
    rows, absent = [], []
    for row in (ROWS[name] for name in names):
        info = find(row.data)
        if info.present:
            rows.append(row)
        elif given is None:
            absent.append(f"row {row.name} is left out: data {row.data} is not here; {info.command}")
        else:
            load(row.data)  # which says what brings it
    return rows, absent


PAPERS = {
    "tinyprop": Paper(
        "TinyProp: Adaptive Sparse Backpropagation for Efficient TinyML On-device Learning",
        "2308.09201",
        ("mnist", "dcase2020_toycar", "cifar10"),
        (
            Claim("5 times faster than training that is not sparse", "abstract", times_faster("tinyprop", 5)),
            Claim(
                "at an accuracy loss of 1 % on average",
                "abstract",
                (Measure("points lost, mean over data sets", 1.0, False, mean("tinyprop", "drop", 100)),),
            ),
            Claim(
                "2.9 times faster than static sparse backpropagation",
                "abstract",
                (
                    Measure(
                        "times less backward work than top-k of equal accuracy, mean of rows, bounds as they are",
                        2.9,
                        True,
                        factors("tinyprop", np.mean),
                    ),
                ),
            ),
            Claim(
                "accuracy loss reduced by 6 % against a typical static ratio",
                "abstract",
                (Measure("points lost less than by top-k, r = 0.1", 6.0, True, less_loss),),
            ),
        ),
    ),
    "tinypropv2": Paper(
        "Advancing On-Device Neural Network Training with TinyPropv2: Dynamic, Sparse, and Efficient Backpropagation",
        "2409.07109",
        (
            "cifar10",
            "cifar100",
            "flowers102_32",
            "food101_32",
            "speech_commands_mfcc49x10",
            "mnist",
            "uci_har",
            "dcase2020_toycar",
        ),
        (
            Claim(
                "an average accuracy drop of only around 1 percent",
                "abstract",
                (Measure("points lost, mean over data sets", 1.0, False, mean("tinypropv2", "drop", 100)),),
            ),
            Claim(
                "only 0.82 percent on CIFAR 10",
                "abstract",
                (Measure("points lost", 0.82, False, on("cifar10", mean("tinypropv2", "drop", 100))),),
            ),
            Claim(
                "1.07 percent on CIFAR100",
                "abstract",
                (Measure("points lost", 1.07, False, on("cifar100", mean("tinypropv2", "drop", 100))),),
            ),
            Claim(
                "as little as 10 percent of the computational effort of full training",
                "abstract",
                (
                    Measure("% of a dense backward pass, least of rows", 10, False, least("tinypropv2", "backward_effort")),
                    Measure("% of both passes, dense, least of rows", 10, False, least("tinypropv2", "total_effort")),
                ),
            ),
            Claim(
                "consistently outperforms other sparse training",
                "abstract",
                (
                    Measure(
                        "times less backward work than top-k of equal accuracy, least of rows, bounds as they are",
                        1,
                        True,
                        factors("tinypropv2", min),
                    ),
                ),
            ),
        ),
    ),
}
