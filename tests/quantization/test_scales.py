"""A network with scales that do not suit its layers is refused, in one sentence that names the layer."""

from dataclasses import replace

import numpy as np
import pytest

from mcuref.errors import InputError
from mcuref.layers import Conv2D, Dense, DepthwiseConv2D, Flatten, Input, MaxPool2D, ReLU, ReLU6, Residual, Softmax, Tanh
from mcuref.network import Network
from mcuref.program.compiler import compile
from mcuref.program.first_steps import int8_network
from mcuref.quantization.scales import Scale

LAYERS = [Conv2D(2, 3), ReLU(), MaxPool2D(2), Flatten(), Tanh(), Dense(3), Softmax()]
NETWORK = int8_network(Network([Input((4, 4, 1), "int8"), *LAYERS], name="net"), ("relu1",))
INPUT, CONV, RELU, POOL, FLAT, TANH, DENSE, SOFTMAX = range(8)


def refusal(**changes):
    """What is said of the network with other scales."""
    with pytest.raises(InputError) as refused:
        Network(
            NETWORK.written, name="net", parameters=NETWORK.parameters, quantization=replace(NETWORK.quantization, **changes)
        )
    assert "\n" not in str(refused.value)
    return str(refused.value)


def with_output(index, scale, zero):
    outputs = list(NETWORK.quantization.outputs)
    outputs[index] = Scale(scale, zero)
    return tuple(outputs)


@pytest.mark.parametrize("index, scale, zero, words", [
    (CONV, 0.0, 0, "gives layer 'conv1' scale 0.0 and zero 0; scale > 0 and -128..127 are needed"),
    (CONV, -1.0, 0, "gives layer 'conv1' scale -1.0"), (CONV, float("nan"), 0, "gives layer 'conv1' scale nan"),
    (INPUT, float("inf"), 0, "gives layer 'input' scale inf"), (INPUT, 1.0, 128, "scale 1.0 and zero 128"),
    (INPUT, 1.0, -129, "scale 1.0 and zero -129"), (POOL, 3.0, 0, "gives layer 'maxpool1' another scale than its input"),
    (FLAT, 3.0, 0, "gives layer 'flatten1' another scale than its input"),
    (RELU, 3.0, 0, "gives layer 'relu1' another scale than its input"), (TANH, 3.0, 0, "it must be Scale(scale=0.0078125"),
    (SOFTMAX, 1 / 256, 0, "gives layer 'softmax1' scale Scale(scale=0.00390625, zero=0); it must be"),
])  # fmt: skip
def test_outputs(index, scale, zero, words):
    sentence = refusal(outputs=with_output(index, scale, zero))
    assert sentence.startswith("the quantization of network 'net'") and words in sentence


def test_how_many_outputs():
    assert "has 7 outputs; the network has 8 layers" in refusal(outputs=NETWORK.quantization.outputs[:-1])


@pytest.mark.parametrize("index, name", [(CONV, "conv1"), (INPUT, "input"), (DENSE, "dense1"), (TANH, "tanh1")])
def test_only_a_relu_is_done_by_the_layer_before(index, name):
    sentence = refusal(fused=NETWORK.quantization.fused | {index})
    assert f"fuses layer {name!r}; it must be a ReLU and all that reads the layer before" in sentence


@pytest.mark.parametrize("index", [8, -1, 10**9])
def test_nor_a_layer_that_is_not_there(index):
    assert f"fuses layer number {index}; the network has 8 layers" in refusal(fused=frozenset({index}))


@pytest.mark.parametrize("before", [[Tanh()], [ReLU6()], [Flatten()], []])
def test_nor_where_the_layer_before_does_not_clamp(before):
    plain = Network([Input((3, 3, 2), "int8"), *before, ReLU(), Flatten(), Dense(2)])
    with pytest.raises(InputError, match="fuses layer 'relu1' with one of kind"):
        int8_network(plain, ("relu1",))


def test_nor_one_whose_layer_has_other_readers():
    layers = [Input((3, 3, 2), "int8"), Conv2D(2, 1), Residual([ReLU(), Conv2D(2, 1)])]
    plain = Network(layers)
    with pytest.raises(InputError, match="fuses layer 'relu1'; it must be a ReLU and all that reads the layer before"):
        int8_network(plain, ("relu1",))


def test_nor_a_sum_of_two():
    plain = Network([Input((3, 3, 2), "int8"), Residual([Conv2D(2, 1)]), Flatten()])
    with pytest.raises(InputError, match="fuses layer 'add1'; it must be a ReLU"):
        int8_network(plain, ("add1",))


@pytest.mark.parametrize("scales", [
    None, np.float64([1, 1]), np.float32([1]), np.float32([1, 1, 1]), np.float32([[1, 1]]), np.float32([0, 1]),
    np.float32([-1, 1]), np.float32([np.nan, 1]), np.float32([np.inf, 1]),
], ids=["none", "float64", "one", "three", "matrix", "zero", "negative", "nan", "infinite"])  # fmt: skip
def test_scales_of_weights(scales):
    weights = dict(NETWORK.quantization.weights)
    weights.pop("conv1")
    assert "weights of layer 'conv1'" in refusal(weights=weights if scales is None else weights | {"conv1": scales})


def test_a_dense_layer_may_have_one_for_all():
    weights = dict(NETWORK.quantization.weights) | {"dense1": np.float32([0.5])}
    one = Network(
        NETWORK.written, parameters=NETWORK.parameters, quantization=replace(NETWORK.quantization, weights=weights)
    )
    assert one.quantization.weights["dense1"].size == 1
    assert "weights of layer 'dense1'" in refusal(weights=weights | {"dense1": np.float32([0.5, 0.5])})


def test_type_of_the_outputs():
    assert "has output type 'int4'; it may be int8 or float32" in refusal(output_type="int4")


@pytest.mark.parametrize("name, values", [
    ("conv1.weights", np.full((2, 3, 3, 1), 0.5)), ("conv1.weights", np.full((2, 3, 3, 1), 200)),
    ("dense1.bias", np.full(3, 2.0**31)), ("dense1.bias", np.full(3, np.nan)),
])  # fmt: skip
def test_parameters_that_are_no_integers_of_their_type(name, values):
    with pytest.raises(InputError, match=name):
        Network(
            NETWORK.written, parameters=NETWORK.parameters | {name: values}, quantization=NETWORK.quantization, name="net"
        )


# -- what an int8 program is not


def test_int8_has_no_gradient_with_respect_to_the_input():
    with pytest.raises(
        InputError, match="network 'net' is int8; gradients with respect to the input are of float32 networks"
    ):
        compile(NETWORK, wrt="input")


def test_nor_does_it_train_where_it_was_compiled_for_inference():
    program = compile(NETWORK, trainable=0)
    with pytest.raises(InputError):
        program.train(np.zeros((1, 4, 4, 1), np.int8), [0])


def test_an_operator_that_int8_has_not():
    from mcuref.program.arithmetic.int8 import INT8

    for family in ("relu_mask_forward", "nonsense", ""):
        with pytest.raises(InputError, match=f"there is no operator '{family}' for int8"):
            INT8.instruction(None, family, {})


@pytest.mark.parametrize(
    "x", [np.zeros((1, 4, 4, 1), np.uint8), np.zeros((1, 4, 4, 1), np.float32), np.zeros((1, 5), np.int8)]
)
def test_samples_of_another_type_or_shape(x):
    with pytest.raises(InputError):
        compile(NETWORK, trainable=0).outputs(x)


def test_a_depthwise_convolution_with_a_multiplier_stays_with_int8():
    """float32 has none: what is said is which layer, not a kernel's name."""
    plain = Network([Input((4, 4, 2), "int8"), DepthwiseConv2D(2, multiplier=2), Flatten()], name="net")
    assert compile(int8_network(plain, ()), trainable=0).instructions[1].name == "depthwise_forward_s8"
    with pytest.raises(InputError, match="multiplier"):
        compile(plain, trainable=0)
