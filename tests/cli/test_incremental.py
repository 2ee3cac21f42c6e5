"""mcuref incremental and mcuref report: tables, the run folder, the same bytes after an interruption, bad input."""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from mcuref.incremental.learner import IncrementalLearner
from mcuref.runs import checkpoints

FILES = [
    "accuracy.csv", "accuracy.png", "checkpoint", "matrix.png", "memory.csv", "report.json", "run.json", "size.png",
    "stored.npz", "stored.png",
]  # fmt: skip
SAME = ["accuracy.csv", "memory.csv", "stored.npz"]  # to the byte; the report but for timing
FAST = ("--model", "mlp-4-8-3", "--per-class", "3", "--steps", "60")
KEYS = {
    "name", "accuracy_matrix", "average_accuracy", "forgetting", "stored_bytes", "stored_share", "inference_macs_final",
    "inference_macs_mean", "training_macs", "growth_macs", "verification_macs", "distillation_macs", "all_macs",
    "instructions", "raw_pool_bytes", "sram_peak", "flash_peak",
}  # fmt: skip


@pytest.fixture
def unpictured(monkeypatch):
    """No pictures: they take most of the time of so small a run."""
    monkeypatch.setattr("mcuref.report.incremental_runs._draw", lambda *arguments: None)


@pytest.fixture
def learned(mcuref, small, here):
    """Learn into a folder; returns it."""

    def run(name, *options):
        outcome = mcuref("incremental", "--data", small, *FAST, "--out", name, *options)
        assert outcome.status == 0 and outcome.err == "", outcome
        assert f"run kept in {name}" in outcome.out
        return here / name

    return run


def report(folder):
    """The report but for its timing."""
    return {k: v for k, v in json.loads((folder / "report.json").read_text()).items() if k != "timing"}


def test_a_line_after_every_task_then_a_table_and_a_report(mcuref, small, here):
    outcome = mcuref("incremental", "--data", small, *FAST, "--json", "table.json")
    assert outcome.status == 0 and outcome.err == ""
    lines = outcome.out.splitlines()
    assert [line[:18] for line in lines[:3]] == [f"task {n}: {n} classes, "[:18] for n in (1, 2, 3)], lines[:3]
    assert len([line for line in lines if line.startswith("task  classes")]) == 1
    content = json.loads((here / "table.json").read_text())
    assert content["schema"] == "mcuref.incremental/1" and content["scenario"] == {"kind": "classes", "tasks": 3}
    assert [s["name"] for s in content["strategies"]] == ["growing"], "its criterion needs no large model"
    assert content["dtype"] == "float32"
    for strategy in content["strategies"]:
        assert KEYS <= strategy.keys()
        assert isinstance(strategy["stored_bytes"], int) and isinstance(strategy["sram_peak"], int)
        assert len(strategy["accuracy_matrix"]) == 3


def test_run_folder(learned, mcuref):
    folder = learned("run", "--compare", "naive,joint,random", "--seeds", "2")
    assert sorted(os.listdir(folder)) == FILES
    content = report(folder)
    with open(folder / "accuracy.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 4 * 2 * 9, "four strategies, two seeds, three tasks after each of three"
    for strategy in content["strategies"]:
        for result in strategy["per_seed"]:
            mine = [r for r in rows if r["strategy"] == strategy["name"] and r["seed"] == str(result["seed"])]
            assert [float(r["accuracy"]) for r in mine] == np.ravel(result["accuracy_matrix"]).tolist()
    with open(folder / "memory.csv", newline="") as lines:
        places = [r for r in csv.DictReader(lines) if r["strategy"] == "growing" and r["seed"] == "0"]
    growing = content["strategies"][0]["per_seed"][0]
    last = growing["tasks"][-1]
    ends = {"sram": 0, "flash": 0}
    for row in places:
        ends[row["region"]] = max(ends[row["region"]], int(row["offset"]) + -(-int(row["bytes"]) // 4) * 4)
    assert ends == {"sram": last["sram"], "flash": last["sram"] + last["flash"]}, "the plan, to the byte"
    assert last["sram"] <= growing["sram_peak"] and last["flash"] <= growing["flash_peak"]
    with np.load(folder / "stored.npz") as stored:
        assert stored["x"].shape == (9, 4) and sorted(stored["y"].tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    shown = mcuref("report", folder)
    assert shown.status == 0 and "growing: accuracy in %" in shown.out
    drawn = mcuref("report", folder, "--pictures", "pictures")
    assert drawn.status == 0 and sorted(os.listdir("pictures")) == ["accuracy.png", "matrix.png", "size.png"]


def test_a_data_folder_called_like_a_formula(mcuref, arrays, save, here):
    outcome = mcuref("incremental", "--data", save(arrays, "$5_$10"), *FAST, "--out", "run")
    assert (outcome.status, outcome.err) == (0, "") and outcome.out.endswith("run kept in run\n")
    assert sorted(os.listdir("run")) == FILES


def test_pictures_that_fail_do_not_fail_the_run(mcuref, small, here, monkeypatch):
    """Not one half of them is left; where a picture is what was asked for, it is an error."""
    figure = pytest.importorskip("matplotlib.figure").Figure
    original, left = figure.savefig, iter(range(3))  # the fourth fails

    def fail(self, *arguments, **keywords):
        if next(left, None) is None:
            raise ValueError("no such font")
        original(self, *arguments, **keywords)

    monkeypatch.setattr(figure, "savefig", fail)
    outcome = mcuref("incremental", "--data", small, *FAST, "--out", "run")
    assert outcome.status == 0 and outcome.err == ""
    sentence = "no pictures: picture 'stored.png' cannot be drawn: no such font"
    assert " ".join(outcome.out.split()).endswith(f"run kept in run; {sentence}")
    assert sorted(os.listdir("run")) == [name for name in FILES if not name.endswith(".png")]
    assert mcuref("report", "run", "--pictures", "drawn").status == 2 and sorted(os.listdir()) == ["run", "small"]
    outcome = mcuref("estimate", "--map", "map.png")
    assert (outcome.status, outcome.err) == (2, "mcuref: picture 'map.png' cannot be drawn: no such font\n")
    assert sorted(os.listdir()) == ["run", "small"]


def test_report_of_a_training_run(mcuref, small, refused):
    assert mcuref("train", "--data", small, "--epochs", "1", "--out", "trained").status == 0
    assert "accuracy" in mcuref("report", "trained").out
    refused("is of mcuref train; pictures are of incremental runs", "report", "trained", "--pictures", "pictures")
    refused("is no run folder: it has no run.json", "report", "nothing")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--compare", "naive,joint,reservoir"), marks=pytest.mark.slow),
        pytest.param(("--seeds", "2", "--verify", "stored", "--stream"), marks=pytest.mark.slow),
        ("--momentum", "0.9", "--batch", "4", "--method", "tinyprop", "--criterion", "1", "--deepen"),
        ("--dtype", "int8", "--distil", "random", "--criterion", "1", "--growth", "shrink-and-perturb"),
    ],
    ids=str,
)
def test_interrupted_and_resumed(mcuref, learned, small, here, monkeypatch, unpictured, options):
    whole, calls = learned("whole", *options), []
    learn = IncrementalLearner.learn

    def counted(learner, *arguments, **keywords):
        calls.append(1)
        return learn(learner, *arguments, **keywords)

    monkeypatch.setattr(IncrementalLearner, "learn", counted)
    learned("again", *options)
    for stop in range(2, len(calls) + 1, 3):
        name, left = f"stopped{stop}", iter(range(stop - 1))

        def stopped(learner, *arguments, left=left, **keywords):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return learn(learner, *arguments, **keywords)

        with monkeypatch.context() as patch:
            patch.setattr(IncrementalLearner, "learn", stopped)
            outcome = mcuref("incremental", "--data", small, *FAST, "--out", name, *options)
        assert outcome.status == 130 and f"go on with: mcuref incremental --resume {name}" in outcome.err
        resumed = mcuref("incremental", "--resume", name)
        assert resumed.status == 0, resumed
        assert report(here / name) == report(whole)
        assert all((here / name / file).read_bytes() == (whole / file).read_bytes() for file in SAME)
        assert states(here / name) == states(whole)


def states(folder):
    """What the learners ended as, in the last checkpoint."""
    header, arrays = checkpoints.read(folder / "checkpoint")
    return header["done"], {name: values.tolist() for name, values in arrays.items()}


@pytest.mark.slow
def test_killed_at_random_moments(small, here, learned, unpictured):
    options = ("--compare", "naive,random", "--steps", "4000")
    whole = learned("whole", *options)
    command = [sys.executable, "-m", "mcuref", "incremental"]
    numbers, quiet = random.Random(7), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    began = time.monotonic()
    process = subprocess.Popen([*command, "--data", small, *FAST, *options, "--out", "killed"], **quiet)
    kills = 0
    while kills < 2 and process.poll() is None:
        before = checkpoint_stamp("killed")
        while process.poll() is None and checkpoint_stamp("killed") == before and time.monotonic() < began + 60:
            time.sleep(0.001)
        time.sleep(numbers.random() * 0.1)
        process.kill()
        process.wait()
        kills += 1
        process = subprocess.Popen([*command, "--resume", "killed"], **quiet)
    process.wait()
    assert kills and (here / "killed/report.json").is_file()
    assert report(here / "killed") == report(whole) and states(here / "killed") == states(whole)
    shutil.rmtree(here / "killed")


def checkpoint_stamp(folder):
    """Something that changes when the checkpoint does."""
    try:
        return os.stat(f"{folder}/checkpoint").st_mtime_ns
    except FileNotFoundError:
        return None


def test_resumed_by_the_command_that_began_it(mcuref, small, refused, monkeypatch, unpictured):
    def stopped(learner, *arguments, **keywords):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(IncrementalLearner, "learn", stopped)
        assert mcuref("incremental", "--data", small, *FAST, "--out", "run").status == 130
    refused("was begun by another command; go on with: mcuref incremental --resume run", "train", "--resume", "run")
    refused("its run is unfinished; go on with: mcuref incremental", "incremental", "--data", small, "--out", "run")
    refused("--resume goes on with a run as it was begun; --steps", "incremental", "--resume", "run", "--steps", "9")
    assert mcuref("incremental", "--resume", "run").status == 0
    refused("is complete already", "incremental", "--resume", "run")
    refused("is of mcuref incremental; one of mcuref train or mcuref quantise is needed", "export", "run", "--c", "firmware")


@pytest.mark.parametrize(
    "options, fragment",
    [
        (("--tasks", "4"), "tasks 4 is not a whole number from 1 to 3"),
        (("--tasks", "x"), "--tasks 'x' is neither a number of tasks"),
        (("--tasks", "sessions"), "has no sessions"),
        (("--compare", "foo"), "strategy 'foo' is not known"),
        (
            ("--compare", "naive,KCenter"),
            "strategy 'KCenter' is not known; did you mean k-center? it may be growing, fixed-large",
        ),
        (("--distil", "matchng"), "--distil 'matchng' is not known; did you mean matching? it may be matching, published"),
        (("--dtype", "int4"), "--dtype 'int4' is not known"),
        (("--dtype", "int8", "--distil", "matching"), "need float32 features; by integers alone they are chosen by"),
        (("--dtype", "int8", "--latent", "1"), "latent 1 is of float32 models; those of dtype 'int8' store samples"),
        (("--dtype", "int8", "--distil", "random", "--deepen"), "deepen is of float32 networks; an int8 network grows by"),
        (("--resolution", "Half"), "--resolution 'Half' is not known; did you mean half?"),
        (("--growth", "net2wide"), "--growth 'net2wide' is not known; did you mean net2wider?"),
        (("--verify", "heldout"), "--verify 'heldout' is not known; did you mean held-out?"),
        (("--features", "lerned"), "--features 'lerned' is not known; did you mean learned?"),
        (("--store", "ram"), "--store 'ram' is not known; did you mean sram?"),
        (("--compare", "naive,naive"), "names 'naive' twice"),
        (("--criterion", "2"), "criterion 2.0 is not a number from 0 to 1"),
        (("--criterion", "0.5", "--within", "0.1"), "give one of them"),
        (("--criterion", "learned"), "criterion 'learned' is not known; did you mean learnt?"),
        (("--criterion", "learnt=x"), "level 'x' of criterion learnt is not a number"),
        (("--shrink",), "which criterion learnt cannot judge; an accuracy, or within, can"),
        (("--bits", "3"), "bits 3 of a stored value are not known"),
        (("--start", "0"), "start 0.0 is not a number above 0 to 1"),
        (("--keep", "2"), "keep 2.0 is not"),
        (("--factor", "1"), "factor 1.0 is not a number above 1"),
        (("--method", "foo"), "method 'foo' is not known"),
        (("--set", "foo=1"), "has no setting 'foo'"),
        (("--embedding", "foo"), "model 'foo' is not known"),
        (("--embedding", "convnet32"), "model 'convnet32' is not known; did you mean convnet-32?"),
        (("--embedding", "cnn-28"), "takes 784 values"),
        (("--sram", "3k", "--flash", "64k"), "what would fit: distillation with group"),
        (("--sram", "2100", "--flash", "64k"), "no smaller variant that was tried fits"),
        (("--picture", "p.png"), "--picture draws what --frontier found"),
        (("--resume", "nothing"), "--resume goes on with a run as it was begun"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input(refused, small, here, options, fragment):
    refused(fragment, "incremental", "--data", small, *FAST, *options)
    refused(fragment, "incremental", "--data", small, *FAST, *options, "--out", "run", "--json", "table.json")
    assert os.listdir(here) == ["small"], "nothing is written"


def test_training_that_diverges(refused, small, here):
    diverges = ("incremental", "--data", small, *FAST, "--within", "0.5", "--learning-rate", "1e6")  # large comes first
    refused("became NaN or infinite", *diverges)
    error = refused("became NaN or infinite", *diverges, "--out", "run", "--json", "table.json")
    assert ("run" in os.listdir(here)) == ("keeps the last checkpoint before that" in error)
    assert "table.json" not in os.listdir(here) and not (here / "run/report.json").exists()


def test_less_than_a_sample_a_class(refused, small):
    refused("store fewer bits, or raise --share", "incremental", "--data", small, "--share", "0.001")


def test_anomaly_data(refused, sounds):
    refused("is of kind 'anomaly'; incremental learning needs classes", "incremental", "--data", sounds)


def test_refused_growth_is_reported(mcuref, small, here):
    needs = mcuref("incremental", "--data", small, *FAST, "--distil", "random", "--start", "1", "--json", "large.json")
    assert needs.status == 0
    large = json.loads((here / "large.json").read_text())["strategies"][0]
    sram = 2048 + large["sram_peak"] - 100
    outcome = mcuref(
        "incremental",
        "--data",
        small,
        *FAST,
        "--distil",
        "random",
        "--criterion",
        "1",
        "--sram",
        sram,
        "--flash",
        "64k",
        "--json",
        "grown.json",
    )
    assert outcome.status == 0
    grown = json.loads((here / "grown.json").read_text())["strategies"][0]
    assert grown["sram_peak"] <= sram - 2048
    stopped = [row["stopped"] for row in grown["per_seed"][0]["tasks"] if row["stopped"]]
    assert any("would need" in why and f"leaves {sram - 2048:,} B of SRAM" in why for why in stopped)
    assert "not met" in outcome.out


@pytest.mark.parametrize("options, fragment", [
    (("random,herdin",), "policy 'herdin' is not known; did you mean herding?"),
    (("random,random",), "names 'random' twice"),
    (("--tasks", "2"), "--tasks has no part in it"), (("--compare", "naive"), "--compare has no part in it"),
    (("--drift", "sudden"), "--drift has no part in it"), (("--sram", "1k"), "--sram has no part in it"),
    (("--factor", "2"), "--factor has no part in it"),
    (("--out", "run"), "--out has no part in it"), (("--bits", "3"), "bits 3 of a stored value are not known"),
    (("--share", "1e-4"), "is less than the"), (("--picture", "a.json", "--json", "a.json"), "is named for two results"),
])  # fmt: skip
def test_bad_input_of_such_a_table(refused, small, options, fragment):
    refused(fragment, "incremental", "--data", small, "--model", "mlp-4-8-3", "--frontier", *options)


def test_a_table_of_ways_to_keep_samples(mcuref, small, here):
    asked = ("incremental", "--data", small, "--model", "mlp-4-8-3", "--steps", "20", "--frontier", "random")
    outcome = mcuref(*asked, "--seeds", "2", "--json", "ways.json", "--picture", "ways.png")
    assert outcome.status == 0 and outcome.err == "", outcome
    content = json.loads((here / "ways.json").read_text())
    assert content["schema"] == "mcuref.frontier/1" and len(content["points"]) == 4, "features have full resolution"
    assert outcome.out.count("full") >= 4 and (here / "ways.png").read_bytes().startswith(b"\x89PNG")
