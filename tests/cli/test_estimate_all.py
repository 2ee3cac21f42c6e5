"""mcuref estimate --target all: a row a part, each as the estimate for that part alone."""

import json

import pytest

from mcuref.memory.targets import TARGETS


@pytest.fixture
def rows(mcuref, here):
    """Run with ``--target all --json``; returns the outcome and the JSON."""

    def run(*options):
        outcome = mcuref("estimate", "--target", "all", "--json", "x.json", *options)
        assert outcome.err == ""
        return outcome, json.loads((here / "x.json").read_text())

    return run


@pytest.mark.parametrize(
    "options",
    [("--model", "mlp-784-32-10"), ("--model", "cnn-28", "--dtype", "int8"), ("--model", "cnn-8", "--method", "none")],
    ids=lambda options: options[-1],
)
def test_every_row_is_what_the_estimate_for_that_part_says(mcuref, rows, here, options):
    outcome, result = rows(*options)
    assert sorted(row["target"] for row in result["targets"]) == sorted(TARGETS)
    for row in result["targets"][::5]:
        alone = mcuref("estimate", "--target", row["target"], "--json", "alone.json", *options)
        report = json.loads((here / "alone.json").read_text())
        assert row["fits"] == report["fits"] == (alone.status == 0)
        assert row["core"] == TARGETS[row["target"]].core
        for region, sizes in report["regions"].items():
            needed, budget = sizes["needed"], sizes["budget"]
            assert row["regions"][region] == {"needed": needed, "budget": budget, "over_by": max(needed - budget, 0)}
        assert row["code_counted"] == (report["firmware"] is not None)
        found = dict.fromkeys(("inference", "training_step"))
        if report["firmware"] is not None:
            found = {name: report["firmware"]["instructions"][name] for name in found}
            if "none" in options:
                found["training_step"] = None
        assert row["instructions"] == found
        assert row["target"] in outcome.out


def test_what_fits_comes_first_then_what_lacks_least(rows):
    outcome, result = rows("--model", "mlp-784-32-10")
    missing = [sum(region["over_by"] for region in row["regions"].values()) for row in result["targets"]]
    assert missing == sorted(missing) and missing[0] == 0 < missing[-1]
    assert outcome.status == 0 and result["fits"] is True
    assert f"{missing.count(0)} of {len(missing)} targets hold it." in outcome.out


def test_status_is_1_where_none_fits(rows):
    outcome, result = rows("--model", "mlp-4000-1000-10")
    assert outcome.status == 1 and result["fits"] is False and not any(row["fits"] for row in result["targets"])
    assert f"0 of {len(TARGETS)} targets hold it." in outcome.out


def test_of_several_types_one_that_fits_is_enough(rows):
    outcome, result = rows("--model", "mlp-784-300-10", "--dtype", "float32,int8")
    assert [row["dtype"] for row in result["dtypes"]] == ["float32", "int8"]
    assert outcome.status == 0 and result["fits"] and all(len(row["targets"]) == len(TARGETS) for row in result["dtypes"])
    held = [sum(part["fits"] for part in row["targets"]) for row in result["dtypes"]]
    assert 0 < held[0] < held[1]


def test_what_the_stack_takes_is_missing(rows):
    (_, few), (_, many) = (rows("--model", "mlp-64-32-10", "--stack", stack) for stack in ("1k", "17k"))
    short = {row["target"]: row["regions"]["sram"] for row in many["targets"]}
    assert short["nrf51822"]["budget"] == 0, "17 KiB of 16"
    for row in few["targets"]:
        region = row["regions"]["sram"]
        assert region["budget"] - short[row["target"]]["budget"] in (16 * 1024, region["budget"])


@pytest.mark.parametrize("options", [("--sram", "64k"), ("--flash", "1M"), ("--map", "map.png")], ids=lambda o: o[0])
def test_what_is_of_one_part_is_refused(refused, here, options):
    refused(f"{options[0]} is of one part", "estimate", "--target", "all", *options)
    assert list(here.iterdir()) == []


def test_other_commands_have_no_target_all(refused, here):
    refused("there is no target 'all'", "train", "--target", "all", "--epochs", "1")
