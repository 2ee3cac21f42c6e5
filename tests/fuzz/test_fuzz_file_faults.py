"""The fault injector runs, and sees what is planted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
INEXACT = """
import mcuref.runs.checkpoints as checkpoints

def load(folder, warn, whole=checkpoints.load):
    found = whole(folder, warn)
    return found and (found[0], {n: v * 1.5 if v.dtype == "float32" else v for n, v in found[1].items()})

checkpoints.load = load
"""
FORGETFUL = """
import mcuref.files, mcuref.runs.folder

for module in (mcuref.files, mcuref.runs.folder):
    module.remove_leftovers = lambda *_, **__: None
"""
UNTOLD = """
import contextlib
import mcuref.runs.folder

mcuref.runs.folder.what_stops_it = lambda folder: contextlib.nullcontext()
"""


def inject(*arguments, planted=""):
    """Its outcome, with a defect planted first."""
    code = f"import sys, file_faults; {planted and 'exec(sys.argv.pop(1))'}\nsys.exit(file_faults.main())"
    path = os.pathsep.join((str(HERE), str(HERE.parents[1])))
    command = [sys.executable, "-c", code, *filter(None, [planted]), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}, timeout=120)


def test_a_few_operations_of_a_run():
    outcome = inject("--commands", "train", "--every", "60", "--seed", "12")
    assert outcome.returncode == 0 and outcome.stderr == "", outcome
    assert re.search(r"[1-9]\d faults|[6-9] faults", outcome.stdout) and "wrong: 0" in outcome.stdout, outcome.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "planted, kind, words",
    [
        (INEXACT, "kill", "then other files: runs/one/"),
        (FORGETFUL, "kill", "+runs/one/.mcuref-"),
        (UNTOLD, "full", "the run is kept and nobody says so"),
    ],
    ids=["inexact", "forgetful", "untold"],
)
def test_what_is_planted_is_seen(planted, kind, words):
    outcome = inject("--commands", "train", "--kinds", kind, "--every", "25", "--seed", "70", planted=planted)
    assert outcome.returncode == 1 and words in outcome.stdout, outcome
