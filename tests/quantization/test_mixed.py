"""Mixed networks: how they are made of float32 and of int8 ones, what they refuse, and that run folders keep them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mcuref import InputError, Network, compile
from mcuref.calibration import quantise, quantised_body
from mcuref.layers import Conv2D, Dense, Flatten, Input, MaxPool2D, ReLU, ReLU6, Residual
from mcuref.program.step import Step
from mcuref.quantization.mixed import body_of, dequantised_head, nominal_body
from mcuref.quantization.plain import as_plain, from_plain

LAYERS = [
    Input((6, 6, 2), "uint8", 128, 1 / 64), Conv2D(4, 3), ReLU(), MaxPool2D(2), Residual([Conv2D(4, 1), ReLU()]), Flatten(),
    Dense(8), ReLU6(), Dense(3),
]  # fmt: skip
RANDOM = np.random.default_rng(5)
X = RANDOM.integers(0, 256, (64, 6, 6, 2)).astype(np.uint8)


def plain():
    network = Network(LAYERS, seed=4, name="net")
    biases = {
        n: RANDOM.normal(0, 0.1, v.shape).astype(np.float32) for n, v in network.parameters.items() if n.endswith("bias")
    }
    return network.with_parameters(network.parameters | biases)


PLAIN = plain()
INT8 = quantise(PLAIN, X).network
MIXED = quantised_body(PLAIN, X, 2)


def values(network, name):
    """Outputs of a layer of that name, or of the one that does its work, for `X`."""
    program = compile(network, trainable=0)
    return Step(program, program.step(X, None, None, 0, None).samples, None, program.counts).layer_outputs(
        network.names.index(name)
    )


def test_the_body_is_that_of_the_int8_network_and_the_head_that_of_the_float32_one():
    """Ranges, so scales, are of the float32 network: what lies behind a layer does not change them."""
    assert (MIXED.dtype, MIXED.body, MIXED.trainable) == ("mixed", 8, MIXED.parametric[-2:])
    assert MIXED.quantization.outputs == INT8.quantization.outputs[:8]
    assert set(MIXED.quantization.weights) == {"conv1", "conv2"} and MIXED.quantization.fused == {2, 5}
    for name, own in MIXED.parameters.items():
        source = PLAIN if name.startswith("dense") else INT8
        assert own.dtype == source.parameters[name].dtype
        np.testing.assert_array_equal(own, source.parameters[name])
    np.testing.assert_array_equal(values(MIXED, "add1"), values(INT8, "add1"))


def test_it_computes_nearly_what_the_float32_network_does():
    expected = compile(PLAIN, trainable=0).outputs(X)
    found = compile(MIXED, trainable=0).outputs(X)
    off = np.abs(found - expected).max() / np.abs(expected).max()
    assert 0 < off < 0.03  # of the values of two convolutions and a sum, each within half of 255 steps


def test_a_head_of_an_int8_network_is_what_its_integers_stand_for():
    head = dequantised_head(INT8, 2)
    assert head.quantization.outputs == MIXED.quantization.outputs and head.body == MIXED.body
    scales = INT8.quantization.weights["dense1"].astype(np.float64)
    weights, bias = (INT8.parameters[f"dense1.{kind}"] for kind in ("weights", "bias"))
    np.testing.assert_array_equal(head.parameters["dense1.weights"], (weights * scales[:, None]).astype(np.float32))
    x_scale = INT8.quantization.outputs[INT8.names.index("flatten1")].scale
    np.testing.assert_array_equal(head.parameters["dense1.bias"], (bias * (x_scale * scales)).astype(np.float32))
    families = [i.operator.family for i in compile(head, trainable=0).instructions]
    assert families.count("relu_forward") == 1  # that of the int8 network is done by the layer before
    real, q = compile(head, trainable=0).outputs(X), compile(INT8, trainable=0).outputs(X)
    steps = np.abs(real - INT8.real(q)) / INT8.quantization.outputs[-1].scale
    assert 0 < steps.max() < 4  # that of the outputs, and what rounding the hidden layer makes of it


def test_one_scale_for_all_outputs_of_a_dense_layer():
    weights = dict(INT8.quantization.weights) | {"dense2": np.float32([0.01])}
    int8 = INT8.replaced(quantization=replace(INT8.quantization, weights=weights))
    head = dequantised_head(int8, 1)
    expected = (INT8.parameters["dense2.weights"] * np.float64(np.float32(0.01))).astype(np.float32)
    np.testing.assert_array_equal(head.parameters["dense2.weights"], expected)


@pytest.mark.parametrize("trainable, words", [
    (4, "with all its 4 layers with parameters trained in float32 is a float32 network; an int8 body needs one that is not "
        "trained, trainable 3 at most"),
    (None, "is a float32 network"), (0, "trainable must be a whole number from 1 to 4|trainable .*0"), (5, "trainable .*5"),
])  # fmt: skip
@pytest.mark.parametrize("make", [lambda n: quantised_body(PLAIN, X, n), lambda n: dequantised_head(INT8, n),
                                  lambda n: nominal_body(PLAIN, n)])  # fmt: skip
def test_a_body_without_layers_with_parameters_is_none(make, trainable, words):
    with pytest.raises(InputError, match=words):
        make(trainable)


def test_wrong_networks():
    with pytest.raises(InputError, match="network 'net' is mixed already; a float32 network is needed"):
        quantised_body(MIXED, X, 1)
    with pytest.raises(InputError, match="network 'net' is mixed; an int8 network is needed"):
        dequantised_head(MIXED, 1)
    with pytest.raises(InputError, match="network 'net' is float32; an int8 network is needed"):
        dequantised_head(PLAIN, 1)
    with pytest.raises(InputError, match="network 'net' is mixed; arithmetic 'float32' takes a float32 network"):
        from mcuref.program.arithmetic import FLOAT32

        compile(MIXED, arithmetic=FLOAT32)
    with pytest.raises(InputError, match="network 'net' is int8; arithmetic 'mixed' takes a mixed network"):
        compile(INT8, arithmetic=compile(MIXED).arithmetic)


@pytest.mark.parametrize("changes, words", [
    ({"outputs": MIXED.quantization.outputs[:1]}, "has 1 outputs; the network has 11 layers, and if the last are float32"),
    ({"outputs": ()}, "has 0 outputs"), ({"fused": frozenset({2, 5, 9})}, "fuses layer number 9; the network has 8 layers"),
    ({"weights": INT8.quantization.weights}, "has scales of the weights of layer 'dense1', which is float32"),
    ({"weights": {}}, "has no float32 scales of the weights of layer 'conv1'"),
])  # fmt: skip
def test_wrong_scales(changes, words):
    with pytest.raises(InputError, match=words):
        MIXED.replaced(quantization=replace(MIXED.quantization, **changes))


def test_parameters_are_of_the_types_of_their_layers():
    with pytest.raises(InputError, match="parameter 'conv1.weights' has values that are not int8"):
        MIXED.with_parameters(PLAIN.parameters)
    given = {name: values.astype(np.float64) for name, values in MIXED.parameters.items()}
    types = {name: values.dtype.name for name, values in MIXED.with_parameters(given).parameters.items()}
    assert types["conv2.bias"] == "int32" and types["dense1.weights"] == "float32"


def test_scales_as_plain_data_and_back():
    content = json.loads(json.dumps(as_plain(MIXED, MIXED.quantization)))
    again = Network(LAYERS, parameters=MIXED.parameters, quantization=from_plain(MIXED.names, content))
    assert again.body == MIXED.body and again.quantization.outputs == MIXED.quantization.outputs
    np.testing.assert_array_equal(compile(again, trainable=0).outputs(X), compile(MIXED, trainable=0).outputs(X))


@pytest.mark.parametrize("trainable", [1, 2, 3])
def test_what_is_planned_without_data_is_what_is_trained(trainable):
    planned, made = (
        compile(network).plan for network in (nominal_body(PLAIN, trainable), quantised_body(PLAIN, X, trainable))
    )
    assert (planned.sram, planned.flash, planned.categories()) == (made.sram, made.flash, made.categories())
    again = compile(nominal_body(MIXED, trainable)).plan
    assert (again.sram, again.flash) == (made.sram, made.flash)


def test_where_it_begins():
    assert [body_of(PLAIN, n) for n in (1, 2, 3)] == [10, 8, 4]
