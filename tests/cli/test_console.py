"""What is said while kernels are loaded or compiled; how wide what is shown is; what is shown for the first time."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from mcuref.cli.console import first_time, prepare_kernels, show
from mcuref.files import user_cache
from mcuref.kernels.jit import STORE
from mcuref.program import compiler, executor

NO_SPACE = "cannot be written: no space left on device"


@pytest.fixture
def said(monkeypatch, capsys):
    """What is said of an executor that is kept or not, in a store with failures before and after it is compiled."""

    def run(kept, before, after):
        monkeypatch.setattr(STORE, "folder", Path("/kernels"))
        monkeypatch.setattr(STORE, "failure", before)
        monkeypatch.setattr(executor, "is_compiled", lambda: False)
        monkeypatch.setattr(executor, "is_kept", lambda: kept)
        monkeypatch.setattr(compiler, "prepare_executor", lambda: setattr(STORE, "failure", after))
        prepare_kernels()
        out, err = capsys.readouterr()
        assert out == ""
        return " ".join(err.split())

    return run


def test_what_is_said_of_the_cache(said):
    compiling = "compiling kernels for this machine ("
    assert said(True, None, None) == ""
    assert said(False, None, None) == compiling + "once for each version of mcuref, about half a minute)"
    at_every_start = f"at every start, because /kernels {NO_SPACE}"
    assert said(False, NO_SPACE, NO_SPACE) == f"{compiling}{at_every_start}, about half a minute)"
    assert said(False, None, NO_SPACE).endswith(f"minute) kernels will be compiled {at_every_start}")


@pytest.mark.parametrize("columns, width", [
    (None, 120), ("80", 80), ("200", 200), ("1", 1), ("", 120), ("0", 120), ("-80", 120), ("wide", 120), ("8e1", 120),
    ("1000000", 120), ("٨٠", 120),
])  # fmt: skip
def test_in_a_pipe_columns_says_the_width(monkeypatch, capsys, columns, width):
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    show("x" * 400)
    assert {len(line) for line in capsys.readouterr().out.splitlines()[:-1]} == {width}


@pytest.mark.parametrize("piece", [str, Text])
def test_no_line_ends_between_a_figure_and_its_percent(monkeypatch, capsys, piece):
    monkeypatch.setenv("COLUMNS", "20")
    show(piece("of all the work 68.8 % and 100 %"))
    assert capsys.readouterr().out == "of all the work\n68.8 % and 100 %\n"


def test_a_terminal_is_asked_itself():
    """Where COLUMNS does not say otherwise."""
    main, other = pty.openpty()
    subprocess.run(["stty", "cols", "37"], stdin=other, check=True)
    command = "from mcuref.cli.console import show; show('x' * 60)"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    subprocess.run([sys.executable, "-c", command], stdin=other, stdout=other, stderr=other, env=environment, check=True)
    assert os.read(main, 1000).split() == [b"x" * 37, b"x" * 23]
    os.close(main), os.close(other)


def test_no_line_ends_in_spaces(capsys):
    show("one  ", "two " * 60)
    assert all(line == line.rstrip() for line in capsys.readouterr().out.splitlines())


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """The user's cache folder, as an environment variable names it; not there yet."""
    monkeypatch.setattr("mcuref.files.user_cache", user_cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "users"))
    return tmp_path / "users"


def test_a_first_time_is_once(cache):
    assert [first_time("x"), first_time("x"), first_time("y"), first_time("y")] == [True, False, True, False]
    assert sorted(path.name for path in (cache / "mcuref").iterdir()) == ["x-shown", "y-shown"]


def test_where_it_cannot_be_kept_it_is_always_the_first_time(cache):
    cache.write_text("a file in the place of the folder")
    assert [first_time("x"), first_time("x")] == [True, True]
