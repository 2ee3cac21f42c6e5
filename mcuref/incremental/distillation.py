"""Distillation: a few stored samples for each class whose features agree in the mean with those of all real samples.

Distribution matching (Zhao and Bilen, arXiv 2110.04181) as a microcontroller would do it. Real samples pass by once, one
by one; of them only the mean features mu_r of R frozen embeddings f_r are kept, and a group of G samples to begin with. Then

    repeat K times, r = k mod R:
        pass 1    d = (1 / G) sum over j of f_r(s_j) - mu_r
        pass 2    for each j: g_j = J_r(s_j)^T d;   s_j <- s_j - rate (1 - k / K) sigma g_j / RMS(g_j)

with batch 1 and no other gradient in memory than that of the sample at hand; sigma is the standard deviation of the
real samples. The normalised step needs no rate for each network and data set. The published step is

        v_j <- 0.5 v_j + (2 / G) g_j;   s_j <- s_j - rate v_j

Last, the samples are rounded to the bits that they are stored in. A class that is given more than G samples gets them
in groups, each chosen from its own part of the stream and matched to the mean of all that has passed by until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import instance, number, one_of, whole
from mcuref.errors import InputError
from mcuref.incremental.embedding import Embedding
from mcuref.incremental.storage import Codec
from mcuref.kernels import matching, random
from mcuref.kernels.load import load_samples_f32
from mcuref.layers import Input

STARTS = ("swap-herding", "random", "mixed")
STEPS = ("normalised", "published")
MOMENTUM = np.float32(0.5)  # of the published step
CHUNK = 256  # samples that the host hands over at once; it decides no bit


@dataclass(frozen=True)
class Distillation:
    """How new data becomes stored samples.

    Parameters
    ----------
    start : what real samples the stored ones begin as: "swap-herding" (in the features of the first embedding), "random",
        or "mixed": every other group at random, the first one by swap-herding. No features are computed of samples that
        pass by while a group is chosen at random and nothing is distilled.
    iterations : int, K; 0 keeps the real samples: then this is selection alone.
    rate : float.
    step : "normalised" or "published".
    embeddings : int, R.
    group : int, G, samples that are optimised together.
    stream : int, at most how many real samples of a class pass by for each task, evenly taken from all; at least twice
        as many as are stored.
    """

    start: str = "swap-herding"
    iterations: int = 100
    rate: float = 0.03
    step: str = "normalised"
    embeddings: int = 10
    group: int = 12
    stream: int = 1000

    def __post_init__(self) -> None:
        one_of("start", self.start, STARTS)
        one_of("step", self.step, STEPS)
        whole("iterations", self.iterations, 0, 1_000_000)
        number("rate", self.rate, 0, above=True)
        whole("embeddings", self.embeddings, 1, 1000)
        whole("group", self.group, 1, 1 << 16)
        whole("stream", self.stream, 1)

    def buffers(self, n: int, features: int) -> dict[str, tuple[tuple[int, ...], str, str]]:
        """{name: (shape, first stage, last stage)} of the float32 buffers for samples of n values."""
        g, r = self.group, self.embeddings if self.iterations else 1
        shapes = {"record.sample": ((n,), "record", "record"), "distil.samples": ((g, n), "record", "distil")}
        if self.needs_embeddings:
            shapes["record.feature_sums"] = ((r, features), "record", "distil")
            shapes["record.features"] = ((features,), "record", "record")
        if self.start != "random":
            shapes["record.kept_features"] = ((g, features), "record", "record")
            shapes["record.kept_sum"] = ((features,), "record", "record")
        if self.iterations:
            shapes["distil.features"] = ((features,), "distil", "distil")
            shapes["distil.sum"] = ((features,), "distil", "distil")
            shapes["distil.gradient"] = ((n,), "distil", "distil")
            if self.step == "published":
                shapes["distil.velocity"] = ((g, n), "distil", "distil")
        return shapes

    @property
    def needs_embeddings(self) -> bool:
        """Whether features are computed at all."""
        return bool(self.iterations) or self.start != "random"

    def streamed(self, available: int, count: int) -> int:
        """How many of the ``available`` real samples pass by."""
        return min(available, max(self.stream, 2 * count))


def workspace(recipe: Distillation, n: int, features: int) -> dict[str, NDArray[np.float32]]:
    """Arrays of their own for :func:`distil_class`; a learner has them in its arena."""
    return {name: np.zeros(shape, np.float32) for name, (shape, _, _) in recipe.buffers(n, features).items()}


def distil_class(
    x: NDArray[Any],
    count: int,
    codec: Codec,
    embeddings: Sequence[Embedding] = (),
    recipe: Distillation | None = None,
    seed: int = 0,
    arrays: dict[str, NDArray[np.float32]] | None = None,
) -> NDArray[np.uint8]:
    """Stored samples, uint8[count, codec.bytes], of one class.

    Parameters
    ----------
    x : [N, ...], raw samples of the class in the order in which they pass by, N >= count.
    count : int > 0, how many to store.
    codec : :class:`mcuref.incremental.storage.Codec` of the Input layer.
    embeddings : list of :class:`mcuref.incremental.embedding.Embedding`, as many as the recipe says.
    recipe : :class:`Distillation`, the default one if None.
    seed : int, of random choices.
    arrays : what :func:`workspace` returns, to work in; new ones if None.
    """
    recipe = instance("recipe", Distillation() if recipe is None else recipe, Distillation, "a Distillation")
    whole("count", count, 1)
    if len(x) < count:
        raise InputError(f"{count} samples are to be stored of a class that has {len(x)}; it needs at least as many")
    needed = (recipe.embeddings if recipe.iterations else 1) if recipe.needs_embeddings else 0
    if len(embeddings) < needed:
        raise InputError(f"the recipe needs {needed} embedding{'s' * (needed > 1)}; {len(embeddings)} were given")
    features = embeddings[0].features if recipe.needs_embeddings else 0
    arrays = workspace(recipe, codec.layer.size, features) if arrays is None else arrays
    stride = np.arange(recipe.streamed(len(x), count)) * len(x) // recipe.streamed(len(x), count)
    stream = Stream(x[stride], codec.layer, embeddings, recipe, arrays)
    packed = np.zeros((count, codec.bytes), np.uint8)
    groups = -(-count // recipe.group)
    for i in range(groups):
        start = recipe.start if recipe.start != "mixed" else ("swap-herding", "random")[i % 2]
        place = slice(i * count // groups, (i + 1) * count // groups)
        samples = arrays["distil.samples"][: place.stop - place.start]
        stream.choose(samples, place.stop * len(stride) // count, seed, start)  # at least as many as the group has
        if recipe.iterations:
            match(samples, embeddings, stream, recipe, codec.bounds, arrays)
        packed[place] = codec.encode_normalised(samples)
    return packed


class Stream:
    """Real samples of one class on their way past: sums of their features, their spread, and a choice among them.

    Attributes
    ----------
    seen : int, how many have passed by.
    summed : int, of how many of them features were computed.
    sums : float32[R, D], sums of those.
    """

    def __init__(
        self,
        x: NDArray[Any],
        layer: Input,
        embeddings: Sequence[Embedding],
        recipe: Distillation,
        arrays: dict[str, NDArray[np.float32]],
    ) -> None:
        self.x, self.layer, self.recipe, self.arrays = x.reshape(len(x), -1), layer, recipe, arrays
        self.embeddings = embeddings[: recipe.embeddings if recipe.iterations else 1] if recipe.needs_embeddings else ()
        self.seen = self.summed = 0
        self._moments = np.zeros(2, np.float32)
        self.sums = arrays.get("record.feature_sums", np.zeros((0, 0), np.float32))
        self.sums[:] = 0

    @property
    def deviation(self) -> np.float32:
        """Standard deviation of all normalised values seen, float32."""
        mean, square = self._moments / np.float32(max(self.seen, 1))
        return np.sqrt(max(square - mean * mean, np.float32(0)))

    def choose(self, samples: NDArray[np.float32], end: int, seed: int, start: str) -> None:
        """Let samples up to number ``end`` pass by; leave a choice among them, "swap-herding" or "random", in samples[G, n].

        They are normalised.
        """
        first = self.seen
        if start == "random":
            order = random.permutation(end - first, seed, random.CHOICE + first)[: len(samples)]
            chosen = first + np.sort(order)
            self._pass_by(end, None)  # their features are wanted only for distilling
        else:
            chosen = np.zeros(len(samples), np.int64)
            self._pass_by(end, chosen)
        load_samples_f32(samples, self.x[chosen], self.layer.mean, self.layer.scale)

    def _pass_by(self, end, chosen):
        """Add up features of samples until ``end``; with ``chosen`` int64[G] by swap-herding in those of the first net."""
        if chosen is not None:
            kept = self.arrays["record.kept_features"][: len(chosen)]
            total = self.arrays["record.kept_sum"]
            total[:] = 0
        first, embeddings = self.seen, self.embeddings if self.recipe.iterations or chosen is not None else ()
        for begin in range(first, end, CHUNK):
            x = np.zeros((min(CHUNK, end - begin), self.layer.size), np.float32)
            load_samples_f32(x, self.x[begin : begin + len(x)], self.layer.mean, self.layer.scale)
            matching.add_moments(self._moments, x)
            for r, embedding in enumerate(embeddings):
                features = embedding.outputs(x.reshape(-1, *self.layer.shape))
                if r or chosen is None:
                    matching.add_features(self.sums[r], features)
                else:
                    matching.swap_herding(chosen, kept, total, self.sums[0], features, begin, first, self.summed)
                    exchanged = min(len(x), max(begin + len(x) - first - len(chosen), 0))  # once all slots are full
                    embedding.distances += exchanged * kept.size
            self.seen, self.summed = begin + len(x), self.summed + len(x) * bool(embeddings)


def matching_loss(
    x: NDArray[np.float32], s: NDArray[np.float32], embedding: Embedding
) -> tuple[np.float32, NDArray[np.float32]]:
    """(L, dL/ds) of normalised samples x [N, ...] and s [M, ...]: L = || mean f(s) - mean f(x) ||^2, float32.

    The gradient has the shape of s. Both are exactly 0 if s are the samples x in the same order.
    """
    sums = np.zeros((2, embedding.features), np.float32)
    for total, samples in zip(sums, (x, s)):
        matching.add_features(total, embedding.outputs(samples))
    difference = np.zeros(embedding.features, np.float32)
    matching.mean_difference(difference, sums[1], len(s), sums[0], len(x))
    gradient = embedding.gradient(s, difference * np.float32(2 / len(s)))
    return matching.squared_norm(difference), gradient


def match(
    samples: NDArray[np.float32],
    embeddings: Sequence[Embedding],
    stream: Stream,
    recipe: Distillation,
    bounds: tuple[NDArray[np.float32], NDArray[np.float32]],
    arrays: dict[str, NDArray[np.float32]],
) -> None:
    """Optimise samples[G, n], normalised, in place, so that their mean features become those of the stream."""
    shape, total, difference = stream.layer.shape, arrays["distil.sum"], arrays["distil.features"]
    if recipe.step == "published":
        velocity = arrays["distil.velocity"][: len(samples)]
        velocity[:] = 0
    for k in range(recipe.iterations):
        r = k % recipe.embeddings
        total[:] = 0
        matching.add_features(total, embeddings[r].outputs(samples.reshape(-1, *shape)))
        matching.mean_difference(difference, total, len(samples), stream.sums[r], stream.seen)
        if recipe.step == "published":
            difference *= np.float32(2 / len(samples))
        gradients = embeddings[r].gradient(samples.reshape(-1, *shape), difference).reshape(samples.shape)
        rate = np.float32(recipe.rate)
        if recipe.step == "normalised":
            rate = rate * stream.deviation * np.float32(1 - k / recipe.iterations)
            matching.step_all_normalised(samples, gradients, rate, *bounds)
        else:
            matching.step_all_momentum(samples, velocity, gradients, rate, MOMENTUM, *bounds)
