"""Small arrays and folders of data sets for the tests of this room."""

import functools

import numpy as np
import pytest

from mcuref.datasets import available, load


@pytest.fixture
def arrays():
    """Keyword arguments of a valid Data: 6 training and 3 test samples of 4 float32 features, 3 classes."""
    x = np.arange(36, dtype=np.float32).reshape(9, 4) ** 2
    y = np.array([0, 1, 2, 0, 1, 2, 2, 1, 0], np.int32)
    return dict(name="small", kind="features", x_train=x[:6], y_train=y[:6], x_test=x[6:], y_test=y[6:])


@pytest.fixture
def folder(tmp_path, arrays):
    """A valid folder with train.npz and test.npz of those arrays."""
    for side in ("train", "test"):
        np.savez(tmp_path / f"{side}.npz", x=arrays[f"x_{side}"], y=arrays[f"y_{side}"])
    return tmp_path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A function (name, train, test) that writes the files of a data set into the data folder; returns its folder."""
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))

    def write(name, train, test):
        (tmp_path / name).mkdir(exist_ok=True)
        np.savez(tmp_path / name / "train.npz", **train)
        np.savez(tmp_path / name / "test.npz", **test)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def loaded():
    """A function that loads a registered data set once, or skips the test and says what brings it."""
    infos = {info.name: info for info in available()}

    @functools.cache
    def load_once(name):
        if not infos[name].present:
            pytest.skip(f"data set {name} is absent; to bring it: {infos[name].command}")
        return load(name)

    return load_once
