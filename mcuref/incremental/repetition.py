"""Class-incremental learning with repetition: a few classes at a time, and classes come again.

Hemati et al., "Class-incremental learning with repetition", CoLLAs 2023: a stream of experiences, each with a random subset
of the classes, in which every training sample arrives once. Their generator has probabilities of first occurrence and of
repetition as parameters; here every class occurs equally often, and experiences have equally many classes, to within one.
"""

import numpy as np
from numpy.typing import NDArray

from mcuref.kernels.random import REPETITION, permutation

MOST_TASKS = 5  # into which classes are split, if nothing is said
TIMES = 3  # a class comes
EXPERIENCES = 2  # as many as there would be tasks


def experiences(y: NDArray[np.int32], seed: int) -> list[NDArray[np.int64]]:
    """Indices of the samples of each experience, in their order: a list of int64 arrays, none of them empty.

    There are twice as many as tasks of :class:`mcuref.incremental.scenario.Scenario`, or as many as samples are dealt
    out to if those are fewer. Each class is dealt, evenly, to three of them, or to as many as it has samples. Classes are
    taken in a random order, each to the experiences that have fewest classes so far, of those at random.

    Parameters
    ----------
    y : int32[N], classes of the training samples.
    seed : int, of everything that is drawn.
    """
    labels, counts = np.unique(y, return_counts=True)
    most = EXPERIENCES * min(MOST_TASKS, len(labels))
    times = np.minimum(counts, min(TIMES, most))
    number = min(most, int(times.sum()))
    sizes, dealt = np.zeros(number, np.int64), np.zeros(len(y), np.int64)
    for i in permutation(len(labels), seed, REPETITION).tolist():
        order = permutation(number, seed, REPETITION + 1 + 2 * i)
        chosen = order[np.argsort(sizes[order], kind="stable")[: times[i]]]
        sizes[chosen] += 1
        mine = np.flatnonzero(y == labels[i])[permutation(counts[i], seed, REPETITION + 2 + 2 * i)]
        dealt[mine] = np.resize(chosen, len(mine))
    return [np.flatnonzero(dealt == experience) for experience in range(number)]
