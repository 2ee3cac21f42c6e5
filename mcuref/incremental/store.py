"""The memory: stored samples of all classes, and samples to verify on, in the arena of a cycle."""

import numpy as np

from mcuref.incremental.cycle import CLASS_COLUMNS
from mcuref.kernels.random import CHOICE, permutation, philox

LABEL, STORED, SEEN, CHECKS = range(len(CLASS_COLUMNS))


class Store:
    """Slots for stored samples, as many for each class, by index of the class; a view of a cycle's arena.

    Parameters
    ----------
    cycle : an allocated :class:`mcuref.incremental.cycle.Cycle`.
    recipe : :class:`mcuref.incremental.recipe.Recipe`.
    """

    def __init__(self, cycle, recipe):
        self.layout, self.recipe, self.table = cycle.layout, recipe, cycle.view("classes")
        if self.layout.capacity:
            self.samples, self.labels = cycle.view("memory.samples"), cycle.view("memory.labels")
        if self.layout.checks:
            self.check_samples, self.check_labels = cycle.view("validation.samples"), cycle.view("validation.labels")

    def add_class(self, index, label):
        """A new class, without samples."""
        self.table[index] = label, 0, 0, 0

    def share(self, index, arriving, seed):
        """How many of the arriving samples of a class are to be stored.

        All slots the first time; the t-th time a t-th of them, so that every time is remembered alike. What is left
        over of a division is rounded up as often as it should be, which a seed decides.
        """
        slots, times = self.recipe.per_class, int(self.table[index, SEEN]) + 1
        count, left = divmod(slots, times)
        count += int(philox(seed, CHOICE, 1)[0]) % times < left
        return min(arriving, count)

    def put(self, index, packed, seed):
        """Store packed samples of a class: in free slots first, then in place of others, which a seed chooses."""
        first, stored = index * self.recipe.per_class, int(self.table[index, STORED])
        free = min(len(packed), self.recipe.per_class - stored)
        replaced = permutation(stored, seed, CHOICE)[: len(packed) - free] if stored else np.zeros(0, np.int32)
        slots = first + np.concatenate([np.arange(stored, stored + free), np.sort(replaced)]).astype(np.int64)
        self.samples[slots], self.labels[slots] = packed, index
        self.table[index, STORED] = stored + free
        self.table[index, SEEN] += 1

    def filled(self):
        """Slots that hold a sample, int32[M], class by class."""
        per_class = self.recipe.per_class
        return np.concatenate(
            [np.zeros(0, np.int32)]
            + [i * per_class + np.arange(n, dtype=np.int32) for i, n in enumerate(self.table[:, STORED])]
        )

    def decoded(self, slots):
        """Raw samples of these slots, int32[S]."""
        return self.layout.codec.decode(self.samples, slots)

    def put_checks(self, index, x, mine, codec):
        """Store samples evenly taken from x[mine] to verify on, in free slots; returns the indices taken from x."""
        most, have = self.recipe.verification.per_class, int(self.table[index, CHECKS])
        count = min(most - have, len(mine) // 2)
        chosen = mine[np.arange(count) * len(mine) // max(count, 1)]
        slots = index * most + have + np.arange(count)
        if count:
            self.check_samples[slots], self.check_labels[slots] = codec.encode(x[chosen]), index
        self.table[index, CHECKS] += count
        return chosen

    def checks(self):
        """(raw samples, labels) to verify on."""
        most = self.recipe.verification.per_class
        slots = [i * most + np.arange(n, dtype=np.int32) for i, n in enumerate(self.table[:, CHECKS])]
        slots = np.concatenate([np.zeros(0, np.int32), *slots])
        return self.layout.check_codec.decode(self.check_samples, slots), self.table[self.check_labels[slots], LABEL]
