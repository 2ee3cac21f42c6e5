""".tflite files and run folders where a command takes a model: they begin from their weights, or are refused in a word."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mcuref.training import Trainer

FILES = Path(__file__).parents[1] / "models" / "tflite"
NEEDS = "needs the package tflite: pip install '.[tflite]'"


@pytest.fixture
def run(mcuref, small):
    """A run folder on the small data."""
    learn = ["--model", "mlp-4-8-3", "--epochs", "2", "--learning-rate", "0.1", "--method", "full"]
    assert mcuref("train", "--data", small, *learn, "--out", "run").status == 0
    return "run"


@pytest.fixture
def file(mcuref, run):
    """The same as a .tflite file, its softmax included."""
    pytest.importorskip("tflite", reason="writing .tflite files: pip install '.[tflite]'")
    assert mcuref("export", run, "--tflite", "net.tflite").status == 0
    return "net.tflite"


@pytest.fixture
def images(here, save):
    """The files of the tests, and a data folder that suits the tiny ones."""
    pytest.importorskip("tflite", reason="reading .tflite files: pip install '.[tflite]'")
    for path in FILES.glob("*.tflite"):
        shutil.copy(path, here)
    x = np.random.default_rng(3).integers(0, 256, (30, 9, 8, 2)).astype(np.uint8)
    return save({"train": {"x": x, "y": np.arange(30) % 3}, "test": {"x": x[:9], "y": np.arange(9) % 3}}, "images")


def weights(folder):
    with np.load(Path(folder) / "weights.npz") as arrays:
        return {name: values.copy() for name, values in arrays.items()}


STILL = ["--epochs", "1", "--method", "full", "--learning-rate", "1e-30"]  # so small that no weight changes


@pytest.mark.parametrize("seed", ["0", "7"])
def test_training_begins_from_the_weights_of_a_run(mcuref, run, here, seed):
    asked = ["train", "--data", "small/", "--model", run, *STILL, "--seed", seed, "--out", "again"]
    assert mcuref(*asked).status == 0
    before, after = weights("run"), weights("again")
    assert before.keys() == after.keys() and all((before[name] == after[name]).all() for name in before)


def test_training_begins_from_the_weights_of_a_file(mcuref, file, here):
    assert mcuref("train", "--data", "small/", "--model", file, *STILL, "--out", "again").status == 0
    before, after = weights("run"), weights("again")
    assert before.keys() == after.keys() and all((before[name] == after[name]).all() for name in before)


def test_the_softmax_of_a_file_is_left_out(mcuref, images, here):
    """The loss has it in it; what is trained is a run like any other, of the size that an estimate says."""
    asked = ["--data", images, "--model", "tiny_float32.tflite"]
    assert mcuref("train", *asked, "--epochs", "1", "--method", "full", "--out", "run").status == 0
    report = json.loads((here / "run" / "report.json").read_text())
    assert mcuref("estimate", *asked, "--method", "full", "--json", "e.json").status == 0
    planned = json.loads((here / "e.json").read_text())["regions"]["sram"]["planned"]
    assert report["memory"]["regions"]["sram"]["planned"] == planned
    for command in (["report", "run"], ["models", "run"], ["quantise", "run", "--out", "int8"], ["models", "int8"]):
        assert mcuref(*command).status == 0
    asked = ["compare", "--data", images, "--model", "int8", "--method", "none"]
    assert mcuref(*asked).status == 0


@pytest.mark.parametrize("model", ["run", "net.tflite"])
def test_compared_by_methods_and_in_steps(mcuref, file, here, model):
    asked = ["--data", "small/", "--model", model]
    outcome = mcuref("compare", *asked, "--epochs", "1", "--method", "full,topk", "--json", "c.json")
    assert outcome.status == 0, outcome
    rows = json.loads((here / "c.json").read_text())["rows"]
    assert [row["method"] for row in rows] == ["full", "topk"] and rows[0]["dtype"] == "float32"
    few = ["--per-class", "2", "--steps", "2", "--tasks", "1", "--distil", "random"]
    outcome = mcuref("incremental", *asked, *few, "--out", "inc")
    assert outcome.status == 0, outcome
    assert mcuref("report", "inc").status == 0


def test_residual_blocks_do_not_grow(refused, images, here):
    asked = ["incremental", "--data", images, "--model", "tiny_float32.tflite", "--per-class", "1", "--tasks", "1"]
    refused("has residual blocks; widths cannot change there", *asked, "--out", "inc")
    assert not (here / "inc").exists()


def test_a_name_of_the_zoo_is_no_folder(mcuref, run, here, refused):
    """A folder that happens to be called so changes nothing; by a path it is meant."""
    expected = mcuref("models", "cnn-8").out
    shutil.copytree("run", "cnn-8")
    assert mcuref("models", "cnn-8").out == expected
    assert "float32 network of a run on small" in mcuref("models", "./cnn-8").out
    (here / "mlp-4-3").mkdir()
    assert mcuref("models", "mlp-4-3").status == 0
    refused("'mlp-4-3' is no run folder", "models", "./mlp-4-3")


@pytest.mark.parametrize("name", ["a b.tflite", "a@0.5.tflite", "[red]\x1b[31m.tflite", "é\u202e.tflite", "-x/y.tflite"])
def test_names_of_files(mcuref, file, here, name):
    (here / name).parent.mkdir(exist_ok=True)
    shutil.copy(file, here / name)
    for command in (["models", f"./{name}"], ["estimate", "--model", f"./{name}"]):
        outcome = mcuref(*command)
        assert outcome.status == 0 and "\x1b" not in outcome.out, outcome


@pytest.mark.parametrize("name", ["a b", "a@0.5", "[red]\x1b[31m", "run.json", "é\u202e"])
def test_names_of_folders(mcuref, run, here, name):
    os.rename("run", name)
    for command in (["models", f"./{name}"], ["estimate", "--model", name]):
        outcome = mcuref(*command)
        assert outcome.status == 0 and "\x1b" not in outcome.out, outcome


BROKEN = {
    "cut.tflite": (lambda path, content: path.write_bytes(content[:3000]), "it is damaged"),
    "empty.tflite": (lambda path, content: path.write_bytes(b""), "it is no TFLite model"),
    "junk.tflite": (lambda path, content: path.write_bytes(b"\xff" * 9000), "it is no TFLite model"),
    "large.tflite": (lambda path, content: _sparse(path, 1 << 33), "has more than 16,777,216 bytes"),
    "missing.tflite": (lambda path, content: None, "does not exist"),
    "folder.tflite": (lambda path, content: path.mkdir(), "it is a folder"),
    "pipe.tflite": (lambda path, content: os.mkfifo(path), "it is a named pipe"),
    "zero.tflite": (lambda path, content: path.symlink_to("/dev/zero"), "it is a device"),
    "loop.tflite": (lambda path, content: path.symlink_to("loop.tflite"), "model file 'loop.tflite'"),
    "tiny_int8.tflite@0.5": (lambda path, content: None, "has hidden widths times 0.5; 'tiny_int8.tflite' comes with its w"),
    "tiny_int8.tflite@x": (lambda path, content: None, "has hidden widths times x; 'tiny_int8.tflite' comes with"),
    "run@0.5": (lambda path, content: None, "model 'run' is not known"),
    "images": (lambda path, content: None, "'images' is no run folder: it has no run.json"),
}


def _sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_models(refused, images, here, name):
    make, words = BROKEN[name]
    make(here / name, (here / "tiny_int8.tflite").read_bytes())
    before = sorted(os.listdir(here))
    refused(words, "models", name, "--json", "x.json")
    refused(words, "estimate", "--model", name, "--json", "x.json")
    refused(words, "compare", "--data", images, "--model", name, "--json", "x.json")
    for command in ("train", "incremental"):
        refused(words, command, "--data", images, "--model", name, "--out", "new")
    assert sorted(os.listdir(here)) == before


@pytest.mark.parametrize("name, shape, classes, words", [
    ("tiny_float32", (12, 12, 1), 3, "takes samples of shape (9, 8, 2); those of data 'other' have shape (12, 12, 1)"),
    ("tiny_float32", (144,), 3, "takes samples of shape (9, 8, 2); those of data 'other' have shape (144,)"),
    ("tiny_float32", (9, 8, 2), 4, "has 3 outputs but data 'other' has 4 classes"),
    ("tiny_int8", (9, 8, 3), 3, "takes 144 values but a sample of data 'other' has 216"),
])  # fmt: skip
def test_data_of_another_shape(refused, images, save, name, shape, classes, words):
    side = {"x": np.zeros((8, *shape), np.float32), "y": np.arange(8) % classes}
    save({"train": side, "test": side}, "other")
    for command in (["train", "--out", "new"], ["compare", "--method", "none"], ["estimate"], ["incremental"]):
        refused(words, *command, "--data", "other/", "--model", f"{name}.tflite")


def test_a_run_on_samples_of_another_type(refused, run, save):
    side = {"x": np.zeros((8, 4), np.uint8), "y": np.arange(8) % 3}
    save({"train": side, "test": side}, "other")
    words = "was trained on float32 samples; those of 'other' are uint8"
    for command in (["train", "--out", "new"], ["compare", "--method", "none"], ["estimate"]):
        refused(words, *command, "--data", "other/", "--model", run)


def test_a_classifier_has_no_use_for_clips(refused, mcuref, sounds, save, arrays):
    x = np.random.default_rng(0).normal(size=(9, 5 * 33)).astype(np.float32)
    side = {"x": x, "y": np.arange(9) % 3}
    save({"train": side, "test": side}, "flat")
    assert mcuref("train", "--data", "flat/", "--model", "mlp-165-3", "--epochs", "1", "--out", "flat-run").status == 0
    for command in (["train"], ["compare", "--method", "none"]):
        assert "mimii_slider_tiny" in refused("", *command, "--data", sounds, "--model", "flat-run")


# -- nothing trained


@pytest.mark.parametrize("option", [
    ["--epochs", "2"], ["--learning-rate", "0.1"], ["--schedule", "linear"], ["--momentum", "0.5"], ["--batch", "2"],
    ["--policy", "accumulate"], ["--trainable", "1"], ["--set", "s_max=0.5"], ["--sweep"], ["--seeds", "3"],
    ["--seeds", "junk"], ["--regime", "shift"], ["--preset", "paper"], ["--update", "residual"], ["--scales", "static"],
    ["--headroom", "2"],
])  # fmt: skip
def test_options_of_training_are_refused_where_nothing_is_trained(refused, run, option):
    words = f"{option[0]} is of methods that train; --method none trains nothing"
    refused(words, "compare", "--data", "small/", "--model", run, "--method", "none", *option)


@pytest.mark.parametrize("options, words", [
    (["--dtype", "int4"], "--dtype 'int4' is not known; did you mean int8? it may be float32, int8"),
    (["--dtype", ""], "--dtype '' is not known"), (["--dtype", "int8,"], "--dtype '' is not known"),
    (["--dtype", "int8,int8"], "--dtype 'int8,int8' names 'int8' twice"), (["--dtype", "\udcff"], "is not known"),
])  # fmt: skip
def test_nonsense_of_a_type(refused, run, options, words):
    refused(words, "compare", "--data", "small/", "--model", run, "--method", "none", *options)
    refused(words, "estimate", "--model", run, *options)


def test_what_is_not_of_a_type_is_refused(mcuref, refused, run, images):
    asked = ["compare", "--data", "small/", "--model", run]
    refused("--method none needs --model with trained weights", "compare", "--method", "none")
    refused("model 'mlp-4-3' has no trained weights", *asked[:-1], "mlp-4-3", "--method", "none")
    refused("method 'none' is not known", *asked, "--method", "none,full")
    words = "--map draws one program, but these are 2: int8 residual running, float32; give one type"
    refused(words, "estimate", "--model", run, "--dtype", "int8,float32", "--map", "map.png")
    for option, value in (("--update", "residual"), ("--scales", "static"), ("--headroom", "2")):
        refused(f"{option} is of weights that are trained in int8; what is asked for here is float32", *asked, option, value)
    refused("--update 'nearest' is not known", *asked, "--dtype", "int8", "--update", "nearest")
    refused("--scales 'static,static' names 'static' twice", *asked, "--dtype", "int8", "--scales", "static,static")
    refused("headroom 65.0 is not a number from 1 to 64", *asked, "--dtype", "int8", "--headroom", "65")
    assert mcuref("quantise", run, "--out", "int8").status == 0
    refused(
        "'int8' is int8 and has no float32 weights; it can be compared as int8", *asked[:-1], "int8", "--dtype", "float32"
    )
    refused("model 'mlp-4-8-3' is int8 and has no float32 weights", "estimate", "--model", "int8", "--dtype", "float32")


def test_what_does_not_fit_is_refused(refused, run):
    asked = ["compare", "--data", "small/", "--model", run, "--method", "none", "--dtype", "float32,int8"]
    refused("inference needs 368 B of sram but the budget leaves 20 B", *asked, "--sram", "20", "--stack", "0")


# -- without the package


@pytest.mark.parametrize("package", ["tflite", "flatbuffers"])
def test_without_the_package(mcuref, refused, file, here, monkeypatch, package):
    gone = [name for name in sys.modules if name.partition(".")[0] in ("tflite", "flatbuffers")]
    for name in [*gone, *(name for name in sys.modules if name.startswith(("mcuref.importers.", "mcuref.export.tflite")))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    refused(f"reading .tflite files {NEEDS}", "models", file)
    refused(f"reading .tflite files {NEEDS}", "train", "--data", "small/", "--model", file, "--out", "new")
    refused(f"writing .tflite files {NEEDS}", "export", "run", "--tflite", "new.tflite")
    assert not (here / "new").exists() and not (here / "new.tflite").exists()
    for command in (["quantise", "run", "--out", "int8"], ["estimate", "--model", "int8"], ["models", "int8"]):
        assert mcuref(*command).status == 0


# -- stopped and resumed


@pytest.fixture
def interrupt(mcuref, file, monkeypatch):
    """Begin a run from a model and interrupt it behind its second epoch."""

    def begin(model):
        original, left = Trainer.evaluate, iter(range(2))

        def stopped(trainer):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return original(trainer)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "evaluate", stopped)
            asked = ["train", "--data", "small/", "--model", model, "--epochs", "4", "--checkpoint", "0", "--out", "stopped"]
            assert mcuref(*asked).status == 130

    return begin


@pytest.mark.parametrize("model", ["run", "net.tflite"])
def test_resumed(mcuref, interrupt, here, model, monkeypatch):
    """From elsewhere too: run.json has where the model lies."""
    asked = ["--data", "small/", "--model", model, "--epochs", "4", "--checkpoint", "0"]
    assert mcuref("train", *asked, "--out", "whole").status == 0
    interrupt(model)
    (here / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert mcuref("train", "--resume", "../stopped").status == 0
    for name in ("history.csv", "memory.csv", "weights.npz"):
        assert (here / "whole" / name).read_bytes() == (here / "stopped" / name).read_bytes()


def _other_weights(mcuref):
    """The run, and its file, again with other weights."""
    shutil.rmtree("run")
    os.remove("net.tflite")
    learn = ["--model", "mlp-4-8-3", "--epochs", "1", "--learning-rate", "0.1", "--method", "full"]
    assert mcuref("train", "--data", "small/", *learn, "--out", "run").status == 0
    assert mcuref("export", "run", "--tflite", "net.tflite").status == 0


@pytest.mark.parametrize("model", ["run", "net.tflite"])
def test_not_resumed_from_other_weights(mcuref, refused, interrupt, here, model):
    interrupt(model)
    before = (here / "stopped" / "checkpoint").read_bytes()
    _other_weights(mcuref)
    refused("was begun with another", "train", "--resume", "stopped")
    assert (here / "stopped" / "checkpoint").read_bytes() == before


@pytest.mark.parametrize("model, damage, words", [
    ("run", lambda: shutil.rmtree("run"), "run"), ("net.tflite", lambda: os.remove("net.tflite"), "does not exist"),
    ("net.tflite", lambda: Path("net.tflite").write_bytes(b"TFL3" * 100), "it is"),
    ("run", lambda: Path("run/weights.npz").write_bytes(b""), "differs from what was written"),
])  # fmt: skip
def test_not_resumed_without_its_model(refused, interrupt, here, model, damage, words):
    interrupt(model)
    damage()
    sentence = refused(words, "train", "--resume", "stopped")
    assert "run.json in run folder 'stopped' cannot be used" in sentence
    assert (here / "stopped" / "checkpoint").exists()


@pytest.mark.parametrize("model", ["run", "net.tflite"])
def test_learning_in_steps_resumed_but_not_from_other_weights(mcuref, refused, file, here, monkeypatch, model):
    from mcuref.incremental.learner import IncrementalLearner

    original, left = IncrementalLearner.learn, iter(range(1))

    def stopped(learner, *given, **named):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return original(learner, *given, **named)

    few = ["--per-class", "2", "--steps", "2", "--tasks", "3", "--distil", "random"]
    with monkeypatch.context() as patch:
        patch.setattr(IncrementalLearner, "learn", stopped)
        assert mcuref("incremental", "--data", "small/", "--model", model, *few, "--out", "stopped").status == 130
    assert mcuref("incremental", "--data", "small/", "--model", model, *few, "--out", "whole").status == 0
    shutil.copytree("stopped", "again")
    assert mcuref("incremental", "--resume", "again").status == 0
    reports = [json.loads((here / name / "report.json").read_text()) for name in ("whole", "again")]
    for report in reports:
        report.pop("timing")
    assert reports[0] == reports[1]
    _other_weights(mcuref)
    refused("was begun with another", "incremental", "--resume", "stopped")
