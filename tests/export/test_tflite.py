"""Networks as .tflite files: LiteRT's reference kernels come to the same outputs; what is read is what was written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Dense, Full, Input, InputError, Network, ReLU, compile
from mcuref.export.tflite import tflite_bytes
from mcuref.export.tflite_graph import graph_of
from mcuref.layers import (
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    ReLU6,
    Reshape,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from mcuref.program.first_steps import int8_network
from mcuref.quantization.loading import loading
from mcuref.quantization.quantise import fused_activations
from mcuref.quantization.scales import Quantization
from mcuref.testing import networks
from tests.litert import run_reference
from tests.program import reference

tflite = pytest.importorskip("tflite", reason="writing .tflite files: pip install '.[tflite]'")

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
IMAGE = Input((7, 5, 3), "uint8", 127.5, 1 / 64)
BODY = [Conv2D(3, 3, padding="same"), ReLU(), DepthwiseConv2D((3, 1), padding=((1, 1), (0, 0)))]
NETWORKS = {
    "dense": [Input((9,)), Dense(17), ReLU(), Dense(5)],
    "activations": [
        Input((9,), "int16", 3, 1 / 8192), Dense(8), Tanh(), ReLU6(), Dense(33), ReLU6(), ReLU(), Dense(3), Sigmoid()
    ],
    "relu at the input": [Input((8,), "int8", -3, 0.0625), ReLU(), Dense(4), Softmax()],
    "convolutions": [IMAGE, Conv2D(4, (3, 2), (2, 1), "same"), ReLU6(), Conv2D(9, 1), Flatten(), Dense(3)],
    "padding": [IMAGE, Conv2D(4, 3, 2, ((1, 0), (2, 1))), ReLU(), Conv2D(2, 2, 1, ((0, 0), (0, 0))), Flatten(), Dense(3)],
    "depthwise": [IMAGE, DepthwiseConv2D((2, 3), (1, 2), ((0, 1), (2, 0))), DepthwiseConv2D(2), Flatten(), Dense(3)],
    "pools": [IMAGE, MaxPool2D(3, 1, "same"), AveragePool2D((2, 3), 2, "same"), ReLU(), MaxPool2D(2), Flatten(), Dense(2)],
    "mean": [IMAGE, Conv2D(9, 3), GlobalAveragePool(), ReLU(), Dense(3), Softmax()],
    "blocks": [IMAGE, Residual(BODY), ReLU(), Residual([*BODY, MaxPool2D(2)], Conv2D(3, 2, 2)), Flatten(), Dense(3)],
    "block at the input": [IMAGE, Residual([Tanh(), DepthwiseConv2D(3, padding="same")]), GlobalAveragePool(), Dense(2)],
    "signal": [Input((9, 2)), Reshape((1, 9, 2)), Conv2D(4, (1, 3)), ReLU(), Reshape((2, 7, 2)), Flatten(), Dense(3)],
}  # fmt: skip
WITH_MULTIPLIER = [IMAGE, DepthwiseConv2D(3, 2, multiplier=4), ReLU(), DepthwiseConv2D(2, multiplier=3), Flatten(), Dense(3)]


def int8(network, output_type="int8", fused=None):
    """The network with drawn int8 parameters and scales."""
    fused = fused_activations(network) if fused is None else fused
    drawn = int8_network(network, tuple(network.names[i] for i in fused))
    own = drawn.quantization
    scales = Quantization(own.outputs, own.weights, own.fused, output_type)
    return Network(network.written, name=network.name, parameters=drawn.parameters, quantization=scales)


def samples(network, count=4, seed=0):
    """Samples over the range of the input's type."""
    random, layer = np.random.default_rng(seed), network.input
    if layer.dtype == "float32":
        return random.normal(0, 2, (count, *layer.shape)).astype(np.float32)
    ends = np.iinfo(layer.dtype)
    return random.integers(ends.min, ends.max, (count, *layer.shape), layer.dtype, endpoint=True)


def fed(network, x):
    """What a device feeds the file: as the docstring of tflite_bytes has it."""
    layer = network.input
    if network.quantization is None or layer.dtype == "float32":
        return layer.normalised(x).reshape(x.shape)
    multiplier, offset, shift = loading(layer.mean, layer.scale, network.quantization.outputs[0])
    c = np.arange(layer.size) % layer.mean.size
    q = (x.reshape(len(x), -1).astype(np.int64) * multiplier[c] + offset[c]) >> shift[c]
    return np.clip(q, -128, 127).astype(np.int8).reshape(x.shape)


def litert(network, x):
    """Outputs [samples, n] of the file."""
    content = tflite_bytes(network)
    return np.array([run_reference(content, sample[None]).reshape(-1) for sample in fed(network, x)])


def assert_int8_is_equal(network, x):
    ours, theirs = compile(network, trainable=0).outputs(x), litert(network, x)
    if network.quantization.output_type == "float32":
        ours = network.real(ours)
    assert ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()


def assert_float32_is_near(network, x):
    """Within the bound of any order of sums."""
    for sample, out in zip(x, litert(network, x), strict=True):
        value, bound = reference.forward(network, network.parameters, *reference.load(network.input, sample))[-1]
        assert (np.abs(out - value) <= bound).all()


@pytest.mark.parametrize("output_type", ["int8", "float32"])
@pytest.mark.parametrize("name", [*NETWORKS, "multiplier"])
def test_int8_outputs_are_those_of_the_reference_kernels(name, output_type):
    network = int8(Network(NETWORKS.get(name, WITH_MULTIPLIER), name=name), output_type)
    assert_int8_is_equal(network, samples(network))


@pytest.mark.parametrize("name", [name for name, layers in NETWORKS.items() if layers[-1].kind in ("dense", "softmax")])
def test_what_int8_training_came_to_is_computed_by_the_file(name):
    """Weights, biases and exponents: the outputs of the program that trained, element for element."""
    network = int8(Network(NETWORKS[name], name=name))
    program = compile(network, Full(), SGD(0.05))
    x = samples(network, 140)
    program.train(x, np.arange(140) % network.outputs)
    trained = program.trained()
    assert any((trained.parameters[k] != network.parameters[k]).any() for k in trained.parameters)
    assert_int8_is_equal(trained, x[:4])
    assert np.array_equal(compile(trained.without_softmax(), trainable=0).outputs(x), program.outputs(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_outputs_are_those_of_the_reference_kernels(name):
    network = Network(NETWORKS[name], name=name, seed=3)
    assert_float32_is_near(network, samples(network))


@RANDOM
@given(networks(), st.integers(0, 99))
def test_any_network_as_float32_and_as_int8(network, seed):
    assert_float32_is_near(network, samples(network, 2, seed))
    assert_int8_is_equal(int8(network), samples(network, 2, seed))


def test_padding_of_its_own_is_an_operator_where_there_is_any():
    names = [operation.name for operation in graph_of(Network(NETWORKS["padding"])).operations]
    assert names == ["PAD", "CONV_2D", "CONV_2D", "RESHAPE", "FULLY_CONNECTED"]


def test_a_relu_that_is_not_fused_has_an_operator_and_its_own_scale():
    network = int8(Network(NETWORKS["convolutions"]), fused=())
    assert [operation.name for operation in graph_of(network).operations][:2] == ["CONV_2D", "RELU6"]
    assert_int8_is_equal(network, samples(network))


def test_a_fused_relu_behind_what_cannot_clamp_has_an_operator_in_the_same_scale():
    network = Network(NETWORKS["mean"])
    network = int8(network, fused=(network.names.index("relu1"),))
    assert [operation.name for operation in graph_of(network).operations][:3] == ["CONV_2D", "MEAN", "RELU"]
    assert_int8_is_equal(network, samples(network))


# what is read back


def read(network, tmp_path):
    from mcuref.importers.tflite import read_tflite

    (tmp_path / f"{network.name}.tflite").write_bytes(tflite_bytes(network))
    return read_tflite(tmp_path / f"{network.name}.tflite")


def assert_same_graph(found, wanted):
    assert (found.input, found.output) == (wanted.input, wanted.output)
    for ours, theirs in zip(wanted.operations, found.operations, strict=True):
        assert [getattr(ours, f) for f in ("name", "version", "inputs", "outputs")] == [
            getattr(theirs, f) for f in ("name", "version", "inputs", "outputs")
        ]
        assert (ours.options or {}).keys() == (theirs.options or {}).keys()
        assert all(np.array_equal(value, theirs.options[name]) for name, value in (ours.options or {}).items())
    for ours, theirs in zip(wanted.tensors, found.tensors, strict=True):
        assert [getattr(ours, f) for f in ("name", "shape", "type", "axis")] == [
            getattr(theirs, f) for f in ("name", "shape", "type", "axis")
        ]
        assert ours.scales.tobytes() == theirs.scales.tobytes() and ours.zeros.tobytes() == theirs.zeros.tobytes()
        assert (ours.data is None) == (theirs.data is None)
        assert ours.data is None or ours.data.tobytes() == theirs.data.tobytes()


def described(network):
    """What each layer is: a window may be written in several ways."""
    windows = [
        layer.geometry(network.input_shape(i)) if hasattr(layer, "geometry") else None
        for i, layer in enumerate(network.layers)
    ]
    return network.names, network.shapes, network.sources, windows, getattr(network.layers[-1], "beta", None)


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_read_is_what_was_written(name, kind, tmp_path):
    network = Network(NETWORKS[name], name=name.replace(" ", "-"), seed=3)
    network = int8(network) if kind == "int8" else network
    imported = read(network, tmp_path)
    assert_same_graph(imported.graph, graph_of(network))
    assert described(imported.network) == described(network)
    assert imported.network.parameters.keys() == network.parameters.keys()
    for parameter, values in network.parameters.items():
        found = imported.network.parameters[parameter]
        assert found.dtype == values.dtype and found.tobytes() == values.tobytes()
    ours, theirs = network.quantization, imported.network.quantization
    assert (theirs is None) == (ours is None)
    if ours is not None:
        assert [(np.float32(s), z) for s, z in theirs.outputs] == [(np.float32(s), z) for s, z in ours.outputs]
        assert (theirs.fused, theirs.output_type) == (ours.fused, ours.output_type)
        assert all(theirs.weights[name].tobytes() == values.tobytes() for name, values in ours.weights.items())
    assert tflite_bytes(imported.network) == tflite_bytes(network)


@RANDOM
@given(networks())
def test_any_network_is_read_as_it_was_written(tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("files")
    for each in (network, int8(network, "float32")):
        try:
            imported = read(each, folder)
        except InputError as error:
            assert "at most two are supported" in str(error)  # three that read one tensor: the reader has none of that
            assert max(np.bincount([j for sources in network.sources for j in sources])) > 2
            continue
        assert_same_graph(imported.graph, graph_of(each))
        assert tflite_bytes(imported.network) == tflite_bytes(each)


def test_tensors_are_called_as_layers_are_and_constants_after_them():
    graph = graph_of(int8(Network(NETWORKS["padding"]), "float32"))
    assert [tensor.name for tensor in graph.tensors][:6] == [
        "input", "conv1.weights", "conv1.bias", "conv1.padding", "conv1.padded", "relu1",
    ]  # fmt: skip
    assert [graph.tensors[i].name for i in (graph.input, graph.output)] == ["input", "output"]
    floats = graph_of(int8(Network(NETWORKS["dense"])))
    assert [tensor.name for tensor in floats.tensors][:2] == ["input", "input.int8"]


def test_versions_are_those_of_the_converter():
    found = {}
    for layers in (*NETWORKS.values(), WITH_MULTIPLIER):
        for operation in graph_of(int8(Network(layers), "float32")).operations:
            found.setdefault(operation.name, set()).add(operation.version)
    assert found == {
        "CONV_2D": {3}, "DEPTHWISE_CONV_2D": {3}, "FULLY_CONNECTED": {4}, "ADD": {2}, "AVERAGE_POOL_2D": {2}, "MEAN": {2},
        "MAX_POOL_2D": {2}, "RESHAPE": {1}, "SOFTMAX": {2}, "RELU": {2}, "RELU6": {2}, "TANH": {2}, "LOGISTIC": {2},
        "PAD": {2}, "QUANTIZE": {1}, "DEQUANTIZE": {2},
    }  # fmt: skip
    floats = {operation.version for layers in NETWORKS.values() for operation in graph_of(Network(layers)).operations}
    assert floats == {1}


# the bytes


def test_the_bytes_are_the_same_each_time_and_constants_lie_at_multiples_of_16():
    network = int8(Network(NETWORKS["blocks"], name="blöcke"))
    content = tflite_bytes(network)
    assert content == tflite_bytes(int8(Network(NETWORKS["blocks"], name="blöcke")))
    model = tflite.Model.GetRootAs(content)
    assert content[4:8] == b"TFL3" and model.Version() == 3 and model.SubgraphsLength() == 1
    assert model.Description().decode() == "blöcke, written by mcuref"
    begin = np.frombuffer(content, np.uint8).ctypes.data
    data = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())]
    assert isinstance(data[0], int) and len(data) > 8  # the first is empty
    assert all((values.ctypes.data - begin) % 16 == 0 for values in data[1:])
    codes = [(model.OperatorCodes(i).BuiltinCode(), model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    assert len({code for code, _ in codes}) == len(codes)
    assert all(entry.DeprecatedBuiltinCode() == code for code, entry in codes)


def test_any_name_can_be_written():
    model = tflite.Model.GetRootAs(tflite_bytes(Network(NETWORKS["dense"], name="\udcff")))
    assert model.Description() == b"?, written by mcuref"


def test_a_scale_of_all_outputs_of_a_dense_layer():
    network = int8(Network(NETWORKS["dense"]))
    own = network.quantization
    scales = Quantization(own.outputs, {name: values[:1] for name, values in own.weights.items()}, own.fused)
    network = Network(network.written, parameters=network.parameters, quantization=scales)
    assert [tensor.scales.size for tensor in graph_of(network).tensors if tensor.name == "dense1.weights"] == [1]
    assert_int8_is_equal(network, samples(network))


def test_layers_from_outside_are_refused():
    class Leaky(ReLU):
        kind = "leaky"

    with pytest.raises(InputError, match="layer 'leaky1' is of class 'Leaky', for which TensorFlow Lite has no operator"):
        tflite_bytes(Network([Input((4,)), Dense(3), Leaky(), Dense(2)]))


def test_without_the_package_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(InputError, match=r"needs the package tflite: pip install '\.\[tflite\]'"):
        tflite_bytes(Network(NETWORKS["dense"]))
