"""Whether anything was learned: results that are no better than an answer which takes no learning."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import REMEDY

CHANCE = 0.5  # the AUC of any order that knows nothing
FEWEST = 30  # samples, below which a score says nothing of this kind: of a dozen, chance alone gets as many right


def nothing_learned(scores: Mapping[str, float], metric: str, parts: Sequence[Sequence[NDArray[Any]]]) -> list[str]:
    """A warning that names whose score is no better than an answer which takes no learning: a list of at most one sentence.

    Parameters
    ----------
    scores : {name: float}, means over seeds.
    metric : "accuracy", "auc", or another, of which no such answer is known.
    parts : list of lists of labels that were to be told: of each seed those of each part over whose accuracies it is a mean.
    """
    if metric == "accuracy":
        best = float(np.mean([_constant_accuracy(labels) for labels in parts]))
        answer = f"always answering the most common class ({100 * best:.2f} %)"
    else:
        best, answer = CHANCE, f"chance (an AUC of {CHANCE})"
    failed = [name for name, score in scores.items() if score <= best]
    few = min(sum(map(len, labels)) for labels in parts) < FEWEST
    if not failed or few or best == 1 or metric not in ("accuracy", "auc"):  # 1: there is one class, and nothing to tell
        return []
    return [f"{', '.join(failed)}: no better than {answer}: nothing was learned; train longer, {REMEDY}"]


def _constant_accuracy(parts):
    """The best accuracy, as a mean over parts, of naming one class for every sample."""
    classes = 1 + max(int(labels.max()) for labels in parts)
    return float(np.mean([np.bincount(labels, minlength=classes) / len(labels) for labels in parts], axis=0).max())
