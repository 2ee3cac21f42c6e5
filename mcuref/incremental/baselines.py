"""Learners to compare with, in the same harness: same model, order, augmentation and training steps.

naive        no memory: trains on the arriving task alone
joint        all raw data so far: what would be reached if everything could be stored
random, herding, k-center, reservoir        as many bytes of real samples, chosen in another way
"""

from dataclasses import replace

import numpy as np

from mcuref.incremental import arrivals, selection
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.store import LABEL, SEEN, STORED
from mcuref.kernels.load import load_samples_f32
from mcuref.kernels.random import CHOICE, philox

RAW_CHUNK = 512
SELECTIONS = {"herding": selection.herding, "k-center": selection.k_center}


class RawLearner(IncrementalLearner):
    """Trains on raw data, which lies outside of every budget: of the last task, or of all so far (``joint``)."""

    stores, joint, raw = False, False, None

    def learn(self, x, y, **given):
        """The same; if it fails, the raw data is as before, too."""
        raw = self.raw
        try:
            return super().learn(x, y, **given)
        except BaseException:
            self.raw = raw
            raise

    def distil(self, x, y):
        """Keep raw samples; nothing is distilled."""
        index = np.array([self._index(label) for label in y.tolist()], np.int64)
        if self.joint and self.history:
            x, index = np.concatenate([self.raw[0], x]), np.concatenate([self.raw[1], index])
        self.raw = x, index
        return {}

    def material(self):
        """All raw samples."""
        if self.raw is None:
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        return np.arange(len(self.raw[0]), dtype=np.int32), self.raw[1]

    def shown(self, slots, ahead=0):
        """Raw samples, moved and scaled as the stored ones of others are."""
        return self.augmented(self.raw[0][slots], ahead)

    @property
    def stored_bytes(self):
        """Bytes of the raw data that is kept from task to task, a label a sample; none if only the last task counts."""
        label = 1 if self.most_classes <= 256 else 2
        return self.raw[0].nbytes + label * len(self.raw[1]) if self.joint and self.classes else 0

    def keep_order(self, order):
        """There is no such buffer."""

    def recall(self, x, y, row):
        """Keep the raw samples of a task that was learned before, when a run is resumed."""
        self.classes = list(row["classes"])
        self.distil(x, y)
        self.history.append(row)


class JointLearner(RawLearner):
    """Trains on all raw data so far."""

    joint = True


class PoolLearner(IncrementalLearner):
    """Stores exemplars chosen from all raw samples of a class at once, by features of a random embedding."""

    rule = "herding"

    def choose(self, x, count, seed):
        """Packed exemplars, of as many samples as pass by elsewhere."""
        streamed = self.recipe.distillation.streamed(len(x), count)
        x = x[np.arange(streamed) * len(x) // streamed]
        layer, embedding = self.network.input, self.cycle.embeddings[0]
        features = np.zeros((len(x), embedding.features), np.float32)
        flat = x.reshape(len(x), layer.size)
        for first in range(0, len(x), RAW_CHUNK):
            part = slice(first, first + RAW_CHUNK)
            normalised = np.zeros(flat[part].shape, np.float32)
            load_samples_f32(normalised, flat[part], layer.mean, layer.scale)
            features[part] = embedding.outputs(normalised.reshape(-1, *layer.shape))
        return self.layout.codec.encode(x[np.sort(SELECTIONS[self.rule](features, count))])


class KCenterLearner(PoolLearner):
    """The same, by the greedy k-center rule."""

    rule = "k-center"


class ReservoirLearner(IncrementalLearner):
    """Stores a uniform sample of all that has arrived, whatever its class (Vitter 1985)."""

    def distil(self, x, y):
        """Sample number t is stored with probability slots / t, in place of a random one."""
        x, y = arrivals.checked(self.network.input, x, y)
        store, slots = self.store, self.layout.capacity
        seen, seed = int(store.table[:, SEEN].sum()), self.draw()
        filled = int(store.table[:, STORED].sum())
        number = seen + np.arange(len(x))
        draws = philox(seed, CHOICE, len(x)).astype(np.uint64)
        target = ((draws * (number + 1).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)
        target = np.where(number < slots, number, target)
        for i in np.flatnonzero(target < slots).tolist():
            store.samples[target[i]] = self.layout.codec.encode(x[i : i + 1])[0]
            store.labels[target[i]] = self._index(int(y[i]))
        filled = min(slots, filled + len(x))
        for index in range(len(self.classes)):
            store.table[index, STORED] = np.count_nonzero(store.labels[:filled] == index)
            store.table[index, SEEN] += np.count_nonzero(y == store.table[index, LABEL])
        return {str(label): int(store.table[i, STORED]) for i, label in enumerate(self.classes)}

    def material(self):
        """All slots that are filled."""
        slots = np.arange(int(self.store.table[:, STORED].sum()), dtype=np.int32)
        return slots, self.store.labels[slots].astype(np.int64)


STARTS = {"random": "random", "reservoir": "random", "herding": "swap-herding", "k-center": "swap-herding"}


def recipe_for(name, recipe):
    """The recipe of a strategy: those that store real samples choose them, and change nothing about them."""
    if name not in STARTS:
        return recipe
    return replace(recipe, distillation=replace(recipe.distillation, start=STARTS[name], iterations=0))


LEARNERS = {
    "naive": RawLearner,
    "joint": JointLearner,
    "herding": PoolLearner,
    "k-center": KCenterLearner,
    "reservoir": ReservoirLearner,
}
