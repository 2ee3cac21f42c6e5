"""A mistake in mcuref itself ends in one sentence, with the traceback in a file of its own; and help without docstrings."""

import os
import re
import stat
import subprocess
import sys
import tempfile

import pytest

from mcuref import InputError


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """A command that raises what it is given, and its own folder for temporary files."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    def breaks(error):
        def run(arguments):
            raise error

        monkeypatch.setattr("mcuref.cli.targets.run", run)
        return tmp_path / "tmp"

    return breaks


def test_one_sentence_and_a_traceback_in_a_private_file(mcuref, broken):
    folder = broken(KeyError("x\x1b[31m\ny"))
    outcome = mcuref("targets", unforeseen=True)
    assert (outcome.status, outcome.out) == (2, "") and outcome.err.count("\n") == 1 and "\x1b" not in outcome.err
    (file,) = folder.iterdir()
    assert outcome.err == (
        f"mcuref: something that was not foreseen went wrong (KeyError('x\\x1b[31m\\ny')); the traceback is in {file}; "
        "please report it\n"
    )
    assert "Traceback (most recent call last)" in file.read_text() and "raise error" in file.read_text()
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


def test_without_a_place_for_the_file(mcuref, broken):
    folder = broken(ZeroDivisionError("/" * 500))
    folder.rmdir()
    outcome = mcuref("targets", unforeseen=True)
    assert outcome.status == 2 and outcome.err.count("\n") == 1 and len(outcome.err) < 400
    assert "its traceback cannot be written" in outcome.err and "ZeroDivisionError" in outcome.err


@pytest.mark.parametrize("error, status, words", [
    (InputError("a name is wrong"), 2, "mcuref: a name is wrong\n"), (KeyboardInterrupt(), 130, "interrupted"),
    (MemoryError(), 2, "memory is too small"), (OSError(28, "No space left on device", "x"), 2, "x cannot be used"),
])  # fmt: skip
def test_what_was_foreseen_stays_as_it_was(mcuref, broken, error, status, words):
    folder = broken(error)
    outcome = mcuref("targets")
    assert outcome.status == status and words in outcome.err and not list(folder.iterdir())


def test_an_exit_is_an_exit(mcuref, broken):
    broken(SystemExit(7))
    assert mcuref("targets").status == 7


def test_tests_see_through_it(mcuref, broken):
    broken(KeyError("x"))
    with pytest.raises(AssertionError, match="not foreseen"):
        mcuref("targets")


@pytest.mark.parametrize("arguments", [
    *(pytest.param(arguments, marks=pytest.mark.slow) for arguments in (["targets"], ["--help"])),
    ["estimate", "--help"], pytest.param(["train", "--epochs", "1"], marks=pytest.mark.slow),
])  # fmt: skip
def test_without_docstrings(arguments, tmp_path):
    """PYTHONOPTIMIZE=2 drops them; the help then has options alone."""
    command = [sys.executable, "-m", "mcuref", *arguments]
    environment = os.environ | {"PYTHONOPTIMIZE": "2", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    if arguments[0] == "train":
        environment["NUMBA_DISABLE_JIT"] = "1"  # it is about the command line
        command += ["--samples", "5"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search("usage: mcuref|stm32h743|accuracy", done.stdout)
