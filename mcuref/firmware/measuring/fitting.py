"""Coefficients of a formula, from observations: least squares on relative errors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 6  # significant, of a coefficient
NOTHING = 1e-4  # instructions: what rounding errors leave of a coefficient that is 0
SLIGHT = 1e-10  # of a slope: none
MOST = 20  # passes, a feature each


def fit(
    values: Sequence[Mapping[str, float]], instructions: Sequence[float], whole: Sequence[float], positive: bool = False
) -> dict[str, Any]:
    """Least squares on relative errors.

    Parameters
    ----------
    values : sequence of {feature: how often}, one an observation.
    instructions : sequence of float, as measured.
    whole : sequence of float, what the error of each is relative to.
    positive : no feature may cost less than nothing: where several always come together, what they cost is shared so
        that sizes which were not measured cost what is near to them.

    Returns
    -------
    {"observations", "largest_error", "mean_error", "coefficients"}: errors are relative, of the absolute value.
    """
    names = list(dict.fromkeys(name for value in values for name in value if value[name]))
    matrix = np.array([[value.get(name, 0.0) for name in names] for value in values], np.float64)
    matrix, wanted = matrix / np.array(whole)[:, None], np.array(instructions) / np.array(whole)
    scale = np.linalg.norm(matrix, axis=0)
    solution = (_not_negative if positive else _least_squares)(matrix / scale, wanted) / scale
    solution = [float(f"{c:.{DIGITS}g}") if abs(c) > NOTHING else 0.0 for c in solution]
    errors = np.abs(matrix @ solution - wanted)
    return {
        "observations": len(values),
        "largest_error": round(float(errors.max()), 4),
        "mean_error": round(float(errors.mean()), 4),
        "coefficients": dict(zip(names, solution)),
    }


def _least_squares(matrix: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[Any]:
    return np.linalg.lstsq(matrix, wanted, rcond=1e-7)[0]


def _not_negative(matrix: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least squares without negative coefficients, by active sets (Lawson and Hanson)."""
    solution, used = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1], bool)
    for _ in range(MOST * matrix.shape[1]):
        slope = matrix.T @ (wanted - matrix @ solution)
        slope[used] = 0.0
        best = int(np.argmax(slope))
        if slope[best] <= SLIGHT:
            break
        used[best] = True
        while True:
            trial = np.zeros_like(solution)
            trial[used] = _least_squares(matrix[:, used], wanted)
            below = used & (trial <= 0)
            if not below.any():
                break
            step = np.min(solution[below] / np.maximum(solution[below] - trial[below], SLIGHT))
            solution = solution + step * (trial - solution)
            used &= solution > SLIGHT
            solution[~used] = 0.0
        solution = trial
    return solution
