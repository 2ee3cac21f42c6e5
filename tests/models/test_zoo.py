"""The zoo: every model builds, compiles and reports; sizes against those that are published."""

from math import prod

import pytest

from mcuref import Network, build, compile
from mcuref.layers import Dense, DepthwiseConv2D, Input
from mcuref.models import ZOO, Model, describe, read_model
from mcuref.models.zoo import FOLDER


def parameters(network):
    return sum(prod(shape) for i in network.parametric for shape in network.parameter_shapes(i).values())


@pytest.mark.parametrize("name", ZOO)
def test_every_model_builds_compiles_and_reports(name):
    network = build(name)
    assert network.name == name and network.input.shape == ZOO[name].shape and ZOO[name].what
    program = compile(network, loss=ZOO[name].loss)
    counts = [prod(network.parameter_shapes(i)["weights"]) for i in network.parametric]
    positions = [
        prod(network.shapes[i][:2] if len(network.shapes[i]) == 3 else ()) for i in network.parametric
    ]  # every weight is used once at each position of the output
    assert sum(row["macs_forward"] for row in program.report()["layers"]) == sum(
        count * position for count, position in zip(counts, positions)
    )
    assert program.plan.sram > 4 * parameters(network)


# "Total params" of MLPerf Tiny's reference models (github.com/mlcommons/tiny, benchmark/training) in Keras: with four
# parameters a channel of each batch normalisation, which the zoo has folded into the layer before it.
PUBLISHED = {"resnet-8": 78_666, "ds-cnn": 24_908, "mobilenet-v1-0.25": 221_794, "autoencoder": 269_992}


def _normalised_channels(name, network):
    """Channels behind which the reference has a batch normalisation."""
    layers = [(layer, network.shapes[i][-1]) for i, layer in enumerate(network.layers) if i in network.parametric[:-1]]
    if name == "resnet-8":  # not behind the 1x1 convolutions of the shortcuts
        layers = [(layer, channels) for layer, channels in layers if layer.kernel != 1]
    return sum(channels for _, channels in layers)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_those_of_the_published_models(name):
    network = build(name)
    assert parameters(network) + 4 * _normalised_channels(name, network) == PUBLISHED[name]


@pytest.mark.parametrize("name, macs", [
    ("resnet-8", 12_501_632), ("ds-cnn", 2_656_768), ("mobilenet-v1-0.25", 7_489_664), ("autoencoder", 264_192),
    ("mlp-784-128-64-10", 109_184), ("mlp-784-32-10", 25_408),
])  # fmt: skip
def test_macs(name, macs):
    network = build(name)
    assert sum(network.layers[i].macs(network.input_shape(i)) for i in network.parametric) == macs


def test_mobilenet_by_the_table_of_its_paper():
    """Howard et al. 2017, table 1: 13 pairs of depthwise and 1x1, strides 2 at four of them, widths times 0.25."""
    layers = [layer for layer in build("mobilenet-v1-0.25").layers if layer.kind in ("conv", "depthwise")]
    filters = [4 * layer.filters for layer in layers if layer.kind == "conv"]
    assert filters == [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    depthwise = [layer for layer in layers if isinstance(layer, DepthwiseConv2D)]
    assert [layer.stride for layer in depthwise] == [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    assert build("mobilenet-v1-0.25").shapes[-3] == (3, 3, 256)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_file_of_the_zoo_is_an_example_for_a_file_of_ones_own(path):
    assert read_model(path) == ZOO[path.stem]
    assert build(str(path)).written[1:] == build(path.stem).written[1:]


@pytest.mark.parametrize("name", ZOO)
def test_what_describe_writes_can_be_read_again(name):
    network = build(name)
    plain = describe(network.written[1:])
    again = Model(name, ZOO[name].shape, tuple(plain), loss=ZOO[name].loss)
    twin = Network([Input(again.shape), *again.make_layers()])
    assert twin.written[1:] == network.written[1:] and twin.shapes == network.shapes and twin.sources == network.sources
    assert describe(twin.written[1:]) == plain
    assert isinstance(twin.written[-1], Dense)
