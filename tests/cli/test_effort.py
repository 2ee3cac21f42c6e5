"""--effort: what it takes, what it does in train, compare and estimate, and what is said where it cannot be spent."""

import json

import pytest

from mcuref.cli.governing import share
from mcuref.report.efforts import unspent


@pytest.mark.parametrize(
    "text, value", [("15%", 0.15), ("0.15", 0.15), (".5", 0.5), ("100%", 1.0), ("1", 1.0), ("2.5%", 0.025)]
)
def test_a_share_is_a_fraction_or_of_a_hundred(text, value):
    assert share(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["0", "0%", "15", "101%", "-5%", "nan", "1e-3", "%", "", "1.5.2%", "15 %", "٥%"])
def test_what_is_no_share_is_refused(refused, text):
    refused("is not a share above 0 % and up to 100 %, such as 15%", "train", f"--effort={text}")


def test_methods_that_skip_nothing_have_no_effort(refused):
    refused("method 'full' has no setting 'effort'", "train", "--method", "full", "--effort", "15%")
    refused("setting 'effort' belongs to none of the methods full, topk", "compare", "--method", "full,topk", "--effort=15%")
    refused("threshold 0 skips no sample", "train", "--effort", "15%", "--set", "threshold=0")


def report_of(mcuref, here, *argv):
    """(what a command writes as JSON, what it prints)."""
    outcome = mcuref(*argv, "--json", "report.json")
    assert outcome.status == 0, outcome
    return json.loads((here / "report.json").read_text(encoding="utf-8")), outcome.out


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_run_is_brought_to_its_effort(mcuref, small, here, dtype):
    common = ("train", "--data", small, "--dtype", dtype, "--method", "tinypropr", "--epochs", "40")
    report, _ = report_of(mcuref, here, *common, "--effort", "20%")
    assert report["total_effort"] == pytest.approx(0.2, abs=0.01)
    assert report["settings"]["effort"] == 0.2 and report["settings"]["epochs"] == 40
    assert report["samples_rested"] > 0 and not report["warnings"]


def test_a_comparison_brings_those_methods_to_it_that_skip(mcuref, small, here):
    methods = ("--method", "full,tinypropv2,tinypropr", "--epochs", "40")
    report, out = report_of(mcuref, here, "compare", "--data", small, *methods, "--effort", "25%", "--wide")
    assert [row["settings"].get("effort") for row in report["rows"]] == [None, 0.25, 0.25]
    assert [row["total_effort"] for row in report["rows"][1:]] == pytest.approx([0.25, 0.25], abs=0.01)
    assert out.count(", effort 25.0 %") == 2


def test_what_cannot_be_spent_is_said(mcuref, small, here):
    report, out = report_of(mcuref, here, "train", "--data", small, "--epochs", "3", "--effort", "100%")
    (warning,) = report["warnings"]
    assert warning.startswith("tinypropv2: of an effort of 100.0% only ") and warning in " ".join(out.split())
    assert unspent({"a": (0.25, 0.2401), "b": (0.0, 0.1), "c": (0.25, 0.2399)}) == [
        "c: of an effort of 25.0% only 24.0% was spent; the rule trains no more: a lower effort, or a larger s_min or s_max"
    ]


def test_the_balance_is_in_the_plan(mcuref, here):
    state = []
    for effort in ((), ("--effort", "15%")):
        command = ("estimate", "--model", "mlp-64-32-10", "--data", "digits", "--method", "tinypropr")
        report, _ = report_of(mcuref, here, *command, *effort)
        state.append(sum(layer["sram"].get("rule state", 0) for layer in report["layers"]))
    assert state[1] == state[0] + 8
