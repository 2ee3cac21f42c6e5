import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.errors import InputError, MissingData


def test_complete_and_in_order(loaded):
    data = loaded("mnist")
    assert (data.name, data.kind, data.input_shape) == ("mnist", "image", (28, 28, 1))
    assert data.x_train.dtype == np.uint8
    assert np.bincount(data.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert (data.mean.tolist(), data.scale.tolist()) == ([0], [np.float32(1 / 255)])


def test_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    with pytest.raises(MissingData) as caught:
        load("mnist")
    for fragment in ("'mnist'", str(tmp_path / "mnist"), "train.npz and test.npz", "python data_scripts/mnist.py"):
        assert fragment in str(caught.value)


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A data folder in which mnist is two samples on each side, and a function that replaces its x."""
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()

    def write(x):
        for side in ("train", "test"):
            np.savez(tmp_path / "mnist" / f"{side}.npz", x=x, y=np.arange(2))
        return tmp_path / "mnist"

    write(np.zeros((2, 28, 28, 1), np.uint8))
    return write


def test_half_of_it_is_absent(two):
    (two(np.zeros((2, 28, 28, 1), np.uint8)) / "test.npz").unlink()
    with pytest.raises(MissingData, match="has no test.npz; to bring it"):
        load("mnist")


@pytest.mark.parametrize("x", [np.zeros((2, 32, 32, 3), np.uint8), np.ones((2, 28, 28, 1), np.float32)])
def test_something_else_in_its_folder(two, x):
    folder = two(x)
    with pytest.raises(InputError) as caught:
        load("mnist")
    for fragment in (str(folder), str(x.shape[1:]), str(x.dtype), "(28, 28, 1)", "uint8"):
        assert fragment in str(caught.value)


def test_damaged(two):
    folder = two(np.zeros((2, 28, 28, 1), np.uint8))
    (folder / "train.npz").write_bytes((folder / "train.npz").read_bytes()[:500])
    with pytest.raises(InputError, match="train.npz cannot be read"):
        load("mnist")
