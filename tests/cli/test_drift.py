"""mcuref incremental --drift and mcuref report: tables, the run folder, the picture, bad input."""

import copy
import csv
import json
import os

import pytest

from mcuref.report.drift import drift_tables
from mcuref.report.shapes import check_report

FAST = (
    "--data",
    "digits",
    "--samples",
    "300",
    "--per-class",
    "2",
    "--steps",
    "20",
    "--distil",
    "random",
    "--criterion",
    "0.2",
)
FILES = ["checkpoint", "memory.csv", "prequential.csv", "prequential.png", "report.json", "run.json"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run of a recurring change, two seeds."""
    from mcuref.cli import main

    folder = tmp_path_factory.mktemp("drift") / "run"
    assert (
        main(["incremental", *FAST, "--drift", "recurring", "--compare", "never", "--seeds", "2", "--out", str(folder)]) == 0
    )
    return folder


@pytest.fixture(scope="module")
def report(folder):
    return json.loads((folder / "report.json").read_text())


def test_what_is_in_the_folder(folder, report):
    assert sorted(os.listdir(folder)) == FILES
    assert report["schema"] == "mcuref.drift/1"
    drift = report["drift"]
    assert (drift["kind"], drift["portions"], drift["changes"]) == ("recurring", 20, [5, 10, 15]) and len(
        drift["samples"]
    ) == 20
    with open(folder / "prequential.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 2 * 2 * 20
    for strategy in report["strategies"]:
        for result in strategy["per_seed"]:
            mine = [r for r in rows if (r["strategy"], r["seed"]) == (strategy["name"], str(result["seed"]))]
            assert [float(r["prequential"]) if r["prequential"] else None for r in mine] == result["prequential"]
            assert [[float(r["old"]), float(r["new"])] for r in mine] == result["concepts"]


def test_it_is_shown_again_and_drawn(mcuref, folder, here):
    outcome = mcuref("report", folder, "--wide", "--pictures", "pictures")
    assert outcome.status == 0 and outcome.err == ""
    assert "digits, mlp-64-32-10: recurring drift over 20 portions, seeds 0, 1" in outcome.out
    assert "recovered after" in outcome.out and "growing" in outcome.out and "never" in outcome.out
    assert os.listdir("pictures") == ["prequential.png"]
    drawn = (here / "pictures" / "prequential.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and drawn == (folder / "prequential.png").read_bytes()


def test_a_line_after_every_portion(mcuref):
    outcome = mcuref("incremental", *FAST, "--drift", "gradual")
    lines = outcome.out.splitlines()
    assert outcome.status == 0 and outcome.err == ""
    assert [line.split(";")[0].split(":")[0] for line in lines[:20]] == [f"portion {n}" for n in range(1, 21)]
    assert "not predicted" in lines[0] and "before it was learned" in lines[1]


def test_what_tables_need_may_not_be_missing(report):
    """Every key is removed: it is told, or it is not missed."""
    check_report(report, "drift")
    told = 0
    places = [report, report["drift"], report["strategies"][0], report["strategies"][0]["per_seed"][0]]
    for number, place in enumerate(places):
        for key in list(place):
            broken = copy.deepcopy(report)
            first = broken["strategies"][0]
            part = [broken, broken["drift"], first, first["per_seed"][0]][number]
            del part[key]
            try:
                check_report(broken, "drift")
                list(drift_tables(broken))
            except ValueError as error:
                assert "has no" in str(error)
                told += 1
    assert told > 20


@pytest.mark.parametrize(
    "break_it, sentence",
    [
        (lambda r: r["strategies"][0]["per_seed"].pop(), "a result for each strategy and seed"),
        (lambda r: r["drift"].update(portions=19), "a figure for each of its 19 portions"),
        (lambda r: r["strategies"][1]["per_seed"][0]["prequential"].pop(), "a figure for each of its 20 portions"),
        (lambda r: r.update(budget={}), "it.budget has no 'name'"),
        (lambda r: r.update(schema="mcuref.drift/2"), "schema"),
    ],
)
def test_reports_that_are_none(report, break_it, sentence):
    broken = copy.deepcopy(report)
    break_it(broken)
    with pytest.raises(ValueError, match=sentence):
        check_report(broken, "drift")


def test_bad_input(refused, small):
    refused(
        "'small' has no change of its samples", "incremental", "--data", small, "--model", "mlp-4-8-3", "--drift", "sudden"
    )
    refused("tasks 3 is of learning task by task", "incremental", *FAST, "--drift", "sudden", "--tasks", "3")
    refused("strategy 'never' is not known", "incremental", *FAST, "--compare", "never")
    refused("nor one of the words sessions and repetition", "incremental", *FAST, "--tasks", "repeat")
