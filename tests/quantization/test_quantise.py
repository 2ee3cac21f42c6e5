"""Integers of a quantised network: weights, biases, which ReLUs are fused, which scales are whose."""

import numpy as np
import pytest

from mcuref import Conv2D, Dense, DepthwiseConv2D, Flatten, Input, InputError, MaxPool2D, Network, ReLU, Residual
from mcuref.layers import AveragePool2D, GlobalAveragePool, ReLU6, Sigmoid, Softmax, Tanh
from mcuref.quantization.multipliers import of_addition
from mcuref.quantization.quantise import fused_activations, input_scale, measured_layers, quantised_parameters, weight_scales
from mcuref.quantization.ranges import TINY, Range
from mcuref.quantization.scales import Scale

UNIT = Range(-128, 127)  # scale 1, zero 0


def dense(weights, bias, ranges):
    """(int8 weights, int32 biases, Quantization) of a network of one dense layer."""
    weights = np.asarray(weights, np.float32)
    network = Network([Input((weights.shape[1],)), Dense(len(weights))])
    parameters = {"dense1.weights": weights, "dense1.bias": np.asarray(bias, np.float32)}
    parameters, quantization = quantised_parameters(network.with_parameters(parameters), dict(enumerate(ranges)))
    return parameters["dense1.weights"], parameters["dense1.bias"], quantization


def test_weights_are_symmetric_an_output_and_halves_go_away_from_0():
    w, b, quantization = dense([[127, 0.5, -0.5, 1.5], [-254, 1, 5, 126]], [2.5, -3], [UNIT, Range(-1e5, 1e5)])
    assert quantization.weights["dense1"].tolist() == [1, 2]
    assert w.tolist() == [[127, 1, -1, 2], [-127, 1, 3, 63]]
    assert b.tolist() == [3, -2] and (w.dtype, b.dtype) == (np.int8, np.int32)


def test_an_output_without_weights_keeps_its_bias():
    w, b, quantization = dense([[0, 0], [0, 0], [1e-9, 0]], [5, 0, 0.1], [UNIT, UNIT])
    assert w[:2].tolist() == [[0, 0], [0, 0]]
    real = b * quantization.weights["dense1"].astype(np.float64)
    np.testing.assert_allclose(real, [5, 0, 0.1], rtol=1e-7)  # one that is set by the weights would end at 2^31 1e-9 / 127
    assert (np.abs(b.astype(np.int64)) <= (1 << 30) + 64).all()  # products have the other half; scales are float32
    assert quantization.weights["dense1"][1] == 1


def test_channels_of_a_depthwise_convolution_are_its_last_axis():
    network = Network([Input((2, 2, 3)), DepthwiseConv2D(2), Flatten(), Dense(1)])
    w = np.arange(1, 13, dtype=np.float32).reshape(2, 2, 3)
    network = network.with_parameters(network.parameters | {"depthwise1.weights": w})
    parameters, quantization = quantised_parameters(network, dict.fromkeys(range(4), Range(-1e3, 1e3)))
    np.testing.assert_array_equal(quantization.weights["depthwise1"], (w.max(axis=(0, 1)) / 127).astype(np.float32))
    assert parameters["depthwise1.weights"][1, 1].tolist() == [127, 127, 127]


@pytest.mark.parametrize("x_scale", [TINY, 1e-30, 1.0, 1e36])
@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-30, 1.0, 3e38])
def test_steps_of_weights_and_of_sums_are_normal_numbers(x_scale, size):
    for b in (0.0, size, 3e38):
        found = weight_scales(np.array([[size]], np.float32), np.array([b], np.float32), 0, x_scale)
        assert TINY <= found[0] < np.inf and float(found[0]) * x_scale >= TINY * (1 - 2.0**-24)


def test_which_activations_the_layer_before_does():
    conv = [Conv2D(2, 1), ReLU(), DepthwiseConv2D(1), ReLU6(), ReLU(), MaxPool2D(1), ReLU(), Conv2D(2, 1), Tanh()]
    shared = [Conv2D(2, 1), Residual([ReLU(), Conv2D(2, 1), ReLU()]), ReLU6(), Flatten(), ReLU(), Dense(2), ReLU(), Dense(1)]
    network = Network([Input((2, 2, 2)), ReLU(), *conv, *shared])
    fused = [network.names[i] for i in sorted(fused_activations(network))]
    # not: of the input, of another ReLU, of a pool, of a sum that two read, of a Flatten
    assert fused == ["relu2", "relu61", "relu6", "relu62", "relu8"]


def test_every_layer_has_the_scale_that_it_must_have():
    layers = [Input((4, 4, 2)), Conv2D(3, 3), ReLU(), MaxPool2D(1), AveragePool2D(1), Conv2D(2, 1), Tanh()]
    layers += [Conv2D(2, 1), Sigmoid(), GlobalAveragePool(), Dense(2), Softmax()]
    network = Network(layers)
    ranges = {i: Range(-10 - i, 10 + i) for i in range(len(layers))} | {2: Range(0, 5)}
    _, quantization = quantised_parameters(network, ranges)
    scales = dict(zip(network.names, quantization.outputs))
    assert scales["conv1"] == scales["relu1"] == scales["maxpool1"] == scales["avgpool1"] == (np.float32(5 / 255), -128)
    assert scales["tanh1"] == (1 / 128, 0) and scales["sigmoid1"] == scales["softmax1"] == (1 / 256, -128)
    own = ["input", "relu1", "conv2", "conv3", "globalavgpool1", "dense1"]
    assert [network.names[i] for i in measured_layers(network)] == own
    Network(network.written, parameters=quantised_parameters(network, ranges)[0], quantization=quantization)  # accepts it


def test_no_step_is_finer_than_what_it_is_computed_from():
    narrow = Range(-1e-6, 1e-6)
    *_, quantization = dense([[127]], [0], [UNIT, narrow])
    assert quantization.outputs[1].scale == 1  # of a sum: 1 times 1
    network = Network([Input((2, 2, 1)), Residual([ReLU()]), GlobalAveragePool(), Dense(1)])
    _, quantization = quantised_parameters(network, {0: UNIT, 1: narrow, 2: narrow, 3: narrow, 4: narrow})
    assert [scale.scale for scale in quantization.outputs[:4]] == [1, 1, 1, 0.25]


def test_the_limit_of_a_relu_is_an_int32_of_steps():
    for layers in ([Dense(1), ReLU6()], [ReLU6()]):
        network = Network([Input((2,)), *layers, Dense(1)])
        network = network.with_parameters({k: v * np.float32(1e-9) for k, v in network.parameters.items()})
        _, quantization = quantised_parameters(network, dict.fromkeys(range(4), Range(0, 1e-9)))
        assert quantization.outputs[len(layers)].scale == 6 * 2.0**-30


def test_a_sum_of_terms_of_very_different_sizes_has_steps_that_its_integers_can_tell():
    network = Network([Input((2, 2, 1)), Residual([Conv2D(1, 1)]), Flatten(), Dense(1)])
    network = network.with_parameters(network.parameters | {"conv1.weights": np.full((1, 1, 1, 1), 1e-12, np.float32)})
    tiny = Range(0, 1e-9)
    _, quantization = quantised_parameters(network, {0: UNIT, 1: tiny, 2: tiny, 4: UNIT})
    x, conv, add = (scale.scale for scale in quantization.outputs[:3])
    assert (x, add) == (1, 2.0**-16) and conv < 1e-11
    of_addition(conv, x, add)  # does not refuse them


@pytest.mark.parametrize(
    ("layer", "scale"),
    [
        (Input((4,), "uint8", 0, 1 / 255), Scale(float(np.float32(1 / 255)), -128)),
        (Input((4,), "uint8", 128, 0.5), Scale(0.5, 0)),
        (Input((4,), "int8", -3, 2), Scale(2.0, -3)),
        (Input((4,), "uint8", 127.5, 1), None),  # 0 is between two values
        (Input((4,), "uint8", 300, 1), None),
        (Input((4,), "uint8", 0, -1), None),
        (Input((4,), "uint8", [0, 0], [1, 2]), None),
        (Input((4,), "int16", 0, 1), None),
        (Input((4,), "float32"), None),
    ],
)
def test_samples_of_8_bits_come_as_they_are_where_one_pair_normalises_them(layer, scale):
    network = Network([layer, Dense(1)])
    assert input_scale(network) == scale
    assert (0 in measured_layers(network)) == (scale is None)


def test_what_cannot_be_quantised_is_refused():
    class Cube(Tanh):
        kind = "cube"

    network = Network([Input((4,)), Cube(), Dense(1)])
    with pytest.raises(InputError, match="layer 'cube1' of network 'network' cannot be quantised"):
        measured_layers(network)
    network = Network([Input((4,)), Dense(1)])
    with pytest.raises(InputError, match="layer 'dense1' of network 'network' has no range"):
        quantised_parameters(network, {0: UNIT})
    with pytest.raises(InputError, match="not one of finite float32 numbers"):
        quantised_parameters(network, {0: UNIT, 1: Range(1, 2)})
    with pytest.raises(
        InputError, match="layer 'dense1' of network 'network' cannot be quantised; its sums have steps of 4.72"
    ):
        dense([[3e38]], [0], [Range(0, 51000), UNIT])
