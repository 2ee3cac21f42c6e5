"""Doubts about data that can be used, but is probably not what was meant: a sentence each, None where there is none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_LABELS = 5  # that a sentence names
SHORTEST_WAVEFORM = 256  # values
FEW = 64  # samples whose neighbouring values are compared


def empty_classes(y: NDArray[np.int32]) -> str | None:
    """The sentence about classes below the largest label of y, int32[N], that have no sample.

    Labels that do not start from 0, or leave gaps, train classes that nothing ever shows.
    """
    empty = np.flatnonzero(np.bincount(y) == 0)
    if not empty.size:
        return None
    shown = ", ".join(map(str, empty[:MOST_LABELS])) + (", ..." if empty.size > MOST_LABELS else "")
    return (
        f"no training sample has label {shown}; labels run from 0, so it is trained as {y.max() + 1} classes, "
        f"{empty.size} of them without samples (class_names, if given, say that this is meant)"
    )


def waveform(x: NDArray[Any], mean: NDArray[np.float32], scale: NDArray[np.float32]) -> str | None:
    """The sentence about x, [N, *S], whose last axis is time: the default normalisation then has a mean and scale a step.

    That is so of int16 samples if the last axis has at least SHORTEST_WAVEFORM values, nine in ten of which swing about 0
    (their means are at most a tenth of their deviations, and what N samples leave to chance), and if neighbours are much
    alike (correlation above 0.5). Features differ in their means. Standardised ones do not, so only int16, as converters
    give it, is looked at.

    Parameters
    ----------
    mean, scale : those of the default normalisation.
    """
    steps = x.shape[-1]
    if x.dtype != np.int16 or steps < SHORTEST_WAVEFORM or len(mean) != steps:
        return None
    if np.quantile(np.abs(mean) * scale, 0.9) > 0.1 + 2 * len(x) ** -0.5:
        return None
    some = x[:FEW].reshape(-1, steps).astype(np.float64)
    if np.mean(some[:, 1:] * some[:, :-1]) <= 0.5 * np.mean(some * some):
        return None
    return (
        f"samples of shape {x.shape[1:]} look like waveforms and are normalised value by value; give them a channel axis, "
        "x[..., None], so that one mean and scale hold for every moment, or give mean and scale"
    )
