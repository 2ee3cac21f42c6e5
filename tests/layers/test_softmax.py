"""Softmax as a layer: what inference and training make of it, and where it may stand."""

import numpy as np
import pytest

from mcuref import SGD, Dense, Flatten, Input, InputError, Network, ReLU, Residual, Softmax, TinyPropV2, compile
from mcuref.layers.losses import MATCHING
from mcuref.models.description import describe, make_network_layers
from mcuref.testing import oracles

LAYERS = [Input((5,)), Dense(9), ReLU(), Dense(4)]
X = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
Y = np.arange(7) % 4


@pytest.fixture
def networks():
    """(without, with a softmax), of the same parameters."""
    return Network(LAYERS, seed=3), Network([*LAYERS, Softmax()], seed=3)


def test_inference_computes_it(networks):
    plain, soft = (compile(network, trainable=0) for network in networks)
    p, z = soft.outputs(X), plain.outputs(X)
    np.testing.assert_allclose(p, [oracles.softmax(row) for row in z], rtol=1e-6)
    assert (soft.predict(X) == plain.predict(X)).all()
    assert soft.plan.sram == plain.plan.sram  # in place


@pytest.mark.parametrize("rule", [None, TinyPropV2()])
def test_training_has_the_bits_of_the_network_without(networks, rule):
    plain, soft = (compile(network, rule, SGD(0.1, momentum=0.5)) for network in networks)
    assert [i.name for i in plain.instructions] == [i.name for i in soft.instructions]
    assert plain.train(X, Y).losses.tobytes() == soft.train(X, Y).losses.tobytes()
    assert plain.outputs(X).tobytes() == soft.outputs(X).tobytes()  # what the softmax would take
    assert plain.arena.sram.tobytes() == soft.arena.sram.tobytes()


def test_input_gradients_have_the_bits_of_the_network_without(networks):
    plain, soft = (compile(network, wrt="input").input_gradient(X, Y) for network in networks)
    assert plain.tobytes() == soft.tobytes()


@pytest.mark.parametrize("loss, wrt", [("mean_squared_error", "parameters"), (MATCHING.name, "input")])
def test_other_losses_refuse_it(networks, loss, wrt):
    with pytest.raises(InputError, match=f"ends with a softmax layer, which loss '{loss}'"):
        compile(networks[1], loss=loss, wrt=wrt)
    assert compile(networks[1], loss="mean_squared_error", trainable=0).outputs(X).shape == (7, 4)  # no loss in it


def test_the_loss_needs_parameters_right_before_it():
    with pytest.raises(InputError, match="ends with a relu layer; the last layer must have parameters"):
        compile(Network([Input((5,)), Dense(4), ReLU(), Softmax()]))


@pytest.mark.parametrize(
    "layers",
    [
        [Softmax(), Dense(4)],
        [Dense(4), Softmax(), Softmax()],
        [Dense(4), *[Softmax()] * 2],
        [Dense(5), Residual([Softmax()])],
    ],
)
def test_it_is_the_last_or_refused(layers):
    with pytest.raises(InputError, match="layer 'softmax1' of network 'network' stands before others"):
        Network([Input((5,)), *layers])


def test_it_takes_a_flat_input():
    with pytest.raises(InputError, match=r"layer 'softmax1' .* takes a flat input, not shape \(2, 2, 1\)"):
        Network([Input((2, 2, 1)), Softmax()])


def test_beta():
    network = Network([Input((5,)), Dense(4), Softmax(2)])
    with pytest.raises(InputError, match="beta 2 of layer 'softmax1' is not 1; in float32 it must be"):
        compile(network, trainable=0)
    compile(network)  # which leaves it out
    assert make_network_layers(describe([Flatten(), Softmax(2)])) == [Flatten(), Softmax(2.0)]
    assert describe([Softmax()]) == [{"kind": "softmax"}]
    for beta in (0, -1, float("nan"), "1", True):
        with pytest.raises(InputError, match="beta .* is not a number above 0"):
            Softmax(beta)
