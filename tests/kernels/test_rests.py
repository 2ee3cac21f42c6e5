"""Rests: streaks in 1, 2 and 4 bits against a plain list of numbers, and which epochs a sample is shown in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.rests import rests, set_streak, streak
from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
MOST = {1: 1, 2: 3, 4: 15}  # of a streak of so many bits


@pytest.mark.parametrize("bits", MOST)
@pytest.mark.parametrize("count", [1, 2, 3, 7, 15, 17, 33])
def test_streaks_are_packed_and_leave_their_neighbours_alone(bits, count):
    packed = Guarded(np.zeros((count * bits + 7) // 8, np.uint8), 0xA5)
    wanted = np.random.default_rng(count).integers(0, MOST[bits] + 1, count)
    for index in [*range(count), *reversed(range(count))]:
        set_streak(packed.values, index, bits, 0 if index % 3 else MOST[bits])
        set_streak(packed.values, index, bits, wanted[index])
    assert [streak(packed.values, index, bits) for index in range(count)] == wanted.tolist()
    spread = np.unpackbits(packed.values, bitorder="little")[: count * bits].reshape(count, bits)
    assert (spread @ (1 << np.arange(bits)) == wanted).all(), "the first lies in the lowest bits of a byte"
    assert not packed.outside


@RANDOM
@given(
    st.sampled_from([(1, 1), (2, 2), (2, 3), (4, 4), (4, 7), (4, 15)]),
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=80),
    st.integers(0, (1 << 30) - 100),
)
def test_a_history_of_skips_and_steps_rests_as_a_list_of_numbers_says(kind, history, first_epoch):
    """Each entry shows a sample in the next epoch; it is skipped or trained if it does not rest."""
    (bits, most), packed, skipped = kind, np.zeros(4, np.uint8), [0] * 7
    for epoch, (index, trained) in enumerate(history, first_epoch):
        shown = oracles.visits(skipped[index], index, epoch, most)
        assert rests(packed, index, epoch, most, bits) != shown
        if shown:
            skipped[index] = 0 if trained else skipped[index] + 1
            if trained:
                set_streak(packed, index, bits, 0)
        assert [streak(packed, i, bits) for i in range(7)] == [min(s, most) for s in skipped]


def test_visits_are_spread_evenly_over_epochs():
    """Of 64 samples that are always skipped, with streaks of 3, every epoch shows 8."""
    packed = np.zeros(16, np.uint8)
    for index in range(64):
        set_streak(packed, index, 2, 3)
    assert [sum(not rests(packed, index, epoch, 3, 2) for index in range(64)) for epoch in range(9)] == [8] * 9


def test_places_beyond_65_536_bytes():
    packed = np.zeros(70_000, np.uint8)
    set_streak(packed, 139_999, 4, 9)
    assert packed[-1] == 0x90 and streak(packed, 139_999, 4) == 9 and not packed[:-1].any()
