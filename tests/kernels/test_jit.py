"""How Numba is loaded: what it cannot use of its environment is one sentence."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("name, value, right", [
    ("NUMBA_NUM_THREADS", "0", "a whole number from 1"), ("NUMBA_DISABLE_JIT", "yes", "a number"),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in (
        ("NUMBA_NUM_THREADS", "abc", "a whole number from 1"), ("NUMBA_NUM_THREADS", "-3", "a whole number from 1"),
        ("NUMBA_OPT", "fast", "0, 1, 2, 3 or max"), ("NUMBA_CPU_FEATURES", "avx2", "begin with + or -"),
        ("NUMBA_BOUNDSCHECK", "", "a number"),
    )),
])  # fmt: skip
def test_what_numba_cannot_use_is_one_sentence(tmp_path, name, value, right):
    command = [sys.executable, "-m", "mcuref", "train", "--epochs", "1", "--out", str(tmp_path / "run")]
    run = subprocess.run(command, env=os.environ | {name: value}, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1), run.stderr
    assert run.stderr.startswith(f"mcuref: environment variable {name} is {value!r}") and right in run.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name, value", [
    ("NUMBA_NUM_THREADS", "64"), ("NUMBA_NUM_THREADS", "0"),
    pytest.param("NUMBA_CACHE_LOCATOR_CLASSES", "None", marks=pytest.mark.slow),
    pytest.param("NUMBA_CACHE_DIR", "/nosuch", marks=pytest.mark.slow),
])  # fmt: skip
def test_what_it_can_use_or_need_not(name, value):
    """Nor does a command that runs no kernel ask for what Numba needs."""
    code = "import mcuref.kernels.jit" if value != "0" else "import mcuref.cli as cli; cli.main(['estimate'])"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ | {name: value}, capture_output=True).returncode == 0
