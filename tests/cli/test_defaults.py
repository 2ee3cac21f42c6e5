"""What a command runs on where neither model nor budget is named: no default refuses itself, and what is chosen is said."""

import json

import numpy as np
import pytest

from mcuref import TARGETS, Budget, build, compile, load_data
from mcuref.cli import defaults, options
from mcuref.memory.targets import by_size, find_target

COMMANDS = {
    "train": ("--method", "full", "--epochs", "1"), "compare": ("--method", "full", "--epochs", "1"),
    "estimate": ("--method", "full"),
    "incremental": ("--steps", "20", "--per-class", "2", "--tasks", "1", "--start", "1", "--distil", "random"),
}  # fmt: skip


@pytest.fixture
def wide(save):
    """A data folder whose samples are so large that the default model does not fit the default part."""
    return save(_samples(3000))


def _samples(values):
    x = np.random.default_rng(0).integers(0, 256, (24, values)).astype(np.uint8)
    y = np.arange(24) % 2
    return {"train": {"x": x[:16], "y": y[:16]}, "test": {"x": x[16:], "y": y[16:]}}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_smallest_part_that_holds_the_default_model(mcuref, here, wide, command):
    outcome = mcuref(command, "--data", wide, *COMMANDS[command], "--json", "x.json")
    first = outcome.out.splitlines()[0]
    assert outcome.status == 0 and first.startswith("target "), outcome
    name, reason = first.removeprefix("target ").split(": ", 1)
    assert reason.startswith("mlp-3000-32-2 does not fit nrf52840 (") and "B of sram too many)" in reason
    content = json.loads((here / "x.json").read_text())
    assert content["model"] == "mlp-3000-32-2"
    if command != "incremental":  # whose stages need more
        smaller = by_size()[: by_size().index(find_target(name))]
        data = load_data(wide)
        for part in smaller:
            with pytest.raises(Exception, match="budget of " + part.name):
                compile(build("mlp-3000-32-2", data), budget=part.budget())
        compile(build("mlp-3000-32-2", data), budget=find_target(name).budget())


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "named",
    [("--model", "mlp-3000-32-2"), ("--target", "nrf52840"), ("--sram", "256k"), ("--flash", "100k")],
    ids=lambda named: named[0],
)
def test_what_is_named_is_not_replaced(mcuref, wide, command, named):
    outcome = mcuref(command, "--data", wide, *COMMANDS[command], *named)
    assert outcome.status == (1 if command == "estimate" else 2)
    assert "fit" in outcome.out + outcome.err and not outcome.out.startswith(("target ", "model "))


def test_a_default_that_fits_the_default_part_says_nothing(mcuref, small):
    assert mcuref("compare", "--data", small, "--method", "full", "--epochs", "1").out.startswith("small, mlp-4-32-3")


def test_a_default_share_without_room_for_one_sample_a_class(mcuref, refused, small):
    """1 % of 480 B is none; what somebody asked for stays refused."""
    quick = ("incremental", "--data", small, "--steps", "20", "--tasks", "1", "--distil", "random")
    outcome = mcuref(*quick)
    assert outcome.status == 0 and outcome.out.startswith("share ")
    assert "of the raw bytes: one sample a class; 1% has no room for that" in outcome.out
    refused("1.000% of the raw data is less than", *quick, "--share", "0.01")


def test_a_model_narrower_than_any_part_needs(mcuref, here, save):
    """50,000 values into 32 neurons are more than any part has; the widest of the halves that fits is taken."""
    largest = max(part.sram for part in TARGETS.values())
    assert 50_000 * 32 * 4 > largest
    outcome = mcuref("estimate", "--data", save(_samples(50_000)), "--json", "x.json")
    assert outcome.status == 0 and outcome.out.startswith("model mlp-50000-8-2 on target apollo510: mlp-50000-32-2 does")
    assert "nor any other target" in " ".join(outcome.out.split())
    assert json.loads((here / "x.json").read_text())["model"] == "mlp-50000-8-2"


def test_what_fits_nowhere_is_refused(refused, save, monkeypatch):
    monkeypatch.setattr(defaults, "by_size", lambda: [find_target("mkl25z")])
    refused("the budget of nrf52840 leaves", "train", "--data", save(_samples(64_000)), "--batch", "2")


def test_a_resumed_run_chooses_the_same(mcuref, here, wide, monkeypatch):
    """run.json keeps what was named; what was chosen follows from it, in another session too."""
    whole = mcuref("train", "--data", wide, "--method", "full", "--epochs", "3", "--out", "whole")
    with monkeypatch.context() as patch:
        patch.setattr("mcuref.training.Trainer._finish_epoch", _interrupted_in_the_second())
        stopped = mcuref("train", "--data", wide, "--method", "full", "--epochs", "3", "--out", "run", "--checkpoint", "0")
    assert stopped.status == 130 and "go on with" in stopped.err
    asked = json.loads((here / "run/run.json").read_text())["arguments"]
    assert asked["model"] is asked["target"] is None
    resumed = mcuref("train", "--resume", "run")
    assert resumed.status == 0 and resumed.out.splitlines()[0] == whole.out.splitlines()[0]
    reports = [json.loads((here / name / "report.json").read_text()) for name in ("whole", "run")]
    for report in reports:
        report.pop("timing")
    assert reports[0] == reports[1] and reports[0]["budget"]["name"] == whole.out.split(":")[0].removeprefix("target ")


def _interrupted_in_the_second():
    from mcuref.training import Trainer

    finish, calls = Trainer._finish_epoch, []

    def one_epoch(self):
        calls.append(0)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return finish(self)

    return one_epoch


def test_a_reserve_for_the_stack_is_kept_on_any_part(mcuref, here, wide):
    outcome = mcuref("compare", "--data", wide, *COMMANDS["compare"], "--stack", "70k", "--json", "x.json")
    budget = json.loads((here / "x.json").read_text())["budget"]
    assert outcome.status == 0 and budget["stack"] == 70 * 1024 and outcome.out.startswith(f"target {budget['name']}: ")


def test_parts_by_size():
    parts = by_size()
    assert {part.name for part in parts} == set(TARGETS)
    with_fpu = [part.fpu != "none" for part in parts]
    assert with_fpu == sorted(with_fpu, reverse=True)
    sizes = [part.sram for part in parts if part.fpu != "none"]
    assert sizes == sorted(sizes)


def test_sizes_alone_have_the_core_of_the_default_part():
    class Asked:
        target, sram, flash, stack = None, "64k", None, None

    assert options.budget(Asked) == Budget(65536, None, core=find_target(options.DEFAULT_TARGET).budget().core)
