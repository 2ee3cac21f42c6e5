"""Noise in keyword recordings of which only the int8 MFCC are known (MLPerf Tiny's: 40 mel bands, 10 coefficients).

The inverse of the truncated DCT gives a smooth log-mel spectrum L (natural logarithm of magnitudes). Noise of energy E
makes ln sqrt(exp(2 L) + E) of it, which is L + g(ln E - 2 L) with g(d) = ln(1 + exp(d)) / 2, and the DCT of the added
g's is what the coefficients change by. All of it is computed in fixed point: no value of the result depends on a
machine's exp or log, or on an order of sums, since sums of integers in float64 are exact.
"""

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets.semantics import SCALE, ZERO_POINT
from mcuref.kernels.random import philox

BANDS, COEFFICIENTS = 40, 10
# ln of the mean noise energy, the same in all bands: 5.7 dB. The mean energy of half of the words in the test set of
# Speech Commands is 11.7 to 14.9 dB, of nine in ten 9.3 to 17.5 dB.
LEVEL = 1.3125
UNIT = 64  # L and ln E are in units of 1/64
FINE = 1 << 10  # g is in units of 2^-10
LOWEST, HIGHEST = -16 * UNIT, 64 * UNIT  # of d; g(-16) is 0 in its unit
CHUNK = 512  # clips at a time


def _tables():
    """(to_log [10, 40] in units of 2^-16, energy [256] in 1/64, added in 2^-10, to_mfcc [40, 10] in 2^-14), integers.

    They are float64, so that matrix products of them are fast; energy and added are indexed.
    """
    k, band = np.arange(COEFFICIENTS)[:, None], np.arange(BANDS)
    dct = np.sqrt(2 / BANDS) * np.cos(np.pi * k * (2 * band + 1) / (2 * BANDS))  # tf.signal.mfccs_from_log_mel_...
    inverse = np.where(k == 0, 0.5, 1) * dct
    quantile = (np.arange(256) + 0.5) / 256
    energy = LEVEL + np.log(-np.log(1 - quantile))  # of Gaussian noise in a band: exponentially distributed
    added = np.log1p(np.exp(np.arange(LOWEST, HIGHEST + 1) / UNIT)) / 2
    return (
        np.rint(inverse * SCALE * UNIT * (1 << 10)),
        np.rint(energy * UNIT),
        np.rint(added * FINE),
        np.rint(dct.T / SCALE * (1 << 14)),
    )


TO_LOG, ENERGY, ADDED, TO_MFCC = _tables()


def add_noise(x: NDArray[np.int8], stream: int, first: int = 0, part: float = 1) -> NDArray[np.int8]:
    """MFCC int8 [N, T, 10], quantised as MLPerf Tiny's, of the same clips with noise.

    The noise of clip i depends on first + i and the stream (of mcuref.kernels.random) alone: one number serves four bands.

    Parameters
    ----------
    first : int, number of the first clip.
    part : float in ]0, 1], of the noise's energy.
    """
    numbers, quieter = x.shape[1] * BANDS // 4, np.rint(np.log(part) * UNIT)
    result = np.empty_like(x)
    for begin in range(0, len(x), CHUNK):
        clips = x[begin : begin + CHUNK]
        drawn = philox(0, stream, len(clips) * numbers, (first + begin) * numbers)
        energy = ENERGY[drawn.astype("<u4").view(np.uint8)].reshape(*clips.shape[:2], BANDS)
        result[begin : begin + CHUNK] = with_energy(clips, energy + quieter)
    return result


def with_energy(x: NDArray[np.int8], energy: NDArray[np.float64]) -> NDArray[np.int8]:
    """MFCC int8 [N, T, 10] after adding noise of ln energy [N, T, 40] (units of 1/64, integers in float64)."""
    log_mel = np.floor((x.astype(np.float64) - ZERO_POINT) @ TO_LOG / (1 << 10))
    d = np.clip(energy - 2 * log_mel, LOWEST, HIGHEST)
    change = ADDED[(d - LOWEST).astype(np.int32)] @ TO_MFCC / (FINE << 14)
    return np.clip(np.floor(x + change + 0.5), -128, 127).astype(np.int8)
