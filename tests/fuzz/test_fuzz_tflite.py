"""The fuzzers of .tflite files: some thousands of them, and defects that are planted are seen."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PLANTED = {
    "TypeError": "t.read_tflite = None",
    "MB of memory": "r = t.read_tflite; t.read_tflite = lambda path: (bytearray(200 << 20), r(path))[1]",
    "not one printable sentence": "def f(path):\n    raise errors.InputError('two\\nlines')\nt.read_tflite = f",
}


@pytest.fixture
def fuzz(tmp_path, monkeypatch):
    """Run one: its outcome; with a defect that is planted first, if that is asked for."""
    pytest.importorskip("tflite", reason="reading .tflite files: pip install '.[tflite]'")
    pytest.importorskip("ai_edge_litert", reason="changing .tflite files: pip install '.[tflite-check]'")

    def run(*arguments, planted="", module="tflite_files"):
        code = f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]\n"
        code += f"import mcuref.importers.tflite as t\nfrom mcuref import errors\n{planted}\n"
        code += f"import {module}; sys.exit({module}.main())"
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300)

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return run


def test_some_thousands(fuzz):
    outcome = fuzz("--tries", "2000", "--seed", "1000000")
    assert outcome.returncode == 0 and "faults: 0" in outcome.stdout, outcome
    assert " compiled, " in outcome.stdout and " refused" in outcome.stdout, outcome


@pytest.mark.parametrize("seen", PLANTED)
def test_a_planted_defect_is_seen(fuzz, seen):
    outcome = fuzz("--tries", "8", planted=PLANTED[seen])
    assert outcome.returncode == 1 and seen in outcome.stdout, outcome


def test_a_case_is_the_same_again(fuzz):
    several, one = fuzz("--tries", "6", "--seed", "20", "--show"), fuzz("--tries", "1", "--seed", "24", "--show")
    (line,) = [line for line in several.stdout.splitlines() if line.startswith("--seed 24 ")]
    assert line in one.stdout.splitlines()


@pytest.mark.parametrize("tries", ["150", pytest.param("6000", marks=pytest.mark.slow)])
def test_what_can_be_read_is_computed_as_by_litert(fuzz, tries):
    outcome = fuzz("--tries", tries, module="tflite_against_litert")
    assert outcome.returncode == 0 and " equal, " in outcome.stdout and "faults: 0" in outcome.stdout, outcome


def test_what_is_computed_otherwise_is_seen(fuzz):
    planted = "import mcuref.importers.operators as o; o.FUSED['RELU'] = o.ReLU6"
    outcome = fuzz("--tries", "60", module="tflite_against_litert", planted=planted)
    assert outcome.returncode == 1 and "AssertionError: conv1: " in outcome.stdout, outcome
