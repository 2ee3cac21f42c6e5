"""mcuref reproduce: tables, claims, a folder that is gone on with, and what is refused."""

import csv
import json

import pytest

from mcuref.cli.reproduce import PAPERS
from mcuref.experiments.papers import PAPERS as KNOWN
from mcuref.experiments.pieces import train

FEW = ("reproduce", "tinypropv2", "--rows", "digits", "--seeds", "1", "--method", "full,topk")


def test_the_papers_are_those_that_there_are():
    assert PAPERS == tuple(KNOWN)


@pytest.mark.parametrize("paper", PAPERS)
def test_list_names_rows_methods_and_claims(mcuref, paper):
    out = mcuref("reproduce", paper, "--list", "--wide").out
    for row in KNOWN[paper].rows():
        assert f"\n{row} " in out
    assert all(claim.text in out for claim in KNOWN[paper].claims)
    assert "full = v2 by samples" in out


def test_a_row_is_printed_and_written(mcuref, here):
    pytest.importorskip("matplotlib")
    outcome = mcuref(*FEW, "--out", "runs/one", "--json", "one.json")
    assert outcome.status == 0 and "digits, mlp-64-32-10, scratch" in outcome.out and "no row" in outcome.out
    found, folder = json.loads((here / "one.json").read_text()), here / "runs/one"
    assert found["schema"] == "mcuref.reproduce/1" and found["paper"] == "tinypropv2"
    assert found == json.loads((folder / "result.json").read_text())
    (row,) = found["rows"]
    assert row == json.loads((folder / "results/digits.json").read_text())
    assert list(row["methods"])[:2] == ["full", "topk"] and row["seeds"] == [0]
    full = row["methods"]["full"]["per_seed"][0]
    assert (
        f"{100 * full['accuracy']:.2f}" in outcome.out
        and f"{100 * full['accuracy']:.2f}" in (folder / "tables.md").read_text()
    )
    lines = list(csv.DictReader((folder / "tables.csv").open()))
    assert [line["name"] for line in lines] == list(row["methods"])
    assert float(lines[0]["accuracy"]) == full["accuracy"]
    assert (folder / "frontier-digits.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_is_gone_on_with(mcuref, here, monkeypatch):
    """An interrupted command ends with the bytes of one that was not, and trains only what is not there."""
    assert mcuref(*FEW, "--json", "whole.json").status == 0
    trained = []

    def counted(comparison, entry, *more):
        if len(trained) == 4:
            raise KeyboardInterrupt
        trained.append(entry)
        return train(comparison, entry, *more)

    monkeypatch.setattr("mcuref.experiments.reproduction.train", counted)
    assert mcuref(*FEW, "--out", "runs").status == 130
    assert not (here / "runs/result.json").exists()
    trained.clear()
    monkeypatch.setattr("mcuref.experiments.reproduction.train", lambda *which: trained.append(which) or train(*which))
    assert mcuref(*FEW, "--out", "runs").status == 0
    assert (here / "runs/result.json").read_bytes() == (here / "whole.json").read_bytes()
    assert 0 < len(trained) <= len(json.loads((here / "whole.json").read_text())["rows"][0]["methods"]) - 3


def test_tuning_prints_every_candidate_and_what_the_search_cost(mcuref, here):
    outcome = mcuref(*FEW, "--tune", "--out", "runs")
    assert outcome.status == 0 and outcome.out.count(" chosen") == 2 and "24 trainings" in outcome.out
    found = json.loads((here / "runs/tuned/digits.json").read_text())
    assert found["evaluated_on"] == "validation" and found["schema"] == "mcuref.tuned/1"
    assert [len(one["candidates"]) for one in found["methods"].values()] == [12, 12]
    assert "| full |" in (here / "runs/settings.md").read_text()


def test_what_is_refused(refused, monkeypatch, here):
    refused("paper 'tinyprop3'", "reproduce", "tinyprop3")
    refused("row 'digit'", *FEW[:2], "--rows", "digit")
    refused("beside 'full'", *FEW[:4], "--method", "topk")
    refused("is not whole numbers", *FEW[:4], "--seeds", "x")
    (here / "file").touch()
    refused("file", *FEW, "--out", "file/there")
    monkeypatch.setenv("MCUREF_DATA", str(here / "nothing"))
    refused("data_scripts/mnist.py", *FEW[:2], "--rows", "mnist")
