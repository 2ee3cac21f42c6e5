"""mcuref train --dtype int8: how a network becomes one that integers train, what is kept and told, what is refused."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mcuref.program.compiler import compile, prepare_executor
from mcuref.runs import models
from mcuref.training import Trainer
from tests import litert

FILES = ["checkpoint", "history.csv", "memory.csv", "report.json", "run.json", "weights.npz"]
SAME = ["history.csv", "memory.csv", "weights.npz"]  # to the byte; the report but for timing
SHARES = ("weights_before", "weights", "activations", "errors")


@pytest.fixture(scope="module", autouse=True)
def kernels():
    """No test of what is printed meets the note that they are being compiled."""
    from mcuref.program.arithmetic.int8 import INT8

    prepare_executor(arithmetic=INT8)


@pytest.fixture
def trained(mcuref, small, here):
    """Train on the small data into a folder; returns its report."""

    def run(name, *options, model="mlp-4-8-3"):
        asked = ["train", "--data", small, "--model", model, "--epochs", "3", "--learning-rate", "0.1", *options]
        outcome = mcuref(*asked, "--out", name)
        assert outcome.status == 0 and outcome.err == "", outcome
        return report(here / name)

    return run


def report(folder):
    return json.loads((folder / "report.json").read_text())


def weights(folder):
    with np.load(folder / "weights.npz") as arrays:
        return {name: values.copy() for name, values in arrays.items()}


@pytest.mark.parametrize("model, least", [("mlp-64-32-10", 0.86), ("cnn-8", 0.86)])
def test_digits_are_learned_as_well_as_in_float32(mcuref, here, model, least):
    """Of 360 test samples; measured: within 3 of float32."""
    found = {}
    for dtype in ("float32", "int8"):
        asked = ["train", "--model", model, "--epochs", "4", "--method", "full", "--dtype", dtype, "--json", "x.json"]
        assert mcuref(*asked).status == 0
        found[dtype] = json.loads((here / "x.json").read_text())["accuracy"]
    assert found["int8"] > least and abs(found["int8"] - found["float32"]) < 0.03


def test_report_and_files(trained, here):
    found = trained("run", "--dtype", "int8", "--method", "full")
    assert sorted(os.listdir(here / "run")) == FILES
    names = ("dtype", "update", "scales", "headroom", "deployed")
    assert [found[name] for name in names] == ["int8", "residual", "running", 4.0, "quantised"]
    assert [row["layer"] for row in found["saturation"]] == ["dense1", "dense2"]
    assert all(row.keys() == {"layer", *SHARES} for row in found["saturation"])
    assert found["exponents"].keys() == {"dense1", "dense2"}
    kinds = {name: values.dtype.name for name, values in weights(here / "run").items()}
    assert kinds == {
        "dense1.weights": "int8", "dense1.bias": "int32", "dense2.weights": "int8", "dense2.bias": "int32"
    }  # fmt: skip
    assert found["history"][-1]["loss"] < found["history"][0]["loss"] and found["counts"]["weight_gradient"] > 0
    float32 = trained("float32", "--method", "full")
    assert float32.keys() == found.keys() - {
        "update", "scales", "headroom", "deployed", "exponents", "saturation", "quantization"
    }  # fmt: skip
    planned = [one["memory"]["regions"]["sram"]["planned"] for one in (found, float32)]
    assert planned[0] < planned[1]


OPTIONS = [
    (), ("--update", "residual16"), ("--update", "stochastic", "--seed", "5"),
    ("--update", "truncated", "--scales", "static"), ("--regime", "continue", "--headroom", "3"),
    ("--trainable", "1", "--evaluate", "validation"), ("--batch", "4"),
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_same_bytes_twice(trained, here, options):
    reports = [trained(name, "--dtype", "int8", *options) for name in ("one", "two")]
    assert all(one.pop("timing") for one in reports) and reports[0] == reports[1]
    assert all((here / "one" / name).read_bytes() == (here / "two" / name).read_bytes() for name in SAME)


def test_every_option_is_another_run(trained, here):
    for n, options in enumerate([(), *OPTIONS[1:4], ("--headroom", "2"), ("--scales", "static")]):
        trained(str(n), "--dtype", "int8", "--method", "full", *options)
    started = [json.loads((here / str(n) / "run.json").read_text())["fingerprint"]["program"] for n in range(6)]
    assert len(set(started)) == 6
    found = [report(here / str(n)) for n in range(6)]
    assert [one["update"] for one in found] == ["residual", "residual16", "stochastic", "truncated", "residual", "residual"]
    assert [one["scales"] for one in found] == ["running", "running", "running", "static", "running", "static"]
    assert [bool(one["exponents"]) for one in found] == [True, True, True, False, True, False]
    sram = [one["memory"]["regions"]["sram"]["planned"] for one in found]
    assert sram[3] < sram[0] < sram[1]  # what is kept beside a weight


def test_weights_that_were_trained_before_get_less_room(trained, here):
    assert trained("scratch", "--dtype", "int8")["headroom"] == 4.0
    assert trained("shift", "--dtype", "int8", "--regime", "continue")["headroom"] == 2.0
    trained("float32")
    assert trained("again", "--dtype", "int8", model="float32")["headroom"] == 2.0
    assert trained("said", "--dtype", "int8", "--headroom", "6", model="float32")["headroom"] == 6.0


def test_what_was_trained_before_is_float32(trained, here, monkeypatch):
    """Dense, on the first part; what becomes int8 then is what it came to, on the second."""
    seen = []
    original = Trainer.run

    def run(trainer):
        seen.append((trainer.program.arithmetic.name, len(trainer.data.x_train)))
        return original(trainer)

    monkeypatch.setattr(Trainer, "run", run)
    trained("run", "--dtype", "int8", "--regime", "continue")
    assert seen == [("float32", 15), ("int8", 15)]


# -- the folder is a model


def test_what_is_kept_computes_what_was_trained(mcuref, trained, here, save, arrays, monkeypatch):
    """Scales and biases with the exponents that it ended with: the same outputs, element for element."""
    trained("float32", "--method", "full")
    assert mcuref("quantise", "float32", "--out", "int8").status == 0
    faint = save({side: {"x": part["x"] / 8, "y": part["y"]} for side, part in arrays.items()}, "faint")
    programs = []
    monkeypatch.setattr(Trainer, "run", lambda self, original=Trainer.run: programs.append(self.program) or original(self))
    asked = ["train", "--data", faint, "--model", "int8", "--epochs", "7", "--method", "full", "--learning-rate", "0.1"]
    assert mcuref(*asked, "--out", "run").status == 0
    found = report(here / "run")
    assert found["exponents"]["dense1"] < 0  # so that the next layer's biases are in other steps than as trained
    assert not np.array_equal(weights(here / "run")["dense2.bias"], programs[-1].parameters()["dense2.bias"])
    _, _, kept = models.run_program(here / "run", "use")
    x = np.random.default_rng(0).normal(0, 0.5, (200, 4)).astype(np.float32)
    expected = programs[-1].outputs(x)
    assert len(np.unique(expected)) > 50
    assert np.array_equal(compile(kept.network, trainable=0).outputs(x), expected)
    assert kept.arithmetic == programs[-1].arithmetic and kept.trainable == programs[-1].trainable
    scores = compile(kept.network, trainable=0).predict(arrays["test"]["x"] / 8) == arrays["test"]["y"]
    assert scores.mean() == found["accuracy"]


@pytest.mark.parametrize(
    "options", [("--update", "stochastic", "--scales", "static"), ("--update", "residual16")], ids=" ".join
)
def test_the_folder_says_how_it_was_trained(trained, here, options):
    trained("run", "--dtype", "int8", *options)
    _, _, kept = models.run_program(here / "run", "use")
    named = dict(zip(options[::2], options[1::2]))
    assert (kept.arithmetic.update, kept.arithmetic.scales) == (named["--update"], named.get("--scales", "running"))


def test_commands_that_take_a_model(mcuref, trained, refused, here):
    trained("run", "--dtype", "int8")
    for command in (["models", "run"], ["estimate", "--model", "run"], ["report", "run"], ["report", "run", "--wide"]):
        outcome = mcuref(*command)
        assert outcome.status == 0 and "int8" in outcome.out, outcome
    refused("is of an int8 network already", "quantise", "run", "--out", "new")
    assert mcuref("export", "run", "--c", "firmware", "--vectors", "vectors", "--samples", "3").status == 0
    header = (here / "firmware" / "model.h").read_text()
    assert "#define MODEL_INT8 1" in header and "#define MODEL_RATE MCUREF_RATE_S8(0)" in header
    assert "#define VECTORS_SPANS" in (here / "vectors" / "vectors.h").read_text()


def test_what_has_a_master_has_no_c(trained, mcuref, refused, here):
    trained("run", "--dtype", "int8", "--update", "master")
    words = (
        "operator 'dense_update_master' of layer 'dense2' has no C: a program with it can be trained here, but not exported"
    )
    refused(words, "export", "run", "--c", "new", "--samples", "3")
    assert not (here / "new").exists()
    assert mcuref("export", "run", "--vectors", "vectors", "--samples", "3").status == 0


def test_saturation_is_a_table_of_wide_ones(mcuref, small, here):
    asked = ["train", "--data", small, "--dtype", "int8", "--epochs", "1"]
    narrow, wide = mcuref(*asked), mcuref(*asked, "--wide")
    assert "--wide shows also: saturation by layer" in narrow.out and "at limit" not in narrow.out
    assert "at limit" in wide.out and "--wide shows also" not in wide.out
    assert "int8, update residual, scales running, headroom 4" in narrow.out


def test_what_saturates_is_warned_of_and_how_to_cure_it(mcuref, small, here):
    asked = ["train", "--data", small, "--model", "mlp-4-8-3", "--dtype", "int8", "--method", "full", "--epochs", "60"]
    for headroom, told in (("1", True), ("16", False)):
        outcome = mcuref(*asked, "--learning-rate", "0.1", "--headroom", headroom, "--json", "x.json")
        sentences = [one for one in json.loads((here / "x.json").read_text())["warnings"] if "came to an end" in one]
        assert len(sentences) == told and ("try --headroom 2, or a smaller learning rate" in outcome.err) == told
        assert all(one in " ".join(outcome.out.split()) for one in sentences) or not told, outcome.out


# -- models that come as int8


@pytest.fixture
def int8(mcuref, trained, here):
    """A quantised run, and what it computes."""
    trained("float32", "--method", "full")
    assert mcuref("quantise", "float32", "--out", "int8").status == 0
    return "int8"


STILL = ["--trainable", "1", "--learning-rate", "1e-9", "--scales", "static"]  # so small that no weight changes


def test_an_int8_run_begins_from_its_weights_and_scales(trained, int8, here):
    found = trained("run", *STILL, model=int8)
    assert (found["dtype"], found["headroom"], found["deployed"]) == ("int8", None, "as it is")
    before, after = weights(here / int8), weights(here / "run")
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert (
        found["quantization"] == report(here / int8)["quantization"] and found["accuracy"] == report(here / int8)["accuracy"]
    )
    again = trained("again", *STILL, model="run")
    assert again["accuracy"] == found["accuracy"] and again["quantization"] == found["quantization"]


def test_it_is_not_trained_before(trained, int8, here, monkeypatch):
    """The regime only says which samples it is shown."""
    seen = []
    monkeypatch.setattr(Trainer, "run", lambda self, original=Trainer.run: seen.append(self.data) or original(self))
    trained("run", "--regime", "continue", model=int8)
    (data,) = seen
    with np.load(here / "small/train.npz") as arrays:
        assert np.array_equal(data.x_train, arrays["x"][15:])


def test_with_headroom_its_scales_are_wider_and_that_is_said(mcuref, small, int8, here):
    asked = ["train", "--data", small, "--model", int8, "--epochs", "1", "--headroom", "2", *STILL, "--out", "run"]
    outcome = mcuref(*asked)
    assert outcome.status == 0, outcome
    sentence = "headroom 2: what it begins from no longer computes what the model that was given does"
    assert sentence in " ".join(outcome.out.split())
    found, was = report(here / "run"), report(here / int8)
    assert (found["headroom"], found["deployed"]) == (2.0, "rescaled")
    wide, own = (one["quantization"]["weights"] for one in (found, was))
    assert wide["dense1"] == own["dense1"] and np.allclose(wide["dense2"], 2 * np.array(own["dense2"]))
    largest = {name: np.abs(values.astype(int)).max() for name, values in weights(here / "run").items()}
    assert largest["dense2.weights"] == 64 and largest["dense1.weights"] == 127


# -- refused, before anything is written


@pytest.mark.parametrize("options, words", [
    (["--update", "residual"], "--update is of --dtype int8; what is trained here is float32"),
    (["--dtype", "float32", "--scales", "static"], "--scales is of --dtype int8; what is trained here is float32"),
    (["--headroom", "2"], "--headroom is of --dtype int8"),
    (["--dtype", "int4"], "--dtype 'int4' is not known; did you mean int8? it may be float32, int8"),
    (["--dtype", "float32,int8"], "--dtype 'float32,int8' is not known"),
    (["--dtype", "int8", "--update", "round"], "--update 'round' is not known; it may be residual, residual16, stochastic"),
    (["--dtype", "int8", "--scales", "fixed"], "--scales 'fixed' is not known; it may be running, static"),
    (["--dtype", "int8", "--headroom", "0.5"], "--headroom 0.5 is not a number from 1 to 64"),
    (["--dtype", "int8", "--headroom", "65"], "--headroom 65.0 is not a number from 1 to 64"),
    (["--dtype", "int8", "--headroom", "nan"], "--headroom nan is not a number from 1 to 64"),
    (["--dtype", "int8", "--headroom", "two"], "'two' is not a number"),
    (["--dtype", "int8", "--sram", "300", "--stack", "0"], "of sram but the budget leaves 300 B"),
])  # fmt: skip
def test_refused(refused, small, here, options, words):
    refused(words, "train", "--data", small, "--model", "mlp-4-8-3", *options, "--out", "new")
    assert os.listdir(here) == ["small"]


def test_a_budget_is_that_of_int8(mcuref, refused, trained, here):
    """What float32 is refused for, int8 may fit."""
    need = 2048 + trained("run", "--dtype", "int8", "--method", "full")["memory"]["regions"]["sram"]["planned"]
    asked = ["train", "--data", "small/", "--model", "mlp-4-8-3", "--epochs", "1", "--method", "full"]
    refused("of sram but the budget leaves", *asked, "--sram", str(need), "--out", "new")
    assert mcuref(*asked, "--sram", str(need), "--dtype", "int8", "--out", "new").status == 0
    refused("of sram but the budget leaves", *asked, "--sram", str(need - 4), "--dtype", "int8")


# -- stopped and resumed


@pytest.mark.parametrize("options, evaluation", [
    ((), 2), (("--regime", "continue"), 4), (("--regime", "continue"), 12), (("--update", "stochastic", "--batch", "3"), 2),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("checkpoint", ["0", "1000"], ids=["checkpoints", "none"])
def test_interrupted_and_resumed(mcuref, trained, small, here, monkeypatch, options, evaluation, checkpoint):
    expected = trained("expected", "--dtype", "int8", *options)
    left = iter(range(evaluation - 1))

    def stopped(trainer, original=Trainer.evaluate):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return original(trainer)

    asked = ["train", "--data", small, "--model", "mlp-4-8-3", "--epochs", "3", "--learning-rate", "0.1", "--dtype", "int8"]
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", stopped)
        assert mcuref(*asked, *options, "--checkpoint", checkpoint, "--out", "run").status == 130
    assert mcuref("train", "--resume", "run").status == 0
    assert all((here / "run" / name).read_bytes() == (here / "expected" / name).read_bytes() for name in SAME)
    found = report(here / "run")
    assert found.pop("timing") and expected.pop("timing") and found == expected


# -- .tflite files


@pytest.fixture
def images(here, save):
    """A data folder that suits the file."""
    pytest.importorskip("tflite", reason="reading .tflite files: pip install '.[tflite]'")
    shutil.copy(Path(__file__).parents[1] / "models/tflite/tiny_int8.tflite", here)
    x = np.random.default_rng(3).integers(0, 256, (130, 9, 8, 2)).astype(np.uint8)
    return save({"train": {"x": x, "y": np.arange(130) % 3}, "test": {"x": x[:9], "y": np.arange(9) % 3}}, "images")


@pytest.mark.parametrize("options", [(), ("--trainable", "1"), ("--headroom", "2", "--regime", "continue")], ids=" ".join)
def test_a_file_is_tuned_and_written_again(mcuref, images, here, options):
    """And LiteRT computes with it what the run does, element for element."""
    asked = ["train", "--data", images, "--model", "tiny_int8.tflite", "--epochs", "2", "--method", "full", *options]
    assert mcuref(*asked, "--out", "run").status == 0
    found = report(here / "run")
    assert found["deployed"] == ("rescaled" if "--headroom" in options else "as it is")
    assert mcuref("export", "run", "--tflite", "tuned.tflite").status == 0
    was, now = ((here / name).read_bytes() for name in ("tiny_int8.tflite", "tuned.tflite"))
    _, _, kept = models.run_program(here / "run", "use")
    with np.load(here / "images/train.npz") as arrays:
        x = arrays["x"][:20]
    ours = compile(kept.network, trainable=0).outputs(x)
    values = (x.astype(int) - 128).astype(np.int8)  # as images are fed
    theirs, before = (np.array([litert.run_reference(file, one[None])[0] for one in values]) for file in (now, was))
    assert np.array_equal(kept.network.real(ours) if theirs.dtype == np.float32 else ours, theirs)
    assert not np.array_equal(before, theirs)
    assert mcuref("check", "tuned.tflite", "--data", images, "--samples", "9").status == 0
    asked = ["compare", "--data", images, "--model", "tuned.tflite", "--method", "none", "--json", "c.json"]
    assert mcuref(*asked).status == 0
    assert json.loads((here / "c.json").read_text())["rows"][0]["accuracy"] == found["accuracy"]
