"""mcuref models: the zoo, one model by layers, and files; the same as JSON, and what is refused."""

import json
import time

import numpy as np
import pytest

from mcuref import TinyPropV2, build, compile
from mcuref.models import ZOO


@pytest.fixture
def listed(mcuref, here):
    """Run with ``--json``; returns the outcome and the models."""

    def run(*arguments):
        outcome = mcuref("models", *arguments, "--json", "x.json")
        assert outcome.status == 0 and outcome.err == ""
        result = json.loads((here / "x.json").read_text())
        assert result["schema"] == "mcuref.models/1"
        return outcome, result["models"]

    return run


@pytest.fixture
def file(here):
    """Write a model file; returns its name."""

    def write(layers, name="my [red] model.toml"):
        (here / name).write_text(f"input = [4, 4, 1]\nlayers = [{layers}]\n")
        return name

    return write


def test_the_zoo(listed):
    outcome, models = listed()
    assert [model["name"] for model in models] == list(ZOO)
    for model in models:
        plan = compile(build(model["name"]), TinyPropV2(), loss=model["loss"]).plan
        assert (model["sram_bytes"], model["flash_bytes"]) == (plan.sram, plan.flash)
        for key in ("parameters", "macs_forward", "sram_bytes", "flash_bytes"):
            assert type(model[key]) is int and f"{model[key]:,}" in outcome.out
        assert model["name"] in outcome.out and model["input"] == list(ZOO[model["name"]].shape)
    sizes = {model["name"]: (model["parameters"], model["macs_forward"], model["outputs"]) for model in models}
    assert sizes["resnet-8"] == (77_706, 12_501_632, 10) and sizes["autoencoder"] == (265_864, 264_192, 640)


def test_one_model_by_layers(listed):
    outcome, (model,) = listed("resnet-8")
    layers = {row["layer"]: row for row in model["layers"]}
    assert list(layers) == list(build("resnet-8").names)
    assert layers["conv6"] == {
        "layer": "conv6",
        "from": ["relu3"],
        "shape": [16, 16, 32],
        "parameters": 544,
        "macs_forward": 131_072,
    }
    assert layers["add2"]["from"] == ["conv5", "conv6"] and "conv5 + conv6" in outcome.out
    assert all(layer in outcome.out for layer in layers) and "12,501,632" in outcome.out and "77,706" in outcome.out
    assert sum(row["macs_forward"] for row in model["layers"]) == model["macs_forward"]


def test_names_that_are_not_in_the_list(listed, file):
    name = file('{kind = "conv", filters = 4, kernel = 3}, {kind = "flatten"}, {kind = "dense", outputs = "classes"}')
    for name, parameters in (("resnet-8@0.5", 19_786), ("mlp-5-4-3", 39), (name, 40 + 170), (f"{name}@0.5", 20 + 90)):
        outcome, (model,) = listed(name)
        assert (model["name"], model["parameters"]) == (name, parameters) and name in outcome.out


@pytest.mark.parametrize("words, name", [
    ("model 'resnet' is not known", "resnet"), ("model '' is not known", ""), ("does not exist", "absent.toml"),
    ("a factor is 0.0001 to 99.9999, such as 0.5", "resnet-8@0"),
])  # fmt: skip
def test_unknown_models(refused, words, name):
    refused(words, "models", name)


@pytest.mark.parametrize("command", ["models", "estimate", "bench", "train", "compare"])
def test_a_wrong_file_is_one_sentence_wherever_it_is_named(refused, file, command):
    name = file('{kind = "flatten"}, {kind = "dense", outputs = 0}')
    arguments = [name] if command == "models" else ["--model", name]
    sentence = refused("layer 2 of model 'my [red] model' (dense): a dense layer's number of outputs 0", command, *arguments)
    assert f"model file '{name}'" in sentence


def test_two_names_are_refused(refused):
    refused("argument 'ds-cnn' is one too many", "models", "resnet-8", "ds-cnn")


def test_an_output_that_cannot_be_written_is_refused_first(refused):
    refused("absent", "models", "--json", "absent/x.json")


# convolutional networks that do not fit


@pytest.fixture
def images(save):
    """A data folder of 32x32 colour images, ten classes."""
    x = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8, endpoint=False)
    return save({"train": {"x": x, "y": np.arange(20) % 10}, "test": {"x": x[:10], "y": np.arange(10)}})


@pytest.mark.parametrize("model", ["resnet-8", "resnet-8@1.5"])
@pytest.mark.parametrize("command", ["train", "compare"])
def test_refused_with_what_would_fit_before_anything_starts(refused, here, images, command, model):
    began = time.process_time()
    output = ["--out", "run"] if command == "train" else ["--json", "x.json"]
    sentence = refused("what would fit: ", command, "--data", images, "--model", model, *output)
    assert time.process_time() - began < 20  # measured: below 0.5; a guard against endless work
    assert ("--trainable " in sentence) == (model == "resnet-8"), "the wider one's activations alone are too many"
    assert "--model resnet-8@0." in sentence and "--target " in sentence
    assert not (here / "run").exists() and not (here / "x.json").exists()


def test_what_train_suggests_is_accepted(mcuref, images):
    arguments = ["train", "--data", images, "--epochs", "1", "--target", "nrf52840"]
    fitting = mcuref(*arguments, "--model", "resnet-8").err.split("what would fit: ")[1].split("; ")
    suggested = [part.split(" (")[0].split() for part in fitting]
    assert [option for option, _ in suggested] == ["--trainable", "--model", "--target"]
    for option, value in suggested:
        outcome = mcuref(*arguments, *([] if option == "--model" else ["--model", "resnet-8"]), option, value)
        assert outcome.status == 0, outcome.err


@pytest.mark.parametrize("model", ["resnet-8", "mobilenet-v1-0.25", "ds-cnn"])
def test_estimate_says_no_with_what_would_fit(mcuref, model):
    began = time.process_time()
    outcome = mcuref("estimate", "--model", model)
    assert time.process_time() - began < 20  # measured: below 0.5; a guard against endless work
    assert outcome.status == 1 and outcome.err == "" and "It does not fit." in outcome.out
    assert f"would fit: --model {model}@0." in outcome.out and "would fit: --trainable " in outcome.out
