import math
import struct

import audio
import common
import numpy as np
import pytest

from .conftest import wav

RATE = 16000


def tone(hertz, count, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(count) / RATE)


def test_samples_come_back():
    samples = np.array([0, 1, -1, 32767, -32768, 256], np.int16)
    found = audio.read_wav(wav(samples), RATE, "a.wav")
    assert found.dtype == np.int16 and found.tolist() == samples.tolist()


@pytest.mark.parametrize(
    "content, fragment",
    [
        (wav([1, 2], channels=2), "2 channel(s) of 16 bits at 16000 Hz"),
        (wav([1, 2], width=1), "1 channel(s) of 8 bits"),
        (wav([1, 2], width=4), "1 channel(s) of 32 bits"),
        (wav([1, 2], rate=8000), "at 8000 Hz; 1 of 16 bits at 16000 Hz is needed"),
        (wav([]), "holds 0 of the 0 samples"),
        (wav([1, 2, 3])[:-2], "holds 2 of the 3 samples"),
        (wav([1, 2, 3])[:30], "not a PCM .wav file: it is cut off"),
        (b"", "not a PCM .wav file: it is cut off"),
        (b"ID3 this is an mp3", "not a PCM .wav file: file does not start with RIFF id"),
        (wav([1])[:20] + struct.pack("<H", 3) + wav([1])[22:], "not a PCM .wav file: unknown format: 3"),
    ],
)
def test_other_files_are_refused(content, fragment):
    with pytest.raises(common.InputError) as caught:
        audio.read_wav(content, RATE, "a.wav")
    assert fragment in str(caught.value) and str(caught.value).startswith("a.wav ")


def test_no_damage_to_a_header_surfaces_as_another_error():
    whole = wav(np.arange(20))
    for position in range(44):
        for value in (0, 1, 127, 255):
            try:
                audio.read_wav(whole[:position] + bytes([value]) + whole[position + 1 :], RATE, "a.wav")
            except common.InputError:
                pass


def test_spectrum_of_a_tone():
    found = audio.spectrum(tone(1000, 2000, amplitude=0.5), 480, 320, 512)
    assert found.shape == ((2000 - 480) // 320 + 1, 257)
    assert set(found.argmax(axis=1)) == {1000 * 512 // RATE}
    # A sine of amplitude a under a window of sum s has the magnitude a s / 2 at its frequency; Hann's sum is n / 2.
    assert np.allclose(found.max(axis=1), 0.5 * 240 / 2, rtol=1e-3)


def test_spectrum_against_the_definition():
    signal = np.random.default_rng(0).normal(size=40)
    found = audio.spectrum(signal, 12, 7, 16)
    for t in range(5):
        for k in range(9):
            terms = (
                signal[7 * t + n] * (0.5 - 0.5 * math.cos(2 * math.pi * n / 12)) * np.exp(-2j * np.pi * k * n / 16)
                for n in range(12)
            )
            assert found[t, k] == pytest.approx(abs(sum(terms)), abs=1e-12)
    assert found.shape == (5, 9)


def test_energy_scales_with_the_square():
    signal = np.random.default_rng(1).normal(size=2048)
    energy = audio.spectrum(signal, 1024, 512, 1024) ** 2 @ audio.mel_librosa(128, RATE, 1024)
    louder = audio.spectrum(3 * signal, 1024, 512, 1024) ** 2 @ audio.mel_librosa(128, RATE, 1024)
    assert np.allclose(louder, 9 * energy, rtol=1e-12)


def straightforward_tensorflow(bands, low, high, bins):
    """One weight at a time, after the documentation of tf.signal.linear_to_mel_weight_matrix."""
    lowest, highest = (1127 * math.log(1 + hertz / 700) for hertz in (low, high))
    weights = np.zeros((bins, bands))
    for band in range(bands):
        left, centre, right = (lowest + (band + i) * (highest - lowest) / (bands + 1) for i in range(3))
        for k in range(1, bins):  # the constant part is left out
            mel = 1127 * math.log(1 + k * RATE / 2 / (bins - 1) / 700)
            if left < mel <= centre:
                weights[k, band] = (mel - left) / (centre - left)
            elif centre < mel < right:
                weights[k, band] = (right - mel) / (right - centre)
    return weights


def slaney(hertz):
    return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def slaney_inverse(mel):
    """Hz of a mel by bisection."""
    low, high = 0.0, RATE
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slaney(middle) < mel else (low, middle)
    return low


def straightforward_librosa(bands, bins):
    """One weight at a time, after the documentation of librosa.filters.mel."""
    edges = [slaney_inverse(i * slaney(RATE / 2) / (bands + 1)) for i in range(bands + 2)]
    weights = np.zeros((bins, bands))
    for band in range(bands):
        left, centre, right = edges[band : band + 3]
        for k in range(bins):
            hertz = k * RATE / 2 / (bins - 1)
            if left < hertz < right:
                height = (hertz - left) / (centre - left) if hertz <= centre else (right - hertz) / (right - centre)
                weights[k, band] = height * 2 / (right - left)
    return weights


def test_mel_matrices_against_straightforward_ones():
    ours = audio.mel_tensorflow(40, 20, 4000, RATE, 512)
    assert np.allclose(ours, straightforward_tensorflow(40, 20, 4000, 257), atol=1e-9)
    assert np.allclose(audio.mel_librosa(128, RATE, 1024), straightforward_librosa(128, 513), atol=1e-9)


def test_known_values_of_librosa():
    """librosa.filters.mel(sr=16000, n_fft=1024, n_mels=128)[band, k] of version 0.11."""
    weights = audio.mel_librosa(128, RATE, 1024)
    known = {(0, 1): 0.02857778, (20, 31): 0.03058015, (60, 100): 0.01946174, (100, 261): 0.00960148, (127, 501): 0.00478792}
    for (band, k), value in known.items():
        assert weights[k, band] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("hertz", [100, 440, 1000, 1850, 3500])
def test_a_tone_lands_in_its_mel_band(hertz):
    low, high = (1127 * math.log(1 + end / 700) for end in (20, 4000))
    place = (1127 * math.log(1 + hertz / 700) - low) / (high - low) * 41 - 1  # of the 40 centres at 0, 1, ...
    bands = audio.spectrum(tone(hertz, 480), 480, 320, 512) @ audio.mel_tensorflow(40, 20, 4000, RATE, 512)
    assert abs(bands.argmax() - place) <= 1


def test_nothing_above_the_highest_band():
    bands = audio.spectrum(tone(6000, 4800), 480, 320, 512) @ audio.mel_tensorflow(40, 20, 4000, RATE, 512)
    assert bands.max() < 1e-2 < 1 < audio.spectrum(tone(6000, 4800), 480, 320, 512).max()


def test_dct_is_orthonormal_but_for_its_first_row():
    rows = audio.dct(40, 40)
    expected = np.eye(40)
    expected[0, 0] = 2
    assert np.allclose(rows @ rows.T, expected, atol=1e-12)
    assert np.array_equal(audio.dct(40, 10), rows[:10])
    assert np.allclose(rows @ np.ones(40), [2 * 40 / math.sqrt(80), *[0] * 39], atol=1e-12)
