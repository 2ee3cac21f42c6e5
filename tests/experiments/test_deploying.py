"""A network in the type that it is trained in: which scales get room, and what is refused."""

import numpy as np
import pytest

from mcuref import Data, InputError, build, compile, quantise_to_train
from mcuref.experiments.deploying import deployed, planned


@pytest.fixture
def data():
    """30 training and 9 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(39, 4)).astype(np.float32)
    y = np.arange(39) % 3
    return Data("small", "features", x[:30], y[:30], x[30:], y[30:])


@pytest.fixture
def network(data):
    return build("mlp-4-5-3", data)


LOSS = "softmax_cross_entropy"


@pytest.mark.parametrize(
    "pretrained, headroom, factor", [(False, None, 4.0), (True, None, 2.0), (False, 8.0, 8.0), (True, 1.0, 1.0)]
)
def test_weights_that_are_trained_get_room_and_the_frozen_ones_none(data, network, pretrained, headroom, factor):
    made = deployed(network, "int8", data, loss=LOSS, pretrained=pretrained, trainable=1, headroom=headroom)
    tight = deployed(network, "int8", data, loss=LOSS, pretrained=pretrained, trainable=1, headroom=1.0)
    frozen, trained = (name for name in tight.quantization.weights)
    np.testing.assert_array_equal(made.quantization.weights[frozen], tight.quantization.weights[frozen])
    np.testing.assert_array_equal(
        made.quantization.weights[trained], np.float32(factor) * tight.quantization.weights[trained]
    )


def test_a_network_stays_as_it_is_in_its_own_type(data, network):
    quantised = quantise_to_train(network, data.x_train)
    for one, dtype in ((network, "float32"), (network, None), (quantised, "int8"), (quantised, None)):
        assert deployed(one, dtype, data, loss=LOSS, pretrained=False) is one


def test_an_int8_network_is_rescaled_where_it_is_asked_for(data, network):
    quantised = quantise_to_train(network, data.x_train, headroom=1.0)
    wide = deployed(quantised, None, data, loss=LOSS, pretrained=True, trainable=1, headroom=2.0)
    first, last = quantised.quantization.weights
    np.testing.assert_array_equal(wide.quantization.weights[first], quantised.quantization.weights[first])
    np.testing.assert_array_equal(wide.quantization.weights[last], 2 * quantised.quantization.weights[last])
    assert np.abs(wide.parameters[f"{last}.weights"]).max() == 64  # the nearest to half of 127


def test_what_cannot_be_is_refused(data, network):
    quantised = quantise_to_train(network, data.x_train)
    with pytest.raises(InputError, match="'mlp-4-5-3' is int8 and has no float32 weights; it can be trained as int8"):
        deployed(quantised, "float32", data, loss=LOSS, pretrained=True)
    with pytest.raises(InputError, match="headroom 2 is of int8 weights; float32 weights have room without it"):
        deployed(network, None, data, loss=LOSS, pretrained=True, headroom=2.0)
    with pytest.raises(InputError, match="headroom 0.5 is not a number from 1 to 64"):
        deployed(network, "int8", data, loss=LOSS, pretrained=True, headroom=0.5)
    with pytest.raises(InputError, match="dtype 'int4' is not known; did you mean int8"):
        deployed(network, "int4", data, loss=LOSS, pretrained=True)


def test_what_is_trained_may_be_float32_above_what_is_int8(data, network):
    made = deployed(network, "mixed", data, loss=LOSS, pretrained=True, trainable=1)
    assert (made.dtype, made.trainable) == ("mixed", network.parametric[-1:])
    np.testing.assert_array_equal(made.parameters["dense2.weights"], network.parameters["dense2.weights"])
    quantised = quantise_to_train(network, data.x_train, trainable=1)
    head = deployed(quantised, "mixed", data, loss=LOSS, pretrained=True, trainable=1)
    np.testing.assert_array_equal(head.parameters["dense1.weights"], quantised.parameters["dense1.weights"])
    steps = quantised.quantization.weights["dense2"][:, None]
    off = head.parameters["dense2.weights"] - network.parameters["dense2.weights"]
    assert head.dtype == "mixed" and (np.abs(off) <= 0.5001 * steps).all()
    for same in (made, head):
        assert deployed(same, None, data, loss=LOSS, pretrained=True, trainable=1) is same
        for whole in (network, quantised, same):
            plan, expected = (compile(n, trainable=1).plan for n in (planned(whole, "mixed", 1), same))
            assert (plan.sram, plan.flash) == (expected.sram, expected.flash)


def test_what_cannot_be_mixed_is_refused(data, network):
    mixed = deployed(network, "mixed", data, loss=LOSS, pretrained=True, trainable=1)
    for dtype in ("float32", "int8"):
        with pytest.raises(InputError, match="'mlp-4-5-3' has an int8 body and a float32 head; it can be trained as it is"):
            deployed(mixed, dtype, data, loss=LOSS, pretrained=True)
    with pytest.raises(InputError, match="headroom 2 is of int8 weights; float32 weights have room without it"):
        deployed(network, "mixed", data, loss=LOSS, pretrained=True, trainable=1, headroom=2.0)
    for trainable in (None, 2):
        with pytest.raises(
            InputError, match="with all its 2 layers with parameters trained in float32 is a float32 network"
        ):
            deployed(network, "mixed", data, loss=LOSS, pretrained=True, trainable=trainable)
