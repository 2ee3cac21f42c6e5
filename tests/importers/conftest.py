"""Where the models are that are not committed; what the tests of this folder need to be installed."""

import os
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[1] / "models" / "tflite"


@pytest.fixture(scope="session", autouse=True)
def reader():
    """The package that reads."""
    pytest.importorskip("tflite", reason="reading .tflite files: pip install '.[tflite]'")


@pytest.fixture(scope="session")
def model_file():
    """model_file(name): the path of a .tflite file; skips if it is none that is committed and not on this machine."""

    def found(name):
        data = os.environ.get("MCUREF_DATA")
        folders = [FILES, *(Path(f) for f in (os.environ.get("MCUREF_MODELS"), data and Path(data).parent / "models") if f)]
        for folder in folders:
            if (folder / f"{name}.tflite").is_file():
                return folder / f"{name}.tflite"
        pytest.skip(f"{name}.tflite of MLPerf Tiny is not here; MCUREF_MODELS may name a folder that has it")

    return found


@pytest.fixture(scope="session")
def building():
    """The module that builds small files."""
    pytest.importorskip("ai_edge_litert", reason="building .tflite files: pip install '.[tflite-check]'")
    from . import building

    return building


@pytest.fixture
def read(tmp_path):
    """read(content): what is read from a file of these bytes."""
    from mcuref.importers.tflite import read_tflite

    def from_bytes(content):
        (tmp_path / "m.tflite").write_bytes(content)
        return read_tflite(tmp_path / "m.tflite")

    return from_bytes
