"""The matching loss and its gradient, and that distillation brings it down."""

import numpy as np
import pytest

from mcuref import Conv2D, Dense, Flatten, Input, InputError, MaxPool2D, Network, ReLU, compile, load_data
from mcuref.incremental.distillation import STARTS, Distillation, distil_class, matching_loss
from mcuref.incremental.embedding import Embedding, embedding_network
from mcuref.incremental.storage import Storage
from mcuref.testing import oracles

from .embeddings import (
    LINEAR,
    NETWORKS,
    Recording,
    U,
    affine,
    blobs,
    embedding_of,
    embeddings_of,
    every_network,
    features64,
    normal,
)


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
    assert np.abs(gradient - slope).max() <= (off + 100 * U) * np.abs(slope).max() + 1e-9  # 2^-53 / 1e-4: the differences


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
        losses[iterations] = [mean_loss(x, s, layer, e) for e in (embeddings, others) for s in (codec.stored[0], rounded)]
    before, after = losses[0], losses[60]
    assert after[0] < 0.3 * before[0]
    assert after[1] < 0.35 * before[1]  # 8 bits are next to nothing
    assert after[2] < 0.7 * before[2]  # and the same is true of embeddings that it has not seen
