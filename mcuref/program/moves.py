"""What becomes of the steps of int8 weights: how many are 0, so that nothing is moved, and how many are large."""

from typing import Any

import numpy as np

from mcuref.cost.sparsity import Moves
from mcuref.memory.buffers import Buffer
from mcuref.program.program import Program

SMALL = 8  # bits of a shift, from which on cores with the DSP extension take several steps at once
DENSE = "dense_update_s8"
WINDOWS = ("conv_update_s8", "conv_gradient_s8", "depthwise_update_s8", "depthwise_gradient_s8")


def move_shares(program: Program, x: Any, y: Any = None) -> dict[Buffer, Moves]:
    """{buffer of the rates of an update: :class:`mcuref.cost.sparsity.Moves`} of int8 layers.

    A copy of the program trains on samples x[S, ...] and their answers, as one pass of its schedule.
    """
    updates = {row: i for row, i in enumerate(program.instructions) if i.name in WINDOWS or _is_looked_at(i)}
    if not updates:
        return {}
    own, seen = program.fresh(), {}
    own.restore(program.state())
    for first in range(len(x)):
        step, row = own.step(x[first : first + 1], None if y is None else y[first : first + 1], None, first, len(x)), 0
        while row < len(own.instructions):
            if row in updates:
                look = _channels if updates[row].name in WINDOWS else _steps
                seen.setdefault(row, []).append(look(own, updates[row], int(step.rates[0])))
            row = step.run(row, row + 1)
    return {updates[row]["rate"]: _mean(rows) for row, rows in seen.items()}


def _is_looked_at(instruction):
    """Whether it is the update of a dense layer whose weights have residuals of 8 bits."""
    return instruction.name == DENSE and "r" in instruction and "r2" not in instruction


def _channels(program, instruction, _):
    """(kept entries, and by how many an average one of them is surrounded in its channel, itself included, times these)."""
    delta = program.arena.view(instruction["delta"]).reshape(-1, instruction["O"])
    kept = np.count_nonzero(delta, axis=0).astype(np.float64)
    return 0, 0, 0, 0, 0, kept.sum(), np.sum(kept**2) / len(delta)


def _steps(program, instruction, sample_rate):
    """(rows that are trained, large ones, those without a step; products of which neither is 0, steps; nothing)."""
    delta, x, rate, error_exponent = (program.arena.view(instruction[name]) for name in ("delta", "x", "rate", "exponent"))
    exponents = program.arena.view(instruction["exponents"]) if "exponents" in instruction else np.zeros(256, np.int8)
    each = 2 if instruction["M"] > 1 else 0
    kept, zero = np.flatnonzero(delta), instruction["x_zero"]
    inputs = x[x != zero].astype(np.int64) - zero
    shift = rate[kept * each + 1].astype(np.int64) - 128 + (sample_rate >> 9) - error_exponent[0]
    shift = np.maximum(shift - exponents[instruction["x_slot"]], -7)
    step = delta[kept] * ((rate[kept * each].astype(np.int64) * (sample_rate & 511) + 128) >> 8)
    right, left = np.maximum(shift, 0), np.maximum(-shift, 0)
    half = (1 << np.minimum(right, 62)) >> 1
    none = (shift >= 24) | (max(127 - zero, zero + 128) * np.abs(step) < half)
    moved = ((inputs * (step << left)[:, None] + half[:, None]) >> np.minimum(right, 62)[:, None])[~none]
    return kept.size, np.sum(~none & (shift < SMALL)), np.sum(none), kept.size * inputs.size, np.count_nonzero(moved), 0, 0


def _mean(rows):
    """The :class:`Moves` of some runs."""
    kept, large, none, products, moved, entries, beside = np.sum(np.array(rows, np.float64), axis=0).tolist()
    return Moves(large / max(kept, 1), none / max(kept, 1), moved / max(products, 1), beside / max(entries, 1))
