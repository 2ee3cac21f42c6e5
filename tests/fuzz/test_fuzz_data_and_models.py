"""The fuzzers of data and models run, and see a traceback that is planted."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PLANTED = {
    "data_files": "import mcuref.datasets; mcuref.datasets.load = None",
    "models": "import mcuref.models; mcuref.models.build = None",
}


@pytest.fixture(params=[pytest.param("data_files", marks=pytest.mark.slow), "models"])
def fuzz(request, tmp_path, monkeypatch):
    """Run one of them: its outcome; with a defect that is planted first, if that is asked for."""

    def run(*arguments, planted=False):
        code = f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]; "
        code += f"{PLANTED[request.param] if planted else ''}\nimport {request.param}; sys.exit({request.param}.main())"
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return run


def test_some_cases(fuzz):
    outcome = fuzz("--tries", "20", "--seed", "100")
    assert outcome.returncode == 0 and "faults: 0" in outcome.stdout, outcome
    assert " with status 0" in outcome.stdout and " with status 2" in outcome.stdout, outcome


@pytest.mark.slow
def test_a_planted_defect_is_seen(fuzz):
    outcome = fuzz("--tries", "4", planted=True)
    assert outcome.returncode == 1 and "is not callable" in outcome.stdout, outcome
