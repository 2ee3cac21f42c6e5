"""Each operator as a file of its own: the layer that it becomes, and every element equal to the reference kernel's."""

import numpy as np
import pytest

from .comparing import Reference, assert_every_element_is_equal, layer_outputs, random_samples

TYPES = ("int8", "float32")


@pytest.fixture
def checked(read):
    """checked(file, samples): what is read from a file in the making, computed as LiteRT does."""

    def check(file, samples=60):
        content = file.content()
        imported = read(content)
        x = random_samples(imported, samples)
        if file.type == "int8":
            assert_every_element_is_equal(content, imported, x)
        else:
            ours = layer_outputs(imported.network, x)
            last = max(ours)
            theirs = Reference(content).tensors(x, [imported.tensors[last]])[imported.tensors[last]]
            # a few layers deep, with sums of order 10 and at most 100 terms: 100 eps 10
            assert np.abs(ours[last] - theirs).max() < 6e-5
        return imported

    return check


@pytest.fixture(params=TYPES)
def file(building, request):
    """A file in the making, int8 and float32."""
    return building.File(request.param)


@pytest.fixture
def int8(building):
    """One of int8."""
    return building.File("int8")


def kinds(imported):
    """Kinds of the layers behind the input."""
    return [layer.kind for layer in imported.network.layers[1:]]


def layer(imported, kind):
    """The first layer of a kind."""
    return next(layer for layer in imported.network.layers if layer.kind == kind)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("down, right", [(1, 1), (2, 1), (2, 3)])
def test_conv(building, file, checked, same, down, right):
    x = file.input((1, 7, 9, 3))
    x = file.conv(x, 5, (3, 2), padding=building.SAME if same else building.VALID, strideH=down, strideW=right)
    file.dense(x, 4)
    imported = checked(file)
    assert kinds(imported) == ["conv", "flatten", "dense"]
    found = layer(imported, "conv")
    assert (found.filters, found.kernel, found.stride) == (5, (3, 2), (down, right))
    assert found.padding == ("same" if same else "valid")


@pytest.mark.parametrize("multiplier", [1, 2, 3])
def test_depthwise(int8, checked, multiplier):
    int8.dense(int8.depthwise(int8.input((1, 6, 5, 4)), (2, 3), multiplier, strideH=2, strideW=2), 3)
    imported = checked(int8)
    assert kinds(imported) == ["depthwise", "flatten", "dense"]
    assert layer(imported, "depthwise").multiplier == multiplier


def test_depthwise_of_float32(building, checked):
    file = building.File("float32")
    file.dense(file.depthwise(file.input((1, 6, 5, 4)), (2, 3)), 3)
    checked(file)


@pytest.mark.parametrize("each", [True, False])
def test_dense_of_what_is_not_flat(file, checked, each):
    file.dense(file.input((1, 3, 4, 2)), 6, each and file.type == "int8", version=5)
    imported = checked(file)
    assert kinds(imported) == ["flatten", "dense"] and imported.tensors == (0, 0, 3)
    if file.type == "int8":
        assert imported.network.quantization.weights["dense1"].size == (6 if each else 1)


def test_weights_with_one_scale_and_biases_without_scale_or_left_out(building, int8, checked):
    x = int8.input((1, 5, 5, 2))
    weights = int8.tensor((3, 3, 3, 2), scale=0.01, data=int8.numbers.integers(-127, 128, (3, 3, 3, 2)))
    x = int8.operator("CONV_2D", [x, weights, int8.constant([5, -900, 70])], (1, 3, 3, 3))
    weights = int8.tensor((2, 27), scale=0.01, data=int8.numbers.integers(-127, 128, (2, 27)))
    int8.operator("FULLY_CONNECTED", [x, weights, -1], (1, 2), version=6)
    imported = checked(int8)
    assert imported.network.quantization.weights["conv1"].tolist() == [np.float32(0.01)] * 3
    assert not imported.network.parameters["dense1.bias"].any()


@pytest.mark.parametrize("activation", ["RELU", "RELU6"])
@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
def test_an_activation_in_an_operator(building, file, checked, kind, activation):
    x = file.input((1, 4, 4, 2), scale=0.1, zero=20)
    more = dict(fusedActivationFunction=getattr(building, activation), out=dict(scale=0.05, zero=-30))
    x = {"conv": lambda: file.conv(x, 3, **more), "depthwise": lambda: file.depthwise(x, **more)}.get(
        kind, lambda: file.dense(x, 3, **more)
    )()
    if kind != "dense":
        file.dense(x, 2)
    imported = checked(file)
    at = kinds(imported).index(kind) + 1
    assert kinds(imported)[at] == activation.lower() and imported.tensors[at] == imported.tensors[at + 1]
    if file.type == "int8":
        quantization = imported.network.quantization
        assert quantization.fused == {at + 1} and quantization.outputs[at] == quantization.outputs[at + 1]


@pytest.mark.parametrize("name, kind", [("AVERAGE_POOL_2D", "avgpool"), ("MAX_POOL_2D", "maxpool")])
@pytest.mark.parametrize("fused", [0, 1, 3])
@pytest.mark.parametrize("same", [True, False])
def test_pools(building, file, checked, name, kind, fused, same):
    x = file.input((1, 7, 5, 3), scale=0.07, zero=-20)
    padding = building.SAME if same else building.VALID
    x = file.pool(x, name, padding=padding, strideH=2, strideW=1, filterHeight=3, fusedActivationFunction=fused)
    file.dense(x, 4)
    imported = checked(file)
    assert kinds(imported)[0] == kind and layer(imported, kind).kernel == (3, 2)
    if file.type == "int8":
        assert imported.network.quantization.fused == ({2} if fused else set())


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("axes", [[1, 2], [2, 1], [-3, -2]])
def test_mean(file, checked, keeps, axes):
    x = file.input((1, 5, 4, 6), scale=0.1, zero=7)
    shape = (1, 1, 1, 6) if keeps else (1, 6)
    x = file.operator("MEAN", [x, file.constant(axes)], shape, keepDims=keeps, out=dict(scale=0.03, zero=-9))
    file.dense(x, 3)
    assert kinds(checked(file)) == ["globalavgpool", "dense"]


def test_convolution_behind_a_mean_that_keeps_its_axes(building, file, checked):
    x = file.input((1, 5, 4, 6))
    x = file.operator("MEAN", [x, file.constant([1, 2])], (1, 1, 1, 6), keepDims=True)
    x = file.conv(x, 3, (1, 1))
    x = file.operator("RESHAPE", [x, file.constant([-1, 3])], (1, 3), out=file.like(x))
    file.softmax(x)
    imported = checked(file)
    assert kinds(imported) == ["globalavgpool", "reshape", "conv", "flatten", "softmax"]
    assert imported.tensors[1:3] == (imported.graph.operations[0].outputs[0],) * 2


def test_outputs_that_are_not_flat(file, checked):
    file.conv(file.input((1, 5, 4, 2)), 3)
    imported = checked(file)
    assert kinds(imported) == ["conv", "flatten"] and imported.tensors[-1] == imported.tensors[-2] == imported.graph.output


@pytest.mark.parametrize("sizes, shape", [([1, -1], (1, 24)), ([-1, 24], (1, 24)), ([1, 2, 3, 4], (1, 2, 3, 4))])
@pytest.mark.parametrize("constant", [True, False])
def test_reshape(file, checked, sizes, shape, constant):
    x = file.input((1, 4, 3, 2))
    if constant:
        x = file.operator("RESHAPE", [x, file.constant(sizes)], shape, options=False, out=file.like(x))
    else:
        x = file.operator("RESHAPE", [x], shape, newShape=sizes, out=file.like(x))
    file.dense(x, 3)
    assert kinds(checked(file)) == (["flatten", "dense"] if len(shape) == 2 else ["reshape", "flatten", "dense"])


@pytest.mark.parametrize("beta", [1.0, 0.3, 2.5])
def test_softmax(int8, checked, beta):
    int8.softmax(int8.dense(int8.input((1, 9)), 7, out=dict(scale=0.2, zero=3)), beta=beta)
    assert layer(checked(int8), "softmax").beta == np.float32(beta)


@pytest.mark.parametrize(
    "name, kind, scale, zero",
    [
        ("RELU", "relu", 0.02, -100),
        ("RELU6", "relu6", 0.05, 5),
        ("TANH", "tanh", 1 / 128, 0),
        ("LOGISTIC", "sigmoid", 1 / 256, -128),
    ],
)
def test_activations(file, checked, name, kind, scale, zero):
    x = file.dense(file.input((1, 9)), 40, out=dict(scale=0.06, zero=10))
    file.operator(name, [x], (1, 40), out=dict(scale=scale, zero=zero))
    imported = checked(file)
    assert kinds(imported) == ["dense", kind] and len(set(imported.tensors)) == 3


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_pad_before_a_convolution(file, checked, kind):
    x = file.pad(file.input((1, 5, 6, 2), scale=0.1, zero=77), (1, 0), (0, 2))
    x = file.conv(x, 3, strideH=2) if kind == "conv" else file.depthwise(x)
    file.dense(x, 4)
    imported = checked(file)
    assert kinds(imported)[0] == kind and layer(imported, kind).padding == ((1, 0), (0, 2))


def test_a_signal(file, checked):
    x = file.input((1, 12, 3))
    x = file.operator("RESHAPE", [x, file.constant([1, 1, 12, 3])], (1, 1, 12, 3), out=file.like(x))
    x = file.conv(x, 4, (1, 3), strideW=2)
    x = file.pool(x, strideH=1, filterHeight=1)
    file.dense(x, 3)
    imported = checked(file)
    assert imported.network.input.shape == (12, 3) and kinds(imported)[0] == "reshape"


@pytest.mark.parametrize("out", [False, True])
def test_float32_at_the_edges(building, int8, read, out):
    x = int8.tensor((1, 4, 4, 2), "float32")
    int8.graph.inputs = np.array([x], np.int32)
    y = int8.operator("QUANTIZE", [x], (1, 4, 4, 2), out=dict(scale=0.03, zero=-5))
    y = int8.dense(y, 3)
    if out:
        int8.operator("DEQUANTIZE", [y], (1, 3), out=dict(dtype="float32"))
    content = int8.content()
    imported = read(content)
    network = imported.network
    assert network.input.dtype == "float32" and imported.tensors[0] == 1 and imported.tensors[-1] == y
    assert network.quantization.output_type == ("float32" if out else "int8")
    x = random_samples(imported, 100)
    assert_every_element_is_equal(content, imported, x)
    if out:
        ours = network.real(layer_outputs(network, x)[len(network.layers) - 1])
        assert np.array_equal(ours, Reference(content).tensors(x, [imported.graph.output])[imported.graph.output])


def test_uint8_at_the_input(int8, checked):
    x = int8.tensor((1, 4, 4, 2), "uint8", scale=1 / 255, zero=0)
    int8.graph.inputs = np.array([x], np.int32)
    y = int8.operator("QUANTIZE", [x], (1, 4, 4, 2), out=dict(scale=1 / 255, zero=-128))
    int8.dense(y, 3)
    imported = checked(int8)
    assert imported.network.input.dtype == "uint8" and imported.network.quantization.outputs[0].zero == -128


def test_the_input_stands_for_what_its_scale_says(int8, checked):
    int8.dense(int8.input((1, 8), scale=0.25, zero=-7), 3)
    found = checked(int8).network.input
    assert found.dtype == "int8" and np.array_equal(found.normalised(np.int8([[-7, -3, 0, 1, 2, 3, 4, 5]]))[0, :2], [0, 1])
