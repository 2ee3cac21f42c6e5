"""Anomaly detection: clips become windows of a few frames; training windows come from normal clips only."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mcuref.datasets import checks
from mcuref.datasets.normalisation import default_normalisation
from mcuref.errors import InputError

FRAMES = 5  # of a window, as in MLPerf Tiny
OFFSET = 1  # added to a magnitude before its logarithm: one step of the file's integers, some of which are 0

Side = tuple[NDArray[Any], NDArray[Any]]  # x and y of the training or the test clips


def log_magnitudes(x: NDArray[np.int16]) -> NDArray[np.float32]:
    """ln((x + OFFSET) / 2^14), float32 of x's shape, of magnitudes that are stored as int16 x / 2^14.

    A magnitude below 0 ends as infinite or NaN, which Data refuses.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log((x.astype(np.float64) + OFFSET) / 2**14).astype(np.float32)


def windows(clips: NDArray[Any]) -> NDArray[Any]:
    """All windows of FRAMES frames of clips [N, T, bands]: [N, T - FRAMES + 1, FRAMES, bands], without a copy."""
    return np.moveaxis(sliding_window_view(clips, FRAMES, axis=1), -1, 2)


def fields(name: str, train: Side, test: Side) -> dict[str, Any]:
    """Arguments of Data: windows of the normal training clips, and of all test clips.

    Parameters
    ----------
    name : str, in error sentences.
    train, test : (x [N, T, bands], y [N]: 0 normal, 1 anomaly) of clips.

    Raises
    ------
    InputError : labels that are not 0 or 1, or no normal training clip.
    """
    (x, y), (x_test, y_test) = (_checked(name, *side) for side in ((*train, "y_train"), (*test, "y_test")))
    normal = y == 0
    if not normal.any():
        raise InputError(f"data set {name!r} has no normal training clip (y = 0); at least one is needed")
    count = x.shape[1] - FRAMES + 1  # windows of a clip
    mean, scale = default_normalisation(x[normal])  # of the frames: most of them come five times in the windows
    return {
        "x_train": _flat(windows(x[normal])),
        "y_train": np.zeros(np.count_nonzero(normal) * count, np.int32),
        "x_test": _flat(windows(x_test)),
        "y_test": np.repeat(y_test, count),
        "mean": mean,
        "scale": scale,
        "groups": np.repeat(np.flatnonzero(normal), count),
        "clips_test": np.repeat(np.arange(len(x_test)), count),
        "machines_test": np.zeros(len(x_test), np.int32),
        "x_anomalous": None if normal.all() else windows(x[~normal]),
    }


def _checked(name, x, y, what):
    """x and its labels, as int32 and all of them 0 or 1."""
    y = checks.labels(y, len(x), f"data set {name!r}: {what}")
    checks.labels_below(y, 2, f"data set {name!r}: {what}")
    return checks.samples(x, f"data set {name!r}: x"), y


def _flat(x):
    """[clips, windows, ...] as [clips * windows, ...]."""
    return x.reshape(-1, *x.shape[2:])
