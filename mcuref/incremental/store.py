"""What holds the samples that a learner trains on. :class:`ClassSlots` is what a device does; the others are in
:mod:`mcuref.incremental.baselines`.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mcuref.incremental.distillation import distil_class
from mcuref.incremental.layout import SEEN, STORED
from mcuref.incremental.memory import LearnerMemory
from mcuref.incremental.model import LearnerModel
from mcuref.incremental.rests import forget
from mcuref.kernels.random import CHOICE, permutation, philox

Draw = Callable[[], int]
Progress = Callable[[str, int, int], None]


class Store(Protocol):
    """What every object that holds samples has; it is made before the learner and given to it.

    Classes go by index, in the order in which they arrived. ``draw()`` is a new seed, ``progress(what, done, total)`` is
    told how far it is.

    Attributes
    ----------
    outside : raw samples that lie outside of every budget, as the object keeps them; None: none.
    raw_pool : int, bytes of raw samples, without labels, that had to lie somewhere outside the plan at once, since they
        are looked at together or again and again, when it last took in samples; 0 where each passes by once.
    """

    outside: Any
    raw_pool: int

    @property
    def in_plan(self) -> bool:
        """Whether the samples lie in the arena, and so in the plan."""

    @property
    def stored_bytes(self) -> int:
        """Bytes of all that is stored for the sake of learning."""

    def begin(self, model: LearnerModel) -> None:
        """Called once, by the learner: in the memory of this model it stores."""

    def add(self, x: NDArray[Any], classes: NDArray[np.int64], draw: Draw, progress: Progress) -> dict[int, int]:
        """Take in arriving samples, of classes [N]; returns {class: how many it has stored of it}."""

    def material(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All there is to train on: (slots [M], indices of their classes [M])."""

    def raw(self, slots: NDArray[np.int32]) -> NDArray[Any]:
        """Samples of these slots as the network's input takes them."""

    def keep_order(self, order: NDArray[np.int32]) -> None:
        """Write an epoch's order of slots where it lies."""

    def recall(self, x: NDArray[Any], classes: NDArray[np.int64]) -> None:
        """Take in what a task that was learned before left outside, when a run is resumed."""


class ArenaSamples:
    """Slots for packed samples in the arena: what all that store there have in common."""

    in_plan = True
    outside: Any = None
    raw_pool = 0

    def begin(self, model: LearnerModel) -> None:
        """Store in the memory of a model."""
        self.model, self.layout = model, model.plans.layout

    @property
    def packed(self) -> NDArray[np.uint8]:
        """Packed samples, uint8[slots, bytes]: a view."""
        return self.model.memory.view("memory.samples")

    @property
    def labels(self) -> NDArray[Any]:
        """Indices of their classes, uint8 or uint16[slots]: a view."""
        return self.model.memory.view("memory.labels")

    @property
    def table(self) -> NDArray[np.int32]:
        """A row a class: a view."""
        return self.model.memory.classes

    def write(self, slots: NDArray[np.int64], packed: NDArray[np.uint8], classes: Any) -> None:
        """Put packed samples [S, bytes] of one class, or of classes [S], into slots; none of them was skipped yet."""
        self.packed[slots], self.labels[slots] = packed, classes
        forget(self.model.program, slots.tolist())

    def raw(self, slots: NDArray[np.int32]) -> NDArray[Any]:
        """Samples of these slots, int32[S], brought back."""
        return self.layout.codec.decode(self.packed, slots)

    def keep_order(self, order: NDArray[np.int32]) -> None:
        """Put an epoch's order where it lies in SRAM."""
        self.model.memory.view("replay.order")[: len(order)] = order

    @property
    def stored_bytes(self) -> int:
        """Bytes of samples, labels, levels, table of classes, and samples to verify on."""
        return self.model.memory.stored_bytes

    def recall(self, x: NDArray[Any], classes: NDArray[np.int64]) -> None:
        """Nothing lies outside."""


def distilled(memory: LearnerMemory, x: NDArray[Any], count: int, seed: int) -> NDArray[np.uint8]:
    """Packed samples uint8[count, bytes] that stand for the arriving samples x of one class."""
    layout = memory.layout
    return distil_class(x, count, layout.codec, memory.embeddings, layout.recipe.distillation, seed, memory.workspace())


class ClassSlots(ArenaSamples):
    """As many slots for each class; what arrives of a class is chosen from, or distilled, at once.

    Parameters
    ----------
    choose : callable(memory, x, count, seed) -> packed samples uint8[count, bytes] of arriving samples of one class.
    """

    def __init__(self, choose: Callable[[LearnerMemory, NDArray[Any], int, int], NDArray[np.uint8]] = distilled) -> None:
        self.choose = choose

    def add(self, x: NDArray[Any], classes: NDArray[np.int64], draw: Draw, progress: Progress) -> dict[int, int]:
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

    def share(self, index: int, arriving: int, seed: int) -> int:
        """How many of the arriving samples of a class are to be stored.

        All slots the first time; the t-th time a t-th of them, so that every time is remembered alike. What is left
        over of a division is rounded up as often as it should be, which a seed decides.
        """
        slots, times = self.layout.recipe.per_class, int(self.table[index, SEEN]) + 1
        count, left = divmod(slots, times)
        count += int(philox(seed, CHOICE, 1)[0]) % times < left
        return min(arriving, count)

    def put(self, index: int, packed: NDArray[np.uint8], seed: int) -> None:
        """Store packed samples of a class: in free slots first, then in place of others, which a seed chooses."""
        per_class, table = self.layout.recipe.per_class, self.table
        first, stored = index * per_class, int(table[index, STORED])
        free = min(len(packed), per_class - stored)
        replaced = permutation(stored, seed, CHOICE)[: len(packed) - free] if stored else np.zeros(0, np.int32)
        slots = first + np.concatenate([np.arange(stored, stored + free), np.sort(replaced)]).astype(np.int64)
        self.write(slots, packed, index)
        table[index, STORED] = stored + free
        table[index, SEEN] += 1

    def material(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Slots that hold a sample, int32[M], class by class; their classes."""
        slots = filled(self.table[:, STORED], self.layout.recipe.per_class)
        return slots, self.labels[slots].astype(np.int64)


def filled(counts: Iterable[int], per_class: int) -> NDArray[np.int32]:
    """Slots in use, int32[M], class by class: the first ``counts[i]`` of the ``per_class`` that each class has."""
    slots = [i * per_class + np.arange(n, dtype=np.int32) for i, n in enumerate(counts)]
    return np.concatenate([np.zeros(0, np.int32), *slots])
