"""Activations: every one that there is can be written, described, planned in place, and priced on every core."""

import numpy as np
import pytest

import mcuref
from mcuref import Budget, Dense, Input, Network, compile
from mcuref.cost.instructions import inference_instructions, row_instructions
from mcuref.export.cores import MEASURED_CORES
from mcuref.layers import ACTIVATIONS, KINDS, Conv2D, Flatten, MaxPool2D
from mcuref.models.description import describe, make_network_layers
from mcuref.testing import oracles

every = pytest.mark.parametrize("layer", [activation() for activation in ACTIVATIONS], ids=lambda layer: layer.kind)


@every
def test_it_has_no_parameters_and_keeps_the_shape(layer):
    assert layer.output_shape((2, 3, 4)) == (2, 3, 4) and layer.parameter_shapes((2, 3, 4)) == {}
    assert type(layer)() == layer


@every
def test_it_is_written_by_its_kind_and_by_its_name(layer):
    assert KINDS[layer.kind] is type(layer) is getattr(mcuref, type(layer).__name__)
    assert describe([layer]) == [{"kind": layer.kind}] and make_network_layers([{"kind": layer.kind}]) == [layer]


@every
def test_its_results_lie_where_its_operands_did(layer):
    """Forward over the outputs of the layer below, backward over the error from above: neither costs a byte."""
    program = compile(Network([Input((5,)), Dense(33), layer, Dense(3)]))
    offsets = {buffer.name: offset for buffer, offset in program.plan.offsets.items()}
    name = program.network.names[2]
    assert offsets[f"{name}.activation"] == offsets["dense1.activation"]
    assert offsets[f"{name}.input_error"] == offsets["dense2.input_error"]


@every
def test_what_the_way_back_reads_stays(layer):
    """In front of a pool nobody else keeps its output: the gradient of the input is that of the oracle all the same."""
    network = Network([Input((1, 6, 1)), Conv2D(1, 1), layer, MaxPool2D((1, 2)), Flatten(), Dense(2)], seed=3)
    x, target = np.float32([-4, 0.5, 1, 7, 0.2, -0.1]).reshape(1, 1, 6, 1), np.zeros((1, 2))
    gradient = compile(network, loss="mean_squared_error", wrt="input").input_gradient(x, target)
    forward, backward = oracles.ACTIVATIONS[layer.kind]
    start = {name: value.astype(np.float64) for name, value in network.parameters.items()}
    w, dense = start["conv1.weights"].item(), start["dense1.weights"]
    y, dy = forward(w * x.reshape(3, 2)), np.zeros((3, 2))
    dy[range(3), y.argmax(axis=1)] = (dense @ y.max(axis=1)) @ dense  # two outputs: the factor 2 / n is 1
    np.testing.assert_allclose(gradient.reshape(3, 2), w * backward(dy, y), rtol=1e-5, atol=1e-7)


@every
@pytest.mark.parametrize("core", MEASURED_CORES)
def test_code_stack_and_instructions_are_known_on_every_core(layer, core):
    """A budget of a part with that core is checked whole; neither direction is free, each costs less than a layer."""
    program = compile(Network([Input((9,)), Dense(40), layer, Dense(3)]), budget=Budget(2**15, 2**17, core=core))
    assert 0 < inference_instructions(program, core)
    rows = dict(zip([(i.layer, i.phase) for i in program.instructions], row_instructions(program, core)))
    name = program.network.names[2]
    assert 40 < rows[name, "forward"] < 40 * 4000 and 40 < rows[name, "propagate"] < 40 * 500
