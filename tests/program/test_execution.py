"""What a program computes: against NumPy float64 with derived bounds, against finite differences, and never by chance."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuref import SGD, Full, InputError, NonFiniteError, TinyProp, TinyPropV2, build, compile
from mcuref.testing import networks, oracles, programs, rules_strategy, samples
from . import reference

RANDOM = settings(max_examples=80, deadline=None, database=None, derandomize=True)
TRAINED = programs(wrt=("parameters",), least_trainable=1)


@st.composite
def tasks(draw, program=TRAINED, count=4):
    """(program, x, y): a program that trains, with samples for it."""
    program = draw(program)
    return (program, *draw(samples(program, count)))


def row_by_row(program, x, y, sample, steps):
    """Train one sample a row at a time; yields (instruction, kept entries or None) after every row that ran."""
    step = program.step(x, y, [sample], sample, steps)
    row = 0
    while row < len(program.instructions):
        following = step.run(row, row + 1)
        instruction = program.instructions[row]
        kept = None
        if instruction.phase == "selection":
            kept, count = (program.arena.view(b) for b in instruction.outputs[:2])
            kept = kept[: count[0]].copy()
        yield instruction, kept
        row = following


def assert_close(program, name, value, bound):
    difference = np.abs(program.arena.view(program.listing.parameters[name]) - value)
    assert (difference <= bound).all(), f"{name}: off by {difference.max()}, allowed {bound[difference > bound].min()}"


def follow(program, before, state, x, y, sample, rate, steps):
    """Run one training step and check, row by row, every choice and every parameter against the reference."""
    network, rule = program.network, program.rule
    values = reference.forward(network, before, *reference.load(network.input, x[sample]))
    _, _, delta, e = reference.loss(program.loss, *values[-1], y[sample])
    position, layer, dense, decay = 0, len(network.layers) - 1, None, getattr(rule, "decay", 1.0)
    kept_of = {}
    for instruction, kept in row_by_row(program, x, y, sample, steps):
        i, name = instruction.layer_index, instruction.layer
        y_max = state.get(f"{name}.y_max", [0])[0]
        if instruction.phase == "decision":
            choice = reference.Choice(rule, delta, e, y_max, 0, False, decay)
            low, high = choice.decision()
            trained = high > np.float32(rule.threshold)
            assume(not (low <= rule.threshold * (1 + 1e-6) and high >= rule.threshold * (1 - 1e-6)))  # too close to say
            assume(choice.y[0] > 0 or choice.y[1] == 0)
            if not trained or choice.y[1] == 0:
                continue
        elif instruction.phase == "selection":
            dense = position == 0 and reference_is_dense(rule, program.loss)
            choice = reference.Choice(rule, delta, e, y_max, position, dense, decay)
            reference.assert_kept(kept, delta, e, choice)
            kept_of[i], layer = kept, i
        elif instruction.phase == "update" or instruction.name == "dense_backward_input_f32":
            w, b = (before[f"{name}.{kind}"].astype(np.float64) for kind in ("weights", "bias"))
            if instruction.phase == "update":
                x_in, e_in = values[i - 1]
                after = reference.dense_update(w, b, *error_at[i], x_in, e_in, kept_of[i], rate, rule.bias == "dense")
                for kind, (value, bound) in after.items():
                    assert_close(program, f"{name}.{kind}", value, bound)
                continue
            error_at = {}
    return layer


def reference_is_dense(rule, loss):
    """Full is dense anyway; "auto" is dense under softmax."""
    output = getattr(rule, "output", "rule")
    return output == "dense" or (output == "auto" and loss == "softmax_cross_entropy")
