import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.errors import InputError


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


def made(samples, **changes):
    """Arrays of one side with that many samples."""
    x = np.arange(samples * 1152).reshape(samples, 128, 9).astype(np.int16)
    scale_log2 = np.repeat(np.array([14, 12, 13], np.int8), 3)
    return dict(x=x, y=np.arange(samples) % 6, subject=np.arange(samples) % 4, scale_log2=scale_log2) | changes


def test_made_up(place):
    place("uci_har", made(9), dict(x=made(5)["x"], y=np.zeros(5)))
    data = load("uci_har")
    assert data.groups.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert data.x_train.tolist() == made(9)["x"].tolist() and len(data.x_test) == 5


@pytest.mark.parametrize("missing", ["subject", "scale_log2"])
def test_without_an_array(place, missing):
    place("uci_har", {name: array for name, array in made(2).items() if name != missing}, made(2))
    with pytest.raises(InputError, match=f"train.npz has no array '{missing}'"):
        load("uci_har")


@pytest.mark.parametrize("scale_log2", [np.array([14, 14, 13] * 3), np.array([14] * 3), np.array(14)])
def test_axes_of_a_sensor_in_different_units(place, scale_log2):
    place("uci_har", made(2, scale_log2=scale_log2), made(2))
    with pytest.raises(InputError, match="'uci_har' has scale_log2 .*the same for x, y and z"):
        load("uci_har")
