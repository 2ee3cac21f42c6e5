"""Exemplars chosen from all samples of a class at once: baselines, which need raw data in memory, as no device has it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def herding(features: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Indices int64[count]: each next sample brings the mean of the chosen nearest to the mean of all; nested.

    features [N, D], count <= N; ties go to the lowest index; float64; N D multiply-accumulates for each that is chosen.
    Source: Rebuffi et al., "iCaRL", CVPR 2017.
    """
    features = np.asarray(features, np.float64)
    mean, total, chosen = features.mean(axis=0), np.zeros(features.shape[1]), []
    free = np.ones(len(features), bool)
    for m in range(count):
        distance = np.square(mean - (total + features) / (m + 1)).sum(axis=1)
        best = int(np.argmin(np.where(free, distance, np.inf)))
        chosen.append(best)
        free[best] = False
        total += features[best]
    return np.array(chosen, np.int64)


def k_center(features: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Indices int64[count]: first the sample nearest to the mean, then always the one farthest from all chosen ones.

    features [N, D], count <= N; ties go to the lowest index; float64; N D multiply-accumulates for each that is chosen.
    Source: Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
    """
    features = np.asarray(features, np.float64)
    chosen = [int(np.argmin(np.square(features - features.mean(axis=0)).sum(axis=1)))]
    nearest = np.full(len(features), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.square(features - features[chosen[-1]]).sum(axis=1))
        nearest[chosen[-1]] = -1.0  # equal samples: none is chosen twice
        chosen.append(int(np.argmax(nearest)))
    return np.array(chosen, np.int64)
