import hashlib

import numpy as np
import pytest

from mcuref.datasets.rotation import CHUNK, ONE, angle, rotate

SHAPES = [(8, 8, 1), (28, 28, 1), (32, 32, 3), (7, 7, 2), (5, 8, 1), (1, 1, 1), (2, 1, 3)]


def images(shape, count=5):
    values = np.arange(count * np.prod(shape), dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(24)
    return values.astype(np.uint8).reshape(count, *shape)


def slow(image, cosine, sine):
    """A plain float64 twin for one channel, with weights rounded to 1/256 as they should be."""
    height, width = image.shape
    result = np.zeros(image.shape, np.uint8)
    for row in range(height):
        for column in range(width):
            down, right = row - (height - 1) / 2, column - (width - 1) / 2
            y = np.floor(((cosine * down + sine * right) / ONE + (height - 1) / 2) * 256 + 0.5) / 256
            x = np.floor(((cosine * right - sine * down) / ONE + (width - 1) / 2) * 256 + 0.5) / 256
            total = 0.0
            for i in range(height):
                for j in range(width):
                    total += max(0, 1 - abs(y - i)) * max(0, 1 - abs(x - j)) * image[i, j]
            result[row, column] = np.floor(total + 0.5)
    return result


@pytest.mark.parametrize("shape", SHAPES)
def test_by_0_is_the_identity(shape):
    assert (rotate(images(shape), ONE, 0) == images(shape)).all()


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[0] == shape[1]])
def test_by_90_is_a_quarter_turn_counter_clockwise(shape):
    assert (rotate(images(shape), 0, ONE) == np.rot90(images(shape), axes=(1, 2))).all()
    assert (rotate(images(shape), -ONE, 0) == images(shape)[:, ::-1, ::-1]).all()


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[0] < 10])
def test_against_a_slow_twin(shape):
    x = images(shape, 1)
    for turn in (angle(45), (56756, 32768), (-56756, 32768)):
        found = rotate(x, *turn)
        for channel in range(shape[2]):
            assert (found[0, ..., channel] == slow(x[0, ..., channel], *turn)).all()


def test_45_degrees_keep_the_centre_and_the_shape():
    for shape in SHAPES:
        found = rotate(images(shape), *angle(45))
        assert found.shape == images(shape).shape and found.dtype == np.uint8
    x = images((9, 9, 3))
    assert (rotate(x, *angle(45))[:, 4, 4] == x[:, 4, 4]).all()


def test_45_degrees_of_one_colour_stay_inside_it():
    found = rotate(np.full((1, 28, 28, 1), 255, np.uint8), *angle(45))[0, ..., 0]
    assert (found[10:18, 10:18] == 255).all()
    assert found[0, 0] == found[-1, -1] == 0  # the corners come from outside
    assert (found == found[::-1, ::-1]).all()  # with the same weights on both sides of the centre


def test_a_bar_becomes_a_diagonal():
    x = np.zeros((1, 9, 9, 1), np.uint8)
    x[0, :, 4] = 200
    found = rotate(x, *angle(45))[0, ..., 0]  # counter-clockwise: its upper end goes to the left
    assert all(found[i, i] >= 150 for i in range(2, 7)) and found[0, 8] == found[8, 0] == 0


def test_chunks_do_not_show(monkeypatch):
    whole = rotate(images((8, 8, 1), 100), *angle(45))
    monkeypatch.setattr("mcuref.datasets.rotation.CHUNK", 7 * 64)
    assert (rotate(images((8, 8, 1), 100), *angle(45)) == whole).all()
    monkeypatch.setattr("mcuref.datasets.rotation.CHUNK", 1)
    assert (rotate(images((8, 8, 1), 100), *angle(45)) == whole).all()
    assert CHUNK > 64 * 64 * 3


def test_the_same_bytes_on_every_machine():
    digest = hashlib.sha256(rotate(images((28, 28, 3)), *angle(45)).tobytes()).hexdigest()
    assert digest == "64244809e0fc0c4863f928b2baf885a79a612d4352bd42522f0e4b0345bab92c"
