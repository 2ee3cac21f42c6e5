"""The fuzzer of .tflite files: some thousands of them, and defects that are planted are seen."""

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
    """Run it: its outcome; with a defect that is planted first, if that is asked for."""
    pytest.importorskip("tflite", reason="reading .tflite files: pip install 'mcuref[tflite]'")
    pytest.importorskip("ai_edge_litert", reason="changing .tflite files: pip install 'mcuref[tflite-check]'")

    def run(*arguments, planted=""):
        code = f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]\n"
        code += f"import mcuref.importers.tflite as t\nfrom mcuref import errors\n{planted}\n"
        code += "import tflite_files; sys.exit(tflite_files.main())"
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
