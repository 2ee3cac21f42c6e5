"""The command line run in this process, and a small data folder to run it on."""

from typing import NamedTuple

import numpy as np
import pytest

from mcuref.cli import main


class Outcome(NamedTuple):
    """Exit status and what was printed."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def no_note(compiled_executor):
    """No test of what is printed meets the note that the kernels are being compiled."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Output as wide as without a terminal, and no word of what this user was shown before."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("mcuref.files.user_cache", lambda: tmp_path / "cache")


@pytest.fixture
def mcuref(capsys):
    """Run ``mcuref`` with these arguments; an argparse error is an exit status too, and an ``unforeseen`` one a failure."""

    def run(*argv, unforeseen=False):
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in argv])
        except SystemExit as leaving:
            status = leaving.code
        outcome = Outcome(status, *capsys.readouterr())
        assert unforeseen or "not foreseen" not in outcome.err, outcome.err
        return outcome

    return run


@pytest.fixture
def refused(mcuref):
    """Run and expect bad input: status 2, one sentence on stderr that has the fragment, nothing on stdout."""

    def run(fragment, *argv):
        outcome = mcuref(*argv)
        assert outcome.status == 2, outcome
        assert outcome.out == ""
        assert outcome.err.startswith("mcuref") and outcome.err.count("\n") == 1, outcome.err
        assert fragment in outcome.err
        return outcome.err

    return run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def arrays():
    """30 training and 9 test samples of 4 features, 3 classes that can be told apart."""
    x = np.random.default_rng(1).normal(size=(39, 4)).astype(np.float32)
    y = np.arange(39) % 3
    x[np.arange(39), y] += 2
    return {"train": {"x": x[:30], "y": y[:30]}, "test": {"x": x[30:], "y": y[30:]}}


@pytest.fixture
def save(here):
    """Write {"train": ..., "test": ...} as a data folder; returns its name."""

    def write(arrays, name="small"):
        (here / name).mkdir()
        for side, values in arrays.items():
            np.savez(here / name / f"{side}.npz", **values)
        return f"{name}/"

    return write


@pytest.fixture
def small(arrays, save):
    """A data folder of those arrays."""
    return save(arrays)


@pytest.fixture
def sounds(here, monkeypatch):
    """A few clips of noise, with a tone in the normal ones, as a data set of the catalogue; returns its name."""
    numbers = np.random.default_rng(5)
    (here / "data/mimii_slider_tiny").mkdir(parents=True)
    for side, labels in (("train", [0] * 6 + [1] * 2), ("test", [0, 1] * 3)):
        x = numbers.integers(0, 3000, (len(labels), 79, 33)).astype(np.int16)
        x[np.array(labels) == 0, :, 5] += 9000
        np.savez(here / f"data/mimii_slider_tiny/{side}.npz", x=x, y=np.array(labels))
    monkeypatch.setenv("MCUREF_DATA", str(here / "data"))
    return "mimii_slider_tiny"
