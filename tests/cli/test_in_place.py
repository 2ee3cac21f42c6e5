"""--input in-place: what estimate says that it saves, and the same results, in a run folder, a project and a comparison."""

import json

import numpy as np
import pytest

from mcuref.training import Trainer

SMALL = ("--epochs", 1, "--samples", 60, "--model", "mlp-64-8-10")


def weights(folder):
    with np.load(folder / "weights.npz") as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files}


def test_an_estimate_says_what_is_saved(mcuref, here):
    done = mcuref("estimate", "--data", "digits", "--input", "in-place", "--json", "x.json")
    result = json.loads((here / "x.json").read_text())
    saved, before = result["in_place"]["sram_saved"], result["in_place"]["sram_with_copy"]
    assert "on samples of uint8, read in place" in done.out
    assert f"the sample is read where it lies: {saved:,} B of SRAM less than the {before:,} B with a copy of it" in done.out
    assert result["regions"]["sram"]["planned"] + saved == before and saved == 4 * 64
    plain = mcuref("estimate", "--data", "digits", "--json", "y.json")
    result = json.loads((here / "y.json").read_text())
    assert "in place" not in plain.out and "in_place" not in result and result["regions"]["sram"]["planned"] == before


def test_every_part_is_asked(mcuref, here):
    mcuref("estimate", "--data", "digits", "--input", "in-place", "--target", "all", "--json", "x.json")
    result = json.loads((here / "x.json").read_text())
    assert result["in_place"]["sram_saved"] == 4 * 64
    mcuref("estimate", "--data", "digits", "--target", "all", "--json", "y.json")
    copying = json.loads((here / "y.json").read_text())
    needed = [rows["targets"][-1]["regions"]["sram"]["needed"] for rows in (result, copying)]
    assert "in_place" not in copying and needed[0] < needed[1]


def test_a_run_keeps_it_through_to_the_firmware(mcuref, here):
    for name in ("copy", "in-place"):
        assert mcuref("train", *SMALL, "--input", name, "--out", name).status == 0
    assert weights(here / "copy") == weights(here / "in-place")
    report = json.loads((here / "in-place/report.json").read_text())
    assert report["input"]["in_place"] is True
    assert json.loads((here / "in-place/run.json").read_text())["arguments"]["input"] == "in-place"
    assert not any(line.startswith("input.sample,") for line in (here / "in-place/memory.csv").read_text().splitlines())
    done = mcuref("export", "in-place", "--c", "firmware", "--vectors", "vectors", "--samples", 3)
    assert done.status == 0 and "dense_forward_of_u8" in (here / "firmware/model.c").read_text()
    done = mcuref("verify", "firmware", "--core", "host")
    assert done.status == 0 and "equal:" in done.out


def test_an_interrupted_run_goes_on_in_place(mcuref, here, monkeypatch):
    options = ("train", *SMALL[2:], "--epochs", 2, "--input", "in-place", "--checkpoint", 0)
    assert mcuref(*options, "--out", "whole").status == 0
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", lambda trainer: (_ for _ in ()).throw(KeyboardInterrupt))
        assert mcuref(*options, "--out", "run").status == 130
    assert mcuref("train", "--resume", "run").status == 0
    for name in ("weights.npz", "history.csv", "memory.csv"):
        assert (here / "run" / name).read_bytes() == (here / "whole" / name).read_bytes()


def test_methods_are_compared_in_place(mcuref, here):
    rows = {}
    for name in ("copy", "in-place"):
        done = mcuref("compare", *SMALL, "--method", "full,tinyprop", "--input", name, "--json", "x.json")
        assert done.status == 0 and ("samples read in place" in done.out) == (name == "in-place")
        rows[name] = json.loads((here / "x.json").read_text())["rows"]
    for copying, in_place in zip(rows["copy"], rows["in-place"]):
        assert copying["per_seed"] == in_place["per_seed"] and copying["counts"] == in_place["counts"]
        assert copying["sram_bytes"] - in_place["sram_bytes"] == 4 * 64
        assert (copying["input"], in_place["input"]) == ("copy", "in-place")


@pytest.mark.parametrize("command, options, words", [
    ("estimate", ("--dtype", "int8"), "--input in-place is of float32; what is asked for here is int8"),
    ("estimate", ("--dtype", "float32,int8"), "--input in-place is of float32; what is asked for here is float32, int8"),
    ("train", ("--dtype", "int8"), "--input in-place is of float32; what is asked for here is int8"),
    ("compare", ("--dtype", "int8", "--trainable", "1", "--train-dtype", "float32"), "what is asked for here is mixed"),
    ("estimate", ("--model", "autoencoder"), "input 'in-place' leaves no sample for loss 'reconstruction' to compare with"),
])  # fmt: skip
def test_what_cannot_be_is_one_sentence(refused, command, options, words):
    refused(words, command, "--input", "in-place", *options)
