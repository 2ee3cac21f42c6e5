import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.errors import InputError, MissingData


def test_complete(loaded):
    data = loaded("uci_har")
    assert (data.name, data.kind, data.input_shape, data.classes) == ("uci_har", "signal", (128, 9), 6)
    assert data.x_train.dtype == np.int16
    assert data.class_names[0] == "WALKING" and data.class_names[5] == "LAYING"
    assert np.bincount(data.y_test).tolist() == [496, 471, 420, 491, 532, 537]
    assert sorted(set(data.groups.tolist())) == [
        1,
        3,
        5,
        6,
        7,
        8,
        11,
        14,
        15,
        16,
        17,
        19,
        21,
        22,
        23,
        25,
        26,
        27,
        28,
        29,
        30,
    ]


def test_standardised_per_channel(loaded):
    data = loaded("uci_har")
    assert data.mean.shape == data.scale.shape == (9,)
    inputs = (data.x_train - data.mean) * data.scale
    np.testing.assert_allclose(inputs.mean(axis=(0, 1), dtype=np.float64), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(axis=(0, 1), dtype=np.float64), 1, atol=1e-5)


def test_validation_is_by_subject(loaded):
    data = loaded("uci_har")
    split = data.validation_split()
    assert len(set(split.groups.tolist())) == 17  # of 21
    assert len(split.x_train) + len(split.x_test) == 7352


def test_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    with pytest.raises(MissingData, match="'uci_har' is not on this machine.*no script yet.*subject"):
        load("uci_har")


def test_without_subjects(tmp_path, monkeypatch):
    monkeypatch.setenv("MCUREF_DATA", str(tmp_path))
    (tmp_path / "uci_har").mkdir()
    for side in ("train", "test"):
        np.savez(tmp_path / "uci_har" / f"{side}.npz", x=np.zeros((2, 128, 9), np.int16), y=np.arange(2))
    with pytest.raises(InputError, match="train.npz has no array 'subject'"):
        load("uci_har")
