"""How well tasks are learned one after another: figures of the accuracy matrix.

R is the accuracy matrix, [T, T]: R[i, j] is the accuracy on the test samples of task j after learning task i, a
fraction. What lies right of the diagonal (j > i) was not learned yet.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mcuref.errors import InputError


def average_accuracy(R: ArrayLike) -> float:
    """Mean over all tasks after the last one, mean_j R[T-1, j]; a float. (Chaudhry et al. 2018.)

    InputError unless R is an accuracy matrix.
    """
    return float(_matrix(R)[-1].mean())


def accuracies_so_far(R: ArrayLike) -> NDArray[np.float64]:
    """After each task the mean over the tasks learned so far, mean_{j <= i} R[i, j]; float64[T].

    InputError unless R is an accuracy matrix.
    """
    matrix = _matrix(R)
    return np.array([row[: i + 1].mean() for i, row in enumerate(matrix)])


def average_incremental_accuracy(R: ArrayLike) -> float:
    """Mean over i of `accuracies_so_far`; a float. (Rebuffi et al. 2017.)

    InputError unless R is an accuracy matrix.
    """
    return float(accuracies_so_far(R).mean())


def forgetting(R: ArrayLike) -> float:
    """How far tasks fell from their best, mean over j < T-1 of max_{j <= i < T-1} R[i, j] - R[T-1, j]; a float.

    Chaudhry et al. 2018. Below 0 if tasks ended better than they ever were; 0.0 for one task. InputError unless R is
    an accuracy matrix.
    """
    matrix = _matrix(R)
    last = len(matrix) - 1
    return _mean([matrix[j:last, j].max() - matrix[last, j] for j in range(last)])


def backward_transfer(R: ArrayLike) -> float:
    """What later tasks did to earlier ones, mean over j < T-1 of R[T-1, j] - R[j, j]; a float.

    Lopez-Paz & Ranzato 2017. 0.0 for one task. InputError unless R is an accuracy matrix.
    """
    matrix = _matrix(R)
    return _mean((matrix[-1] - np.diag(matrix))[:-1])


def forward_transfer(R: ArrayLike, untrained: ArrayLike) -> float:
    """What earlier tasks did for later ones, mean over j >= 1 of R[j-1, j] - untrained[j]; a float.

    Lopez-Paz & Ranzato 2017. 0.0 for one task.

    Parameters
    ----------
    R : accuracy matrix, [T, T].
    untrained : [T], accuracy of the network that learning started from on each task, fractions.

    Raises
    ------
    InputError : R is no accuracy matrix, or untrained not one accuracy a task.
    """
    matrix, start = _matrix(R), _fractions(untrained, "untrained")
    if start.shape != matrix.shape[:1]:
        raise InputError(f"untrained has shape {start.shape}; one accuracy a task, {matrix.shape[:1]}, is needed")
    return _mean(np.diag(matrix, 1) - start[1:])


def matrix_metrics(R: ArrayLike, untrained: ArrayLike) -> dict[str, float]:
    """All figures of an accuracy matrix: {name of the function: float}; R and untrained as in `forward_transfer`."""
    of_matrix = (average_accuracy, average_incremental_accuracy, forgetting, backward_transfer)
    figures = {function.__name__: function(R) for function in of_matrix}
    return figures | {"forward_transfer": forward_transfer(R, untrained)}


def _mean(differences):
    """Their mean; 0.0 if there are none."""
    return float(np.mean(differences)) if len(differences) else 0.0


def _matrix(R):
    """R as float64[T, T], T > 0, all in 0..1."""
    matrix = _fractions(R, "the accuracy matrix")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"the accuracy matrix has shape {matrix.shape}; as many rows as columns are needed")
    return matrix


def _fractions(values, name):
    """values as float64, not empty, all in 0..1."""
    try:
        values = np.asarray(values)
    except ValueError:  # rows of different lengths
        raise InputError(f"{name} has rows of different lengths; one accuracy for each task is needed") from None
    if not values.ndim or not values.size or values.dtype.kind not in "iuf":
        raise InputError(f"{name} has shape {values.shape} and dtype {values.dtype}; accuracies are needed")
    wrong = ~((values >= 0) & (values <= 1))  # NaN too
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(f"{name} has {values[first]} at {', '.join(map(str, first))}; fractions 0..1 are needed")
    return values.astype(np.float64)
