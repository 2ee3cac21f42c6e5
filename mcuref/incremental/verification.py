"""Samples that are stored to verify on: in the arena, never trained on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.incremental.layout import CHECKS, LABEL
from mcuref.incremental.model import LearnerModel
from mcuref.incremental.store import filled


class StoredChecks:
    """As many slots for each class, in the memory of a :class:`mcuref.incremental.model.LearnerModel`."""

    def __init__(self, model: LearnerModel) -> None:
        self.model, self.layout = model, model.plans.layout
        self.per_class = self.layout.recipe.verification.per_class

    def set_aside(self, x: NDArray[Any], classes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Store some arriving samples of each class; returns bool[N], which are left to learn from.

        InputError if none is left of a class.
        """
        left, arriving = np.ones(len(x), bool), dict.fromkeys(classes.tolist())
        for index in arriving:
            left[self._put(index, x, np.flatnonzero(classes == index))] = False
        for index in arriving:
            if not (classes[left] == index).any():
                label, count = self.model.memory.classes[index, LABEL], np.count_nonzero(classes == index)
                raise InputError(
                    f"class {label} has {count} samples, which are all stored for verification; more are needed to learn "
                    "from"
                )
        return left

    def _put(self, index, x, mine):
        """Store samples evenly taken from x[mine], half of them at most, in free slots; returns their indices in x."""
        memory = self.model.memory
        have = int(memory.classes[index, CHECKS])
        count = min(self.per_class - have, len(mine) // 2)
        chosen = mine[np.arange(count) * len(mine) // max(count, 1)]
        slots = index * self.per_class + have + np.arange(count)
        if count:
            memory.view("validation.samples")[slots] = self.layout.check_codec.encode(x[chosen])
            memory.view("validation.labels")[slots] = index
        memory.classes[index, CHECKS] += count
        return chosen

    def all(self) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """(raw samples, labels) to verify on."""
        memory = self.model.memory
        slots = filled(memory.classes[:, CHECKS], self.per_class)
        samples = self.layout.check_codec.decode(memory.view("validation.samples"), slots)
        return samples, memory.classes[memory.view("validation.labels")[slots], LABEL]
