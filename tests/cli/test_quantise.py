"""mcuref quantise: a trained run as int8, in a folder that is a run like any other."""

import json
import os
import shutil

import numpy as np
import pytest

from mcuref import calibration
from mcuref.cli import quantise as command
from mcuref.quantization.ranges import METHODS

FILES = ["memory.csv", "report.json", "run.json", "weights.npz"]
TOP = {
    "schema", "data", "evaluated_on", "regime", "preset", "model", "input", "layers", "quantization", "dtype", "seed",
    "metric", "accuracy", "float32", "int8", "calibration", "memory", "timing",
}  # fmt: skip
ROW = {
    "layer", "activation", "low", "high", "outside", "scale", "zero", "weights_at_limit", "biases_clamped",
}  # fmt: skip


@pytest.fixture
def run(mcuref, small, here):
    """A float32 run on the small data; returns its name."""
    options = ["--model", "mlp-4-8-3", "--epochs", "3", "--learning-rate", "0.1", "--method", "full"]
    assert mcuref("train", "--data", small, *options, "--out", "run").status == 0
    return "run"


@pytest.fixture
def quantised(mcuref, run, here):
    """Quantise that run; returns what was printed and the JSON."""

    def quantise(*options):
        outcome = mcuref("quantise", run, "--json", "x.json", *options)
        assert outcome.status == 0 and outcome.err == "", outcome
        return outcome.out, json.loads((here / "x.json").read_text())

    return quantise


def test_json_contract_and_files(quantised, here):
    out, result = quantised("--out", "int8")
    assert TOP <= result.keys() and result["schema"] == "mcuref.quantise/1"
    assert (result["data"], result["model"], result["dtype"]) == ("small", "mlp-4-8-3", "int8")
    assert result["calibration"].keys() == {"method", "percentile", "samples", "layers"}
    assert [row.keys() for row in result["calibration"]["layers"]] == [ROW] * 3
    assert [row["layer"] for row in result["calibration"]["layers"]] == ["input", "dense1", "dense2"]
    assert (result["calibration"]["method"], result["calibration"]["percentile"]) == ("minmax", None)
    for dtype in ("float32", "int8"):
        assert result[dtype].keys() == {"score", "sram_bytes", "flash_bytes"}
    assert result["accuracy"] == result["int8"]["score"] and 0 <= result["accuracy"] <= 1
    assert result["int8"]["sram_bytes"] < result["float32"]["sram_bytes"]
    assert sorted(os.listdir(here / "int8")) == FILES and "run kept in int8" in out
    assert json.loads((here / "int8" / "report.json").read_text()) == result
    with np.load(here / "int8" / "weights.npz") as arrays:
        assert {name: values.dtype.name for name, values in arrays.items()} == {
            "dense1.weights": "int8", "dense1.bias": "int32", "dense2.weights": "int8", "dense2.bias": "int32",
        }  # fmt: skip


def test_without_a_folder_nothing_is_written(mcuref, run, here):
    before = sorted(os.listdir(here))
    outcome = mcuref("quantise", run)
    assert outcome.status == 0 and "run kept" not in outcome.out and sorted(os.listdir(here)) == before


def test_scores_are_those_of_the_run_and_of_comparing_without_training(mcuref, quantised, here):
    _, result = quantised("--out", "int8")
    assert result["float32"]["score"] == json.loads((here / "run" / "report.json").read_text())["accuracy"]
    outcome = mcuref(
        "compare", "--data", "small/", "--model", "run", "--method", "none", "--dtype", "float32,int8", "--json", "c.json"
    )
    assert outcome.status == 0, outcome
    rows = {row["dtype"]: row for row in json.loads((here / "c.json").read_text())["rows"]}
    for dtype, row in rows.items():
        assert row["accuracy"] == result[dtype]["score"]
        assert (row["sram_bytes"], row["flash_bytes"]) == (result[dtype]["sram_bytes"], result[dtype]["flash_bytes"])
    mcuref("compare", "--data", "small/", "--model", "int8", "--method", "none", "--json", "c.json")
    (row,) = json.loads((here / "c.json").read_text())["rows"]
    assert row["dtype"] == "int8" and row["accuracy"] == result["int8"]["score"]


def test_same_bytes_twice(quantised, here):
    for name in ("one", "deep/two"):
        quantised("--out", name)
    for name in ("memory.csv", "weights.npz"):
        assert (here / "one" / name).read_bytes() == (here / "deep/two" / name).read_bytes()
    reports = [json.loads((here / name / "report.json").read_text()) for name in ("one", "deep/two")]
    assert all(report.pop("timing")["seconds"] > 0 for report in reports) and reports[0] == reports[1]


@pytest.mark.parametrize("method", METHODS)
def test_methods_and_samples_arrive(quantised, method):
    out, result = quantised("--method", method, "--samples", "7")
    assert (result["calibration"]["method"], result["calibration"]["samples"]) == (method, 7)
    assert f"ranges by {method}" in out and "of 7 training samples" in out


def test_percentile_arrives(quantised):
    """A narrower range has finer steps, and leaves more outside."""
    found = {p: quantised("--method", "percentile", "--percentile", p)[1]["calibration"] for p in ("60", "100")}
    assert [found[p]["percentile"] for p in found] == [60, 100]
    narrow, wide = (found[p]["layers"][1] for p in found)
    assert narrow["scale"] < wide["scale"] and narrow["outside"] > wide["outside"] == 0


def test_shown_again(mcuref, quantised, here):
    out, _ = quantised("--out", "int8")
    again = mcuref("report", "int8")
    assert again.status == 0 and again.out == out.replace("run kept in int8\n", "")
    assert mcuref("report", "int8", "--wide").status == 0


def test_the_folder_is_a_model(mcuref, quantised, here):
    quantised("--out", "int8")
    _, result = quantised()
    models = mcuref("models", "int8", "--json", "m.json")
    assert models.status == 0 and "int8 network of a run on small" in models.out
    (model,) = json.loads((here / "m.json").read_text())["models"]
    assert model["dtype"] == "int8" and model["parameters"] == 8 * 5 + 3 * 9
    assert [row["scale"] for row in model["layers"]] == [pair[0] for pair in result["quantization"]["outputs"]]
    assert [row["fused"] for row in model["layers"]] == [False, False, True, False]
    estimate = mcuref("estimate", "--model", "int8", "--trainable", "0", "--json", "e.json")
    found = json.loads((here / "e.json").read_text())
    assert estimate.status == 0 and found["dtype"] == "int8" and found["tflm"]["activations"] > 0
    assert found["regions"]["sram"]["planned"] == result["int8"]["sram_bytes"]
    assert found["regions"]["flash"]["planned"] == result["int8"]["flash_bytes"]


def test_to_a_file_and_back(mcuref, quantised, here):
    """What was exported computes what the run does."""
    pytest.importorskip("tflite", reason="writing .tflite files: pip install '.[tflite]'")
    quantised("--out", "int8")
    outcome = mcuref("export", "int8", "--tflite", "my file.tflite")
    assert outcome.status == 0 and "mcuref check 'my file.tflite'" in outcome.out
    scores = []
    for model in ("int8", "my file.tflite"):
        asked = ["--data", "small/", "--model", model, "--method", "none", "--json", "c.json"]
        assert mcuref("compare", *asked).status == 0
        scores.append(json.loads((here / "c.json").read_text())["rows"][0]["accuracy"])
    assert scores[0] == scores[1]


@pytest.mark.parametrize("command, words", [
    (("train", "--dtype", "float32"), "model 'int8' is int8 and has no float32 weights; it is trained as int8"),
    (("compare", "--method", "none", "--dtype", "float32"), "is int8 and has no float32 weights"),
    (("incremental", "--tasks", "1"), "is int8; incremental learning begins from a float32 model"),
    (("estimate", "--dtype", "float32"), "is int8 and has no float32 weights"),
    (("estimate", "--dtype", "int8,float32"), "is int8 and has no float32 weights"),
])  # fmt: skip
def test_what_int8_is_not_for(refused, quantised, here, command, words):
    quantised("--out", "int8")
    before = sorted(os.listdir(here))
    name, *options = command
    out = ["--out", "new"] if name in ("train", "incremental") else ["--json", "new"]
    refused(words, name, "--data", "small/", "--model", "int8", *options, *out)
    assert sorted(os.listdir(here)) == before


@pytest.mark.parametrize("options, words", [
    (("--out", "run"), "run folder 'run' exists already"),
    (("--out", "small/train.npz/x"), "cannot be made: not a directory"),
    (("--out", "-"), "'-' would be stdout, which is no folder"), (("--out", "run/x"), "is named for two results"),
    (("--json", "run/x.json"), "is named for two results"), (("--json", "absent/x"), "there is no folder"),
    (("--percentile", "99"), "--percentile is of --method percentile, not of minmax"),
    (("--method", "percentile", "--percentile", "50"), "percentile 50.0 is not a number above 50 to 100"),
    (("--method", "percentile", "--percentile", "nan"), "percentile nan is not"), (("--samples", "0"), "'0' is not a whole"),
    (("--method", "median"), "--method 'median' is not known"), (("--dtype", "int8"), "unknown option --dtype"),
])  # fmt: skip
def test_bad_options(refused, run, here, options, words):
    before = {path.name: path.read_bytes() for path in (here / "run").iterdir()}
    refused(words, "quantise", run, *options)
    assert {path.name: path.read_bytes() for path in (here / "run").iterdir()} == before
    assert sorted(os.listdir(here)) == ["run", "small"]


def _changed(name):
    def change(run):
        with open(run / name, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            byte = file.read(1)
            file.seek(-1, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))

    return change


def _other_data(run):
    np.savez(run.parent / "small/test.npz", x=np.zeros((9, 4), np.float32), y=np.arange(9) % 3)


CHANGES = {
    "weights": (_changed("weights.npz"), "file 'weights.npz' of run folder 'run' differs from what was written"),
    "report": (_changed("report.json"), "file 'report.json' of run folder 'run' differs from what was written"),
    "request": (_changed("run.json"), "cannot be used"),
    "missing": (lambda run: (run / "weights.npz").unlink(), "file 'weights.npz' of run folder 'run' is missing"),
    "data": (_other_data, "data set 'small' has changed since run folder 'run' was trained on it"),
    "no data": (lambda run: shutil.rmtree(run.parent / "small"), "small"),
    "gone": (shutil.rmtree, "'run' is no run folder: it has no run.json"),
    "empty": (lambda run: [path.unlink() for path in run.iterdir()], "'run' is no run folder: it has no run.json"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_that_was_changed(refused, run, here, change):
    make, words = CHANGES[change]
    make(here / "run")
    refused(words, "quantise", run, "--out", "int8")
    assert not (here / "int8").exists()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", [
    ("report", "int8"), ("models", "int8"), ("estimate", "--model", "int8"), ("export", "int8", "--tflite", "x.tflite"),
])  # fmt: skip
def test_a_quantised_run_that_was_changed(refused, quantised, here, name, command):
    quantised("--out", "int8")
    _changed(name)(here / "int8")
    refused("cannot be used" if name == "run.json" else f"file '{name}' of run folder 'int8' differs", *command)
    assert not (here / "x.tflite").exists()


def test_what_the_help_says_without_loading_it_is_what_is_taken():
    assert (command.SAMPLES, command.METHODS) == (calibration.SAMPLES, METHODS)


def test_not_twice(refused, quantised):
    quantised("--out", "int8")
    refused("run folder 'int8' is of an int8 network already", "quantise", "int8", "--out", "again")
    refused("run folder 'int8' is of mcuref quantise; pictures are of incremental runs", "report", "int8", "--pictures", "p")
    refused("is complete already; there is nothing to resume", "train", "--resume", "int8")


def test_a_quantised_network_in_c_is_for_inference(mcuref, quantised, here):
    quantised("--out", "int8")
    assert mcuref("export", "int8", "--c", "firmware", "--samples", "3").status == 0
    written = {path.relative_to(here / "firmware").as_posix() for path in (here / "firmware").rglob("*.c")}
    assert "operations/int8/dense.c" in written and "operations/int8/selection.c" not in written


def test_a_run_of_another_command(refused, mcuref, small):
    learn = ["--model", "mlp-4-6-3", "--per-class", "2", "--steps", "2", "--tasks", "1", "--distil", "random"]
    assert mcuref("incremental", "--data", small, *learn, "--out", "inc").status == 0
    words = "run folder 'inc' is of mcuref incremental; one of mcuref train or mcuref quantise is needed"
    refused(words, "quantise", "inc")
    refused(words, "train", "--model", "inc")
    refused(words, "export", "inc", "--tflite", "x.tflite")


def test_a_float32_file_with_a_data_set(mcuref, refused, run, here):
    """As the run that it was written from, which it says the samples of; a run has its own data, a file needs some."""
    assert mcuref("export", run, "--tflite", "mine.tflite").status == 0
    for source in (("mine.tflite", "--data", "small"), (run,)):
        outcome = mcuref("quantise", *source, "--json", "x.json", "--out", f"int8-{len(source)}")
        assert outcome.status == 0, outcome
    files = [np.load(here / f"int8-{n}" / "weights.npz") for n in (3, 1)]
    for name in files[1].files:
        np.testing.assert_array_equal(files[0][name], files[1][name])
    assert mcuref("report", "int8-3").status == 0
    refused("a .tflite file needs --data", "quantise", "mine.tflite")
    refused("--data is of a .tflite file; a run has its own", "quantise", run, "--data", "small")
    assert mcuref("export", "int8-3", "--tflite", "int8.tflite").status == 0
    refused("'int8.tflite' is of an int8 network already", "quantise", "int8.tflite", "--data", "small")
