"""Rests of stored samples: each slot has a streak in the state of the model's program, which is of the sample in it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mcuref.kernels.rests import rests, set_streak
from mcuref.program.program import Program


def resting(program: Program, slots: NDArray[np.int32], epoch: int) -> NDArray[np.bool_]:
    """Which of these slots, each there once, rest in this epoch, bool[S]: known before any of them is shown."""
    if not program.listing.rests:
        return np.zeros(len(slots), bool)
    streaks, bits, most = _streaks(program)
    streaks = streaks.copy()  # the streaks themselves grow when the samples are shown
    return np.array([rests(streaks, slot, epoch, most, bits) for slot in slots.tolist()], bool)


def forget(program: Program, slots: Iterable[int]) -> None:
    """Slots that have got another sample: it was never skipped."""
    if program.listing.rests:
        streaks, bits, _ = _streaks(program)
        for slot in slots:
            set_streak(streaks, slot, bits, 0)


def _streaks(program):
    """(streaks, a view; their bits; skips that are told apart) of a program whose first row lets samples rest."""
    head = program.instructions[0]
    return program.arena.view(head["streaks"]), head["bits"], head["most"]
