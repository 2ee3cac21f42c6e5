"""Drift: known classes whose samples change while they arrive, in portions. Two concepts, the old one and the new one.

The four courses of Gama et al., "A survey on concept drift adaptation", ACM Computing Surveys 46(4), 2014, figure 2:

    sudden        the second half is of the new concept
    gradual       over the middle third, samples are of the new concept with a probability that rises from 0 to 1
    incremental   over the middle third, the change itself becomes larger, portion by portion
    recurring     quarters of the old, the new, the old, and the new concept
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import one_of, whole
from mcuref.datasets.data import Data
from mcuref.datasets.shift import HELD_OUT, TEST, TRAIN, change_of
from mcuref.errors import InputError
from mcuref.incremental.scenario import Scenario, Task, verified_scenario
from mcuref.kernels.random import CONCEPTS, STREAM, permutation, philox

KINDS = ("sudden", "gradual", "recurring", "incremental")
PORTIONS, FEWEST = 20, 8  # of fewer none would be predicted before a change


def borders(count: int, portions: int) -> NDArray[np.int64]:
    """Numbers of the first sample of each of the portions of ``count`` samples, and at last count: int64[portions + 1]."""
    return np.arange(portions + 1) * count // portions


def changes(kind: str, portions: int) -> list[int]:
    """Portions in which a change begins, list of int."""
    if kind == "recurring":
        return [-(-quarter * portions // 4) for quarter in (1, 2, 3)]
    return [portions // 2 if kind == "sudden" else portions // 3]


def parts(kind: str, count: int, portions: int, seed: int) -> NDArray[np.float64]:
    """How far each sample of a stream is on the way to the new concept, float64[count]: 0 is the old one, 1 the new one.

    Parameters
    ----------
    kind : one of `KINDS`.
    count : int, samples.
    portions : int, from `FEWEST` to count.
    seed : int, of what is drawn, which is of "gradual" alone.
    """
    one_of("drift", kind, KINDS)
    whole("portions", portions, FEWEST, count)
    border = borders(count, portions)
    portion = np.repeat(np.arange(portions), np.diff(border))
    first, last = changes(kind, portions)[0], portions - portions // 3
    if kind == "gradual":
        probability = (np.arange(count) + 0.5 - border[first]) / (border[last] - border[first])
        return (philox(seed, CONCEPTS, count) < probability * 2.0**32).astype(np.float64)
    if kind == "incremental":
        return np.clip((portion - first + 1) / (last - first + 1), 0, 1)
    begun = np.searchsorted(changes(kind, portions), portion, side="right")
    return (begun % 2).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Portion(Task):
    """A portion of a stream: ``first``, the number of its first sample in the stream, and the `parts` of its samples."""

    first: int
    parts: NDArray[np.float64]


class DriftScenario(Scenario):
    """A stream of all training samples, each once, in an order that a seed draws; its tasks are portions of it.

    Parameters
    ----------
    data : :class:`mcuref.Data` with a domain shift (:mod:`mcuref.datasets.shift`), which is the change.
    kind : one of `KINDS`.
    portions : int, `FEWEST` or more.
    held_out : as of :class:`Scenario`.

    Raises
    ------
    InputError : there is no such change, or there are fewer samples than portions.
    """

    def __init__(self, data: Data, kind: str, portions: int = PORTIONS, held_out: Data | None = None) -> None:
        super().__init__(data, 1, held_out)
        self.kind, self.count, self.change = (
            one_of("drift", kind, KINDS),
            whole("portions", portions, FEWEST, 1 << 16),
            change_of(data),
        )
        if len(self.arriving.x_train) < portions:
            raise InputError(
                f"data set {data.name!r} has {len(self.arriving.x_train)} samples to learn from; a stream of {portions} "
                "portions needs one for each"
            )

    @property
    def counts(self) -> list[int]:
        """Samples of each portion, list of int."""
        return np.diff(borders(len(self.arriving.x_train), self.count)).tolist()

    @property
    def judged(self) -> int:
        """The test side is judged twice: as it is, and in the new concept."""
        return 2

    def order(self, seed: int) -> list[int]:
        """Indices of the training samples in the order in which they arrive, list of int."""
        return permutation(len(self.arriving.x_train), seed, STREAM).tolist()

    def tasks(self, seed: int) -> list[Task]:
        """The portions, list of :class:`Portion`."""
        order = np.array(self.order(seed), np.int64)
        border, part = borders(len(order), self.count), parts(self.kind, len(order), self.count, seed)
        return [self._portion(order, part, first, last) for first, last in zip(border, border[1:])]

    def _portion(self, order, part, first, last):
        train = order[first:last]
        labels = tuple(np.unique(self.arriving.y_train[train]).tolist())
        held = np.flatnonzero(np.isin(self.arriving.y_test, labels)) if self.holds_out else np.zeros(0, np.int64)
        return Portion(labels, train, np.arange(len(self.data.y_test)), held, int(first), part[first:last])

    def samples(self, portion: Portion) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(samples, labels) that a portion brings."""
        x, y = self.arriving.x_train[portion.train], self.arriving.y_train[portion.train]
        return self._changed(x, TRAIN, portion.first, portion.parts), y

    def held_out(self, portions: Sequence[Portion]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(samples, labels) to verify on after these portions: of the concepts of the last one, as often as there."""
        index = np.unique(np.concatenate([portion.held_out for portion in portions]))
        part = np.resize(portions[-1].parts, len(index))
        return self._changed(self.arriving.x_test[index], HELD_OUT, 0, part), self.arriving.y_test[index]

    @cached_property
    def concepts(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The samples of the test side in the old and in the new concept."""
        return self.data.x_test, self.change(self.data.x_test, TEST, 0, 1)

    def _changed(self, x, stream, first, part):
        """Samples, number ``first`` and on of a stream of random numbers, each changed by its own part."""
        result = x.copy()
        for size in np.unique(part[part > 0]).tolist():
            where = part == size
            result[where] = self.change(x, stream, first, size)[where]
        return result


def drifting_scenario(data: Data, kind: str, portions: int = PORTIONS) -> DriftScenario:
    """A stream of the data, with a part of the training side held out to verify on."""
    return DriftScenario(data, kind, portions, verified_scenario(data, 1).arriving)
