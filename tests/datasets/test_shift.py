import dataclasses
import hashlib

import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.datasets.data import Data
from mcuref.datasets.registry import NAMES
from mcuref.datasets.rotation import angle, rotate
from mcuref.datasets.shift import change_of, has_shift, shift, turn_phone
from mcuref.errors import InputError

WITHOUT = {"speech_commands_mfcc10", "mimii_slider_tiny"}


def digest(data):
    return hashlib.sha256(data.x_train[:50].tobytes() + data.x_test[:50].tobytes()).hexdigest()[:16]


def test_four_turns_of_the_phone_are_none():
    x = (np.arange(3 * 128 * 9) * 7919 % 65535 - 32767).astype(np.int16).reshape(3, 128, 9)
    once = turn_phone(x)
    assert once.dtype == np.int16 and once.shape == x.shape
    for sensor in range(0, 9, 3):
        assert (once[..., sensor] == -x[..., sensor + 1]).all() and (once[..., sensor + 1] == x[..., sensor]).all()
        assert (once[..., sensor + 2] == x[..., sensor + 2]).all()
    assert (turn_phone(turn_phone(turn_phone(once))) == x).all()


def test_the_value_without_an_opposite_does_not_wrap_around():
    assert turn_phone(np.full((1, 1, 9), -32768, np.int16))[0, 0].tolist() == [32767, -32768, -32768] * 3


def test_digits():
    data = load("digits")
    assert has_shift(data)
    shifted = shift(data)
    assert (shifted.x_train == rotate(data.x_train, *angle(45))).all()
    assert (shifted.x_test == rotate(data.x_test, *angle(45))).all()
    assert digest(shifted) == "23adf26ffa92f505"


@pytest.mark.parametrize("name", NAMES)
def test_all_but_the_samples_stays(loaded, name):
    data = loaded(name)
    assert has_shift(data) == (name not in WITHOUT)
    if name in WITHOUT:
        with pytest.raises(InputError, match=f"data set '{name}' has no domain shift; regime 'shift' is for image"):
            shift(data)
        return
    if data.machines:  # what goes is in test_anomaly.py
        return
    data = data.training_part(0, 50)
    shifted = shift(data)
    for field in dataclasses.fields(Data):
        before, after = getattr(data, field.name), getattr(shifted, field.name)
        if field.name in ("x_train", "x_test"):
            assert before.shape == after.shape and before.dtype == after.dtype
            assert (before != after).mean() > 0.2
        else:
            assert np.array_equal(before, after)


@pytest.mark.parametrize("name, expected", [
    ("mnist", "1c0712a833cb2afe daa97eb71294ce74"),
    ("cifar10", "80a05c9cb0daa785 71caf443f65488c3"),
    ("uci_har", "f8c55406d6d89f41 3627e4345f26686a"),
    ("speech_commands_kws12", "acbea442cad11fa9 b98f280a7f651c17"),
    ("speech_commands_mfcc49x10", "1e7fbf9c6595a45a 59569eb7b5cdfc38"),
])  # fmt: skip
def test_the_same_bytes_on_every_machine(loaded, name, expected):
    data = loaded(name).training_part(0, 50)
    data = dataclasses.replace(data, x_test=data.x_test[:50], y_test=data.y_test[:50])
    if digest(data) != expected.split()[0]:
        pytest.skip(f"{name} here begins with other samples than the copy that the hash is of")
    assert digest(shift(data)) == expected.split()[1]


@pytest.mark.parametrize("kind, shape, dtype", [
    ("features", (4,), np.uint8),
    ("signal", (128, 9), np.int16),
    ("mfcc", (49, 10), np.int8),
    ("image", (8, 8, 1), np.float32),
])  # fmt: skip
def test_data_without_a_shift(kind, shape, dtype):
    x, y = np.ones((2, *shape), dtype), np.arange(2)
    data = Data("mine", kind, x, y, x, y)
    assert not has_shift(data)
    with pytest.raises(InputError, match="'mine' has no domain shift"):
        shift(data)


def test_a_folder_that_has_a_known_name_by_chance():
    x, y = np.ones((2, 5, 9), np.int16), np.arange(2)
    assert not has_shift(Data("uci_har", "signal", x, y, x, y))


def test_a_part_of_a_turn_of_the_phone():
    """Against rotation in floating point, to half a unit of rounding, and 2^-17 of the angle's."""
    x = np.random.default_rng(0).integers(-30000, 30000, (3, 4, 9)).astype(np.int16)
    assert (turn_phone(x, *angle(0)) == x).all() and (turn_phone(x, *angle(90)) == turn_phone(x)).all()
    radians = np.deg2rad(30)
    matrix = np.array([[np.cos(radians), -np.sin(radians), 0], [np.sin(radians), np.cos(radians), 0], [0, 0, 1]])
    exact = np.clip(x.reshape(3, 4, 3, 3) @ matrix.T, -32768, 32767).reshape(x.shape)
    assert np.abs(turn_phone(x, *angle(30)) - exact).max() <= 0.5 + 60000 / (1 << 17)


def test_a_part_of_a_change():
    data = load("digits").training_part(0, 20)
    change = change_of(data)
    assert (change(data.x_train, 0, 0, 1) == shift(data).x_train).all()
    assert (change(data.x_train, 0, 7, 0.5) == rotate(data.x_train, *angle(22.5))).all()
    with pytest.raises(InputError, match="'digits' has no change of its samples that could come over time"):
        change_of(dataclasses.replace(data, kind="features"))
