import numpy as np
import pytest

from mcuref.datasets import normalisation
from mcuref.datasets.data import Data
from mcuref.datasets.normalisation import default_normalisation


def standardised(x):
    """Plain float64 twin: mean and deviation over everything but the last axis."""
    columns = x.astype(np.float64).reshape(-1, x.shape[-1])
    return columns.mean(axis=0), columns.std(axis=0)


@pytest.mark.parametrize("shape", [(5, 3), (5, 4, 4, 1), (5, 7, 2)])
def test_uint8_becomes_0_to_1(shape):
    mean, scale = default_normalisation(np.full(shape, 255, np.uint8))
    assert (mean.tolist(), scale.tolist()) == ([0], [np.float32(1 / 255)])
    assert mean.dtype == scale.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32])
@pytest.mark.parametrize("shape", [(50, 3), (50, 7, 2), (50, 3, 3, 4)])
def test_anything_else_is_standardised_over_the_last_axis(shape, dtype):
    x = (np.arange(np.prod(shape)).reshape(shape) * 37 % 101 - 20).astype(dtype)
    x[..., 0] += 20  # the columns differ
    mean, scale = default_normalisation(x)
    expected_mean, deviation = standardised(x)
    assert mean.shape == scale.shape == shape[-1:]
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-6)
    np.testing.assert_allclose(scale, 1 / deviation, rtol=1e-6)


def test_statistics_are_float64():
    x = np.full((100_000, 1), 4096, np.float32)
    x[::2] += 0.5  # a float32 sum of these would be off in the mean, and hopeless in the deviation
    mean, scale = default_normalisation(x)
    assert (mean.tolist(), scale.tolist()) == ([4096.25], [4.0])


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32])
@pytest.mark.parametrize("channels", [2, 3, 20, 490])
def test_pieces_have_the_bits_of_the_whole(monkeypatch, channels, dtype):
    x = (50 * np.random.default_rng(channels).normal(size=(3000, channels))).astype(dtype)
    columns = x - x.mean(axis=0, dtype=np.float64)
    monkeypatch.setattr(normalisation, "PIECE", 5000)
    scale = default_normalisation(x)[1]
    assert (scale == (1 / np.sqrt(np.square(columns).mean(axis=0))).astype(np.float32)).all()


def test_a_constant_value_gets_scale_1():
    x = np.full((99_999, 2), 0.1, np.float32)  # many: float32 sums of these would leave a deviation
    x[:, 1] = np.arange(99_999)
    mean, scale = default_normalisation(x)
    assert scale[0] == 1 and mean[0] == np.float32(0.1)
    assert scale[1] != 1


def test_a_deviation_without_inverse_in_float32_gets_scale_1():
    x = np.array([[0], [1e-44]], np.float32)
    assert default_normalisation(x)[1].tolist() == [1]


def test_only_the_training_set_counts(arrays):
    usual = Data(**arrays)
    other = Data(**(arrays | dict(x_test=arrays["x_test"] + 1000)))
    assert usual.mean.tolist() == other.mean.tolist() and usual.scale.tolist() == other.scale.tolist()
