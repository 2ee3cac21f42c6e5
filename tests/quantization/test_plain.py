"""Scales as plain data and back, and nonsense that stands in a file instead."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings

from mcuref.errors import InputError
from mcuref.layers import Conv2D, Dense, Flatten, Input, ReLU
from mcuref.network import Network
from mcuref.program.first_steps import int8_network
from mcuref.quantization.plain import as_plain, from_plain
from mcuref.testing import networks

RANDOM = settings(max_examples=40, deadline=None, database=None, derandomize=True)
NETWORK = int8_network(Network([Input((4, 4, 1), "uint8"), Conv2D(2, 3), ReLU(), Flatten(), Dense(3)]), ("relu1",))


def through_a_file(network):
    return json.loads(json.dumps(as_plain(network, network.quantization)))


@RANDOM
@given(networks())
def test_comes_back_as_it_was(network):
    network = int8_network(network, ())
    again, scales = from_plain(network.names, through_a_file(network)), network.quantization
    assert (again.outputs, again.fused, again.output_type) == (scales.outputs, scales.fused, scales.output_type)
    assert again.weights.keys() == scales.weights.keys()
    for name, values in again.weights.items():
        assert values.dtype == np.float32 and values.tobytes() == scales.weights[name].tobytes()


def test_what_stands_there():
    content = through_a_file(NETWORK)
    assert content.keys() == {"outputs", "weights", "fused", "output_type"}
    assert content["fused"] == ["relu1"] and content["output_type"] == "int8" and content["outputs"][0] == [0.0625, -3]
    assert {name: len(scales) for name, scales in content["weights"].items()} == {"conv1": 2, "dense1": 3}


NONSENSE = {
    "none": lambda c: None,
    "a list": lambda c: [c],
    "no outputs": lambda c: c.pop("outputs") and c,
    "no weights": lambda c: c.pop("weights") and c,
    "no fused": lambda c: c.pop("fused") and c,
    "no type": lambda c: c.pop("output_type") and c,
    "outputs no list": lambda c: c | {"outputs": {}},
    "outputs numbers": lambda c: c | {"outputs": [1.0] * 5},
    "outputs text": lambda c: c | {"outputs": ["ab"] * 5},
    "outputs triples": lambda c: c | {"outputs": [[1.0, 0, 0]] * 5},
    "zero a fraction": lambda c: c | {"outputs": [[1.0, 0.5]] * 5},
    "zero true": lambda c: c | {"outputs": [[1.0, True]] * 5},
    "scale text": lambda c: c | {"outputs": [["x", 0]] * 5},
    "scale true": lambda c: c | {"outputs": [[True, 0]] * 5},
    "scale null": lambda c: c | {"outputs": [[None, 0]] * 5},
    "scale a list": lambda c: c | {"outputs": [[[1.0], 0]] * 5},
    "scale numeral": lambda c: c | {"outputs": [["1.0", 0]] * 5},
    "weights a list": lambda c: c | {"weights": [[1.0]]},
    "weights text": lambda c: c | {"weights": {"conv1": "ab"}},
    "weights nested": lambda c: c | {"weights": {"conv1": [[1.0, 1.0]]}},
    "fused no layer": lambda c: c | {"fused": ["relu9"]},
    "fused numbers": lambda c: c | {"fused": [2]},
    "type null": lambda c: c | {"output_type": None},
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense(what):
    with pytest.raises(ValueError):
        from_plain(NETWORK.names, NONSENSE[what](copy.deepcopy(through_a_file(NETWORK))))


# What has the right form and is refused by the network, as scales from anywhere are
WRONG = {
    "too few": lambda c: c | {"outputs": c["outputs"][:-1]},
    "too many": lambda c: c | {"outputs": c["outputs"] * 2},
    "zero too large": lambda c: c | {"outputs": [[s, 128] for s, _ in c["outputs"]]},
    "zero huge": lambda c: c | {"outputs": [[s, 10**400] for s, _ in c["outputs"]]},
    "scale huge": lambda c: c | {"outputs": [[1e300, z] for _, z in c["outputs"]]},
    "scale 0": lambda c: c | {"outputs": [[0, z] for _, z in c["outputs"]]},
    "scale below 0": lambda c: c | {"outputs": [[-1.0, z] for _, z in c["outputs"]]},
    "scale too small": lambda c: c | {"outputs": [[1e-300, z] for _, z in c["outputs"]]},
    "weights missing": lambda c: c | {"weights": {}},
    "weights too few": lambda c: c | {"weights": c["weights"] | {"conv1": [1]}},
    "weights 0": lambda c: c | {"weights": c["weights"] | {"conv1": [0, 1.0]}},
    "weights huge": lambda c: c | {"weights": c["weights"] | {"conv1": [1e300, 1.0]}},
    "fused a convolution": lambda c: c | {"fused": ["conv1"]},
    "fused the input": lambda c: c | {"fused": ["input"]},
    "type unknown": lambda c: c | {"output_type": "int4"},
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_scales_are_refused_by_the_network(what):
    with pytest.raises((InputError, ValueError)):
        scales = from_plain(NETWORK.names, WRONG[what](copy.deepcopy(through_a_file(NETWORK))))
        Network(NETWORK.written, parameters=NETWORK.parameters, quantization=scales)
