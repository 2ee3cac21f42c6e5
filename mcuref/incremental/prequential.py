"""Figures of a stream that is first predicted, then learned, portion by portion: test-then-train.

Gama et al., "On evaluating stream learning algorithms", Machine Learning 90, 2013. The window over which accuracy is taken
is a portion: a model does not change within one. Letters: P portions. A portion that was not predicted, as the first one is
not, since no class is known yet, has None.
"""

from collections.abc import Sequence
from typing import Any

TOLERANCE = 0.02  # below the accuracy before a change
BEFORE = 3  # portions over which that is taken, at most


def prequential_accuracy(accuracies: Sequence[float | None], counts: Sequence[int]) -> float:
    """Accuracy over all samples that were predicted, a fraction; 0.0 if there are none.

    Parameters
    ----------
    accuracies : [P], of each portion before it was learned, or None.
    counts : int[P], samples of each portion.
    """
    known = [(accuracy, count) for accuracy, count in zip(accuracies, counts) if accuracy is not None]
    return sum(accuracy * count for accuracy, count in known) / max(1, sum(count for _, count in known))


def reactions(accuracies: Sequence[float | None], counts: Sequence[int], begins: Sequence[int]) -> list[dict[str, Any]]:
    """What became of the accuracy at each change, up to the next one: a list of dict, a change each.

    Parameters
    ----------
    accuracies, counts : as of :func:`prequential_accuracy`; every portion but the first was predicted.
    begins : portions in which a change begins, increasing; before each of them, up to an earlier one, one was predicted.

    Returns
    -------
    sample : int, number of the first sample of the change in the stream.
    before : float, accuracy over the last portions before it, `BEFORE` of them or as many as there are.
    lowest : float, the lowest accuracy of a portion from there on.
    drop : float, before - lowest.
    recovery : int, samples that arrived after the change began and before the first portion, from the lowest one on, whose
        accuracy is at most `TOLERANCE` below before; 0 if none fell further; None if there is no such portion.
    """
    rows = []
    for start, begin, end in zip([0, *begins], begins, [*begins[1:], len(accuracies)]):
        earlier = slice(max(start, begin - BEFORE), begin)
        before = prequential_accuracy(accuracies[earlier], counts[earlier])
        after = [float(accuracy or 0) for accuracy in accuracies[begin:end]]
        rows.append(
            {
                "sample": sum(counts[:begin]),
                "before": before,
                "lowest": min(after),
                "drop": before - min(after),
                "recovery": _recovery(after, counts[begin:end], before - TOLERANCE),
            }
        )
    return rows


def _recovery(accuracies, counts, level):
    """Samples before the first portion, from the lowest one on, that reaches a level; 0 if all do, None if none does."""
    if min(accuracies) >= level:
        return 0
    lowest = accuracies.index(min(accuracies))
    back = next((i for i in range(lowest, len(accuracies)) if accuracies[i] >= level), None)
    return None if back is None else sum(counts[:back])
