"""Networks: names, shapes, start parameters that anyone can compute again, and parameters given from outside."""

import numpy as np
import pytest

from mcuref import Dense, Flatten, Input, InputError, Network, ReLU, build, compile
from mcuref.layers import Add, Conv2D, DepthwiseConv2D, GlobalAveragePool, MaxPool2D, ReLU6, Residual

LAYERS = [Input((2, 3)), Flatten(), Dense(4), ReLU(), Dense(5), Dense(3)]
# two blocks in a block: the outer one's projection, the first inner one without
INNER = [Residual([DepthwiseConv2D(3, 1, "same"), ReLU6()]), Residual([Conv2D(4, 1)], Conv2D(4, 1))]
NESTED = [Input((5, 5, 2)), Residual([*INNER, MaxPool2D(2)], Conv2D(4, 2, 2)), ReLU(), GlobalAveragePool(), Dense(3)]


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


# a graph


def test_blocks_are_taken_apart_in_the_order_of_their_computation():
    network = Network(NESTED, name="nested")
    assert network.names == (
        "input",
        "depthwise1",
        "relu61",
        "add1",
        "conv1",
        "conv2",
        "add2",
        "maxpool1",
        "conv3",
        "add3",
        "relu1",
        "globalavgpool1",
        "dense1",
    )
    # body before projection before sum; a sum's body comes first
    assert network.sources == ((), (0,), (1,), (2, 0), (3,), (3,), (4, 5), (6,), (0,), (7, 8), (9,), (10,), (11,))
    assert network.shapes[6:10] == ((5, 5, 4), (2, 2, 4), (2, 2, 4), (2, 2, 4)) and network.shapes[-2:] == ((4,), (3,))
    assert network.parametric == (1, 4, 5, 8, 12)
    assert [network.input_shape(i) for i in (1, 3, 4, 8, 9)] == [(5, 5, 2), (5, 5, 2), (5, 5, 2), (5, 5, 2), (2, 2, 4)]
    assert list(network.parameters)[:4] == ["depthwise1.weights", "depthwise1.bias", "conv1.weights", "conv1.bias"]
    assert [layer for layer in network.layers if isinstance(layer, Add)] == [Add()] * 3
    assert not any(isinstance(layer, Residual) for layer in network.layers)


def test_a_chain_feeds_each_layer_from_the_one_before():
    assert Network(LAYERS).sources == ((), (0,), (1,), (2,), (3,), (4,))


@pytest.mark.parametrize("wanted, expected", [
    ((), ()), ((12,), (12,)), ((8,), (8, 9, 10, 11, 12)), ((5,), (5, 6, 7, 9, 10, 11, 12)),
    ((4, 12), (4, 6, 7, 9, 10, 11, 12)), ((1,), tuple(i for i in range(1, 13) if i not in (8,))),
    ((0,), tuple(range(13))), ((9,), (9, 10, 11, 12)),
])  # fmt: skip
def test_an_error_reaches_what_is_wanted_and_all_that_it_feeds(wanted, expected):
    network = Network(NESTED)
    assert tuple(i for i, needed in enumerate(network.reached(wanted)) if needed) == expected


def test_a_network_of_blocks_can_start_again_from_another_seed_or_from_parameters():
    network = Network(NESTED, seed=1, name="nested")
    other = network.with_seed(2)
    assert (other.names, other.sources, other.name, other.seed) == (network.names, network.sources, "nested", 2)
    assert (other.parameters["conv3.weights"] != network.parameters["conv3.weights"]).any()
    again = other.with_parameters(network.parameters)
    assert all(again.parameters[name].tobytes() == value.tobytes() for name, value in network.parameters.items())
    assert again.sources == network.sources and again.seed == 2
    assert again.with_seed(1).parameters["conv3.weights"].tobytes() == network.parameters["conv3.weights"].tobytes()
    with pytest.raises(InputError, match=r"'conv3.weights' has shape \(4, 2, 2, 3\); it must be \(4, 2, 2, 2\)"):
        network.with_parameters({**network.parameters, "conv3.weights": np.zeros((4, 2, 2, 3))})


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


@pytest.mark.parametrize("layer, fan_in", [
    (Conv2D(64, (3, 2)), 3 * 2 * 5), (Conv2D(512, 1), 5), (DepthwiseConv2D((4, 2)), 4 * 2), (DepthwiseConv2D(8), 64),
])  # fmt: skip
def test_fan_in_is_what_one_output_is_a_sum_of(layer, fan_in):
    """A depthwise output sees one channel only: its weights start larger than those of a convolution."""
    shape = (8, 8, 5 if isinstance(layer, Conv2D) else 300)
    network = Network([Input(shape), layer, Flatten(), Dense(2)], seed=3)
    weights = network.parameters[f"{layer.kind}1.weights"]
    limit = np.sqrt(6 / fan_in)
    assert weights.size > 1500 and 0.99 * limit < np.abs(weights).max() <= limit * (1 + 1e-6)
    assert not network.parameters[f"{layer.kind}1.bias"].any()


def test_start_weights_of_convolutions_are_the_same_numbers_as_a_dense_layers():
    """One generator, one order: layer 1 of 12 inputs, as 3 rows of 12 or 3 filters of 2 x 2 x 3."""
    dense = Network([Input((12,)), Dense(3), Dense(2)], seed=9).parameters["dense1.weights"]
    conv = Network([Input((2, 2, 3)), Conv2D(3, 2), Flatten(), Dense(2)], seed=9).parameters["conv1.weights"]
    assert conv.reshape(3, 12).tobytes() == dense.tobytes()


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


def test_known_start_of_a_dense_network():
    """By the definition alone: dense networks start as they did before there were others."""
    network = Network([Input((2, 3)), Flatten(), Dense(4), ReLU(), Dense(3)], seed=1)
    for index, name, fan_in, share in ((2, "dense1", 6, 1), (4, "dense2", 4, 0.5)):
        weights = network.parameters[f"{name}.weights"].reshape(-1)
        unit = [(_philox(1, i, 0x20000000 + index) >> 8) / 2**23 - 1 for i in range(weights.size)]
        limit = np.sqrt(np.float32(6) / np.float32(fan_in)) * np.float32(share)
        assert weights.tolist() == (np.float32(unit) * limit).tolist()


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
    ({"dense9.bias": np.zeros(3)}, "parameter 'dense9.bias' is not one of network 'network'; did you mean dense1.bias"),
])  # fmt: skip
def test_parameters_refused(changes, words):
    assert words in refusal(LAYERS, parameters=parameters(**changes))


def test_missing_parameters_refused():
    given = parameters()
    del given["dense2.bias"]
    assert "parameter 'dense2.bias' of network 'network' is missing" in refusal(LAYERS, parameters=given)


# -- parameters of other types ----------------------------------------------------------------------------------------

QUANTISED = {"weights": "int8", "bias": "int32"}


def quantised(weights, bias=(70_000, -3)):
    return Network(
        [Input((3,)), Dense(2)], parameters={"dense1.weights": weights, "dense1.bias": bias}, parameter_types=QUANTISED
    )


def test_parameters_may_be_of_other_types():
    network = quantised([[1, -128, 127], [0, 0, 3.0]])
    assert {name: value.dtype.name for name, value in network.parameters.items()} == {
        "dense1.weights": "int8",
        "dense1.bias": "int32",
    }
    changed = network.with_parameters(network.parameters | {"dense1.bias": [1, 2]})
    assert changed.parameters["dense1.bias"].tolist() == [1, 2] and changed.parameters["dense1.weights"].dtype == np.int8


@pytest.mark.parametrize("value", [0.5, 128, -129, np.nan, np.inf])
def test_what_is_not_of_the_type_is_refused(value):
    with pytest.raises(InputError, match="parameter 'dense1.weights' has values that are not int8"):
        quantised([[1, 2, value], [0, 0, 0]])


def test_a_network_of_other_types_begins_from_given_parameters():
    with pytest.raises(InputError, match="has parameters that are not float32; it needs parameters to begin with"):
        Network([Input((3,)), Dense(2)], parameter_types=QUANTISED)


def test_a_float32_program_refuses_them():
    with pytest.raises(InputError, match="parameter 'dense1.weights' is int8; a float32 program takes float32 alone"):
        compile(quantised(np.zeros((2, 3)))).outputs(np.zeros((1, 3), np.float32))
