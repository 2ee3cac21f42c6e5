"""The fuzzer of data runs, and sees a traceback that is planted."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def fuzz(*arguments, planted=""):
    """Its outcome, with a defect planted first."""
    code = f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]; {planted}\n"
    command = [sys.executable, "-c", f"{code}import data_files; sys.exit(data_files.main())", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_some_cases():
    outcome = fuzz("--tries", "20", "--seed", "100")
    assert outcome.returncode == 0 and "faults: 0" in outcome.stdout, outcome
    assert " with status 0" in outcome.stdout and " with status 2" in outcome.stdout, outcome


def test_a_planted_defect_is_seen():
    outcome = fuzz("--tries", "4", planted="import mcuref.datasets; mcuref.datasets.load = None")
    assert outcome.returncode == 1 and "is not callable" in outcome.stdout, outcome
