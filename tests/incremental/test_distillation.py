"""Distillation: the matching loss and its gradient, the loop in float64, what passes by, and where it all lies."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import (
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    InputError,
    MaxPool2D,
    Network,
    ReLU,
    ReLU6,
    Reshape,
    Residual,
    compile,
    load_data,
)
from mcuref.incremental import distillation
from mcuref.incremental.cycle import Tenant
from mcuref.incremental.distillation import STARTS, STEPS, Distillation, distil_class, matching_loss, workspace
from mcuref.incremental.embedding import Embedding, embedding_network, embedding_seeds
from mcuref.incremental.storage import Codec, Storage
from mcuref.kernels.random import CHOICE, EMBEDDINGS, permutation, philox
from mcuref.memory.accountant import Plan
from mcuref.memory.arena import Arena
from mcuref.memory.buffers import Buffer
from mcuref.testing import oracles

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
U = 2.0**-24  # float32's unit roundoff
# Maps are not square: rows and columns taken for each other show
NETWORKS = {
    "dense": [Input((9,)), Dense(17), ReLU(), Dense(7), ReLU(), Dense(3)],
    "conv, max": [Input((5, 7, 2)), Conv2D(3, (3, 2), padding="same"), ReLU(), MaxPool2D((2, 3)), Flatten(), Dense(5), ReLU(),
                  Dense(3)],
    "strides, mean": [Input((7, 3, 1)), Conv2D(4, 3, (2, 1), "same"), ReLU6(), AveragePool2D(2, 1, "same"),
                      Conv2D(3, (1, 2)), ReLU(), GlobalAveragePool(), Dense(2)],
    "signal": [Input((15, 2)), Reshape((1, 15, 2)), Conv2D(4, (1, 5), (1, 2)), ReLU(), MaxPool2D((1, 2)), Flatten(), Dense(2)],
    "blocks": [Input((3, 5, 2)), DepthwiseConv2D((3, 2), 1, "same"), ReLU(),
               Residual([Conv2D(3, 3, padding="same"), ReLU(), Conv2D(3, 1)], Conv2D(3, 1)), ReLU(), Flatten(), Dense(2)],
}  # fmt: skip
LINEAR = [Input((4, 3, 2)), Conv2D(3, (2, 3), padding="same"), AveragePool2D((2, 1)), Flatten(), Dense(6), Dense(2)]
every_network = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
PIXELS = Input((3,), "uint8", 0.0, 1 / 255)


def embeddings_of(layers, count=1, seed=0):
    network = Network(layers)
    return [Embedding(embedding_network(network, seed=s)) for s in embedding_seeds(seed, count)]


def embedding_of(layers, seed=0, biases=True):
    """One embedding whose biases are not 0."""
    network = embedding_network(Network(layers), seed=seed)
    random = np.random.default_rng(seed)
    parameters = {n: v + biases * (v.ndim == 1) * random.normal(0, 0.3, v.shape) for n, v in network.parameters.items()}
    return Embedding(network.with_parameters(parameters))


def normal(layers, count, seed, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1, (count, *layers[0].shape)).astype(np.float32)


class Identity:
    """An embedding whose features are the sample; keeps what it was asked for."""

    def __init__(self, features):
        self.features, self.seen = features, []

    def outputs(self, x):
        self.seen.append(x.reshape(len(x), -1).copy())
        return self.seen[-1].copy()

    def gradient(self, x, difference):
        return np.broadcast_to(difference, (len(x), difference.size)).reshape(x.shape).copy()


class Recording(Codec):
    """A codec that keeps the normalised samples that it stores."""

    def encode_normalised(self, x):
        self.stored = [*getattr(self, "stored", []), x.copy()]
        return super().encode_normalised(x)


# the network in float64


def features64(network, x):
    """Outputs of a network for one normalised sample, float64, by the oracles."""
    values = [np.asarray(x, np.float64)]
    for i, layer in enumerate(network.layers[1:], 1):
        inputs = [values[j] for j in network.sources[i]]
        geometry = layer.geometry(network.input_shape(i)) if hasattr(layer, "geometry") else None
        weights = [network.parameters[f"{network.names[i]}.{kind}"] for kind in network.parameter_shapes(i)]
        if layer.kind == "dense":
            value = oracles.dense_forward(inputs[0].reshape(-1), *weights)
        elif layer.kind in ("conv", "depthwise"):
            value = getattr(oracles, f"{layer.kind}_forward")(inputs[0], *weights, geometry)
        elif layer.kind == "maxpool":
            value = oracles.max_pool_forward(inputs[0], geometry)[0]
        elif layer.kind in ("avgpool", "globalavgpool"):
            value = oracles.average_pool_forward(inputs[0], geometry)
        elif layer.kind == "add":
            value = oracles.add(*inputs)
        elif isinstance(layer, ReLU):
            value = oracles.relu_forward(inputs[0], layer.limit)
        else:
            value = inputs[0]
        values.append(value.reshape(network.shapes[i]))
    return values[-1].reshape(-1)


def affine(network):
    """(A [D, n], b [D]) of a network without kinks, float64, from its outputs at 0 and at the unit vectors."""
    n = network.input.size
    b = features64(network, np.zeros(network.input.shape))
    columns = [features64(network, row.reshape(network.input.shape)) - b for row in np.eye(n)]
    return np.array(columns).T, b


def slope64(network, x, s):
    """(loss, d loss / d s) of L = || mean f(s) - mean f(x) ||^2 by central differences: exact between two kinks."""
    mu = np.mean([features64(network, row) for row in x], axis=0)
    of_s = np.array([features64(network, row) for row in s])
    gradient = np.zeros(s.shape)
    for j, row in enumerate(s):
        others = of_s.sum(axis=0) - of_s[j]

        def loss(sample):
            return float(np.square((others + features64(network, sample)) / len(s) - mu).sum())

        gradient[j] = oracles.finite_difference(loss, row, step=1e-4)
    return float(np.square(of_s.mean(axis=0) - mu).sum()), gradient, np.abs(of_s).max()


# the matching loss


@pytest.mark.parametrize("samples", [1, 2, 7])
@every_network
def test_the_input_gradient_is_the_finite_difference_of_the_loss(layers, samples):
    embedding = embedding_of(layers, seed=samples)
    x, s = normal(layers, 5, 1, 0.5), normal(layers, samples, 2 + samples)
    loss, gradient = matching_loss(x, s, embedding)
    expected, slope, size = slope64(embedding.program.network, x, s)
    assert gradient.shape == s.shape and gradient.dtype == np.float32 and np.count_nonzero(slope) > slope.size / 4
    # sums of at most 70 products: features, their means and errors are off by less than 100 roundings of the largest one
    off = 100 * U * size / np.sqrt(expected)
    assert abs(loss - expected) <= 2 * off * expected * np.sqrt(embedding.features)
    assert (
        np.abs(gradient - slope).max() <= (off + 100 * U) * np.abs(slope).max() + 1e-9
    )  # 2^-53 / 1e-4: the differences


@every_network
@pytest.mark.parametrize("samples", [1, 2, 3, 7, 33])
def test_identical_sets_have_no_loss_and_no_gradient(samples, layers):
    embedding, x = embedding_of(layers), normal(layers, samples, 3)
    assert matching_loss(x, normal(layers, samples, 4), embedding)[0] > 0  # and what it leaves behind does not matter
    loss, gradient = matching_loss(x, x.copy(), embedding)
    assert loss == 0 and not gradient.any()


def test_a_permutation_changes_no_bit_of_whole_numbers():
    """Sums of whole numbers and quotients of powers of two are exact, in any order."""
    network = Network([Input((5,)), Dense(7), ReLU(), Dense(6), Dense(2)])
    random = np.random.default_rng(1)
    parameters = {n: random.integers(-3, 4, v.shape) for n, v in network.parameters.items()}
    embedding = Embedding(embedding_network(network, parameters=parameters))
    x, s = (random.integers(-4, 5, (n, 5)).astype(np.float32) for n in (16, 8))
    loss, gradient = matching_loss(x, s, embedding)
    assert loss > 0 and len(np.unique(gradient, axis=0)) > 4
    for _ in range(5):
        order = random.permutation(8)
        permuted = matching_loss(x[random.permutation(16)], s[order], embedding)
        assert permuted[0] == loss and permuted[1].tobytes() == gradient[order].tobytes()


@every_network
def test_a_permutation_changes_roundings_alone(layers):
    embedding, x, s = embedding_of(layers), normal(layers, 9, 1, 0.5), normal(layers, 7, 2)
    loss, gradient = matching_loss(x, s, embedding)
    size = max(np.abs(embedding.outputs(v)).max() for v in (x, s))
    random = np.random.default_rng(5)
    for _ in range(3):
        order = random.permutation(7)
        other, permuted = matching_loss(x[random.permutation(9)], s[order], embedding)
        off = 2 * 20 * U * size * np.sqrt(embedding.features)  # two means of up to 9 features each, in two orders
        assert abs(np.sqrt(other) - np.sqrt(loss)) <= off
        assert np.abs(permuted - gradient[order]).max() <= 4 * off / np.sqrt(loss) * np.abs(gradient).max()


def test_the_matching_loss_of_a_linear_embedding_has_a_closed_form():
    """L = || A (mean s - mean x) ||^2 and dL / ds_j = (2 / M) A^T A (mean s - mean x), the same for all j."""
    embedding = embedding_of(LINEAR)
    a, _ = affine(embedding.program.network)
    for m in (1, 3):
        x, s = normal(LINEAR, 5, 1, 1.0), normal(LINEAR, m, 2)
        loss, gradient = matching_loss(x, s, embedding)
        d = a @ (s.mean(axis=0, dtype=np.float64) - x.mean(axis=0, dtype=np.float64)).reshape(-1)
        assert loss == pytest.approx(d @ d, rel=1e-5)
        expected = (2 / m * a.T @ d).reshape(s.shape[1:])
        assert np.abs(gradient - expected).max() <= 1e-5 * np.abs(expected).max()  # as above
        assert (gradient == gradient[0]).all()


def test_the_loss_is_of_samples_alone():
    network = Network(NETWORKS["dense"])
    with pytest.raises(InputError, match="compile it with wrt='input'"):
        compile(network, loss="distribution_matching")
    program = compile(network, loss="distribution_matching", wrt="input")
    (state,) = (b for b in program.plan.offsets if b.name.endswith("mean_difference"))
    assert state.shape == (3,) and state.region == "sram" and state.persistent


# distillation falls


def linear_problem(count, seed=1):
    """(layer, x, embedding, A, b): whole-range uint8 samples of a linear embedding, its matrix."""
    layer = Input((4, 3, 2), "uint8", 0.0, 1 / 255)
    random = np.random.default_rng(seed)
    x = (60 + 30 * random.normal(size=(count, 24)) + 70 * random.random(24)).clip(20, 235).astype(np.uint8)
    embedding = embedding_of(LINEAR, seed)
    return layer, x.reshape(-1, 4, 3, 2), embedding, *affine(embedding.program.network)


@pytest.mark.parametrize("step, rate", [("published", 0.2), ("normalised", 0.3)])
def test_one_sample_moves_to_the_class_mean_in_feature_space(step, rate):
    layer, x, embedding, a, b = linear_problem(20)
    mean = a @ (x.reshape(20, -1).mean(axis=0) / 255) + b
    distances, ends = [], []
    for iterations in (0, 1, 2, 5, 20, 100):
        recipe = Distillation(iterations=iterations, embeddings=1, step=step, rate=rate, start="random")
        codec = Recording(layer, Storage())
        distil_class(x, 1, codec, [embedding], recipe)
        ends.append(codec.stored[0][0].astype(np.float64))
        distances.append(np.linalg.norm(a @ ends[-1] + b - mean))
    if step == "published":
        assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.1 * distances[0]
    # steps are along A^T d: what the features do not see of the sample stays as it was (nothing is clamped here)
    assert all(0.01 < end.min() and end.max() < 0.99 for end in ends)
    unseen = np.eye(24) - np.linalg.pinv(a) @ a
    assert np.abs(unseen @ (ends[-1] - ends[0])).max() < 100 * 100 * U  # 100 steps, each of sums of 24 products
    assert np.abs(ends[-1] - ends[0]).max() > 0.05


def blobs(count, seed, layer):
    """Raw samples of one class: a cloud round its centre."""
    random = np.random.default_rng(seed)
    centre = random.normal(0, 1, layer.shape)
    x = centre + 0.7 * random.normal(size=(count, *layer.shape))
    return (x if layer.dtype == "float32" else (128 + 40 * x).clip(0, 255)).astype(layer.dtype)


def digits(digit):
    data = load_data("digits")
    layer = Input((8, 8, 1), "uint8", data.mean, data.scale)
    return layer, data.x_train[data.y_train == digit]


EMBEDDED = [Conv2D(8, 3, padding="same"), ReLU(), MaxPool2D(2), Flatten(), Dense(3)]


def mean_loss(x, s, layer, embeddings):
    """Mean matching loss of normalised samples s under all embeddings, of raw x."""
    channel = np.arange(layer.size) % layer.mean.size
    x = ((x.reshape(len(x), -1) - layer.mean[channel]) * layer.scale[channel]).astype(np.float32)
    return np.mean([matching_loss(*(v.reshape(-1, *layer.shape) for v in (x, s)), e)[0] for e in embeddings])


@pytest.mark.parametrize("step, rate", [("normalised", 0.1), ("published", 0.2)])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("data", ["blobs", "digits"])
def test_the_matching_loss_falls(data, start, step, rate):
    if data == "digits":
        layer, x = digits(3)
    else:
        layer = Input((6, 7, 2), "float32")
        x = blobs(60, 1, layer)
    embeddings, losses = embeddings_of([layer, *EMBEDDED], 3), {}
    others = embeddings_of([layer, *EMBEDDED], 3, seed=99)
    for iterations in (0, 60):
        codec = Recording(layer, Storage())
        recipe = Distillation(start=start, iterations=iterations, rate=rate, step=step, embeddings=3)
        packed = distil_class(x, 5, codec, embeddings, recipe, seed=1)
        channel = np.arange(layer.size) % layer.mean.size
        raw = codec.decode(packed).reshape(5, -1).astype(np.float32)
        rounded = (raw - layer.mean[channel]) * layer.scale[channel]
        losses[iterations] = [
            mean_loss(x, s, layer, e) for e in (embeddings, others) for s in (codec.stored[0], rounded)
        ]
    before, after = losses[0], losses[60]
    assert after[0] < 0.3 * before[0]
    assert after[1] < 0.35 * before[1]  # 8 bits are next to nothing
    assert after[2] < 0.7 * before[2]  # and the same is true of embeddings that it has not seen


# the loop in float64


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


def distilled64(x, parts, layer, maps, recipe, bounds, seed):
    """Normalised samples of all groups, float64: the module's docstring for affine maps; ``parts`` : (samples, end)."""
    x = (x.reshape(len(x), -1).astype(np.float64) - layer.mean) * layer.scale
    begin, done = 0, []
    for m, end in parts:
        if recipe.start == "random":
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


# what passes by


@st.composite
def streams(draw):
    """(N, count, recipe) of a selection alone: any stream, groups and start."""
    count = draw(st.sampled_from([1, 2, 3, 7, 15, 17, 33]))
    n = count + draw(st.sampled_from([0, 1, 2, 7, 15, 17, 33, 100]))
    recipe = Distillation(start=draw(st.sampled_from(STARTS)), iterations=0, group=draw(st.integers(1, 34)),
                          stream=draw(st.sampled_from([1, 15, 33, 1000])))  # fmt: skip
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
    if recipe.start == "swap-herding":
        assert np.concatenate(identity.seen).tobytes() == normalised.tobytes()
    else:
        assert not identity.seen  # nothing is to be computed
    numbers = chosen[:, 0].astype(int)
    assert (chosen == x[numbers]).all() and len(set(numbers)) == count
    groups = -(-count // recipe.group)
    sizes = [(g + 1) * count // groups - g * count // groups for g in range(groups)]
    assert max(sizes) <= recipe.group
    place = np.array([stream.index(i) for i in numbers])
    begin = 0
    for size in sizes:
        mine, other = place[begin : begin + size], place[begin + size :]
        assert not len(other) or mine.max() < other.min()
        if recipe.start == "random":
            assert (np.diff(mine) > 0).all()
        begin += size


def test_groups_take_their_samples_from_their_own_part():
    """17 in 5 groups of 18 samples: 3 3 4 3 4 of them, and as many at least pass by."""
    codec = Storage().codec(PIXELS)
    for start in STARTS:
        recipe = Distillation(start=start, iterations=0, group=4, stream=1)
        numbers = codec.decode(distil_class(numbered(18), 17, codec, [Identity(3)], recipe))[:, 0].tolist()
        assert len(set(numbers)) == 17
        for group, part in zip(
            ([0, 3], [3, 6], [6, 10], [10, 13], [13, 17]), ([0, 3], [3, 6], [6, 10], [10, 13], [13, 18])
        ):
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


# what comes out


@pytest.mark.parametrize("layer", [
    PIXELS, Input((5, 3), "uint8", 0.0, 1 / 16), Input((5, 3), "int8", [1.0, -2.5, 0.0], [0.01, 0.02, 1 / 64]),
    Input((2, 3, 1), "uint8", 128.0, 0.01),
], ids=["features", "digits", "int8 signals", "images about 0"])  # fmt: skip
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


# where it lies


@pytest.mark.parametrize("recipe", [
    Distillation(iterations=3, embeddings=2, group=3), Distillation("random", 3, embeddings=2, group=3, step="published"),
    Distillation(iterations=0, group=3), Distillation("random", 0, group=3),
    Distillation(iterations=3, embeddings=2, group=3, step="published"),
], ids=["normalised", "published", "herding", "random", "both"])  # fmt: skip
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
    (Distillation(group=3, embeddings=2), "sample samples feature_sums features kept_features kept_sum features sum gradient"),
    (Distillation("random", group=3, embeddings=2), "sample samples feature_sums features features sum gradient"),
    (Distillation("random", group=3, embeddings=2, step="published"),
     "sample samples feature_sums features features sum gradient velocity"),
    (Distillation(iterations=0, group=3), "sample samples feature_sums features kept_features kept_sum"),
    (Distillation("random", 0, group=3), "sample samples"),
])  # fmt: skip
def test_buffers_by_hand(recipe, names):
    r = recipe.embeddings if recipe.iterations else 1
    sizes = {"record.sample": (5,), "distil.samples": (3, 5), "record.feature_sums": (r, 7), "record.features": (7,),
             "record.kept_features": (3, 7), "record.kept_sum": (7,), "distil.features": (7,), "distil.sum": (7,),
             "distil.gradient": (5,), "distil.velocity": (3, 5)}  # fmt: skip
    buffers = recipe.buffers(5, 7)
    assert [name.split(".")[1] for name in buffers] == names.split()
    for name, (shape, first, last) in buffers.items():
        assert shape == sizes[name]
        both = name in (
            "distil.samples",
            "record.feature_sums",
        )  # chosen while recording; compared with while distilling
        assert (first, last) == (("record", "distil") if both else (name.split(".")[0],) * 2)
    arrays = workspace(recipe, 5, 7)
    assert {n: a.shape for n, a in arrays.items()} == {n: shape for n, (shape, _, _) in buffers.items()}
    assert all(a.dtype == np.float32 and not a.any() for a in arrays.values())


# embeddings


@every_network
def test_features_are_those_of_the_network_without_its_last_layer(layers):
    network = Network(layers, seed=4)
    embedding = Embedding(embedding_network(network, parameters=network.parameters))
    assert embedding.features == prod(network.shapes[-2])
    x = normal(layers, 3, 1)
    got = embedding.outputs(x)
    expected = np.array([features64(embedding.program.network, row) for row in x])
    assert np.abs(got - expected).max() <= 200 * U * np.abs(expected).max()  # three sums of at most 70 products
    last = [network.parameters[f"{network.names[-1]}.{kind}"].astype(np.float64) for kind in ("weights", "bias")]
    whole = compile(network, trainable=0).outputs(x)
    assert (
        np.abs(got @ last[0].T + last[1] - whole).max()
        <= 400 * U * np.abs(expected).max() * np.abs(last[0]).sum(1).max()
    )
    gradient = embedding.gradient(x, np.ones(embedding.features, np.float32))
    assert gradient.shape == x.shape and gradient.any()


def test_a_seed_brings_an_embedding_back():
    network = Network(NETWORKS["conv, max"], seed=8)
    seeds = embedding_seeds(3, 4)
    assert seeds == [int(v) for v in philox(3, EMBEDDINGS, 4)] and all(type(s) is int for s in seeds)
    assert embedding_seeds(3, 2) == seeds[:2] and embedding_seeds(4, 2) != seeds[:2] and len(set(seeds)) == 4
    one, again, other = (embedding_network(network, seed=s) for s in (5, 5, 6))
    same = Network([Input((5, 7, 2)), *NETWORKS["conv, max"][1:-1]], seed=5)
    for name, value in one.parameters.items():
        assert value.tobytes() == again.parameters[name].tobytes() == same.parameters[name].tobytes()
        assert name.endswith("bias") or value.tobytes() != other.parameters[name].tobytes()
    assert one.outputs == 5 and one.input.dtype == "float32"


def test_an_embedding_takes_normalised_samples():
    network = Network([Input((4,), "uint8", 100.0, 0.01), Dense(3), Dense(2)])
    layer = embedding_network(network).input
    assert (layer.dtype, layer.mean.tolist(), layer.scale.tolist()) == ("float32", [0], [1])


def test_features_that_the_network_has_learned():
    network = Network(NETWORKS["dense"], seed=1)
    learned = network.with_seed(2).parameters
    embedding = Embedding(embedding_network(network))
    x = normal(NETWORKS["dense"], 3, 1)
    before = embedding.outputs(x)
    embedding.adopt(learned)
    after = embedding.outputs(x)
    assert after.tobytes() == Embedding(embedding_network(network, parameters=learned)).outputs(x).tobytes()
    assert after.tobytes() != before.tobytes()


def test_work_is_counted():
    embedding = embedding_of(NETWORKS["dense"])
    x = normal(NETWORKS["dense"], 5, 1)
    assert embedding.macs == 0
    embedding.outputs(x)
    forward = 9 * 17 + 17 * 7
    assert embedding.macs == 5 * forward
    embedding.gradient(x[:2], np.ones(7, np.float32))
    # forward again, and back: at most as much, less where a unit is off
    assert 7 * forward < embedding.macs <= 9 * forward
    assert Embedding(embedding.program.network, program=embedding.program).macs == 0


def test_a_network_of_one_layer_has_no_features():
    with pytest.raises(InputError) as refused:
        embedding_network(Network([Input((4,)), Dense(2)], name="small"))
    assert str(refused.value) == (
        "network 'small' has one layer with parameters; without it there are no features"
    )  # fmt: skip


@pytest.mark.parametrize("generated", [False, True], ids=["weights in flash", "weights in SRAM"])
@every_network
def test_a_part_of_a_larger_arena_computes_the_same_bits(layers, generated):
    """Two embeddings share their working memory behind something else; what else is there is not touched."""
    alone = [embedding_of(layers, seed) for seed in (1, 2)]
    programs = [e.program for e in alone]
    work = Buffer("work", "uint8", (max(p.plan.shared("sram") for p in programs),), "activations")
    tenants = [Tenant(p, work, (0, 1), generated, f"embedding{i}.") for i, p in enumerate(programs)]
    other, kept = (
        Buffer("other", "float32", (70_001,), "scratch"),
        Buffer("kept", "int32", (17,), "state", "", "sram", True),
    )
    groups = [[(other, 0, 4)], [(kept, 0, 4)], [(work, 0, 1)], *(group for t in tenants for group in t.groups())]
    plan = Plan(groups)
    arena = Arena(plan)
    arena.bytes[:] = 0xA5
    embeddings = [Embedding(p.network, t.part(arena), p) for p, t in zip(programs, tenants)]
    x, difference = normal(layers, 7, 1), np.random.default_rng(2).normal(size=alone[0].features).astype(np.float32)
    for _ in range(2):
        for one, part in zip(alone, embeddings):
            assert part.outputs(x).tobytes() == one.outputs(x).tobytes()
            assert part.gradient(x, difference).tobytes() == one.gradient(x, difference).tobytes()
            assert (part.counts == one.counts).all()
        arena.view(work)[:] = 0x5A  # nothing of it is needed from one call to the next
        if generated:  # nor are weights: their seed brings them back
            for tenant, part in zip(tenants, embeddings):
                for buffer in part.program.listing.parameters.values():
                    part.program.arena.view(buffer)[:] = np.nan
                part.program.fill(tenant.part(arena))
    assert (arena.view(other).view(np.uint8) == 0xA5).all() and (arena.view(kept).view(np.uint8) == 0xA5).all()
    assert (arena.guard == arena.guard[0]).all() and len(arena.bytes) == plan.sram + plan.flash
    assert all(bool(t.drawn) == generated and (not generated or t.block.region == "sram") for t in tenants)
    layer = Input(layers[0].shape, "float32")
    recipe, data = Distillation(iterations=3, embeddings=2, group=3), blobs(20, 4, layer)
    packed = [distil_class(data, 5, Storage().codec(layer), e, recipe) for e in (alone, embeddings)]
    assert (packed[0] == packed[1]).all()


# refused


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
    assert Distillation(iterations=0).needs_embeddings and not Distillation("random", 0).needs_embeddings
    got = distil_class(numbered(9), 2, Storage().codec(PIXELS), (), Distillation("random", 0))
    assert got.shape == (2, 3)


@pytest.mark.parametrize("change, words", [
    ({"start": "noise"}, "start 'noise' is not known; it may be swap-herding, random"),
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
