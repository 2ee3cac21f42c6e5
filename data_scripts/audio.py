"""Sound to features: .wav files, short-time spectra, mel bands as TensorFlow and as librosa define them, the DCT."""

import io
import wave

import numpy as np
from common import InputError
from numpy.lib.stride_tricks import sliding_window_view


def read_wav(content, rate, name):
    """The samples, int16 [n], of a .wav file (bytes) that must be PCM, mono, 16 bits, rate Hz.

    Raises
    ------
    InputError : it is damaged, cut off, empty or of another format; name is for the sentence.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            found = file.getnchannels(), 8 * file.getsampwidth(), file.getframerate()
            count = file.getnframes()
            data = file.readframes(count)
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk that ends beyond the file
        raise InputError(f"{name} is not a PCM .wav file: {str(error) or 'it is cut off'}") from None
    if found != (1, 16, rate):
        channels, bits, its_rate = found
        raise InputError(
            f"{name} has {channels} channel(s) of {bits} bits at {its_rate} Hz; 1 of 16 bits at {rate} Hz is needed"
        )
    if count == 0 or len(data) != 2 * count:
        raise InputError(f"{name} holds {len(data) // 2} of the {count} samples that it announces")
    return np.frombuffer(data, "<i2").astype(np.int16)


def spectrum(signal, length, step, fft):
    """Magnitudes, float64 [frames, fft // 2 + 1], of frames of `length` samples, `step` samples apart.

    Only frames that lie wholly within the signal [n >= length]; the window is Hann's, of period `length`, as both
    tf.signal.stft and librosa.stft take it by default; zeros follow each frame up to fft samples.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return np.abs(np.fft.rfft(sliding_window_view(signal, length)[::step] * window, fft))


def _triangles(positions, edges):
    """Weights [positions, triangles]: triangle i is 0 at edges[i], 1 at edges[i + 1], and 0 again at edges[i + 2]."""
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rise = (positions[:, np.newaxis] - left) / (centre - left)
    fall = (right - positions[:, np.newaxis]) / (right - centre)
    return np.maximum(0, np.minimum(rise, fall))


def mel_tensorflow(bands, low, high, rate, fft):
    """Weights [fft // 2 + 1, bands] of tf.signal.linear_to_mel_weight_matrix, for low > 0: triangles over mel.

    mel = 1127 ln(1 + Hz / 700) (HTK); low and high in Hz are the ends of the first and the last triangle.
    """

    def mel(hertz):
        return 1127 * np.log1p(hertz / 700)

    return _triangles(mel(np.linspace(0, rate / 2, fft // 2 + 1)), np.linspace(mel(low), mel(high), bands + 2))


def mel_librosa(bands, rate, fft):
    """Weights [fft // 2 + 1, bands] of librosa.filters.mel by default, 0 Hz to rate / 2: triangles over Hz, area 1.

    Hz of mel m (Slaney, Auditory Toolbox): 200 m / 3 up to m = 15, 1000 Hz; 1000 * 6.4^((m - 15) / 27) above.
    """
    top = 15 + 27 * np.log(rate / 2 / 1000) / np.log(6.4)
    mel = np.linspace(0, top, bands + 2)
    edges = np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))
    return _triangles(np.linspace(0, rate / 2, fft // 2 + 1), edges) * (2 / (edges[2:] - edges[:-2]))


def dct(bands, count):
    """The first `count` rows of the DCT, [count, bands], as tf.signal.mfccs_from_log_mel_spectrograms scales it.

    2 cos(pi k (2 n + 1) / (2 bands)) / sqrt(2 bands): orthonormal rows, but for k = 0, whose length is sqrt(2).
    """
    k, n = np.ogrid[:count, :bands]
    return np.sqrt(2 / bands) * np.cos(np.pi * k * (2 * n + 1) / (2 * bands))
