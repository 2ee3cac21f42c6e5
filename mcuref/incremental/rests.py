"""Rests of stored samples: each slot has a streak in the state of the model's program, which is of the sample in it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mcuref.kernels.rests import is_hidden, set_streak
from mcuref.program.program import Program


def resting(program: Program, slots: NDArray[np.int32], epoch: int) -> NDArray[np.bool_]:
    """Which of these slots, each there once, rest in this epoch, bool[S]: known before any of them is shown."""
    streaks, bits = _streaks(program)
    if bits == 0:
        return np.zeros(len(slots), bool)
    return np.array([is_hidden(streaks, slot, epoch, bits) for slot in slots.tolist()], bool)


def forget(program: Program, slots: Iterable[int]) -> None:
    """Slots that have got another sample: it was never skipped."""
    streaks, bits = _streaks(program)
    if bits:
        for slot in slots:
            set_streak(streaks, slot, bits, 0)


def _streaks(program):
    """(streaks, a view; their bits) of a program; (None, 0) if it has none."""
    head = program.instructions[0]
    return (program.arena.view(head["streaks"]), head["bits"]) if "streaks" in head else (None, 0)
