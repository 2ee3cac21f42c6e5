"""mcuref check: a file or a run layer by layer against the reference kernels; what is not the same, and what is refused."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

FILES = Path(__file__).parents[1] / "models" / "tflite"
TFLITE = "reading .tflite files: pip install '.[tflite]'"
LITERT = "comparing with TensorFlow Lite: pip install '.[tflite-check]'"


@pytest.fixture
def litert():
    """What the command needs."""
    pytest.importorskip("tflite", reason=TFLITE)
    pytest.importorskip("ai_edge_litert", reason=LITERT)


@pytest.fixture
def files(here):
    """The files of the tests, in the folder one works in."""
    for path in FILES.glob("*.tflite"):
        shutil.copy(path, here)
    return here


@pytest.fixture
def images(save):
    """A function that writes data which the tiny files take, of a type; returns the folder's name."""

    def write(dtype, shape=(9, 8, 2), classes=3, name="images"):
        numbers = np.random.default_rng(3)
        if dtype == "float32":
            x = numbers.normal(size=(12, *shape)).astype(dtype)
        else:
            ends = np.iinfo(dtype)
            x = numbers.integers(ends.min, ends.max, (12, *shape), dtype, endpoint=True)
        side = {"x": x, "y": np.arange(12) % classes}
        return save({"train": side, "test": side}, name)

    return write


@pytest.mark.parametrize("name, dtype, tolerance", [("tiny_int8", "int8", 0), ("tiny_float32", "float32", 1e-4)])
def test_json_contract(litert, mcuref, files, images, name, dtype, tolerance):
    asked = [f"{name}.tflite", "--samples", "3", "--data", images("uint8"), "--json", "x.json"]
    outcome = mcuref("check", *asked)
    assert outcome.status == 0 and outcome.err == "", outcome
    result = json.loads((files / "x.json").read_text())
    assert result.keys() == {"schema", "model", "sha256", "dtype", "tolerance", "equal", "parts"}
    assert (result["schema"], result["model"], result["dtype"]) == ("mcuref.check/1", f"{name}.tflite", dtype)
    assert result["equal"] is True and result["tolerance"] == tolerance and len(result["sha256"]) == 64
    assert [(part["from"], part["samples"]) for part in result["parts"]] == [("random", 3), ("images", 3)]
    for part in result["parts"]:
        assert {row["layer"] for row in part["layers"]} >= {"input", "dense2", "softmax1"}
        for row in part["layers"]:
            assert row.keys() == {"layer", "operator", "elements", "differing", "largest", "first"}
            assert row["elements"] % 3 == 0 and row["elements"] > 0 and row["differing"] == 0 and row["first"] is None
    total = sum(row["elements"] for part in result["parts"] for row in part["layers"])
    assert f"every one of {total:,} output elements is" in outcome.out


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8", "int16"])
def test_every_type_of_samples(litert, mcuref, files, images, dtype):
    for name in ("tiny_int8", "tiny_float32"):
        outcome = mcuref("check", f"{name}.tflite", "--samples", "4", "--data", images(dtype, name=f"{dtype}{name}"))
        assert outcome.status == 0 and "4 random, 4" in outcome.out, outcome


def test_a_run_as_it_would_be_exported(litert, mcuref, small):
    assert mcuref("train", "--data", small, "--epochs", "1", "--out", "run").status == 0
    assert mcuref("quantise", "run", "--out", "int8").status == 0
    for name, same in (("run", "is within 0.0001 of the largest of its layer"), ("int8", "is equal")):
        outcome = mcuref("check", name, "--data", small)
        assert outcome.status == 0 and same in outcome.out and "200 random, 9 small samples" in outcome.out, outcome


def test_an_element_that_differs(litert, mcuref, files, monkeypatch):
    """The first is said: layer, sample and place; the status is 1, and the JSON is there."""
    from mcuref.checking import Reference

    outputs = Reference.outputs

    def off(reference, sample, tensors):
        found, off.calls = outputs(reference, sample, tensors), off.calls + 1
        if off.calls == 3:  # the last layer, sample 2
            last = found[max(found)].copy()
            last[1] ^= 1
            found[max(found)] = last
        return found

    off.calls = 0
    monkeypatch.setattr(Reference, "outputs", off)
    outcome = mcuref("check", "tiny_int8.tflite", "--samples", "5", "--json", "x.json")
    result = json.loads((files / "x.json").read_text())
    assert outcome.status == 1 and outcome.err == "" and result["equal"] is False
    (row,) = [row for row in result["parts"][0]["layers"] if row["differing"]]
    assert (row["differing"], row["largest"], row["first"]["sample"], row["first"]["element"]) == (1, 1, 2, 1)
    assert abs(row["first"]["ours"] - row["first"]["theirs"]) == 1
    assert f"the first that differs: layer {row['layer']} ({row['operator']}), random sample 2, element 1" in outcome.out


def test_float32_differs_where_it_is_more_than_sums_can_be(litert, mcuref, files, monkeypatch):
    from mcuref.checking import Reference

    outputs = Reference.outputs
    monkeypatch.setattr(Reference, "outputs", lambda *given: {i: v * np.float32(1.001) for i, v in outputs(*given).items()})
    outcome = mcuref("check", "tiny_float32.tflite", "--samples", "2")
    assert outcome.status == 1 and "the first that differs: layer" in outcome.out


@pytest.mark.parametrize("options, words", [
    (("nosuch.tflite",), "model file 'nosuch.tflite' does not exist; a .tflite file or a run folder is needed there"),
    (("resnet-8",), "a .tflite file or a run folder is needed there"), (("small",), "'small' is no run folder"),
    (("",), "model file '' does not exist"), (("tiny_int8.tflite@0.5",), "does not exist"),
    (("tiny_int8.tflite", "--data", "small/"), "takes 144 values but a sample of data 'small' has 4"),
    (("tiny_int8.tflite", "--data", "nosuch"), "there is no data set or folder 'nosuch'"),
    (("tiny_int8.tflite", "--samples", "0"), "'0' is not a whole number from 1 to 100000"),
    (("tiny_int8.tflite", "--samples", "100001"), "'100001' is not a whole number from 1 to 100000"),
    (("tiny_int8.tflite", "--json", "absent/x"), "there is no folder"),
    (("tiny_int8.tflite", "more"), "argument 'more' is one too many"),
])  # fmt: skip
def test_refused(litert, refused, files, small, options, words):
    refused(words, "check", *options)


@pytest.mark.parametrize("shape, classes, words", [
    ((12, 12, 1), 3, "takes samples of shape (9, 8, 2); those of data 'images' have shape (12, 12, 1)"),
    ((9, 8, 2), 5, "has 3 outputs but data 'images' has 5 classes"),
])  # fmt: skip
def test_data_that_does_not_suit(litert, refused, files, images, shape, classes, words):
    refused(words, "check", "tiny_int8.tflite", "--data", images("uint8", shape, classes))


def test_clips_that_a_classifier_has_no_use_for(litert, refused, files, sounds):
    refused("values but a sample of data 'mimii_slider_tiny' has", "check", "tiny_int8.tflite", "--data", sounds)


def test_without_litert(mcuref, refused, files, small, monkeypatch):
    pytest.importorskip("tflite", reason=TFLITE)
    assert mcuref("train", "--data", small, "--epochs", "1", "--out", "run").status == 0
    for name in [name for name in sys.modules if name.partition(".")[0] == "ai_edge_litert"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    for model in ("tiny_int8.tflite", "run"):
        refused("needs the package ai-edge-litert: pip install '.[tflite-check]'", "check", model, "--json", "x.json")
    assert not (files / "x.json").exists()
