"""What is compared with: the same learner with other samples to train on; model, order, augmentation and steps are the same.

naive        no memory: trains on the arriving task alone
joint        all raw data so far, in as many steps
joint-best   the same, trained until it gets no better on held-out samples: the upper bound
random, herding, k-center, reservoir        as many bytes of real samples, chosen in another way
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.incremental import selection
from mcuref.incremental.layout import SEEN, STORED
from mcuref.incremental.memory import LearnerMemory
from mcuref.incremental.model import LearnerModel
from mcuref.incremental.recipe import Recipe
from mcuref.incremental.store import ArenaSamples, ClassSlots, Draw, Progress, Store
from mcuref.kernels.load import load_samples_f32
from mcuref.kernels.random import CHOICE, philox
from mcuref.rules import Full

RAW_CHUNK = 512


class RawSamples:
    """Raw data, which lies outside of every budget: of the last task, or of all so far (``joint``).

    Attributes
    ----------
    outside : (x, indices of their classes), or None before any arrived.
    """

    in_plan = False
    outside: Any = None
    raw_pool = 0

    def __init__(self, joint: bool = False) -> None:
        self.joint = joint

    def begin(self, model: LearnerModel) -> None:
        """Nothing lies in its memory; a label is as large as it would be there."""
        self.label_bytes = 1 if model.plans.layout.most_classes <= 256 else 2

    def add(self, x: NDArray[Any], classes: NDArray[np.int64], draw: Draw, progress: Progress) -> dict[int, int]:
        """Keep raw samples; nothing is distilled, and nothing stored."""
        self.recall(x, classes)
        return {}

    def recall(self, x: NDArray[Any], classes: NDArray[np.int64]) -> None:
        """Keep raw samples."""
        if self.joint and self.outside is not None:
            x, classes = np.concatenate([self.outside[0], x]), np.concatenate([self.outside[1], classes])
        self.outside, self.raw_pool = (x, classes), x.nbytes

    def material(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All raw samples."""
        if self.outside is None:
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        return np.arange(len(self.outside[0]), dtype=np.int32), self.outside[1]

    def raw(self, slots: NDArray[np.int32]) -> NDArray[Any]:
        """These samples."""
        return self.outside[0][slots]

    def keep_order(self, order: NDArray[np.int32]) -> None:
        """There is no such buffer."""

    @property
    def stored_bytes(self) -> int:
        """Bytes of the raw data that is kept from task to task, labels included; none if only the last task counts."""
        if not self.joint or self.outside is None:
            return 0
        return self.outside[0].nbytes + self.label_bytes * len(self.outside[1])


def exemplars(
    select: Callable[[NDArray[Any], int], NDArray[np.int64]], memory: LearnerMemory, x: NDArray[Any], count: int, seed: int
) -> NDArray[np.uint8]:
    """Packed exemplars chosen from all raw samples of a class at once, by features of a random embedding.

    Parameters
    ----------
    select : function of :mod:`mcuref.incremental.selection`.
    memory, x, count, seed : as ``choose`` of :class:`mcuref.incremental.store.ClassSlots` takes them.
    """
    layout, embedding = memory.layout, memory.embeddings[0]
    streamed = layout.recipe.distillation.streamed(len(x), count)  # as many as pass by elsewhere
    x, layer = x[np.arange(streamed) * len(x) // streamed], layout.codec.layer
    features = np.zeros((len(x), embedding.features), np.float32)
    flat = x.reshape(len(x), layer.size)
    for first in range(0, len(x), RAW_CHUNK):
        part = slice(first, first + RAW_CHUNK)
        normalised = np.zeros(flat[part].shape, np.float32)
        load_samples_f32(normalised, flat[part], layer.mean, layer.scale)
        features[part] = embedding.outputs(normalised.reshape(-1, *layer.shape))
    embedding.distances += count * features.size
    return layout.codec.encode(x[np.sort(select(features, count))])


class ExemplarSlots(ClassSlots):
    """Exemplars of each class, chosen from its raw samples, which lie outside meanwhile.

    Parameters
    ----------
    select : function of :mod:`mcuref.incremental.selection`.
    """

    def __init__(self, select: Callable[[NDArray[Any], int], NDArray[np.int64]]) -> None:
        super().__init__(partial(exemplars, select))

    def add(self, x: NDArray[Any], classes: NDArray[np.int64], draw: Draw, progress: Progress) -> dict[int, int]:
        """Store exemplars of each class; the pool is that of the class with the most samples to choose from."""
        stored = super().add(x, classes, draw, progress)
        arrived = {index: int(np.count_nonzero(classes == index)) for index in stored}
        streamed = self.layout.recipe.distillation.streamed
        self.raw_pool = max((streamed(arrived[i], stored[i]) * x[0].nbytes for i in stored if stored[i]), default=0)
        return stored


class Reservoir(ArenaSamples):
    """A uniform sample of all that has arrived, whatever its class (Vitter 1985)."""

    def add(self, x: NDArray[Any], classes: NDArray[np.int64], draw: Draw, progress: Progress) -> dict[int, int]:
        """Sample number t is stored with probability slots / t, in place of a random one; {class: all stored of it}."""
        table, labels, slots = self.table, self.labels, self.layout.capacity
        seen, filled, seed = int(table[:, SEEN].sum()), int(table[:, STORED].sum()), draw()
        number = seen + np.arange(len(x))
        draws = philox(seed, CHOICE, len(x)).astype(np.uint64)
        target = ((draws * (number + 1).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)
        target = np.where(number < slots, number, target)
        for i in np.flatnonzero(target < slots).tolist():
            self.write(target[i : i + 1], self.layout.codec.encode(x[i : i + 1]), classes[i])
        filled = min(slots, filled + len(x))
        table[:, STORED] = np.bincount(labels[:filled], minlength=len(table))
        table[:, SEEN] += np.bincount(classes, minlength=len(table))
        return {index: int(table[index, STORED]) for index in np.flatnonzero(table[:, SEEN]).tolist()}

    def material(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All slots that are filled."""
        slots = np.arange(int(self.table[:, STORED].sum()), dtype=np.int32)
        return slots, self.labels[slots].astype(np.int64)


# What makes the object that holds a strategy's samples; ClassSlots where nothing is said
SAMPLES: dict[str, Callable[[], Store]] = {
    "naive": RawSamples,
    "joint": partial(RawSamples, joint=True),
    "joint-best": partial(RawSamples, joint=True),
    "herding": partial(ExemplarSlots, selection.herding),
    "k-center": partial(ExemplarSlots, selection.k_center),
    "reservoir": Reservoir,
}
STARTS = {"random": "random", "reservoir": "random", "herding": "swap-herding", "k-center": "swap-herding"}


def samples_for(name: str, distil: str | None = None) -> Store:
    """What holds the samples of a strategy, newly made: see :mod:`mcuref.incremental.store`.

    distil : how the strategies that keep by the protocol do it, of the setting; None: as the protocol says.
    """
    return SAMPLES.get(name if name in SAMPLES or name in STARTS else distil or name, ClassSlots)()


def recipe_for(name: str, recipe: Recipe) -> Recipe:
    """The recipe of a strategy: those that store real samples choose them, and change nothing about them; the upper bound
    trains in full.
    """
    if name == "joint-best":
        return replace(recipe, rule=Full())
    if name not in STARTS:
        return recipe
    return replace(recipe, distillation=replace(recipe.distillation, start=STARTS[name], iterations=0))
