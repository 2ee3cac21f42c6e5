"""Networks by name: the zoo, mlp-A-B-C, NAME@F, with the input of a data set; and an estimate without Numba."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mcuref import SGD, InputError, Network, TinyProp, TopK, build, compile
from mcuref.layers import Conv2D, Dense, Flatten, Input, ReLU
from mcuref.models import default_model, find_model, narrowed


def data(shape=(8, 8, 1), classes=10, dtype=np.uint8, kind="image"):
    """What a model needs to know of a data set."""
    size = int(np.prod(shape))
    return SimpleNamespace(
        name="some",
        input_shape=shape,
        input_size=size,
        classes=classes,
        mean=[1.0],
        scale=[0.5],
        x_train=np.zeros((1, *shape), dtype),
        kind=kind,
    )


def kinds(network):
    return [layer.kind for layer in network.layers]


def widths(network):
    """Widths of its layers with a number of their own, from the input on."""
    of = {Dense: "outputs", Conv2D: "filters"}
    return tuple(getattr(layer, of[type(layer)]) for layer in network.layers if type(layer) in of)


def test_structure():
    assert kinds(build("mlp-64-32-10")) == ["input", "flatten", "dense", "relu", "dense"]
    assert kinds(build("mlp-5-4-3-2")) == ["input", "dense", "relu", "dense", "relu", "dense"]
    assert kinds(build("mlp-5-2")) == ["input", "dense"]
    assert build("mlp-har").input.mean.size == 9 and build("mlp-5-2", seed=3).seed == 3
    assert build("cnn-har").input.mean.size == 9 and build("resnet-8").input.mean.size == 3


@pytest.mark.parametrize("name, words", [
    ("mlp-0-10", "has a layer of 0"), ("mlp-10-0-2", "has a layer of 0"),
    ("mlp-999999999-10", "has a layer of 999999999"),
    ("mlp-65537-2", "has a layer of 65537; widths are 1 to 65536"), ("mlp-9999999999-1", "is not known"),
    ("autoencoder-6-2-5", "has 6 inputs and 5 outputs"),
    ("mlp", "is not known"), ("mlp-5", "is not known"), ("mlp-5-", "is not known"), ("mlp--5-2", "is not known"),
    ("mlp-5-2.5", "is not known"), ("mlp-5-2 ", "is not known"), ("MLP-5-2", "is not known"), ("", "is not known"),
    ("mlp-5-2\n", "is not known"), ("resnet", "is not known"), (None, "is not known"), (5, "is not known"),
    ("mlp" + "-1" * 22, "is not known"), ("mlp-\u0665-\u0662", "is not known"), (["mlp-5-2"], "is not known"),
    ("x@0.5", "'x' is not known"), ("@0.5", "'' is not known"), ("mlp-5-2@0.5@0.5", "'mlp-5-2@0.5' is not known"),
    *((f"resnet-8@{factor}", f"times {factor!r}; a factor is 0.0001 to 99.9999, such as 0.5")
      for factor in ("0", "0.00", "1e9", "-1", "", "nan", "100", ".5", "0.00001", "1\n", "\u0665")),
    ("mlp-65536-65536-2", "4,294,967,296 values in the weights of layer 'dense1'; at most 536,870,912"),
])  # fmt: skip
def test_names_refused(name, words):
    with pytest.raises(InputError) as refused:
        build(name)
    assert words in str(refused.value) and str(refused.value).count("\n") == 0


def test_the_widest_name_is_estimated_without_being_allocated():
    assert compile(build("mlp-65536-4096-2")).plan.sram > 2**30
    assert find_model("mlp-65536-1").shape == (65536,)


@pytest.mark.parametrize("name, expected", [
    ("mlp-64-33-17-10@0.5", (16, 8, 10)), ("mlp-64-33-17-10@0.0001", (1, 1, 10)), ("mlp-64-33-17-10@2", (66, 34, 10)),
    ("mlp-64-33-17-10@1", (33, 17, 10)), ("autoencoder@0.1", (12, 12, 12, 12, 1, 12, 12, 12, 12, 640)),
    ("resnet-8@0.59", (9, 9, 9, 18, 18, 18, 37, 37, 37, 10)), ("mlp-5-2@0.5", (2,)),
])  # fmt: skip
def test_a_factor_scales_the_hidden_widths_rounded_down_but_at_least_1(name, expected):
    assert widths(build(name)) == expected and build(name).name == name


# with data


def test_the_input_is_that_of_the_data():
    first = build("mlp-64-32-10", data()).input
    assert (first.shape, first.dtype, first.mean.tolist(), first.scale.tolist()) == ((8, 8, 1), "uint8", [1.0], [0.5])


@pytest.mark.parametrize("name, shape, expected", [
    ("mlp-64-32-10", (64,), ["flatten", "dense"]), ("mlp-64-5-10", (8, 8), ["flatten", "dense"]),
    ("cnn-8", (8, 8, 1), ["conv"]), ("cnn-8", (64,), ["reshape", "conv"]), ("cnn-har", (128, 9), ["reshape", "conv"]),
])  # fmt: skip
def test_data_of_another_shape_is_reshaped(name, shape, expected):
    network = build(name, data(shape, 6))
    assert kinds(network)[1 : 1 + len(expected)] == expected and network.input.shape == shape


def test_outputs_are_the_classes_of_the_data_where_the_model_leaves_them_open():
    assert build("cnn-8", data(classes=3)).outputs == 3 and build("cnn-8").outputs == 10
    assert build("mlp-64-32-10", data(classes=3)).outputs == 10


@pytest.mark.parametrize("name, some, words", [
    ("mlp-784-32-10", data(),
     "takes 784 values but a sample of data 'some' has 64 (shape (8, 8, 1)); try --model mlp-64-32-10"),
    ("mlp-64-32-2", data(), "has 2 outputs but data 'some' has 10 classes"), ("cnn-8", 5, "is not a data set"),
])  # fmt: skip
def test_data_that_does_not_fit_the_model(name, some, words):
    with pytest.raises(InputError) as refused:
        build(name, some)
    assert words in str(refused.value)


@pytest.mark.parametrize("some, name", [
    (data(), "mlp-64-32-10"), (data((28, 28, 1)), "mlp-784-32-10"), (data((5,), 3), "mlp-5-32-3"),
    (data((32, 32, 3), 100), "cnn-32"), (data((128, 9), 6), "mlp-har"), (data((49, 10), 12), "ds-cnn"),
    (data((5, 128), 2, kind="anomaly"), "autoencoder"),
    (data((5, 33), 2, kind="anomaly"), "autoencoder-165-64-8-64-165"),
])  # fmt: skip
def test_default_model(some, name):
    assert default_model(some) == name
    build(name, some)


# narrower


@pytest.mark.parametrize("fraction, expected", [(0.5, (16, 8)), (0.25, (8, 4)), (1 / 256, (1, 1)), (0.99, (31, 16))])
def test_narrowed_scales_the_hidden_layers_only(fraction, expected):
    smaller = narrowed(build("mlp-64-33-17-10" if fraction == 0.5 else "mlp-64-32-17-10", seed=9), fraction)
    assert widths(smaller) == (*expected, 10)
    assert smaller.name == f"mlp-64-{expected[0]}-{expected[1]}-10" and smaller.seed == 9
    assert smaller.shapes[0] == (64,)


def test_narrowed_keeps_the_input_and_the_other_layers():
    for name in ("mlp-64-32-10", "mlp-64-32-10@0.5", "cnn-8", "cnn-8@0.5"):
        network = build(name, data())
        smaller = narrowed(network, 0.5)
        assert smaller.input is network.input and kinds(smaller) == kinds(network)
    assert narrowed(build("mlp-64-10"), 0.5) is None, "there is no hidden layer"


@pytest.mark.parametrize("name, fraction, narrower", [
    ("resnet-8", 0.5, "resnet-8@0.5"), ("resnet-8", 31 / 32, "resnet-8@0.97"), ("resnet-8", 0.999, "resnet-8@0.99"),
    ("resnet-8", 1e-9, "resnet-8@0.01"), ("resnet-8@0.5", 0.5, "resnet-8@0.25"), ("resnet-8@0.01", 0.5, None),
    ("resnet-8@0.503", 0.999, "resnet-8@0.5"), ("cnn-8@2", 0.5, "cnn-8@1"),
    ("autoencoder@0.1", 0.5, "autoencoder-640-6-6-6-6-1-6-6-6-6-640"),
])  # fmt: skip
def test_names_of_narrower_networks(name, fraction, narrower):
    smaller = narrowed(build(name), fraction)
    assert (smaller and smaller.name) == narrower
    if smaller:
        assert smaller.written[1:] == build(narrower).written[1:]


def test_only_what_build_made_is_narrowed():
    layers = [Input((8, 8, 1)), Flatten(), Dense(9), Dense(3)]
    for name in ("network", "mlp-64-32-10", "resnet-8", "absent.toml", "x@0.5", "cnn-8"):
        assert narrowed(Network(layers, name=name), 0.5) is None


# the autoencoder


def test_autoencoder_compiles_and_learns_to_reconstruct():
    program = compile(build("autoencoder"), loss="reconstruction")
    assert "reconstruction_f32" in [i.name for i in program.instructions]
    small = Network([Input((16,)), Dense(8), ReLU(), Dense(16)], seed=1)
    x = np.tile(np.eye(4, 16, dtype=np.float32), (50, 1))
    for rule in (None, TopK(0.5), TinyProp()):
        losses = compile(small, rule, SGD(0.5, "constant"), loss="reconstruction").train(x).losses
        assert losses[-4:].mean() < losses[:4].mean() / 2


def test_reconstruction_is_the_squared_error_of_the_normalised_sample():
    network = Network([Input((4, 2), "uint8", 128.0, 1 / 128), Flatten(), ReLU(), Dense(8)], seed=2)
    x = np.arange(16, dtype=np.uint8).reshape(2, 4, 2) * 16
    program, other = compile(network, loss="reconstruction"), compile(network, loss="mean_squared_error")
    targets = (x.reshape(2, 8).astype(np.float32) - 128) / 128
    assert program.train(x).losses.tobytes() == other.train(x, targets).losses.tobytes()
    assert all(program.state()[name].tobytes() == value.tobytes() for name, value in other.state().items())


@pytest.mark.parametrize("name", ["mlp-784-128-64-10", "mobilenet-v1-0.25"])
def test_an_estimate_needs_no_numba_and_is_fast(name):
    code = f"""
import json, sys, time
start = time.process_time()
import mcuref
imported = time.process_time()
program = mcuref.compile(mcuref.build({name!r}), mcuref.TinyPropV2(), loss="softmax_cross_entropy")
try:
    mcuref.compile(program.network, budget=mcuref.find_target("nrf52840").budget())
except mcuref.BudgetExceeded as error:
    refused = str(error)
report = program.report()
loaded = sorted({{name.partition(".")[0] for name in sys.modules}} & {{"numba", "llvmlite", "hypothesis", "torch"}})
print(json.dumps([loaded, imported - start, time.process_time() - imported, report["regions"]["sram"]["planned"]]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, importing, estimating, sram = json.loads(result.stdout)
    print(f"import mcuref {importing:.3f} s, estimate {estimating:.3f} s")
    assert loaded == [] and sram > 437_000
    assert estimating < 2  # measured: 0.02 and 0.3


def test_a_classifier_is_refused_for_anomaly_data():
    with pytest.raises(InputError, match="only normal samples to train on; try --model autoencoder"):
        build("mlp-640-4-2", data((5, 128), 2, kind="anomaly"))
