"""What real value a sample becomes in a network from a file, by the type of its samples and its own."""

from types import SimpleNamespace

import numpy as np
import pytest

from mcuref import InputError, compile
from mcuref.datasets.data import Data
from mcuref.layers import Conv2D, Dense, Flatten, Input, ReLU, Softmax
from mcuref.models.given import given_model, read_file, with_data
from mcuref.network import Network
from mcuref.program.first_steps import int8_network
from mcuref.program.samples import Samples
from mcuref.program.step import Step

LAYERS = [Conv2D(2, 2), ReLU(), Flatten(), Dense(3), Softmax()]
SHAPE = (3, 2, 1)
SAMPLES = {
    "uint8": np.array([0, 1, 100, 128, 200, 255]), "int8": np.array([-128, -3, -1, 0, 90, 127]),
    "int16": np.array([-32768, -300, 0, 5, 1000, 32767]), "float32": np.array([-9.0, -0.1, 0.0, 0.03, 0.5, 7.0]),
}  # fmt: skip


def data(dtype, shape=SHAPE, classes=3, **more):
    x = np.resize(SAMPLES[dtype], (3, *shape)).astype(dtype)
    y = np.arange(3) % classes
    side = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    return Data("some", "image", **side, class_names=tuple("abcdefgh"[:classes]), **more)


def entering(network, x):
    """What the first instruction leaves in the network's input."""
    program = compile(network, trainable=0)
    step = Step(program, Samples.checked(program, x, None, None, labelled=False), None, program.counts)
    return step.run_all(0, 1, program.instructions[0].outputs[0]).results[0]


def model(dtype, units=True):
    plain = Network([Input(SHAPE), *LAYERS], name="net")
    return given_model("net", plain if dtype == "float32" else int8_network(plain, ("relu1",)), "", units=units)


@pytest.mark.parametrize("dtype", SAMPLES)
def test_a_float32_file_takes_the_units_of_the_data(dtype):
    """(sample - zero) unit, whatever the data are normalised by."""
    more = {"unit": 0.125, "zero": 2.0, "mean": np.float32([50]), "scale": np.float32([0.01])}
    x = data(dtype, **more)
    found = entering(with_data(model("float32"), x), x.x_train[:1])
    np.testing.assert_array_equal(found, ((SAMPLES[dtype].astype("f4") - np.float32(2)) * np.float32(0.125)).astype("f4"))


@pytest.mark.parametrize("dtype, expected", [("int8", SAMPLES["int8"]), ("uint8", SAMPLES["uint8"] - 128)])
@pytest.mark.parametrize("more", [{}, {"unit": 0.125, "zero": 2.0, "mean": np.float32([50]), "scale": np.float32([0.01])}])
def test_an_int8_file_takes_samples_of_8_bits_as_they_are(dtype, expected, more):
    """uint8 minus 128: whatever the scale of the file and the units of the data."""
    x = data(dtype, **more)
    network = with_data(model("int8"), x)
    assert entering(network, x.x_train[:1]).tolist() == expected.tolist()
    scale, zero = network.quantization.outputs[0]
    real = network.input.scale[0] * (x.x_train[0].ravel().astype("f4") - network.input.mean[0])
    np.testing.assert_allclose(real, scale * (expected - zero), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_an_int8_file_takes_others_in_its_scale(dtype):
    x = data(dtype, unit=0.01, zero=1.0)
    network = with_data(model("int8"), x)
    scale, zero = network.quantization.outputs[0]
    real = (SAMPLES[dtype].astype("f8") - 1) * 0.01
    steps = np.clip(real / scale + zero, -128, 127)
    assert np.abs(entering(network, x.x_train[:1]) - steps).max() <= 0.5 + 1e-3


def test_a_run_takes_what_it_was_trained_on():
    """Its own normalisation, not that of the data."""
    x = data("float32", unit=0.01, zero=1.0, mean=np.float32([5]), scale=np.float32([3]))
    given = model("float32", units=False)
    assert with_data(given, x) is given.network
    with pytest.raises(InputError, match="model 'net' was trained on float32 samples; those of 'some' are uint8"):
        with_data(given, data("uint8"))


def test_parameters_and_scales_stay():
    given = model("int8")
    network = with_data(given, data("int16"))
    assert network.quantization is given.network.quantization and network.names == given.network.names
    for name, values in given.network.parameters.items():
        assert network.parameters[name].tobytes() == values.tobytes()


@pytest.mark.parametrize("shape, classes, words", [
    ((3, 3, 1), 3, "takes 6 values but a sample of data 'some' has 9"),
    ((6,), 3, r"takes samples of shape \(3, 2, 1\); those of data 'some' have shape \(6,\)"),
    ((2, 3, 1), 3, r"takes samples of shape \(3, 2, 1\); those of data 'some' have shape \(2, 3, 1\)"),
    (SHAPE, 4, "has 3 outputs but data 'some' has 4 classes"),
])  # fmt: skip
@pytest.mark.parametrize("units", [True, False])
def test_data_that_does_not_suit(shape, classes, words, units):
    with pytest.raises(InputError, match=words):
        with_data(model("float32", units), data("float32", shape, classes))


def test_fewer_classes_than_outputs_are_fine():
    assert with_data(model("float32"), data("float32", classes=2)).outputs == 3


def test_normal_and_other_clips_are_not_classes():
    clips = SimpleNamespace(name="clips", kind="anomaly", input_size=6, input_shape=SHAPE, x_train=np.zeros((1, 6)))
    with pytest.raises(InputError, match="model 'net' tells classes apart, but data 'clips' has none to train on"):
        with_data(model("float32"), clips)


@pytest.mark.parametrize("layers, loss", [
    (LAYERS, "softmax_cross_entropy"), ([Flatten(), Dense(6)], "reconstruction"),
    ([Flatten(), Dense(6), Softmax()], "softmax_cross_entropy"), ([Flatten(), Dense(5)], "softmax_cross_entropy"),
])  # fmt: skip
def test_what_it_is_trained_with(layers, loss):
    network = Network([Input(SHAPE), *layers], name="net")
    assert given_model("net", network, "").loss == loss
    assert given_model("net", network, "", "mean_squared_error").loss == "mean_squared_error"


def test_files_say_what_they_are():
    pytest.importorskip("tflite", reason="reading .tflite files: pip install '.[tflite]'")
    from pathlib import Path

    for name, what in (("tiny_int8", "int8"), ("tiny_float32", "float32")):
        found = read_file(Path(__file__).parent / "tflite" / f"{name}.tflite")
        assert found.what == f"{what} network from a TensorFlow Lite file" and found.units
        assert (found.shape, found.classes, found.channels) == ((9, 8, 2), 3, 1)


@pytest.mark.parametrize("dtype", SAMPLES)
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_a_file_that_mcuref_wrote_takes_the_samples_that_it_was_trained_on(tmp_path, dtype, kind):
    """Its normalisation stands in its metadata: the outputs are those of the network that was written."""
    pytest.importorskip("tflite", reason="writing .tflite files: pip install '.[tflite]'")
    from mcuref.export.tflite import tflite_bytes

    scale = 3.0 / max(np.abs(SAMPLES[dtype]).max(), 1)
    plain = Network([Input(SHAPE, dtype, SAMPLES[dtype].mean() / 3, scale), *LAYERS], name="net")
    written = plain if kind == "float32" else int8_network(plain, ("relu1",))
    path = tmp_path / "net.tflite"
    path.write_bytes(tflite_bytes(written))
    model, samples = read_file(path), data(dtype)
    assert not model.units and model.network.input.dtype == dtype
    found = compile(with_data(model, samples), trainable=0).outputs(samples.x_test)
    np.testing.assert_array_equal(found, compile(written, trainable=0).outputs(samples.x_test))
    other = "uint8" if dtype != "uint8" else "int16"
    with pytest.raises(InputError, match=f"was trained on {dtype} samples"):
        with_data(model, data(other))


@pytest.mark.parametrize("note, words", [
    (b"{", "cannot be used"), (b"[]", "cannot be used"), (b'{"dtype": "int8", "mean": 0, "scale": [1]}', "it.mean is 0"),
    (b'{"dtype": "int9", "mean": [0], "scale": [1]}', "int9"), (b'{"dtype": "int8", "mean": [0, 0], "scale": [1]}', "mean"),
    (b'{"dtype": "int8", "mean": [NaN], "scale": [1]}', "NaN"), (b" " * (1 << 20) + b"{}", "it has 1,048,578 bytes"),
])  # fmt: skip
def test_a_note_of_samples_that_makes_no_sense_is_refused(tmp_path, monkeypatch, note, words):
    pytest.importorskip("tflite", reason="writing .tflite files: pip install '.[tflite]'")
    from mcuref.export import tflite

    monkeypatch.setattr(tflite.json, "dumps", lambda found: note.decode())
    path = tmp_path / "net.tflite"
    path.write_bytes(tflite.tflite_bytes(Network([Input(SHAPE, "int8"), *LAYERS])))
    with pytest.raises(InputError, match="model file .*" + words):
        read_file(path)
