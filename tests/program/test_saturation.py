"""Saturation: shares are those that values have, counted apart; exponents those that the state has."""

import numpy as np
import pytest

from mcuref import SGD, Conv2D, Dense, Flatten, Full, Input, Int8, MaxPool2D, Network, ReLU, compile
from mcuref.calibration import quantise_to_train, quantised_network
from mcuref.layers import Residual
from mcuref.operators.columns import SATURATED
from mcuref.program.saturation import exponents, saturation
from mcuref.quantization.ranges import Range

STILL = SGD(1e-9)  # no weight changes: what is seen is what inference comes to
LAYERS = [
    Input((5, 4, 2)),
    Residual([Conv2D(2, 3, padding="same"), ReLU()]),
    MaxPool2D(2),
    Flatten(),
    Dense(7),
    ReLU(),
    Dense(3),
]


@pytest.fixture(scope="module")
def narrow():
    """(an int8 network whose scales are too narrow for its samples, samples, labels)."""
    network = Network(LAYERS, seed=4)
    ranges = dict.fromkeys(range(len(network.layers)), Range(-0.4, 0.5))
    x = np.random.default_rng(1).normal(0, 1, (90, 5, 4, 2)).astype(np.float32)
    return quantised_network(network, ranges), x, np.arange(90) % 3


def at_end(network, x, name):
    """The share of a layer's outputs at an end of int8 that does not stand for 0, in a program for inference."""
    values = compile(network, trainable=0).step(x, None, None, 0, None).layer_outputs(network.names.index(name))
    zero = network.quantization.outputs[network.names.index(name)].zero
    ends = [end for end in (-128, 127) if end != zero]
    return np.isin(values, ends).mean()


@pytest.mark.parametrize("scales", ["static", "running"])
def test_shares_of_values(narrow, scales):
    """Of running scales those before the first exponent moves."""
    network, x, y = narrow
    x, y = (x, y) if scales == "static" else (x[:60], y[:60])
    program = compile(network, Full(), STILL, arithmetic=Int8(scales=scales))
    program.train(x, y)
    rows = {row["layer"]: row for row in saturation(program)}
    assert list(rows) == ["conv1", "add1", "maxpool1", "dense1", "dense2"]
    for name in rows.keys() - {"maxpool1"}:
        assert rows[name]["activations"] == pytest.approx(at_end(network, x, name), abs=1e-12)
    assert rows["conv1"]["activations"] > 0.1
    assert rows["add1"]["weights"] is rows["maxpool1"]["weights"] is rows["maxpool1"]["activations"] is None


def test_shares_of_weights(narrow):
    network, x, y = narrow
    program = compile(network, Full(), STILL, trainable=2)
    before = {row["layer"]: row["weights"] for row in saturation(program)}
    assert before == {
        name: np.mean(np.abs(network.parameters[f"{name}.weights"].astype(int)) == 127) for name in ("dense1", "dense2")
    }
    assert before["dense2"] >= 1 / 7  # one an output at least
    program = compile(network, Full(), SGD(1.0))
    program.train(x, y)
    now = program.trained()
    assert {row["layer"]: row["weights_before"] for row in saturation(program)}.items() >= before.items()
    for row in saturation(program):
        weights = now.parameters.get(f"{row['layer']}.weights")
        assert row["weights"] == (None if weights is None else np.mean(np.abs(weights.astype(int)) >= 127))
    assert any(row["weights"] != before[row["layer"]] for row in saturation(program) if row["layer"] in before)


def test_shares_of_errors(narrow):
    """Those of a ReLU that a layer does are the layer's; where an error passes as int8, nothing is clamped."""
    network, x, y = narrow
    program = compile(network, Full(), SGD(0.05))
    assert [row["errors"] for row in saturation(program)] == [None, None, 0.0, 0.0, None]
    program.train(x, y)
    rows = {i.name: row for row, i in enumerate(program.instructions)}
    program.counts[[rows["narrow_s8"], rows["relu_backward_s8"]], SATURATED] = 5, 9  # seldom are there any
    found = {row["layer"]: row["errors"] for row in saturation(program)}
    assert found["maxpool1"] == 5 / (90 * 2 * 2 * 2) and found["dense1"] == 9 / (90 * 7)


def test_exponents_are_those_of_the_state():
    """One for each that runs; what passes values on is not named."""
    network = Network(LAYERS, seed=4)
    x = np.random.default_rng(1).normal(0, 1, (200, 5, 4, 2)).astype(np.float32)
    made = quantise_to_train(network, x[:20] / 64)
    program = compile(made, Full(), STILL)
    program.train(x, np.arange(200) % 3)
    state = program.state()["exponents"]
    found = exponents(program)
    assert list(found) == ["conv1", "add1", "dense1", "dense2"] and list(found.values()) == state[1:].tolist()
    assert max(found.values()) > 0
    now = program.trained().quantization.outputs
    for name, e in found.items():
        i = made.names.index(name)
        assert now[i].scale == made.quantization.outputs[i].scale * 2.0**e
    assert exponents(compile(made, Full(), STILL, arithmetic=Int8(scales="static"))) == {}
