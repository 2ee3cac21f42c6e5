"""What is said while kernels are loaded or compiled."""

from pathlib import Path

import pytest

from mcuref.cli.console import prepare_kernels
from mcuref.kernels.jit import STORE
from mcuref.program import executor

NO_SPACE = "cannot be written: no space left on device"


@pytest.fixture
def said(monkeypatch, capsys):
    """What is said of an executor that is kept or not, in a store with failures before and after it is compiled."""

    def run(kept, before, after):
        monkeypatch.setattr(STORE, "folder", Path("/kernels"))
        monkeypatch.setattr(STORE, "failure", before)
        monkeypatch.setattr(executor, "is_compiled", lambda: False)
        monkeypatch.setattr(executor, "is_kept", lambda: kept)
        monkeypatch.setattr(executor, "compile_executor", lambda: setattr(STORE, "failure", after))
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
