"""Philox2x32-10 by the authors' known answers; permutations and uniform numbers made from it."""

import numpy as np
import pytest

from mcuref.kernels.random import permutation, philox, uniform


@pytest.mark.parametrize("counter, stream, key, answer", [  # kat_vectors of Random123, word 0
    (0x00000000, 0x00000000, 0x00000000, 0xFF1DAE59),
    (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0x2C3F628B),
    (0x243F6A88, 0x85A308D3, 0x13198A2E, 0xDD7CE038),
])  # fmt: skip
def test_known_answers(counter, stream, key, answer):
    assert philox(key, stream, 1, first=counter).tolist() == [answer]


def test_numbers_are_a_function_of_seed_stream_and_index():
    whole = philox(7, 3, 100)
    assert whole.dtype == np.uint32 and len(set(whole.tolist())) == 100
    for first in (1, 33, 99, 100):
        assert (philox(7, 3, 100 - first, first) == whole[first:]).all()
    assert (philox(8, 3, 100) != whole).all() and (philox(7, 4, 100) != whole).all()
    assert philox(7, 3, 0).size == 0


def test_permutation_is_one_and_depends_on_seed_and_stream():
    for n in (0, 1, 2, 3, 17, 1000):
        order = permutation(n, 5, 1)
        assert order.dtype == np.int32 and sorted(order.tolist()) == list(range(n))
    assert (permutation(1000, 5, 1) == order).all()
    assert (permutation(1000, 6, 1) != order).any() and (permutation(1000, 5, 2) != order).any()


def test_permutation_is_fisher_yates_from_the_top():
    order = list(range(50))
    for i, draw in reversed(list(enumerate(philox(9, 4, 50).tolist()))):
        j = draw * (i + 1) >> 32
        order[i], order[j] = order[j], order[i]
    assert permutation(50, 9, 4).tolist() == order


def test_golden_values():
    # they decide every result: a change here changes all of them
    assert philox(1, 2, 4).tolist() == [0x8D7F0D5E, 0x427DEA1C, 0xDC04995B, 0x32E30907]
    assert permutation(10, 1, 2).tolist() == [9, 7, 2, 4, 0, 8, 3, 5, 6, 1]
    assert uniform(3, 0.5, 1, 2).view(np.uint32).tolist() == [0x3D57F0D0, 0xBE760858, 0x3EB80932]


def test_every_place_is_reached_evenly():
    # 6000 permutations of 3: each of the 6 orders comes 1000 times, give or take 5 standard deviations (29)
    orders = [tuple(permutation(3, seed, 0).tolist()) for seed in range(6000)]
    counts = [orders.count(order) for order in sorted(set(orders))]
    assert len(counts) == 6 and all(abs(count - 1000) < 145 for count in counts)


def test_uniform_lies_in_its_bounds_and_fills_them():
    for limit in (1.0, 0.3, 1e-3, 40.0):
        values = uniform(20_000, limit, 3, 1)
        assert values.dtype == np.float32
        assert values.min() >= -np.float32(limit) and values.max() < np.float32(limit)
        assert values.min() < -0.999 * limit and values.max() > 0.999 * limit
        assert abs(values.mean()) < 5 * limit / np.sqrt(3 * 20_000)  # 5 standard deviations
    assert (uniform(5, 1.0, 3, 1) == uniform(9, 1.0, 3, 1)[:5]).all()
