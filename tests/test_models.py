"""The zoo: names, mlp-A-B-C, narrowing, the autoencoder; and an estimate of any of them without Numba."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mcuref import SGD, InputError, Network, TinyProp, TopK, build, compile
from mcuref.layers import Dense, Flatten, Input, ReLU
from mcuref.models import MODELS, default_model, find_model, narrowed


def data(shape=(8, 8, 1), classes=10, dtype=np.uint8):
    """What a model needs to know of a data set."""
    size = int(np.prod(shape))
    return SimpleNamespace(name="some", input_shape=shape, input_size=size, classes=classes, mean=[1.0], scale=[0.5],
                           x_train=np.zeros((1, *shape), dtype))  # fmt: skip


def kinds(network):
    return [layer.kind for layer in network.layers]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_builds_compiles_and_reports(name):
    network = build(name)
    widths = [network.input.size, *(layer.outputs for layer in network.layers if isinstance(layer, Dense))]
    assert tuple(widths) == MODELS[name].widths and network.name == name
    program = compile(network, loss=MODELS[name].loss)
    weights = sum(a * b for a, b in zip(widths, widths[1:]))
    assert sum(row["macs_forward"] for row in program.report()["layers"]) == weights
    assert program.plan.sram > 4 * weights


def test_structure():
    assert kinds(build("mlp-64-32-10")) == ["input", "flatten", "dense", "relu", "dense"]
    assert kinds(build("mlp-5-4-3-2")) == ["input", "dense", "relu", "dense", "relu", "dense"]
    assert kinds(build("mlp-5-2")) == ["input", "dense"]
    assert build("mlp-har").input.mean.size == 9 and build("mlp-5-2", seed=3).seed == 3


@pytest.mark.parametrize("name, words", [
    ("mlp-0-10", "has a layer of 0"), ("mlp-10-0-2", "has a layer of 0"),
    ("mlp-999999999-10", "has a layer of 999999999"),
    ("mlp-65537-2", "has a layer of 65537; widths are 1 to 65536"), ("mlp-9999999999-1", "is not known"),
    ("mlp", "is not known"), ("mlp-5", "is not known"), ("mlp-5-", "is not known"), ("mlp--5-2", "is not known"),
    ("mlp-5-2.5", "is not known"), ("mlp-5-2 ", "is not known"), ("MLP-5-2", "is not known"), ("", "is not known"),
    ("mlp-5-2\n", "is not known"), ("resnet", "is not known"), (None, "is not known"), (5, "is not known"),
    ("mlp" + "-1" * 22, "is not known"), ("mlp-\u0665-\u0662", "is not known"), (["mlp-5-2"], "is not known"),
])  # fmt: skip
def test_names_refused(name, words):
    with pytest.raises(InputError) as refused:
        build(name)
    assert words in str(refused.value) and str(refused.value).count("\n") == 0


def test_the_widest_name_is_estimated_without_being_allocated():
    assert compile(build("mlp-65536-4096-2")).plan.sram > 2**30
    assert find_model("mlp-65536-1").widths == (65536, 1)


# with data


def test_the_input_is_that_of_the_data():
    first = build("mlp-64-32-10", data()).input
    assert (first.shape, first.dtype, first.mean.tolist(), first.scale.tolist()) == ((8, 8, 1), "uint8", [1.0], [0.5])


@pytest.mark.parametrize("name, some, words", [
    ("mlp-784-32-10", data(),
     "takes 784 values but a sample of data 'some' has 64 (shape (8, 8, 1)); try --model mlp-64-32-10"),
    ("mlp-64-32-2", data(), "has 2 outputs but data 'some' has 10 classes"),
])  # fmt: skip
def test_data_that_does_not_fit_the_model(name, some, words):
    with pytest.raises(InputError) as refused:
        build(name, some)
    assert words in str(refused.value)


def test_default_model():
    assert default_model(data()) == "mlp-64-32-10" and default_model(data((28, 28, 1))) == "mlp-784-32-10"
    assert default_model(data((5,), 3)) == "mlp-5-32-3"
    build(default_model(data((5,), 3)), data((5,), 3))


# narrower


@pytest.mark.parametrize("fraction, widths", [(0.5, (16, 8)), (0.25, (8, 4)), (1 / 256, (1, 1)), (0.99, (31, 16))])
def test_narrowed_scales_the_hidden_layers_only(fraction, widths):
    smaller = narrowed(build("mlp-64-33-17-10" if fraction == 0.5 else "mlp-64-32-17-10", seed=9), fraction)
    assert tuple(layer.outputs for layer in smaller.layers if isinstance(layer, Dense)) == (*widths, 10)
    assert smaller.name == f"mlp-64-{widths[0]}-{widths[1]}-10" and smaller.seed == 9
    assert smaller.shapes[0] == (64,)


def test_narrowed_keeps_the_input_and_the_other_layers():
    network = build("mlp-64-32-10", data())
    assert narrowed(network, 0.5).input is network.input and kinds(narrowed(network, 0.5)) == kinds(network)
    assert narrowed(build("mlp-64-10"), 0.5) is None, "there is no hidden layer"


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


def test_an_estimate_needs_no_numba():
    code = """
import json, sys, time
start = time.perf_counter()
import mcuref
imported = time.perf_counter()
program = mcuref.compile(mcuref.build("mlp-784-128-64-10"), mcuref.TinyPropV2(), loss="softmax_cross_entropy")
try:
    mcuref.compile(program.network, budget=mcuref.find_target("nrf52840").budget())
except mcuref.BudgetExceeded as error:
    refused = str(error)
report = program.report()
loaded = sorted({name.partition(".")[0] for name in sys.modules} & {"numba", "llvmlite", "hypothesis", "torch"})
print(json.dumps([loaded, imported - start, time.perf_counter() - imported, report["regions"]["sram"]["planned"]]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, importing, estimating, sram = json.loads(result.stdout)
    print(f"import mcuref {importing:.3f} s, estimate {estimating:.3f} s")
    assert loaded == [] and sram > 437_000
