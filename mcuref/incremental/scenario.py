"""What arrives when: new classes task by task, classes that come again, or known classes in new sessions."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import whole
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.incremental.repetition import MOST_TASKS, experiences
from mcuref.kernels.random import CLASSES, permutation

HELD_OUT = 2000  # samples to verify on, about, held out of the training set


@dataclass(frozen=True, eq=False)
class Task:
    """One task: labels it is about, indices of its training samples, of the test and held-out samples it is judged by."""

    labels: tuple[int, ...]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    held_out: NDArray[np.int64]


class Scenario:
    """Tasks of a data set, in an order that a seed draws.

    Parameters
    ----------
    data : :class:`mcuref.Data`, judged by its test side.
    tasks : int, the number of tasks into which the classes are split as evenly as possible; or "sessions": a task is
        a session of the data, in which known classes are seen again; or "repetition": a task is an experience with some
        of the classes, which come again (:mod:`mcuref.incremental.repetition`).
    held_out : :class:`mcuref.Data` whose test side is what learners verify on and whose training side is what arrives;
        None: ``data`` itself arrives, and nothing is held out.
    """

    def __init__(self, data: Data, tasks: int | str, held_out: Data | None = None) -> None:
        self.data, self.arriving, self.kind = data, data if held_out is None else held_out, "classes"
        self.holds_out = held_out is not None
        if tasks == "sessions":
            self.kind, sessions = "sessions", self.arriving.sessions
            if sessions is None:
                raise InputError(f"data set {data.name!r} has no sessions; give a number of tasks instead")
            self.count = len(np.unique(sessions))
        elif tasks == "repetition":
            self.kind, self.count = "repetition", len(experiences(self.arriving.y_train, 0))
        else:
            self.count = whole("tasks", tasks, 1, data.classes)

    @property
    def judged(self) -> int:
        """How many accuracies there are after each task: one a task."""
        return self.count

    def order(self, seed: int) -> list[int]:
        """Labels, or sessions, in the order in which they arrive, list of int."""
        if self.kind == "repetition":
            return list(dict.fromkeys(label for task in self.tasks(seed) for label in task.labels))
        sessions = self.arriving.sessions
        things = np.arange(self.data.classes) if self.kind == "classes" or sessions is None else np.unique(sessions)
        return things[permutation(len(things), seed, CLASSES)].tolist()

    def tasks(self, seed: int) -> list[Task]:
        """The tasks, list of :class:`Task`."""
        if self.kind == "repetition":
            return [self._experience(train) for train in experiences(self.arriving.y_train, seed)]
        order = self.order(seed)
        if self.kind == "sessions":
            return [self._session(session) for session in order]
        border = [i * len(order) // self.count for i in range(self.count + 1)]
        return [self._classes(order[a:b]) for a, b in zip(border, border[1:])]

    def _classes(self, labels):
        of = [np.flatnonzero(np.isin(y, labels)) for y in self._labels()]
        return Task(tuple(labels), *of)

    def _experience(self, train):
        """The samples of an experience; it is judged by the test samples of its classes."""
        return replace(self._classes(np.unique(self.arriving.y_train[train]).tolist()), train=train)

    def _session(self, session):
        """A session's samples; it is judged by the test samples of the session, by all of them if there are none such."""
        train = np.flatnonzero(self.arriving.sessions == session)
        labels = tuple(np.unique(self.arriving.y_train[train]).tolist())
        held = np.flatnonzero(np.isin(self.arriving.y_test, labels)) if self.holds_out else np.zeros(0, np.int64)
        mine = self.data.sessions_test
        test = np.arange(len(self.data.y_test)) if mine is None or session not in mine else np.flatnonzero(mine == session)
        return Task(labels, train, test, held)

    def _labels(self):
        held_out = self.arriving.y_test if self.holds_out else np.zeros(0, np.int64)
        return self.arriving.y_train, self.data.y_test, held_out

    @property
    def raw_bytes(self) -> int:
        """Bytes of all raw training samples, those held out included, without their labels."""
        held_out = self.arriving.x_test.nbytes if self.holds_out else 0
        return self.arriving.x_train.nbytes + held_out


def verified_scenario(data: Data, tasks: int | str | None) -> Scenario:
    """Tasks of the data, `MOST_TASKS` if nothing is said, with a part of the training side held out to verify on."""
    if data.kind == "anomaly":
        raise InputError(f"data set {data.name!r} is of kind 'anomaly'; incremental learning needs classes to tell apart")
    tasks = min(MOST_TASKS, data.classes) if tasks is None else tasks
    return Scenario(data, tasks, _split(data))


def _split(data):
    """The data with samples of every class held out: the official validation samples, else by groups, else one by one."""
    fraction, classes = min(1 / 6, HELD_OUT / len(data.x_train)), set(data.y_train.tolist())
    for given in (data, replace(data, validation=None), replace(data, validation=None, groups=None)):
        split = given.validation_split(fraction)
        if set(split.y_test.tolist()) == classes == set(split.y_train.tolist()):
            break
    return split
