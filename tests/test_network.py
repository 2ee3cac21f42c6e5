"""Networks: names, shapes, start parameters that anyone can compute again, and parameters given from outside."""

import numpy as np
import pytest

from mcuref import Dense, Flatten, Input, InputError, Network, ReLU, build

LAYERS = [Input((2, 3)), Flatten(), Dense(4), ReLU(), Dense(5), Dense(3)]


def refusal(*arguments, **options):
    with pytest.raises(InputError) as refused:
        Network(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def parameters(**changes):
    return {**Network(LAYERS).parameters, **changes}


def test_names_shapes_and_who_has_parameters():
    network = Network(LAYERS)
    assert network.names == ("input", "flatten1", "dense1", "relu1", "dense2", "dense3")
    assert network.shapes == ((2, 3), (6,), (4,), (4,), (5,), (3,))
    assert network.parametric == (2, 4, 5) and network.outputs == 3 and network.input is LAYERS[0]
    assert list(network.parameters) == [f"dense{i}.{kind}" for i in (1, 2, 3) for kind in ("weights", "bias")]


@pytest.mark.parametrize("layers, words", [
    ([], "must begin with an Input layer"), ([Dense(3)], "must begin with an Input layer"),
    ([Input((3,))], "has no layer with parameters"), ([Input((3,)), ReLU()], "has no layer with parameters"),
    ([Input((3,)), Dense(2), Input((2,))], "has a second Input layer"),
    ([Input((3, 1)), Dense(2)], "layer 'dense1' of network 'network': a dense layer needs a flat input"),
])  # fmt: skip
def test_layers_refused(layers, words):
    assert words in refusal(layers)


@pytest.mark.parametrize("seed", [-1, 1 << 32, 1.0, "1", None, True])
def test_seeds_refused(seed):
    assert f"seed {seed!r} is not a whole number from 0 to 4294967295" in refusal(LAYERS, seed=seed)


# start parameters


def test_start_weights_lie_in_their_bounds_and_fill_them():
    network = build("mlp-784-128-64-10")
    start = network.parameters
    for name, fan_in, share in (("dense1", 784, 1), ("dense2", 128, 1), ("dense3", 64, 0.5)):
        weights, limit = start[f"{name}.weights"], share * np.sqrt(6 / fan_in)
        assert weights.dtype == np.float32 and np.abs(weights).max() <= limit * (1 + 1e-6)
        assert weights.max() > 0.95 * limit and weights.min() < -0.95 * limit
        # the mean of n uniform numbers: five standard deviations
        assert abs(weights.mean()) < 5 * limit / np.sqrt(3 * weights.size)
        assert not start[f"{name}.bias"].any() and start[f"{name}.bias"].dtype == np.float32


def test_one_layer_is_the_last_layer_and_is_halved():
    """The same seed and index: as hidden layer twice what it is as output."""
    hidden = Network([Input((8,)), Dense(5), Dense(2)], seed=4).parameters["dense1.weights"]
    last = Network([Input((8,)), Dense(5)], seed=4).parameters["dense1.weights"]
    assert (hidden == 2 * last).all()


def test_start_is_a_function_of_seed_and_index_alone():
    a, again, other = (Network(LAYERS, seed=seed).parameters for seed in (7, 7, 8))
    assert all(a[name].tobytes() == again[name].tobytes() for name in a)
    assert (a["dense1.weights"] != other["dense1.weights"]).any()
    wider = Network([*LAYERS[:4], Dense(50), Dense(3)], seed=7).parameters
    assert wider["dense1.weights"].tobytes() == a["dense1.weights"].tobytes(), "depends on another layer's size"
    assert wider["dense2.weights"][:5].tobytes() == a["dense2.weights"].tobytes(), "depends on its own later rows"
    assert (a["dense2.weights"].reshape(-1)[:4] != a["dense1.weights"].reshape(-1)[:4]).all()


def test_known_start():
    """Golden: a change of the generator or of the bounds changes every result."""
    start = Network([Input((3,)), Dense(1)], seed=1).parameters["dense1.weights"]
    unit = np.array(UNIT, np.float64)
    assert start.reshape(-1).tolist() == (np.float32(unit) * np.float32(np.sqrt(np.float32(2)) / 2)).tolist()


# Philox2x32-10, key 1, counters (0, 0x20000001), (1, ...), (2, ...), by the definition of Salmon et al. 2011
def _philox(key, low, high):
    for _ in range(10):
        product = low * 0xD256D193
        low, high, key = (product >> 32) ^ key ^ high, product & 0xFFFFFFFF, (key + 0x9E3779B9) & 0xFFFFFFFF
    return low


UNIT = [(_philox(1, i, 0x20000001) >> 8) / 2**23 - 1 for i in range(3)]


# parameters from outside


def test_with_parameters_starts_from_copies():
    given = parameters(**{"dense3.bias": [1, 2, 3]})
    network = Network(LAYERS, seed=5, name="mine").with_parameters(given)
    given["dense1.weights"][:] = 0
    assert network.parameters["dense1.weights"].any() and network.parameters["dense3.bias"].tolist() == [1, 2, 3]
    assert (network.seed, network.name) == (5, "mine") and network.parameters["dense3.bias"].dtype == np.float32
    assert not network.with_seed(6).parameters["dense3.bias"].any() and network.with_seed(6).seed == 6


@pytest.mark.parametrize("changes, words", [
    ({"dense1.weights": np.zeros((6, 4))}, "parameter 'dense1.weights' has shape (6, 4); it must be (4, 6)"),
    ({"dense2.bias": np.array([1, 2, 3, 4, np.nan])}, "parameter 'dense2.bias' has NaN or infinite values"),
    ({"dense9.bias": np.zeros(3)}, "parameter 'dense9.bias' is not one of network 'network'"),
])  # fmt: skip
def test_parameters_refused(changes, words):
    assert words in refusal(LAYERS, parameters=parameters(**changes))


def test_missing_parameters_refused():
    given = parameters()
    del given["dense2.bias"]
    assert "parameter 'dense2.bias' of network 'network' is missing" in refusal(LAYERS, parameters=given)
