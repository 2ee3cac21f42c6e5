"""mcuref train: the run folder, whole or not at all; the same bytes every time."""

import csv
import json
import os

import numpy as np
import pytest

from mcuref.memory.buffers import aligned

FILES = ["history.csv", "memory.csv", "report.json", "weights.npz"]


def rows(file):
    """A CSV file as dictionaries."""
    with open(file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def trained(mcuref, small, here):
    """Train into a folder; returns it."""

    def run(name, *options):
        outcome = mcuref("train", "--data", small, "--epochs", "3", "--out", name, *options)
        assert outcome.status == 0 and outcome.err == "", outcome
        assert f"run kept in {name}" in outcome.out
        return here / name

    return run


@pytest.mark.parametrize("options", [
    (), ("--method", "full", "--trainable", "1"), ("--regime", "continue", "--evaluate", "validation"),
    ("--method", "topk", "--preset", "paper", "--seed", "7"), ("--method", "tinyprop", "--target", "stm32f746"),
], ids=" ".join)  # fmt: skip
def test_same_bytes_twice(trained, options):
    first, second = trained("one", *options), trained("deep/er/two", *options)
    assert sorted(os.listdir(first)) == sorted(os.listdir(second)) == FILES
    for name in ("history.csv", "memory.csv", "weights.npz"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    reports = [json.loads((folder / "report.json").read_text()) for folder in (first, second)]
    assert all(report.pop("timing")["seconds"] > 0 for report in reports)
    assert reports[0] == reports[1]


def test_another_seed_is_another_run(trained):
    first, second = trained("one"), trained("two", "--seed", "1")
    assert (first / "weights.npz").read_bytes() != (second / "weights.npz").read_bytes()


def test_memory_csv_sums_to_the_plan(trained):
    folder = trained("run", "--method", "tinyprop", "--trainable", "1")
    regions = json.loads((folder / "report.json").read_text())["memory"]["regions"]
    numbers = ("offset", "bytes", "first", "last")
    placed = [row | {name: int(row[name]) for name in numbers} for row in rows(folder / "memory.csv")]
    sram, flash = ([row for row in placed if row["region"] == region] for region in ("sram", "flash"))
    assert max(row["offset"] + aligned(row["bytes"]) for row in sram) == regions["sram"]["planned"]
    assert sum(aligned(row["bytes"]) for row in flash) == regions["flash"]["planned"]
    alive = [
        sum({row["offset"]: aligned(row["bytes"]) for row in sram if row["first"] <= i <= row["last"]}.values())
        for i in range(max(row["last"] for row in sram))
    ]
    assert max(alive) == regions["sram"]["lower_bound"] <= regions["sram"]["planned"]


def test_history_and_report_agree(trained):
    folder = trained("run", "--method", "tinypropv2")
    report, history = json.loads((folder / "report.json").read_text()), rows(folder / "history.csv")
    assert report["schema"] == "mcuref.train/1" and report["method"] == "tinypropv2"
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert [float(row["accuracy"]) for row in history] == [row["accuracy"] for row in report["history"]]
    assert report["accuracy"] == report["history"][-1]["accuracy"]
    assert sum(int(row["skipped"]) for row in history) == report["samples_skipped"]
    assert sum(int(row["samples"]) for row in history) == report["samples_shown"] == 3 * 30


def test_weights_are_the_networks(trained):
    weights = np.load(trained("run", "--model", "mlp-4-5-3") / "weights.npz")
    shapes = {"dense1.weights": (5, 4), "dense1.bias": (5,), "dense2.weights": (3, 5), "dense2.bias": (3,)}
    assert {name: weights[name].shape for name in weights} == shapes
    assert all(weights[name].dtype == np.float32 and np.isfinite(weights[name]).all() for name in weights)


def test_frozen_layers_keep_their_weights(trained):
    whole = np.load(trained("start", "--trainable", "1") / "weights.npz")
    longer = np.load(trained("longer", "--trainable", "1", "--learning-rate", "0.5") / "weights.npz")
    assert (whole["dense1.weights"] == longer["dense1.weights"]).all()
    assert (whole["dense2.weights"] != longer["dense2.weights"]).any()


def test_json_is_the_report(mcuref, small, here):
    mcuref("train", "--data", small, "--epochs", "1", "--out", "run", "--json", "x.json")
    assert (here / "x.json").read_bytes() == (here / "run/report.json").read_bytes()


def test_without_out_nothing_is_written(mcuref, small, here):
    assert mcuref("train", "--data", small, "--epochs", "1").status == 0
    assert os.listdir(here) == ["small"]


@pytest.mark.parametrize("failure", [
    (), ("--epochs", "1"), ("--learning-rate", "1e30"), ("--sram", "2200"), ("--data", "/nosuch"),
], ids=" ".join)  # fmt: skip
def test_an_existing_run_is_never_touched(mcuref, trained, small, failure):
    folder = trained("run")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    outcome = mcuref("train", "--data", small, "--out", "run", *failure)
    assert outcome.status == 2 and "exists already" in outcome.err
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_folder_that_appears_meanwhile_is_not_touched(mcuref, small, here, monkeypatch):
    """Two runs into one folder at the same time: the second to finish says so."""
    from mcuref.report import tables

    def slow(report, original=tables.training_tables):
        (here / "run").mkdir()
        return original(report)

    monkeypatch.setattr(tables, "training_tables", slow)
    outcome = mcuref("train", "--data", small, "--epochs", "1", "--out", "run")
    assert outcome.status == 2 and "appeared meanwhile" in outcome.err
    assert list((here / "run").iterdir()) == [] and sorted(os.listdir(here)) == ["run", "small"]


@pytest.mark.parametrize("moment", ["mcuref.training.Trainer.run", "numpy.savez"])
def test_interrupted_leaves_nothing(mcuref, small, here, monkeypatch, moment):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(moment, interrupt)
    outcome = mcuref("train", "--data", small, "--epochs", "1", "--out", "new/run")
    assert outcome.status == 130 and outcome.err == "mcuref: interrupted; nothing half-written is left\n"
    assert os.listdir(here) == ["small"]


def test_nan_in_the_result_is_refused(mcuref, small, here, monkeypatch):
    monkeypatch.setattr("mcuref.training.Trainer.evaluate", lambda self: float("nan"))
    outcome = mcuref("train", "--data", small, "--epochs", "1", "--out", "run")
    assert outcome.status == 2 and "NaN or infinite values" in outcome.err and os.listdir(here) == ["small"]
