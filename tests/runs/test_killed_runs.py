"""Runs in processes of their own, killed with SIGKILL at random moments and resumed, end as if nobody had touched them.

``pytest tests/runs/test_killed_runs.py -m "" --kills 50`` kills 50 times; where the kills landed is told at the end.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress

import numpy as np
import pytest

from mcuref.cli import main
from mcuref.errors import InputError
from mcuref.runs import checkpoints
from mcuref.runs.folder import is_complete

# options of mcuref train; each run takes about a second beside its start
CASES = {
    "scratch": "--checkpoint 0.05 --epochs 600",
    "shift, momentum and batch": "--checkpoint 0 --regime shift --method tinyprop --momentum 0.8 --batch 8 --epochs 100",
    "CNN that continues": "--checkpoint 0.05 --regime continue --model cnn-8 --epochs 45 --trainable 2",
    "int8": "--checkpoint 0.05 --dtype int8 --regime shift --update stochastic --epochs 200",
    "float32 above int8": "--checkpoint 0.05 --dtype int8 --train-dtype float32 --trainable 1 --regime shift --epochs 200",
    "autoencoder": "--checkpoint 0.1 --data mimii_slider_tiny --method tinypropv2 --epochs 160",
}
SECONDS = 1.2  # that a run takes, roughly
FILES = ["checkpoint", "history.csv", "memory.csv", "report.json", "run.json", "weights.npz"]


@pytest.fixture(scope="module", autouse=True)
def sounds(tmp_path_factory):
    """A small data set of sounds, under the name of one of the catalogue; noise, with a tone in the normal clips."""
    numbers = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("data")
    (folder / "mimii_slider_tiny").mkdir()
    for side, labels in (("train", [0] * 8 + [1] * 2), ("test", [0, 1] * 4)):
        x = numbers.integers(0, 3000, (len(labels), 79, 33)).astype(np.int16)
        x[np.array(labels) == 0, :, 5] += 9000
        np.savez(folder / "mimii_slider_tiny" / f"{side}.npz", x=x, y=np.array(labels))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCUREF_DATA", str(folder))
        yield


def start(*arguments):
    """``mcuref train ...`` in a process."""
    command = [sys.executable, "-m", "mcuref", "train", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def content(folder):
    """Names in a folder, hidden ones too; none if it is not there."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def until(process, happened):
    """Wait for it, or for the process's end."""
    while process.poll() is None and not happened():
        time.sleep(0.0005)


def wait_for_moment(process, folder, numbers):
    """Wait for a random moment: of the process, of the training, with a file half-written, or while results are."""
    kind, delay = numbers.choice(("any", "training", "half-written", "results")), numbers.random()
    before, results = stamp(folder), stamp(folder, "history.csv")
    if kind == "any":
        until(process, lambda began=time.monotonic(): time.monotonic() > began + delay * 2 * SECONDS)
        return
    if kind == "results":
        until(process, lambda: stamp(folder, "history.csv") != results)
        time.sleep(delay * 0.02)
        return
    until(process, lambda: stamp(folder) != before)
    until(process, lambda began=time.monotonic(): time.monotonic() > began + delay * SECONDS)
    if kind == "half-written":
        until(process, lambda: any(name.endswith(".part") for name in content(folder)))


def stamp(folder, *names):
    """Something that changes when one of the files is written, run.json or the checkpoint if none is named."""
    numbers = []
    for name in names or ("run.json", "checkpoint"):
        with suppress(OSError):
            numbers.append((name, os.stat(folder / name).st_ino, os.stat(folder / name).st_mtime_ns))
    return numbers


def where(folder, before, results):
    """Where a kill landed, by what it left."""
    names = content(folder)
    if "checkpoint" not in names and "checkpoint.previous" in names:
        return "between two renames"
    if stamp(folder, "history.csv") != results:
        return "results being written"
    if any(name.endswith(".part") for name in names):
        return "a file being written"
    if not names:
        return "before run.json"
    if stamp(folder) == before or "checkpoint" not in names:
        return "before its first checkpoint"
    return f"in {checkpoints.read(folder / 'checkpoint')[0]['phase']}"


def no_warning(sentence):
    """For checkpoints.load: a kill damages nothing."""
    raise AssertionError(sentence)


def attempt(folder, options):
    """Begin the run, or go on with it."""
    return start("--resume", str(folder)) if content(folder) else start("--out", str(folder), *options)


def kill(folder, options, numbers):
    """One attempt, killed; returns where, or None if it came to its end before that. What it left is whole."""
    before, results = stamp(folder), stamp(folder, "history.csv")
    process = attempt(folder, options)
    wait_for_moment(process, folder, numbers)
    process.kill()
    _, error = process.communicate()
    assert "mcuref:" not in error and "Traceback" not in error, error
    if is_complete(folder):
        return None
    landed = where(folder, before, results)
    if content(folder):
        try:
            checkpoints.load(folder, no_warning)
        except InputError as damage:
            raise AssertionError(f"{landed}: {damage}") from None
    return landed


def assert_same(folder, expected):
    """A complete run folder, byte for byte the expected one but for the time it took."""
    assert content(folder) == content(expected) == FILES
    for name in ("history.csv", "memory.csv", "weights.npz", "checkpoint"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name
    requests = [json.loads((one / "run.json").read_text()) for one in (folder, expected)]
    for request in requests:  # the report has the time it took
        assert request["files"].pop("report.json") and request.pop("sha256")
    assert requests[0] == requests[1]
    reports = [json.loads((one / "report.json").read_text()) for one in (folder, expected)]
    assert all(report.pop("timing")["seconds"] > 0 for report in reports) and reports[0] == reports[1]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("case", [next(iter(CASES)), *(pytest.param(c, marks=pytest.mark.slow) for c in list(CASES)[1:])])
def test_killed_and_resumed(tmp_path, monkeypatch, request, tell, case):
    monkeypatch.chdir(tmp_path)  # away from the sources: the processes too run what is installed, and share its kernels
    options, landed, runs = [*CASES[case].split(), "--target", "none"], Counter(), 0
    kills, seed = request.config.getoption("--kills"), request.config.getoption("--kill-seed")
    tell(f"killed runs: --kill-seed {seed}")
    moments = random.Random(f"{seed}, {case}")
    kills = kills // len(CASES) + (list(CASES).index(case) < kills % len(CASES))
    assert main(["train", "--out", str(tmp_path / "expected"), *options]) == 0
    folder = tmp_path / "run"
    while landed.total() < kills:
        place = kill(folder, options, moments)
        landed.update(filter(None, [place]))
        if is_complete(folder):
            for left in folder.glob(".mcuref-*.part"):
                left.rmdir()  # killed between the last renaming and this: it must be empty
            assert_same(folder, tmp_path / "expected")
            shutil.rmtree(folder)
            runs += 1
    process = attempt(folder, options)
    error = process.communicate()[1]
    assert process.returncode == 0, error
    assert_same(folder, tmp_path / "expected")
    places = ", ".join(f"{count} {place}" for place, count in landed.most_common())
    tell(f"  {case}: {runs + 1} runs, {landed.total()} kills: {places}")
