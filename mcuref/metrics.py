"""How well anomalies are detected: the area under the ROC curve, its part at few false alarms, and clip by clip; and
how far a figure is spread over seeds.

As in DCASE 2020 task 2 and MLPerf Tiny: the score of a clip is the mean reconstruction error of its windows, each
machine has a threshold of its own, so areas are computed machine by machine and then averaged.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets.data import Data
from mcuref.errors import InputError

Numbers = NDArray[Any] | Sequence[float]


def deviation(values: Numbers) -> float:
    """Standard deviation over seeds, as estimated from these figures (with n - 1); 0 of a single one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def auc(scores: Numbers, labels: Numbers) -> float:
    """Probability that an anomaly has a higher score than a normal sample, ties count half.

    Parameters
    ----------
    scores : [n], finite numbers, higher for anomalies.
    labels : [n], 0 normal, 1 anomaly; both must occur.
    """
    normal, anomalous = _counts(scores, labels)
    below = np.cumsum(normal) - normal
    return float(np.sum(anomalous * (2 * below + normal)) / (2 * normal.sum() * anomalous.sum()))


def partial_auc(scores: Numbers, labels: Numbers, max_fpr: float = 0.1) -> float:
    """Area under the ROC curve up to a false positive rate, standardised (McClish 1989).

    0.5 is chance and 1 is perfect, as in scikit-learn's roc_auc_score(max_fpr=). scores and labels as in `auc`;
    0 < max_fpr <= 1.
    """
    if not 0 < max_fpr <= 1:
        raise InputError(f"max_fpr is {max_fpr!r}; more than 0 and at most 1 is needed")
    normal, anomalous = _counts(scores, labels)
    false = np.concatenate([[0], np.cumsum(normal[::-1])]) / normal.sum()  # rates, from the highest score down
    true = np.concatenate([[0], np.cumsum(anomalous[::-1])]) / anomalous.sum()
    end = np.searchsorted(false, max_fpr, side="right")
    if end < len(false):
        last = np.interp(max_fpr, false[end - 1 : end + 1], true[end - 1 : end + 1])
        false, true = np.append(false[:end], max_fpr), np.append(true[:end], last)
    area = np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2)
    chance = max_fpr**2 / 2
    return float(0.5 * (1 + (area - chance) / (max_fpr - chance)))


def clip_scores(errors: Numbers, clips: Numbers) -> NDArray[np.float64]:
    """Mean error of each clip, float64[K].

    Parameters
    ----------
    errors : [M], finite numbers, one a window.
    clips : [M], clip of each window, integers 0..K-1, all of which occur.
    """
    errors, clips = _finite(errors, "errors"), np.asarray(clips)
    if clips.shape != errors.shape or clips.dtype.kind not in "iu":
        raise InputError(
            f"clips has shape {clips.shape} and dtype {clips.dtype}; one integer an error, {errors.shape}, is needed"
        )
    if clips.min() < 0:
        raise InputError(f"clips has {clips.min()}; clips are numbered from 0")
    windows = np.bincount(clips)
    if not windows.all():
        raise InputError(f"clips has no window of clip {np.argmin(windows)}; every clip needs one")
    return np.bincount(clips, errors) / windows


def anomaly_scores(errors: Numbers, data: Data) -> dict[str, Any]:
    """How well reconstruction errors tell the anomalous test clips of a data set.

    Parameters
    ----------
    errors : [M], the reconstruction error of each window of data.x_test.
    data : Data of kind "anomaly".

    Returns
    -------
    {"auc", "pauc": means over the machines, "machines": a list of {"machine", "auc", "pauc"}}; pauc is up to a false
    positive rate of 0.1.
    """
    if not isinstance(data, Data) or data.clips_test is None or data.machines_test is None:
        raise InputError(f"data {getattr(data, 'name', data)!r} is not a data set of kind 'anomaly'")
    scores = clip_scores(errors, data.clips_test)
    labels = np.empty(len(scores), np.int32)
    labels[data.clips_test] = data.y_test
    rows = []
    for machine in np.unique(data.machines_test).tolist():
        own = data.machines_test == machine
        if len(set(labels[own].tolist())) < 2:
            raise InputError(f"data set {data.name!r} has test clips of one class only for machine {machine}")
        of_machine = scores[own], labels[own]
        rows.append({"machine": machine, "auc": auc(*of_machine), "pauc": partial_auc(*of_machine)})
    means = {name: float(np.mean([row[name] for row in rows])) for name in ("auc", "pauc")}
    return {**means, "machines": rows}


def _counts(scores, labels):
    """For each distinct score, ascending, the number of normal and of anomalous samples, int64 each."""
    scores, labels = _finite(scores, "scores"), np.asarray(labels)
    if labels.shape != scores.shape or labels.dtype.kind not in "biu" or not np.isin(labels, (0, 1)).all():
        raise InputError(
            f"labels has shape {labels.shape} and dtype {labels.dtype}; 0 or 1 for each score, shape {scores.shape}, "
            "is needed"
        )
    if labels.min() == labels.max():
        raise InputError(f"labels has {labels[0]} only; normal (0) and anomalous (1) samples are needed")
    distinct, position = np.unique(scores, return_inverse=True)
    all_of, anomalous = np.bincount(position), np.bincount(position[labels == 1], minlength=len(distinct))
    return all_of - anomalous, anomalous


def _finite(values, name):
    """values as float64[n], n > 0, all finite."""
    values = np.asarray(values)
    if values.ndim != 1 or not values.size or values.dtype.kind not in "iuf":
        raise InputError(f"{name} has shape {values.shape} and dtype {values.dtype}; a list of numbers is needed")
    wrong = ~np.isfinite(values)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(f"{name} has {values[first]} at position {first}; finite numbers are needed")
    return values.astype(np.float64)
