"""An int8 program of a quantised network, layer by layer: each output against what the float32 layer makes of its input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import calibration, compile
from mcuref.export.tflite import tflite_bytes
from mcuref.program.samples import Samples
from mcuref.program.step import Step
from mcuref.testing import networks, samples
from tests.litert import modules, run_reference

from . import reference

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@st.composite
def tasks(draw):
    """(float32 network, samples): with biases, and now and then an output whose weights are 0 or next to it."""
    network = draw(networks())
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    parameters = {}
    for name, values in network.parameters.items():
        if name.endswith("bias"):
            values = random.normal(0, 0.5, values.shape).astype(np.float32)
        else:
            channel = (..., 0) if name.startswith("depthwise") else 0
            values[channel] *= np.float32(draw(st.sampled_from([1, 1, 0, 1e-12])))
        parameters[name] = values
    x, _ = draw(samples(compile(network, trainable=0), 6))
    return network.with_parameters(parameters), x


def int8_values(network, x):
    """{index: int8[N, n]} of every layer that has an instruction, from the program of an int8 network."""
    program = compile(network, trainable=0)
    step = Step(program, Samples.checked(program, x, None, None, labelled=False), None, program.counts)
    rows = {instruction.layer_index: row for row, instruction in enumerate(program.instructions)}
    outputs = {i: program.instructions[row].outputs[0] for i, row in rows.items()}
    return {i: step.run_all(0, rows[i] + 1, outputs[i]).results for i in sorted(rows)}


def half_steps(network, scales, i, x_scale):
    """Parameters of layer i that are what the rounding of each may be off: half a step of weights and of sums."""
    name, layer = network.names[i], network.layers[i]
    across = [-1 if axis == "outputs" else 1 for axis in layer.parameter_axes["weights"]]
    shape = network.parameters[f"{name}.weights"].shape
    weights = np.broadcast_to(scales.astype(np.float64).reshape(across) / 2, shape)
    return {f"{name}.weights": weights, f"{name}.bias": x_scale * scales.astype(np.float64) / 2}


def follow(network, int8, x):
    """Compare every output of the int8 network with what the float32 layer makes of the int8 inputs as real values.

    They may be a step apart, half for the result's rounding and less than that for those on the way (a maximum has none),
    beside what weights and biases are off; outputs beyond int8 are its ends.
    """
    scales, real = int8.quantization.outputs, {}
    values = int8_values(int8, x)
    for i, layer in enumerate(network.layers):
        sources = network.sources[i]
        if i not in values:  # passed on, or done by the layer before
            real[i] = real[sources[0]]
            continue
        real[i] = scales[i].scale * (values[i].astype(np.float64) - scales[i].zero)
        ends = scales[i].scale * (np.array([-128, 127]) - scales[i].zero)
        steps = 1e-9 if layer.kind == "maxpool" else 1
        for n in range(len(x)):
            off = 0.0
            if i == 0:
                wanted, _ = reference.load(layer, x[n])
            else:
                inputs = [(real[j][n], np.zeros_like(real[j][n])) for j in sources]
                wanted, _ = reference.output(network, network.parameters, i, inputs)
            if network.parameter_shapes(i):
                half = half_steps(network, int8.quantization.weights[network.names[i]], i, scales[sources[0]].scale)
                off, _ = reference.output(network, half, i, [(np.abs(inputs[0][0]), inputs[0][1])])
            if i + 1 in int8.quantization.fused:
                wanted, _ = reference.output(network, {}, i + 1, [(wanted, np.zeros_like(wanted))])
            apart = np.abs(real[i][n] - np.clip(wanted, *ends))
            assert (apart <= off + steps * scales[i].scale).all(), network.names[i]
    return real


@RANDOM
@given(task=tasks(), method=st.sampled_from(["minmax", "percentile", "mse"]))
def test_every_layer_is_a_step_away_from_float32_and_what_its_weights_are_off(task, method):
    network, x = task
    int8 = calibration.quantise(network, x, method, percentile=95).network
    real = follow(network, int8, x)
    np.testing.assert_array_equal(
        int8.real(compile(int8, trainable=0).outputs(x)), real[len(network.layers) - 1].astype("f4")
    )


@settings(RANDOM, max_examples=30)
@given(task=tasks())
def test_the_reference_kernels_come_to_the_same_outputs(task):
    modules()  # skips where they are not installed
    pytest.importorskip("tflite", reason="writing .tflite files: pip install '.[tflite]' in the clone of mcuref")
    network, x = task
    int8 = calibration.quantise(network, x).network
    content = tflite_bytes(int8)
    # a file takes float32 samples as real values, others as the int8 values that the program loads
    taken = network.input.normalised(x) if network.input.dtype == "float32" else int8_values(int8, x)[0]
    reference_outputs = [run_reference(content, sample.reshape(1, *network.input.shape)) for sample in taken]
    np.testing.assert_array_equal(compile(int8, trainable=0).outputs(x), np.concatenate(reference_outputs))
