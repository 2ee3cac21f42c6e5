"""Herding and k-center, against greedy choices written out by definition."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.incremental.selection import herding, k_center

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
BOTH = pytest.mark.parametrize("choose", [herding, k_center])
SIZES = (1, 2, 3, 7, 15, 17, 33)


@st.composite
def clouds(draw):
    """features [N, D], any numbers: no two distances are equal, or nearly."""
    samples, size = draw(st.integers(1, 9)), draw(st.sampled_from(SIZES))
    return np.random.default_rng(draw(st.integers(0, 2**16))).normal(draw(st.integers(-2, 2)), 1, (samples, size))


def greedy_herding(x, count):
    """The next one is the one with which the mean of the chosen is nearest to that of all; by trying every one."""
    chosen = []
    for _ in range(count):
        left = [i for i in range(len(x)) if i not in chosen]
        chosen.append(min(left, key=lambda i: np.linalg.norm(x[chosen + [i]].mean(axis=0) - x.mean(axis=0))))
    return chosen


def radius(x, chosen):
    """The largest distance of a sample to the nearest of the chosen."""
    return max(min(np.linalg.norm(row - x[i]) for i in chosen) for row in x)


def greedy_k_center(x, count):
    """The next one is the farthest from all chosen ones; the first the nearest to the mean."""
    chosen = [min(range(len(x)), key=lambda i: np.linalg.norm(x[i] - x.mean(axis=0)))]
    while len(chosen) < count:
        left = [i for i in range(len(x)) if i not in chosen]
        chosen.append(max(left, key=lambda i: min(np.linalg.norm(x[i] - x[j]) for j in chosen)))
    return chosen


@RANDOM
@given(clouds())
def test_choices_are_greedy(x):
    for choose, greedy in ((herding, greedy_herding), (k_center, greedy_k_center)):
        for count in range(1, len(x) + 1):
            assert choose(x, count).tolist() == greedy(x, count)


@RANDOM
@given(clouds())
def test_k_center_is_at_most_twice_as_wide_as_the_best(x):
    """Gonzalez 1985, theorem 2.2; the best by trying all sets."""
    for count in range(1, min(len(x), 4) + 1):
        best = min(radius(x, chosen) for chosen in combinations(range(len(x)), count))
        assert radius(x, k_center(x, count)) <= 2 * best * (1 + 1e-12)


@BOTH
@pytest.mark.parametrize("samples", SIZES)
def test_indices_are_nested_and_none_comes_twice(samples, choose):
    x = np.random.default_rng(samples).normal(size=(samples, 3))
    every = choose(x, samples)
    assert every.dtype == np.int64 and every.shape == (samples,) and sorted(every.tolist()) == list(range(samples))
    for count in range(1, samples + 1):
        assert choose(x, count).tolist() == every[:count].tolist()


@BOTH
@pytest.mark.parametrize("samples", SIZES)
def test_of_equal_samples_the_lowest_index_comes_first_and_none_comes_twice(samples, choose):
    for value in (0.0, 0.1, -3.0):
        x = np.full((samples, 2), value, np.float32)
        assert choose(x, samples).tolist() == list(range(samples))
    two = np.random.default_rng(1).integers(0, 2, (samples, 1)).astype(np.float32)
    chosen = choose(two, samples)
    assert sorted(chosen.tolist()) == list(range(samples))
    for value in (0, 1):
        assert np.diff(chosen[two[chosen, 0] == value]).min(initial=1) > 0


def test_ties_by_hand():
    # herding: mean 0; 0 alone is there; then -1 and 1 are as near, and 3 with -3
    assert herding(np.array([[3], [1], [-1], [0], [-3], [0]]), 6).tolist() == [3, 5, 1, 2, 0, 4]
    # k-center: mean 0, both of them at 1; then 4 away from it
    assert k_center(np.array([[1], [-1], [3], [-3]]), 4).tolist() == [0, 3, 1, 2]
    assert k_center(np.array([[0, 2], [2, 0], [0, -2], [-2, 0]]), 3).tolist() == [0, 2, 1]


def test_herding_follows_the_mean():
    """By the end its mean is that of all; half of two mirrored clouds is as good as exact."""
    half = np.random.default_rng(1).normal(size=(8, 3))
    x = np.concatenate([half, -half])
    assert np.linalg.norm(x[herding(x, 8)].mean(axis=0)) < 0.25 * np.linalg.norm(x[:8].mean(axis=0))


def test_features_of_float32_and_lists_are_taken_and_left_alone():
    x = np.random.default_rng(1).normal(size=(7, 2)).astype(np.float32)
    before = x.tobytes()
    for choose in (herding, k_center):
        assert choose(x, 4).tolist() == choose(x.astype(np.float64), 4).tolist() == choose(x.tolist(), 4).tolist()
    assert x.tobytes() == before


def test_large_offsets_do_not_decide():
    """float64: features that differ in the seventh digit are told apart, as float32 sums would not."""
    x = 4096 + np.random.default_rng(3).integers(0, 64, (33, 3)) / 256  # exact in float32
    for choose in (herding, k_center):
        assert choose(x.astype(np.float32), 7).tolist() == choose(x - 4096, 7).tolist()
