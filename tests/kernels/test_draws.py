"""Entries that are drawn at random, float32 and int8: oracles, and that each choice of them is as likely as any other."""

from collections import Counter
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels import channels, selection
from mcuref.kernels.int8 import channels as int8_channels
from mcuref.kernels.int8 import selection as int8_selection
from mcuref.testing.buffers import Guarded
from mcuref.testing.oracles_random import drawn

from .bits import WILD
from .bits import drawn as any_of

SIZES = (1, 2, 3, 7, 15, 17, 33, 64, 65)


def in_float32(delta, k, seed, number, dtype=np.uint16):
    """(kept, how many entries were looked at); there is room for k entries and not one more."""
    room, draws = Guarded(np.zeros(k, dtype), guard=0xA5A5), Guarded(np.int32([number]), guard=7)
    count, looked = selection.random_k(room.values, draws.values, delta.view(np.int32), np.int64(k), np.int32(seed))
    assert not room.outside and not draws.outside and draws.values.tolist() == [number + 1]
    return room.values[:count].tolist(), int(looked)


def in_int8(delta, k, seed, number):
    """(what is left, how many of it are not 0, how many entries were looked at)."""
    left, draws = Guarded(delta, 99), np.int32([number])
    count, looked = int8_selection.random_k(left.values, draws, np.int64(k), np.int32(seed))
    assert not left.outside and draws.tolist() == [number + 1]
    return left.values.tolist(), int(count), int(looked)


def agree(delta, k, seed, number):
    """A float32 error, and its signs as int8, against the oracle."""
    taken = drawn(delta.size, k, seed, number)
    kept, looked = in_float32(delta, k, seed, number)
    assert len(taken) == k and kept == [i for i in taken if delta[i] != 0] and looked == taken[-1] + 1
    signs = np.sign(delta).astype(np.int8)
    expected = [int(q) if i in taken else 0 for i, q in enumerate(signs)]
    assert in_int8(signs, k, seed, number) == (expected, np.count_nonzero(expected), looked)


@pytest.mark.parametrize("n", SIZES)
def test_entries_of_every_size(n):
    finite = WILD[np.isfinite(WILD)]
    for number, k in enumerate(sorted({1, 2, n // 3 + 1, n - 1, n} & set(range(1, n + 1)))):
        agree(any_of(finite, n, n + k), k, 3, number)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60), st.data())
def test_drawn_selections(n, data):
    k, seed = data.draw(st.integers(1, n)), data.draw(st.sampled_from([0, 1, 2**31 - 1]))
    delta = np.float32(data.draw(st.lists(st.sampled_from([-1.5, -0.0, 0.0, 1e-45, 2.0]), min_size=n, max_size=n)))
    agree(delta, k, seed, data.draw(st.integers(0, 2**20)))


def test_more_entries_than_indices_of_16_bits_tell_apart():
    n, k = 65_537, 777
    taken = drawn(n, k, 5, 1)
    assert in_float32(np.ones(n, np.float32), k, 5, 1, np.uint32) == (taken, taken[-1] + 1)


def test_the_counter_wraps_around_and_the_seed_is_32_bits():
    draws, room = np.int32([2**31 - 1]), np.zeros(3, np.uint16)
    selection.random_k(room, draws, np.ones(9, np.float32).view(np.int32), np.int64(3), np.int32(-1))
    assert room.tolist() == drawn(9, 3, 2**32 - 1, 2**31 - 1) and draws.tolist() == [-(2**31)]
    selection.random_k(room, draws, np.ones(9, np.float32).view(np.int32), np.int64(3), np.int32(-1))
    assert room.tolist() == drawn(9, 3, 2**32 - 1, 2**31) and draws.tolist() == [-(2**31) + 1]


@pytest.mark.parametrize("n, k", [(6, 3), (7, 2), (9, 1), (5, 4)])
def test_each_choice_is_as_likely_as_any_other(n, k):
    """Chi-square of 100 draws a choice, below what one in 10,000 fair generators exceeds (Wilson and Hilferty's bound).

    The seed is fixed: the test is the same each time.
    """
    choices, times = comb(n, k), 100
    found = Counter(tuple(in_float32(np.ones(n, np.float32), k, 11, number)[0]) for number in range(times * choices))
    assert set(found) == set(combinations(range(n), k))
    chi_square = sum((count - times) ** 2 / times for count in found.values())
    spread = 2 / (9 * (choices - 1))
    assert chi_square < (choices - 1) * (1 - spread + 3.72 * spread**0.5) ** 3


def test_other_seeds_and_other_selections_draw_others():
    ones = np.ones(64, np.float32)
    found = {tuple(in_float32(ones, 8, seed, number)[0]) for seed in range(20) for number in range(20)}
    assert len(found) == 400


@pytest.mark.parametrize("outputs", SIZES)
def test_channels(outputs):
    """The bits are those of the channels that are drawn, and entries of others go; after two samples others are drawn."""
    positions, every = 3, 2
    for k in sorted({1, outputs // 2 + 1, max(outputs - 1, 1)}):
        size = (outputs + 7) // 8
        mask, left, draws = Guarded(np.full(size, 255, np.uint8), 77), Guarded(np.int32([0]), 5), Guarded(np.int32([4]), 6)
        for sample in range(5):
            channels.renew_channels(mask.values, left.values, draws.values, outputs, k, every, np.int32(9))
            chosen = drawn(outputs, k, 9, 4 + sample // every)
            assert np.flatnonzero(np.unpackbits(mask.values, bitorder="little")).tolist() == chosen
            assert left.values.tolist() == [(sample + 1) % every] and draws.values.tolist() == [5 + sample // every]
        assert not (mask.outside or left.outside or draws.outside)
        delta = np.random.default_rng(outputs).integers(-2, 3, positions * outputs).astype(np.int8)
        stays = [e for e in np.flatnonzero(delta).tolist() if e % outputs in chosen]
        kept = Guarded(np.flatnonzero(delta).astype(np.uint16), 0xA5A5)
        count = channels.keep_channels(kept.values, mask.values, kept.values.size, outputs)
        assert kept.values[:count].tolist() == stays and not kept.outside
        restricted = Guarded(delta, 99)
        assert int8_channels.keep_channels(restricted.values, mask.values, outputs) == len(stays)
        expected = [int(q) if e % outputs in chosen else 0 for e, q in enumerate(delta)]
        assert restricted.values.tolist() == expected and not restricted.outside
