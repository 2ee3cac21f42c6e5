import hashlib

import numpy as np
import pytest

from mcuref.datasets import noise
from mcuref.datasets.noise import BANDS, LEVEL, UNIT, add_noise, with_energy
from mcuref.datasets.semantics import SCALE, ZERO_POINT

SILENT = -1e6  # ln of an energy, in 1/64, that changes nothing


def clips(count=6):
    """MFCC that look like words: a falling spectrum that comes and goes."""
    time = np.sin(np.arange(49) / 49 * np.pi)[None, :, None]
    pattern = np.arange(count * 10).reshape(count, 1, 10) * 37 % 11 - 5
    values = -25 + 60 * time * (np.arange(10) == 0) + pattern * (1 + 2 * time) / (1 + np.arange(10))
    values = np.where(np.arange(10) == 0, values, values + 25)
    return np.clip(np.rint(values / SCALE) + ZERO_POINT, -128, 127).astype(np.int8)


def dct():
    """The matrix of tf.signal.mfccs_from_log_mel_spectrograms, [10, 40]: DCT-II times rsqrt(2 * 40)."""
    k, n = np.mgrid[0:10, 0:BANDS]
    return 2 * np.cos(np.pi * k * (2 * n + 1) / (2 * BANDS)) / np.sqrt(2 * BANDS)


def slow(x, energy):
    """The same in float64, with exp and log and without fixed point; not rounded."""
    matrix = dct()
    weight = np.where(np.arange(10) == 0, 0.5, 1)  # row 0 has norm sqrt(2)
    log_mel = ((x.astype(float) - ZERO_POINT) * SCALE * weight) @ matrix
    noisy = np.log(np.sqrt(np.exp(2 * log_mel) + np.exp(energy / UNIT)))
    return x + (noisy - log_mel) @ matrix.T / SCALE


def test_without_noise_nothing_changes():
    every = np.arange(-128, 128).repeat(49 * 10).reshape(256, 49, 10).astype(np.int8)
    for x in (clips(), every):
        assert (with_energy(x, np.full((*x.shape[:2], BANDS), SILENT)) == x).all()


def test_against_a_slow_twin():
    x = clips()
    energy = np.round(np.sin(np.arange(6 * 49 * BANDS)) * 300).reshape(6, 49, BANDS)
    found = with_energy(x, energy).astype(float)
    expected = np.clip(slow(x, energy), -128, 127)
    assert np.abs(found - expected).max() < 0.6  # half a step of rounding, and the fixed point


def test_much_noise_is_all_that_is_heard():
    x = clips()
    found = with_energy(x, np.full((*x.shape[:2], BANDS), 20.0 * UNIT))
    level = 10 * dct()[0].sum() / SCALE + ZERO_POINT  # ln of a magnitude is half of ln of an energy
    assert np.abs(found[..., 0] - min(level, 127)).max() <= 1
    assert np.abs(found[..., 1:] - ZERO_POINT).max() <= 1


def test_nothing_wraps_around():
    loud = np.full((2, 49, 10), 127, np.int8)
    found = with_energy(loud, np.full((2, 49, BANDS), 60.0 * UNIT))
    assert (found[..., 0] == 127).all()


def test_energy_is_distributed_as_that_of_gaussian_noise():
    energy = np.exp(noise.ENERGY / UNIT - LEVEL)
    assert abs(energy.mean() - 1) < 0.01 and abs(np.median(energy) - np.log(2)) < 0.01
    assert abs(energy.std() - 1) < 0.03


def test_no_entry_of_a_table_depends_on_the_last_bits_of_a_machine(monkeypatch):
    monkeypatch.setattr(np, "rint", lambda values: values)
    for exact in noise._tables():
        distance = np.abs(exact - np.floor(exact) - 0.5)
        assert distance.min() > 1e-12 * np.abs(exact).max()  # thousands of times what exp, log and cos may be off by


def test_the_noise_of_a_clip_depends_on_its_index_and_the_stream_alone(monkeypatch):
    x = clips(20)
    whole = add_noise(x, 5)
    assert whole.dtype == np.int8 and whole.shape == x.shape
    assert (add_noise(x, 5) == whole).all() and (add_noise(x, 6) != whole).any()
    assert (add_noise(x[5:], 5, first=5) == whole[5:]).all()
    assert (add_noise(x[:7], 5) == whole[:7]).all()
    same = add_noise(np.repeat(x[:1], 3, axis=0), 5)
    assert (same[0] != same[1]).any() and (same[1] != same[2]).any()
    monkeypatch.setattr("mcuref.datasets.noise.CHUNK", 3)
    assert (add_noise(x, 5) == whole).all()


def test_the_same_bytes_on_every_machine():
    digest = hashlib.sha256(add_noise(clips(), 1).tobytes()).hexdigest()
    assert digest == "1f034764f069c7eacdb27274a9d5fae1be6ae36f7bee9fe417090ca38a756b49"


@pytest.mark.parametrize("name", ["speech_commands_mfcc49x10", "speech_commands_kws12"])
def test_signal_to_noise_ratio_of_real_words(loaded, name):
    data = loaded(name)
    words = data.x_test[data.y_test < 10].astype(float)
    log_mel = ((words - ZERO_POINT) * SCALE * np.where(np.arange(10) == 0, 0.5, 1)) @ dct()
    ratio = 10 * np.log10(np.exp(2 * log_mel).mean(axis=(1, 2)) / np.exp(LEVEL))
    lower, median, upper = np.percentile(ratio, [25, 50, 75])
    assert 5 < lower < median < upper < 10
