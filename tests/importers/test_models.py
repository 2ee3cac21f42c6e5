"""Models of others: what is read from them computes what LiteRT's reference kernels compute, element by element."""

import time

import numpy as np
import pytest

from mcuref import Network, compile, datasets
from mcuref.importers.tflite import read_tflite
from mcuref.layers import Add, AveragePool2D, Flatten, Input, Softmax

from .comparing import Reference, assert_every_element_is_equal, layer_outputs, random_samples

LAYERS = {  # {file: (layers, parameters, fused ReLUs)}
    "ad01_int8": (20, 265_864, 9),
    "kws_ref_model": (23, 22_604, 9),
    "pretrainedResnet_quant": (24, 77_706, 7),
    "pretrainedResnet": (24, 77_706, 0),
    "tiny_int8": (19, None, 3),
    "tiny_float32": (20, None, 0),
}
INT8 = ("tiny_int8", "kws_ref_model", "ad01_int8", "pretrainedResnet_quant")
DATA = {"kws_ref_model": "speech_commands_kws12", "ad01_int8": "dcase2020_toycar"}  # else CIFAR-10
EPS = float(np.finfo(np.float32).eps) / 2


@pytest.mark.parametrize("name", LAYERS)
def test_is_read(model_file, name):
    imported = read_tflite(model_file(name))
    network, (layers, parameters, fused) = imported.network, LAYERS[name]
    assert len(network.layers) == len(imported.tensors) == layers and network.name == name
    if parameters:
        assert sum(values.size for values in network.parameters.values()) == parameters
    int8 = network.quantization is not None
    assert {values.dtype for values in network.parameters.values()} == {
        *map(np.dtype, ("int8", "int32") if int8 else ("f4",))
    }
    assert len(network.quantization.fused if int8 else ()) == fused
    assert imported.tensors[0] == imported.graph.input and imported.tensors[-1] == imported.graph.output
    assert len(imported.digest) == 64
    for shape, tensor in zip(network.shapes, imported.tensors):
        assert int(np.prod(shape)) == imported.graph.tensors[tensor].size


def test_int8_weights_between_float32_values_are_what_they_stand_for(model_file):
    """LiteRT rounds the values to 8 bits on the way ("dynamic range quantisation"); here they stay float32."""
    found = read_tflite(model_file("kws_ref_model_float32"))
    assert found.is_hybrid and found.network.quantization is None
    weights = found.network.parameters["conv2.weights"]
    scale = found.graph.tensors[18].scales[0]
    assert weights.dtype == np.float32 and (np.rint(weights / scale) * scale == weights).all()
    assert not read_tflite(model_file("tiny_float32")).is_hybrid


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "tiny_float32"])
def test_is_read_quickly(model_file, name):
    path = model_file(name)
    read_tflite(path)  # has everything imported
    began = time.process_time()
    read_tflite(path)
    assert time.process_time() - began < 0.2


def samples_of(name, imported, count):
    """Real inputs of a model, in its own scale."""
    try:
        data = datasets.load(DATA.get(name, "cifar10"))
    except datasets.MissingData as error:
        pytest.skip(str(error))
    scale, zero = imported.network.quantization.outputs[0]
    real = (data.x_test[:: max(1, len(data.x_test) // count)][:count].astype(np.float64) - data.zero) * data.unit
    quantised = np.rint(real / scale).astype(np.int64) + zero
    return np.clip(quantised, -128, 127).astype(np.int8).reshape(-1, *imported.network.input.shape)


@pytest.mark.parametrize("name", INT8)
@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_every_element_of_random_inputs_is_the_references(model_file, name, count):
    path = model_file(name)
    imported = read_tflite(path)
    compared = assert_every_element_is_equal(path.read_bytes(), imported, random_samples(imported, count))
    assert compared >= count * sum(np.prod(shape) for shape in imported.network.shapes) // 3


@pytest.mark.parametrize("name", INT8[1:])
@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_every_element_of_real_inputs_is_the_references(model_file, name, count):
    path = model_file(name)
    imported = read_tflite(path)
    x = samples_of(name, imported, count)
    assert len(x) >= count and len(np.unique(x)) > 50
    assert_every_element_is_equal(path.read_bytes(), imported, x)


def test_a_weight_that_differs_is_seen(model_file):
    path = model_file("tiny_int8")
    imported = read_tflite(path)
    parameters = {name: values.copy() for name, values in imported.network.parameters.items()}
    parameters["conv2.weights"].flat[0] ^= 64
    object.__setattr__(imported, "network", imported.network.with_parameters(parameters))
    with pytest.raises(AssertionError, match="conv2|relu61"):
        assert_every_element_is_equal(path.read_bytes(), imported, random_samples(imported, 20))


def one_layer(imported, i, parameters):
    """A network of layer i alone, with these parameters by kind."""
    network = imported.network
    alone = [Input(network.input_shape(i), "float32"), network.layers[i], Flatten()]
    name = Network(alone).names[1]
    return Network(alone, parameters={f"{name}.{kind}": values for kind, values in parameters.items()})


@pytest.mark.parametrize("name", ["tiny_float32", "pretrainedResnet"])
@pytest.mark.parametrize("count", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_layers_of_float32_differ_by_the_order_of_their_sums(model_file, name, count):
    """Each layer by itself, from LiteRT's own inputs to it. A sum of n products in float32 is at most n eps sum |w x| from
    the exact one in any order (eps 2^-24), so two orders at most twice that; the bias is one term more. What follows is
    the activation, which brings nothing further apart.
    """
    path = model_file(name)
    imported = read_tflite(path)
    network, x = imported.network, random_samples(imported, count)
    theirs = Reference(path.read_bytes()).tensors(x, set(imported.tensors))
    values = {i: theirs[tensor] for i, tensor in enumerate(imported.tensors)}
    seen = 0
    for i, layer in enumerate(network.layers):
        source = network.sources[i]
        behind = [
            j for j, sources in enumerate(network.sources) if sources == (i,) and imported.tensors[j] == imported.tensors[i]
        ]
        limit = network.layers[behind[0]].limit if behind and hasattr(network.layers[behind[0]], "limit") else None
        clamp = (lambda z: z) if limit is None else (lambda z: np.clip(z, np.float32(0), np.float32(limit)))
        if i in network.parametric:
            given = {kind: network.parameters[f"{network.names[i]}.{kind}"] for kind in ("weights", "bias")}
            before = values[source[0]].reshape(-1, *network.input_shape(i))
            ours = clamp(compile(one_layer(imported, i, given), trainable=0).outputs(before))
            majorant = one_layer(imported, i, {kind: np.abs(array) for kind, array in given.items()})
            most = compile(majorant, trainable=0).outputs(np.abs(before))
            bound = 2 * (layer.macs_of_entry(network.input_shape(i)) + 1) * EPS * most
            assert (np.abs(ours - values[i]) <= bound).all(), network.names[i]
            seen += 1
        elif isinstance(layer, Add):
            assert np.array_equal(clamp(values[source[0]] + values[source[1]]), values[i]), network.names[i]
            seen += 1
        elif isinstance(layer, AveragePool2D):
            assert layer.output_shape(network.input_shape(i))[:2] == (1, 1)
            before = values[source[0]].reshape(count, -1, network.shapes[i][-1])
            n, exact = before.shape[1], before.astype(np.float64).mean(axis=1)
            assert (np.abs(exact - values[i]) <= (n + 1) * EPS * np.abs(before).mean(axis=1)).all()
            seen += 1
    assert seen >= 10


@pytest.mark.parametrize("name, most", [("tiny_float32", 1e-6), ("pretrainedResnet", 2e-5)])
@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_probabilities_of_float32_are_near(model_file, name, most, count):
    # what the layers' roundings become on their way through all of them: ten times the most that was found
    path = model_file(name)
    imported = read_tflite(path)
    assert isinstance(imported.network.layers[-1], Softmax)
    x = random_samples(imported, count)
    ours = layer_outputs(imported.network, x)[len(imported.network.layers) - 1]
    theirs = Reference(path.read_bytes()).tensors(x, [imported.graph.output])[imported.graph.output]
    assert np.abs(ours - theirs).max() < most
