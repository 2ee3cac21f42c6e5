"""Calibration: ranges are what the float32 network comes to, the same samples give the same bytes, what is told is so."""

import json

import numpy as np
import pytest

from mcuref import SGD, Conv2D, Dense, Flatten, Full, Input, InputError, Network, ReLU, Trainer, build, compile, load_data
from mcuref.calibration import SAMPLES, calibrate, quantise, quantised_network
from mcuref.layers import Residual, Softmax
from mcuref.quantization.ranges import METHODS, Range, find_range


@pytest.fixture(scope="module")
def digits():
    """(float32 network, trained for five epochs, data)."""
    data = load_data("digits")
    program = compile(build("cnn-8", data), Full(), SGD(0.02))
    Trainer(program, data, epochs=5).run()
    return program.network.with_parameters(program.parameters()), data


def layer_by_layer(network, x):
    """[float32 outputs of every layer], by programs that end there."""
    values = [network.input.normalised(x)]
    w, b = network.parameters["conv1.weights"], network.parameters["conv1.bias"]
    z = values[0].reshape(len(x), 3, 3, 1) * w[:, 0, 0, 0] + b
    values += [z, np.maximum(z, 0)]
    values.append(values[-1] + values[0].reshape(len(x), 3, 3, 1) * network.parameters["conv2.weights"][:, 0, 0, 0])
    return values


def test_ranges_are_those_of_the_layers_outputs():
    network = Network([Input((3, 3, 1)), Residual([Conv2D(2, 1), ReLU()], Conv2D(2, 1)), Flatten(), Dense(2)])
    x = np.random.default_rng(0).normal(0, 2, (50, 3, 3, 1)).astype(np.float32)
    sample, _, relu, add = layer_by_layer(network, x)
    for method in METHODS:
        seen = calibrate(network, x, method, percentile=98)
        # of the convolution in front of the ReLU there is none: they are one
        assert [network.names[i] for i in seen] == ["input", "relu1", "conv2", "add1", "dense1"]
        for name, values in (("input", sample), ("relu1", relu), ("add1", add)):
            found = seen[network.names.index(name)]
            assert found.range == find_range(values, method, 98)
            outside = np.mean((values < found.range.low) | (values > found.range.high))
            assert found.outside == outside and (outside > 0) == (method == "percentile")


def test_the_same_samples_give_the_same_network(digits):
    network, data = digits
    made = [quantise(network, data.x_train, "mse", samples=40, seed=seed) for seed in (3, 3, 4)]
    same = [
        all(np.array_equal(made[0].network.parameters[k], v) for k, v in other.network.parameters.items())
        and made[0].network.quantization.outputs == other.network.quantization.outputs
        for other in made
    ]
    assert same == [True, True, False] and made[0].report == made[1].report


def test_samples_are_drawn_from_all_and_no_more_than_there_are(digits):
    network, data = digits
    every = quantise(network, data.x_train[:30], samples=10**6)
    assert every.report["samples"] == 30 and quantise(network, data.x_train).report["samples"] == SAMPLES
    seen = calibrate(network, data.x_train[:30])
    assert (
        every.network.quantization.outputs
        == quantised_network(network, {i: s.range for i, s in seen.items()}).quantization.outputs
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_trained_network_answers_as_before(digits, method):
    network, data = digits
    int8 = quantise(network, data.x_train, method).network
    before, after = (compile(n, trainable=0).predict(data.x_test) for n in (network, int8))
    assert np.mean(before == data.y_test) > 0.9
    assert np.mean(before == after) > 0.98  # of 360; measured: at least 99 %


def test_the_report_tells_what_was_done(digits):
    network, data = digits
    made = quantise(network, data.x_train, "percentile", samples=64, percentile=99)
    report, quantization, parameters = made.report, made.network.quantization, made.network.parameters
    assert json.loads(json.dumps(report)) == report
    assert (report["method"], report["percentile"], report["samples"]) == ("percentile", 99.0, 64)
    assert [(row["layer"], row["activation"]) for row in report["layers"]] == [
        ("input", None), ("conv1", "relu1"), ("conv2", "relu2"), ("dense1", None)
    ]  # fmt: skip
    for row in report["layers"]:
        assert (row["scale"], row["zero"]) == quantization.outputs[network.names.index(row["layer"])]
    assert report["layers"][0]["low"] is None  # 8-bit samples come in as they are: no range was needed
    assert all(0 < row["outside"] < 0.03 for row in report["layers"][1:])
    conv = report["layers"][1]
    assert conv["weights_at_limit"] == np.sum(np.abs(parameters["conv1.weights"]) == 127) >= 8
    assert (conv["biases_clamped"], report["layers"][0]["biases_clamped"]) == (0, None)


def test_biases_that_cannot_be_told_are_counted():
    network = Network([Input((1,)), Dense(2)])
    parameters = {"dense1.weights": np.zeros((2, 1), np.float32), "dense1.bias": np.array([3e38, 0], np.float32)}
    made = quantise(network.with_parameters(parameters), np.full((2, 1), 1e-38, np.float32))
    assert made.report["layers"][1]["biases_clamped"] == 1


def test_a_softmax_at_the_end_stays_one(digits):
    network, data = digits
    soft = Network([*network.written, Softmax()], parameters=network.parameters)
    made = quantise(soft, data.x_train, output_type="float32").network
    outputs = made.real(compile(made, trainable=0).outputs(data.x_test))
    assert np.mean(outputs.argmax(axis=1) == compile(network, trainable=0).predict(data.x_test)) > 0.98
    assert made.quantization.output_type == "float32" and np.abs(outputs.sum(axis=1) - 1).max() < 0.05


@pytest.mark.parametrize(
    ("x", "options", "sentence"),
    [
        (np.zeros((0, 4), "f4"), {}, "calibration needs samples, at least one; there are none"),
        (np.zeros((3, 5), "f4"), {}, "samples have shape (3, 5); they must be (N, 4)"),
        (np.full((3, 4), np.nan, "f4"), {}, "sample 0 has a NaN or infinite value"),
        (np.ones((3, 4), "f4"), {"method": "median"}, "method 'median' is not known; it may be minmax, percentile, mse"),
        (np.ones((3, 4), "f4"), {"samples": 0}, "samples 0 is not a whole number from 1"),
        (np.ones((3, 4), "f4"), {"seed": -1}, "seed -1 is not a whole number from 0 to 4294967295"),
        (np.full((3, 4), 3e38, "f4"), {}, "layer 'dense1' comes to NaN or infinite values; it cannot be quantised"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(x, options, sentence):
    network = Network([Input((4,)), Dense(2)])
    network = network.with_parameters({"dense1.weights": np.full((2, 4), 9, "f4"), "dense1.bias": np.zeros(2, "f4")})
    with pytest.raises(InputError) as caught:
        quantise(network, x, **options)
    assert str(caught.value) == sentence


def test_what_is_int8_already_is_refused(digits):
    network, data = digits
    int8 = quantise(network, data.x_train).network
    for again in (quantise, calibrate):
        with pytest.raises(InputError, match="is int8 already; a float32 network is needed"):
            again(int8, data.x_train)
    with pytest.raises(InputError, match="is int8 already; a float32 network is needed"):
        quantised_network(int8, {0: Range(0, 1)})
    with pytest.raises(InputError, match="network 3 is not a mcuref.Network"):
        quantise(3, data.x_train)
