"""What is warned of, on stderr and in the results: nothing that was learned, and what is odd about the data."""

import json

import pytest

from mcuref.datasets import load_part

QUICK = {
    "train": ("--method", "full", "--epochs", "1"), "compare": ("--method", "full,topk", "--epochs", "1"),
    "incremental": ("--steps", "200", "--per-class", "3", "--tasks", "1", "--distil", "random"), "estimate": (),
}  # fmt: skip


@pytest.mark.parametrize("command", ["train", "compare", "incremental"])
def test_a_learning_rate_of_100_is_warned_of(mcuref, here, command):
    """On stderr, below the table and in the JSON; the status stays 0: the run is what was asked for."""
    sane, mad = (
        mcuref(command, *QUICK[command], "--json", f"{i}.json", "--learning-rate", rate)
        for i, rate in enumerate(("0.02", "100"))
    )
    assert sane.status == mad.status == 0
    (sentence,) = json.loads((here / "1.json").read_text())["warnings"]
    assert "no better than always answering the most common class (10.28 %): nothing was learned" in sentence
    assert mad.err == f"mcuref: {sentence}\n" and f"warning: {sentence}" in " ".join(mad.out.split())
    assert sane.err == "" and "warning" not in sane.out and json.loads((here / "0.json").read_text())["warnings"] == []


def test_a_report_of_a_run_warns_again(mcuref, here):
    mcuref("train", *QUICK["train"], "--learning-rate", "100", "--out", "run")
    assert "nothing was learned" in mcuref("report", "run").out


def test_what_is_odd_about_data_is_said(mcuref, refused, small, monkeypatch):
    data = load_part(small)
    object.__setattr__(data, "warnings", ("labels begin at 1",))
    monkeypatch.setattr("mcuref.datasets.load_part", lambda *_: data)
    for command, quick in QUICK.items():
        assert mcuref(command, "--data", small, *quick).err.splitlines()[0] == "mcuref: labels begin at 1"
        if command != "estimate":
            refused("the budget leaves", command, "--data", small, *quick, "--sram", "2100")  # in one sentence
    does_not_fit = mcuref("estimate", "--data", small, "--sram", "2100")
    assert does_not_fit.status == 1 and does_not_fit.err == "mcuref: labels begin at 1\n"
