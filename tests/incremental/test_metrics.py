"""Figures of the accuracy matrix, by hand and against their formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import InputError
from mcuref.incremental.metrics import (
    accuracies_so_far,
    average_accuracy,
    average_incremental_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
    matrix_metrics,
)

OF_MATRIX = (average_accuracy, average_incremental_accuracy, forgetting, backward_transfer, accuracies_so_far)
ONE, TWO = [[0.75]], [[0.75, 0.25], [0.5, 1.0]]
THREE = [[0.5, 0.25, 0.125], [0.75, 1.0, 0.5], [0.25, 0.5, 1.0]]  # task 1 is best after task 2, so not at [j, j]
BETTER = [[0.25, 0.0], [0.75, 0.5]]  # learning task 2 helped task 1


@pytest.mark.parametrize("R, untrained, expected", [
    (ONE, [0.25], (0.75, 0.75, 0.0, 0.0, 0.0)),
    (TWO, [0.5, 0.5], (0.75, 0.75, 0.25, -0.25, -0.25)),
    # so far: 1/2, 7/8, 7/12; forgotten: 3/4 - 1/4, 1 - 1/2; backward: 1/4 - 1/2, 1/2 - 1; forward: 1/4 - 0, 1/2 - 1/4
    (THREE, [1.0, 0.0, 0.25], (7 / 12, (1 / 2 + 7 / 8 + 7 / 12) / 3, 0.5, -0.375, 0.25)),
    (BETTER, [0.0, 0.25], (0.625, 0.4375, -0.5, 0.5, -0.25)),
    (np.eye(3, dtype=int), [0, 0, 0], (1 / 3, (1 + 1 / 2 + 1 / 3) / 3, 1.0, -1.0, 0.0)),
    (np.float32(TWO), np.float32([0.5, 0.5]), (0.75, 0.75, 0.25, -0.25, -0.25)),
])  # fmt: skip
def test_by_hand(R, untrained, expected):
    names = "average_accuracy", "average_incremental_accuracy", "forgetting", "backward_transfer", "forward_transfer"
    found = matrix_metrics(R, untrained)
    assert list(found) == list(names)
    assert found == {name: pytest.approx(value, abs=1e-15) for name, value in zip(names, expected)}
    assert all(type(value) is float for value in found.values())
    for function in OF_MATRIX[:-1]:
        assert function(R) == found[function.__name__]
    assert forward_transfer(R, untrained) == found["forward_transfer"]


def test_so_far():
    assert accuracies_so_far(THREE).tolist() == pytest.approx([1 / 2, 7 / 8, 7 / 12])
    assert accuracies_so_far(ONE).tolist() == [0.75]


def test_what_was_not_learned_yet_counts_for_forward_transfer_alone():
    changed = np.array(THREE) + np.triu(np.full((3, 3), 0.25), 1)
    for function in OF_MATRIX:
        assert np.array_equal(function(changed), function(THREE))
    assert forward_transfer(changed, [0, 0, 0]) == forward_transfer(THREE, [0, 0, 0]) + 0.25


@settings(max_examples=100, deadline=None)
@given(tasks=st.integers(2, 6), seed=st.integers(0, 10_000))
def test_formulas(tasks, seed):
    rng = np.random.default_rng(seed)
    R, start, T = rng.random((tasks, tasks)).tolist(), rng.random(tasks).tolist(), tasks
    forgotten = [max(R[i][j] for i in range(j, T - 1)) - R[T - 1][j] for j in range(T - 1)]
    expected = {
        "average_accuracy": sum(R[T - 1][j] for j in range(T)) / T,
        "average_incremental_accuracy": sum(sum(R[i][j] for j in range(i + 1)) / (i + 1) for i in range(T)) / T,
        "forgetting": sum(forgotten) / (T - 1),
        "backward_transfer": sum(R[T - 1][j] - R[j][j] for j in range(T - 1)) / (T - 1),
        "forward_transfer": sum(R[j - 1][j] - start[j] for j in range(1, T)) / (T - 1),
    }
    assert matrix_metrics(R, start) == {name: pytest.approx(value, abs=1e-12) for name, value in expected.items()}


@pytest.mark.parametrize("R, sentence", [
    ([], "accuracy matrix has shape \\(0,\\)"),
    ([[]], "accuracy matrix has shape \\(1, 0\\)"),
    (0.5, "accuracy matrix has shape \\(\\)"),
    ([0.5], "accuracy matrix has shape \\(1,\\); as many rows as columns"),
    ([[0.5, 0.5]], "accuracy matrix has shape \\(1, 2\\); as many rows as columns"),
    ([[[0.5]]], "accuracy matrix has shape \\(1, 1, 1\\)"),
    ([[0.5], [0.5, 0.5]], "rows of different lengths"),
    ([[0.5, 0.5], [np.nan, 0.5]], "accuracy matrix has nan at 1, 0; fractions 0..1 are needed"),
    ([[0.5, np.inf], [0.5, 0.5]], "accuracy matrix has inf at 0, 1"),
    ([[0.5, 0.5], [0.5, 97.5]], "accuracy matrix has 97.5 at 1, 1"),
    ([[-0.5]], "accuracy matrix has -0.5 at 0, 0"),
    ([["a"]], "dtype <U1; accuracies are needed"),
    ([[True]], "dtype bool; accuracies are needed"),
    ([[None]], "dtype object; accuracies are needed"),
])  # fmt: skip
def test_no_accuracy_matrix(R, sentence):
    for function in (*OF_MATRIX, lambda R: forward_transfer(R, [0.5]), lambda R: matrix_metrics(R, [0.5])):
        with pytest.raises(InputError, match=sentence):
            function(R)


@pytest.mark.parametrize("untrained, sentence", [
    ([0.5], "untrained has shape \\(1,\\); one accuracy a task, \\(2,\\), is needed"),
    ([0.5, np.nan], "untrained has nan at 1"),
    ([0.5, 1.5], "untrained has 1.5 at 1"),
    ([[0.5, 0.5]], "untrained has shape \\(1, 2\\)"),
    (None, "untrained has shape \\(\\)"),
])  # fmt: skip
def test_no_untrained_accuracies(untrained, sentence):
    for function in (forward_transfer, matrix_metrics):
        with pytest.raises(InputError, match=sentence):
            function(TWO, untrained)
