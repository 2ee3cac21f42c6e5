"""What holds the samples that a learner trains on: an object with the following, made before the learner and given to it.

    in_plan                         bool, whether the samples lie in the arena, and so in the plan
    outside                         raw samples that lie outside of every budget, as the object keeps them; None: none
    begin(model)                    called once, by the learner: in the memory of this LearnerModel it stores
    add(x, classes, draw, progress) take in arriving samples, classes int64[N]; returns {class: how many it has stored of it}
    material()                      all there is to train on: (slots int[M], indices of their classes int64[M])
    raw(slots)                      samples of these slots as the network's input takes them
    keep_order(order)               write an epoch's order of slots where it lies
    stored_bytes                    of all that is stored for the sake of learning
    recall(x, classes)              what a task that was learned before left outside, when a run is resumed

Classes go by index, in the order in which they arrived. ``draw()`` is a new seed, ``progress(what, done, total)`` is told
how far it is. :class:`ClassSlots` is what a device does; the others are in :mod:`mcuref.incremental.baselines`.
"""

import numpy as np

from mcuref.incremental.distillation import distil_class
from mcuref.incremental.layout import SEEN, STORED
from mcuref.kernels.random import CHOICE, permutation, philox


class ArenaSamples:
    """Slots for packed samples in the arena: what all that store there have in common."""

    in_plan, outside = True, None

    def begin(self, model):
        """Store in the memory of a model."""
        self.model, self.layout = model, model.plans.layout

    @property
    def packed(self):
        """Packed samples, uint8[slots, bytes]: a view."""
        return self.model.memory.view("memory.samples")

    @property
    def labels(self):
        """Indices of their classes, uint8 or uint16[slots]: a view."""
        return self.model.memory.view("memory.labels")

    @property
    def table(self):
        """A row a class: a view."""
        return self.model.memory.classes

    def raw(self, slots):
        """Samples of these slots, int32[S], brought back."""
        return self.layout.codec.decode(self.packed, slots)

    def keep_order(self, order):
        """Put an epoch's order where it lies in SRAM."""
        self.model.memory.view("replay.order")[: len(order)] = order

    @property
    def stored_bytes(self):
        """Bytes of samples, labels, levels, table of classes, and samples to verify on."""
        return self.model.memory.stored_bytes

    def recall(self, x, classes):
        """Nothing lies outside."""


def distilled(memory, x, count, seed):
    """Packed samples uint8[count, bytes] that stand for the arriving samples x of one class."""
    layout = memory.layout
    return distil_class(x, count, layout.codec, memory.embeddings, layout.recipe.distillation, seed, memory.workspace())


class ClassSlots(ArenaSamples):
    """As many slots for each class; what arrives of a class is chosen from, or distilled, at once.

    Parameters
    ----------
    choose : callable(memory, x, count, seed) -> packed samples uint8[count, bytes] of arriving samples of one class.
    """

    def __init__(self, choose=distilled):
        self.choose = choose

    def add(self, x, classes, draw, progress):
        """Store some of each class, or what stands for them; returns {class: how many}."""
        memory, stored, arriving = self.model.memory, {}, dict.fromkeys(classes.tolist())
        memory.generate_embeddings()
        for index in arriving:
            mine, seed = x[classes == index], draw()
            count = self.share(index, len(mine), seed)
            packed = self.choose(memory, mine, count, seed) if count else np.zeros((0, self.layout.codec.bytes), np.uint8)
            self.put(index, packed, seed)
            stored[index] = len(packed)
            progress("distilling", len(stored), len(arriving))
        return stored

    def share(self, index, arriving, seed):
        """How many of the arriving samples of a class are to be stored.

        All slots the first time; the t-th time a t-th of them, so that every time is remembered alike. What is left
        over of a division is rounded up as often as it should be, which a seed decides.
        """
        slots, times = self.layout.recipe.per_class, int(self.table[index, SEEN]) + 1
        count, left = divmod(slots, times)
        count += int(philox(seed, CHOICE, 1)[0]) % times < left
        return min(arriving, count)

    def put(self, index, packed, seed):
        """Store packed samples of a class: in free slots first, then in place of others, which a seed chooses."""
        per_class, table = self.layout.recipe.per_class, self.table
        first, stored = index * per_class, int(table[index, STORED])
        free = min(len(packed), per_class - stored)
        replaced = permutation(stored, seed, CHOICE)[: len(packed) - free] if stored else np.zeros(0, np.int32)
        slots = first + np.concatenate([np.arange(stored, stored + free), np.sort(replaced)]).astype(np.int64)
        self.packed[slots], self.labels[slots] = packed, index
        table[index, STORED] = stored + free
        table[index, SEEN] += 1

    def material(self):
        """Slots that hold a sample, int32[M], class by class; their classes."""
        slots = filled(self.table[:, STORED], self.layout.recipe.per_class)
        return slots, self.labels[slots].astype(np.int64)


def filled(counts, per_class):
    """Slots in use, int32[M], class by class: the first ``counts[i]`` of the ``per_class`` that each class has."""
    slots = [i * per_class + np.arange(n, dtype=np.int32) for i, n in enumerate(counts)]
    return np.concatenate([np.zeros(0, np.int32), *slots])
