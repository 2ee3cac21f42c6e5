"""Distilling a class: choice, groups, the loop, recipes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import Dense, Input, InputError, ReLU
from mcuref.incremental import distillation
from mcuref.incremental.distillation import STARTS, STEPS, Distillation, distil_class, workspace
from mcuref.incremental.storage import Storage
from mcuref.kernels.random import CHOICE, permutation

from .embeddings import LINEAR, NETWORKS, Recording, affine, blobs, embedding_of, embeddings_of

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)

PIXELS = Input((3,), "uint8", 0.0, 1 / 255)


class Identity:
    """An embedding whose features are the sample; keeps what it was asked for."""

    def __init__(self, features):
        self.features, self.seen, self.distances = features, [], 0

    def outputs(self, x):
        self.seen.append(x.reshape(len(x), -1).copy())
        return self.seen[-1].copy()

    def gradient(self, x, difference):
        return np.broadcast_to(difference, (len(x), difference.size)).reshape(x.shape).copy()


def swap_herded(features, count, earlier):
    """Indices of swap-herding by trying every swap in float64; ``earlier``: features that have passed by before."""
    kept = []
    for j in range(len(features)):
        if len(kept) < count:
            kept.append(j)
            continue
        mean = np.concatenate([earlier, features[: j + 1]]).mean(axis=0)
        options = [kept] + [[*kept[:m], j, *kept[m + 1 :]] for m in range(count)]
        kept = min(options, key=lambda option: np.square(features[option].mean(axis=0) - mean).sum())
    return kept


def start_of(recipe, group):
    """How a group of a class is chosen: mixed is by turns, swap-herding first."""
    return ("swap-herding", "random")[group % 2] if recipe.start == "mixed" else recipe.start


def distilled64(x, parts, layer, maps, recipe, bounds, seed):
    """Normalised samples of all groups, float64: the module's docstring for affine maps; ``parts`` : (samples, end)."""
    x = (x.reshape(len(x), -1).astype(np.float64) - layer.mean) * layer.scale
    begin, done = 0, []
    for group, (m, end) in enumerate(parts):
        if start_of(recipe, group) == "random":
            chosen = np.sort(permutation(end - begin, seed, CHOICE + begin)[:m])
        else:
            chosen = swap_herded((x @ maps[0][0].T)[begin:end], m, (x @ maps[0][0].T)[:begin])
        s, velocity, sigma = x[begin:end][chosen], 0, x[:end].std()
        for k in range(recipe.iterations):
            a, b = maps[k % recipe.embeddings]
            d = (s @ a.T + b).mean(axis=0) - (x[:end] @ a.T + b).mean(axis=0)
            gradient = np.tile(d @ a, (m, 1))  # J^T d, the same for all samples of an affine map
            if recipe.step == "normalised":
                decay = 1 - k / recipe.iterations
                step = recipe.rate * decay * sigma * gradient / np.sqrt(np.mean(gradient**2, axis=1, keepdims=True))
            else:
                velocity = 0.5 * velocity + 2 / m * gradient
                step = recipe.rate * velocity
            s = np.clip(s - step, *bounds)
        done.append(s)
        begin = end
    return np.concatenate(done)


@pytest.mark.parametrize("step, rate", [("normalised", 0.05), ("published", 0.2)])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("count, group, parts", [
    (1, 24, [(1, 30)]), (3, 3, [(3, 30)]), (5, 3, [(2, 12), (3, 30)]), (7, 3, [(2, 8), (2, 17), (3, 30)]),
])  # fmt: skip
def test_the_loop_is_what_the_docstring_says(count, group, parts, start, step, rate):
    """Two affine embeddings, five iterations; some values are clamped."""
    layer = Input((4, 3, 2), "float32", 0.5, 1.5)
    random = np.random.default_rng(count)
    x = (0.5 + random.normal(size=(30, 4, 3, 2)) + random.normal(size=(4, 3, 2))).astype(np.float32)
    embeddings = [embedding_of(LINEAR, seed) for seed in (1, 2)]
    maps = [affine(e.program.network) for e in embeddings]
    recipe = Distillation(start=start, iterations=5, rate=rate, step=step, embeddings=2, group=group)
    codec = Recording(layer, Storage(2))
    packed = distil_class(x, count, codec, embeddings, recipe, seed=4)
    got = np.concatenate(codec.stored)
    bounds = -1.5, 1.5  # of two bits, in standard deviations
    expected = distilled64(x, parts, layer, maps, recipe, bounds, 4)
    # five steps of about 0.1; sums of 24 products and 30 samples make a difference of means, a tenth of them, off by 1e-5
    assert np.abs(got - expected).max() < 5e-5
    assert ((np.abs(expected) == 1.5).any() or count == 1) and (np.abs(np.abs(got) - 1.5) > 1e-3).any()
    assert (packed == codec.encode_normalised(got)).all()


@st.composite
def streams(draw):
    """(N, count, recipe) of a selection alone: any stream, groups and start."""
    count = draw(st.sampled_from([1, 2, 3, 7, 15, 17, 33]))
    n = count + draw(st.sampled_from([0, 1, 2, 7, 15, 17, 33, 100]))
    recipe = Distillation(
        start=draw(st.sampled_from(STARTS)),
        iterations=0,
        group=draw(st.integers(1, 34)),
        stream=draw(st.sampled_from([1, 15, 33, 1000])),
    )
    return n, count, recipe


def numbered(n):
    """uint8 samples whose first value is their number."""
    random = np.random.default_rng(n)
    x = random.integers(0, 256, (n, 3)).astype(np.uint8)
    x[:, 0] = np.arange(n)
    return x


@settings(RANDOM, max_examples=150)
@given(streams(), st.integers(0, 99))
def test_every_sample_passes_by_once_at_most_and_in_order(case, seed):
    """The features that are asked for; and every group takes real samples of its own part of the stream."""
    n, count, recipe = case
    x, identity = numbered(n), Identity(3)
    codec = Storage().codec(PIXELS)
    chosen = codec.decode(distil_class(x, count, codec, [identity], recipe, seed))
    passing = min(n, max(recipe.stream, 2 * count))
    stream = [i * n // passing for i in range(passing)]  # evenly from all
    assert recipe.streamed(n, count) == passing
    normalised = x[stream].astype(np.float32) * np.float32(1 / 255)
    numbers = chosen[:, 0].astype(int)
    assert (chosen == x[numbers]).all() and len(set(numbers)) == count
    groups = -(-count // recipe.group)
    sizes = [(g + 1) * count // groups - g * count // groups for g in range(groups)]
    assert max(sizes) <= recipe.group
    place = np.array([stream.index(i) for i in numbers])
    begin, parts = 0, [0, *(end * passing // count for end in np.cumsum(sizes).tolist())]
    featured = [
        normalised[parts[g] : parts[g + 1]] for g in range(groups) if start_of(recipe, g) == "swap-herding"
    ]  # of what passes by for a group at random nothing is to be computed
    assert b"".join(seen.tobytes() for seen in identity.seen) == b"".join(part.tobytes() for part in featured)
    for group, size in enumerate(sizes):
        mine, other = place[begin : begin + size], place[begin + size :]
        assert not len(other) or mine.max() < other.min()
        if start_of(recipe, group) == "random":
            assert (np.diff(mine) > 0).all()
        begin += size


def test_groups_take_their_samples_from_their_own_part():
    """17 in 5 groups of 18 samples: 3 3 4 3 4 of them, and as many at least pass by."""
    codec = Storage().codec(PIXELS)
    for start in STARTS:
        recipe = Distillation(start=start, iterations=0, group=4, stream=1)
        numbers = codec.decode(distil_class(numbered(18), 17, codec, [Identity(3)], recipe))[:, 0].tolist()
        assert len(set(numbers)) == 17
        for group, part in zip(([0, 3], [3, 6], [6, 10], [10, 13], [13, 17]), ([0, 3], [3, 6], [6, 10], [10, 13], [13, 18])):
            assert set(numbers[slice(*group)]) <= set(range(*part))


@pytest.mark.parametrize("start", STARTS)
def test_every_embedding_sees_the_stream_once(start):
    x, embeddings = numbered(200), [Identity(3) for _ in range(4)]
    recipe = Distillation(start=start, iterations=5, embeddings=3, group=2, stream=50)
    distil_class(x, 6, Storage().codec(PIXELS), embeddings, recipe)
    stream = x[np.arange(50) * 200 // 50].astype(np.float32) * np.float32(1 / 255)
    for r, embedding in enumerate(embeddings[:3]):
        real = [seen for seen in embedding.seen if len(seen) > 2]  # samples that are matched come two by two
        assert np.concatenate(real).tobytes() == stream.tobytes()
        assert len(embedding.seen) - len(real) == 3 * len(range(r, 5, 3))  # and take turns in each of three groups
    assert not embeddings[3].seen


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("step", STEPS)
def test_the_chunks_of_the_host_decide_no_bit(step, start, monkeypatch):
    layer = Input((5, 7, 2), "float32")
    x, embeddings = blobs(33, 2, layer), embeddings_of(NETWORKS["conv, max"], 2)
    recipe = Distillation(start=start, iterations=3, step=step, embeddings=2, group=3)
    results = []
    for chunk in (256, 1, 7, 33, 1000):
        monkeypatch.setattr(distillation, "CHUNK", chunk)
        codec = Recording(layer, Storage())
        distil_class(x, 5, codec, embeddings, recipe, seed=3)
        results.append(np.concatenate(codec.stored).tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize(
    "layer",
    [
        PIXELS,
        Input((5, 3), "uint8", 0.0, 1 / 16),
        Input((5, 3), "int8", [1.0, -2.5, 0.0], [0.01, 0.02, 1 / 64]),
        Input((2, 3, 1), "uint8", 128.0, 0.01),
    ],
    ids=["features", "digits", "int8 signals", "images about 0"],
)
@pytest.mark.parametrize("start", STARTS)
def test_without_iterations_real_samples_stay_real(start, layer):
    random = np.random.default_rng(1)
    x = random.integers(0, 17 if layer.scale[0] == np.float32(1 / 16) else 256, (40, *layer.shape)).astype(layer.dtype)
    recipe, codec = Distillation(start=start, iterations=0, group=4), Storage().codec(layer)
    packed = distil_class(x, 11, codec, [Identity(layer.size)], recipe, 2)
    assert packed.dtype == np.uint8 and packed.shape == (11, codec.bytes)
    found = [np.flatnonzero((x == sample).all(axis=tuple(range(1, x.ndim)))) for sample in codec.decode(packed)]
    assert all(len(where) == 1 for where in found) and len({int(where[0]) for where in found}) == 11


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("step", STEPS)
def test_a_function_of_the_data_the_recipe_and_the_seed(step, start):
    layer = Input((9,), "int16", 0.0, 1 / 500)
    x = (500 * np.random.default_rng(1).normal(size=(40, 9))).astype(np.int16)
    before, codec = x.tobytes(), Storage(4).codec(layer)
    recipe = Distillation(start=start, iterations=4, step=step, embeddings=2, group=3)

    def run(seed):
        return distil_class(x, 7, codec, embeddings_of(NETWORKS["dense"], 2), recipe, seed)

    packed = run(5)
    assert packed.shape == (7, codec.bytes) and packed.dtype == np.uint8
    assert (run(5) == packed).all() and x.tobytes() == before
    assert (run(6) == packed).all() == (start == "swap-herding")  # which draws nothing
    used = embeddings_of(NETWORKS["dense"], 2)
    distil_class(x[::-1], 7, codec, used, recipe, 1)
    assert (distil_class(x, 7, codec, used, recipe, 5) == packed).all()  # nothing is left behind in an embedding
    again = embeddings_of(NETWORKS["dense"], 5)  # those beyond the recipe's are not used
    assert (distil_class(x, 7, codec, again, recipe, 5) == packed).all()


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("iterations", [0, 3])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_as_many_as_there_are(count, iterations, start):
    x, codec = numbered(count), Storage().codec(PIXELS)
    embeddings = embeddings_of([PIXELS, Dense(5), ReLU(), Dense(2)], 2)
    recipe = Distillation(start=start, iterations=iterations, embeddings=2, group=3)
    got = codec.decode(distil_class(x, count, codec, embeddings, recipe))
    assert got.shape == x.shape
    if not iterations or count < 4:  # in one group their mean is what it is to be: there is nothing to move
        assert (got == x).all()


def test_the_default_recipe_is_used_if_none_is_given():
    x, codec = numbered(20), Storage().codec(PIXELS)
    embeddings = embeddings_of([PIXELS, Dense(5), ReLU(), Dense(2)], Distillation().embeddings)
    assert (distil_class(x, 2, codec, embeddings) == distil_class(x, 2, codec, embeddings, Distillation())).all()


@pytest.mark.parametrize(
    "recipe",
    [
        Distillation(iterations=3, embeddings=2, group=3),
        Distillation("random", 3, embeddings=2, group=3, step="published"),
        Distillation(iterations=0, group=3),
        Distillation("random", 0, group=3),
        Distillation(iterations=3, embeddings=2, group=3, step="published"),
    ],
    ids=["normalised", "published", "herding", "random", "both"],
)
def test_arrays_from_outside_give_the_same_bits(recipe):
    """Whatever they held before; and nothing else is written."""
    layer = Input((5, 7, 2), "float32")
    x, codec = blobs(33, 3, layer), Storage().codec(layer)
    embeddings = embeddings_of(NETWORKS["conv, max"], 2)
    features = embeddings[0].features
    alone = distil_class(x, 8, codec, embeddings, recipe, 9)
    shapes = recipe.buffers(layer.size, features)
    for fill in (np.nan, 1e30, -7.0):
        arrays = {name: np.full(shape, fill, np.float32) for name, (shape, _, _) in shapes.items()}
        given = dict(arrays)
        assert (distil_class(x, 8, codec, embeddings, recipe, 9, arrays) == alone).all()
        assert arrays.keys() == given.keys() and all(arrays[name] is given[name] for name in arrays)
    last = arrays["distil.samples"][:3]
    assert (codec.encode_normalised(last) == alone[-3:]).all()  # it is those that were worked in


@pytest.mark.parametrize("recipe, names", [
    (Distillation(group=3, embeddings=2),
     "sample samples feature_sums features kept_features kept_sum features sum gradient"),
    (Distillation("random", group=3, embeddings=2), "sample samples feature_sums features features sum gradient"),
    (Distillation("random", group=3, embeddings=2, step="published"),
     "sample samples feature_sums features features sum gradient velocity"),
    (Distillation(iterations=0, group=3), "sample samples feature_sums features kept_features kept_sum"),
    (Distillation("random", 0, group=3), "sample samples"),
    (Distillation("mixed", 0, group=3), "sample samples feature_sums features kept_features kept_sum"),
])  # fmt: skip
def test_buffers_by_hand(recipe, names):
    r = recipe.embeddings if recipe.iterations else 1
    sizes = {
        "record.sample": (5,),
        "distil.samples": (3, 5),
        "record.feature_sums": (r, 7),
        "record.features": (7,),
        "record.kept_features": (3, 7),
        "record.kept_sum": (7,),
        "distil.features": (7,),
        "distil.sum": (7,),
        "distil.gradient": (5,),
        "distil.velocity": (3, 5),
    }
    buffers = recipe.buffers(5, 7)
    assert [name.split(".")[1] for name in buffers] == names.split()
    for name, (shape, first, last) in buffers.items():
        assert shape == sizes[name]
        both = name in ("distil.samples", "record.feature_sums")  # chosen while recording; compared with while distilling
        assert (first, last) == (("record", "distil") if both else (name.split(".")[0],) * 2)
    arrays = workspace(recipe, 5, 7)
    assert {n: a.shape for n, a in arrays.items()} == {n: shape for n, (shape, _, _) in buffers.items()}
    assert all(a.dtype == np.float32 and not a.any() for a in arrays.values())


@pytest.mark.parametrize("count, n, words", [
    (4, 3, "4 samples are to be stored of a class that has 3; it needs at least as many"),
    (1, 0, "1 samples are to be stored of a class that has 0"),
    (0, 3, "count 0 is not a whole number from 1"), (-1, 3, "count -1"), (1.0, 3, "count 1.0"), (True, 3, "count True"),
])  # fmt: skip
def test_counts_refused(count, n, words):
    with pytest.raises(InputError) as refused:
        distil_class(numbered(n), count, Storage().codec(PIXELS), [Identity(3)], Distillation(iterations=0))
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("recipe, given, words", [
    (Distillation(embeddings=3), 2, "the recipe needs 3 embeddings; 2 were given"),
    (Distillation("random"), 0, "the recipe needs 10 embeddings; 0 were given"),
    (Distillation(iterations=0), 0, "the recipe needs 1 embedding; 0 were given"),
    ("swap-herding", 1, "recipe 'swap-herding' is not a Distillation"),
])  # fmt: skip
def test_recipes_that_do_not_suit(recipe, given, words):
    with pytest.raises(InputError) as refused:
        distil_class(numbered(9), 2, Storage().codec(PIXELS), [Identity(3)] * given, recipe)
    assert words in str(refused.value)


def test_who_needs_embeddings():
    assert Distillation().needs_embeddings and Distillation("random").needs_embeddings
    assert Distillation("mixed", 0).needs_embeddings
    assert Distillation(iterations=0).needs_embeddings and not Distillation("random", 0).needs_embeddings
    got = distil_class(numbered(9), 2, Storage().codec(PIXELS), (), Distillation("random", 0))
    assert got.shape == (2, 3)


@pytest.mark.parametrize("change, words", [
    ({"start": "noise"}, "start 'noise' is not known; it may be swap-herding, random, mixed"),
    ({"step": "adam"}, "step 'adam' is not known; it may be normalised, published"),
    ({"iterations": -1}, "iterations -1 is not a whole number from 0"), ({"iterations": 1.5}, "iterations 1.5"),
    ({"iterations": 1_000_001}, "iterations 1000001"), ({"rate": 0}, "rate 0 is not a number above 0"),
    ({"rate": float("inf")}, "rate inf"), ({"rate": "0.1"}, "rate '0.1'"), ({"rate": 1e-60}, "rate 1e-60"),
    ({"embeddings": 0}, "embeddings 0"), ({"embeddings": 1001}, "embeddings 1001"), ({"group": 0}, "group 0"),
    ({"group": 65_537}, "group 65537"), ({"stream": 0}, "stream 0"), ({"stream": True}, "stream True"),
])  # fmt: skip
def test_recipes_refused(change, words):
    with pytest.raises(InputError) as refused:
        Distillation(**change)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_the_mean_that_mixed_groups_follow_is_of_samples_with_features():
    """The third group follows the mean of what passed by for the first and the third: 1, 2, ... and not the 90s between."""
    x = np.zeros((12, 3), np.uint8)
    x[:, 0] = [1, 2, 3, 4, 90, 91, 92, 93, 2, 8, 3, 9]
    packed = distil_class(x, 3, Storage().codec(PIXELS), [Identity(3)], Distillation("mixed", 0, group=1, stream=12))
    first, between, last = Storage().codec(PIXELS).decode(packed)[:, 0].tolist()
    assert first in (2, 3) and between >= 90 and last == 3  # the mean of 1, 2, 3, 4, 2, 8, 3, 9 is 4
