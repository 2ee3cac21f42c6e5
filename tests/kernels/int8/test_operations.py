"""What runs the instructions of int8 training that are unpacked by hand: rows as they are declared, against the oracles."""

from typing import NamedTuple

import numpy as np
import pytest

from mcuref.kernels.int8 import selection
from mcuref.operations.int8 import exponents, loss, narrow
from mcuref.operations.int8 import selection as rules
from mcuref.operations.views import GO_ON, JUMP, Host, Memory, Sample
from mcuref.operators import int8
from mcuref.operators.columns import CHOSEN, COLUMNS, COMPARISONS, COUNTS, KEPT, OPCODE, SATURATED, D, F
from mcuref.operators.operator import TYPES
from mcuref.quantization.tables import probabilities
from mcuref.testing import oracles_int8_training as oracles

from .problems import drawn

OPERATORS = {operator.name: operator for operator in int8.OPERATORS}
LABELS, TARGETS = np.int32([1, 4, 2]), np.arange(-9, 12, dtype=np.int32)
ONE = 2**15


class Ran(NamedTuple):
    """What an instruction left: what comes next, its operands, what was counted, losses and ``trained`` of the host."""

    following: int
    operands: dict[str, np.ndarray]
    counts: np.ndarray
    losses: np.ndarray
    trained: np.ndarray


def ran(run, name, numbers, **operands):
    """Run the instruction for the last of two positions, where sample 2 of 3 is shown."""
    operator, row, arena = OPERATORS[name], np.full(len(COLUMNS), 0, np.int32), np.full(8192, 77, np.uint8)
    row[OPCODE], views, offset = operator.number, {}, 64
    for operand in operator.operands.values():
        row[operator.columns[operand.name]] = offset if operand.name in operands else -1
        if operand.name in operands:
            values, dtype = operands[operand.name], TYPES[operand.type]
            view = arena[offset : offset + len(values) * np.dtype("uint16" if dtype == "index" else dtype).itemsize]
            views[operand.name] = view.view("uint16" if dtype == "index" else dtype)
            views[operand.name][:] = values
            offset += -(-view.size // 64) * 64 + 64
    assert set(numbers) == {*operator.dimensions, *operator.constants}
    for first, names in ((D, operator.dimensions), (F, operator.constants)):
        for i, each in enumerate(names):
            row[first + i] = numbers[each]
    memory = Memory(arena, *(arena.view(dtype) for dtype in ("uint16", "int32", "float32", "int8")))
    losses, trained, counts = np.full(2, 7, np.int32), np.ones(2, np.uint8), np.zeros(len(COUNTS), np.int64)
    rested, stored, epoch = np.zeros(2, np.uint8), np.full(2, -1, np.int32), np.zeros(2, np.int32)
    nothing = [np.zeros(0, dtype) for dtype in ("uint8", "int8", "int16", "float32")]
    rates = np.zeros(2, np.int32)
    host = Host(*nothing, LABELS, TARGETS, np.int32([0, 2]), rates, losses, trained, rested, stored, epoch)
    following = run(row, row[F:].view(np.float32), memory, host, Sample(1, np.int64(2), np.int32(0)), counts)
    return Ran(following, views, counts, losses, trained)


def error(n=7, seed=1):
    return np.maximum(drawn(n, seed), np.int8(-127))


def counted(found, **expected):
    columns = {"chosen": CHOSEN, "kept": KEPT, "comparisons": COMPARISONS, "saturated": SATURATED}
    assert {name: found.counts[column] for name, column in columns.items() if found.counts[column]} == expected


def test_what_is_seen_and_how_an_exponent_follows():
    y = np.int8([127, -128, 5, -128, 0, 3, 127])
    found = ran(exponents.run_measure_s8, "measure_s8", {"n": 7, "zero": -128}, y=y, seen=[77] * 3)
    assert found.operands["seen"].tolist() == [2, 0, 255] and found.following == GO_ON
    counted(found, saturated=2)
    numbers = {"E": 4, "slot": 2, "most": 9, "below": 5, "above": 300}
    state = {"exponents": [0, 1, 3, 4], "state": [63, 8, 0, 0]}
    found = ran(exponents.run_adapt_s8, "adapt_s8", numbers, **state, seen=[2, 0, 255])
    assert found.operands["exponents"].tolist() == [0, 1, 4, 4] and found.operands["state"].tolist() == [0] * 4
    found = ran(exponents.run_adapt_s8, "adapt_s8", numbers, **state, seen=[0, 5, 255])
    assert found.operands["exponents"].tolist() == [0, 1, 2, 4]


@pytest.mark.parametrize("grown", [None, 0, 2])
def test_the_loss_of_a_label(grown):
    z, table = drawn(7, 3), probabilities(0.125, 7)
    numbers = {"n": 7, "t": table.size, "E": 0 if grown is None else 3, "z_slot": 0 if grown is None else 2}
    more = {} if grown is None else {"exponents": [0, 9, grown]}
    found = ran(
        loss.run_softmax_cross_entropy_s8, "softmax_cross_entropy_s8", numbers,
        delta=[7] * 7, exponent=[7], z=z, table=table, **more,
    )  # fmt: skip
    expected, p = oracles.softmax_cross_entropy(z, table, LABELS[2], grown or 0)
    assert (found.operands["delta"].tolist(), *found.operands["exponent"]) == (expected.values.tolist(), expected.exponent)
    assert found.losses.tolist() == [7, p] and found.following == GO_ON


def test_losses_of_targets():
    z, blank = drawn(7, 3), {"delta": [7] * 7, "exponent": [7]}
    found = ran(loss.run_mean_squared_error_s8, "mean_squared_error_s8", {"n": 7}, **blank, z=z)
    expected, squares = oracles.mean_squared_error(z, TARGETS[14:])
    assert found.operands["delta"].tolist() == expected.values.tolist() and found.losses.tolist() == [7, squares]
    assert found.operands["exponent"] == expected.exponent
    numbers = {"n": 7, "target_zero": 3, "z_zero": -5, "multiplier": 1 << 30, "shift": 2}
    found = ran(loss.run_reconstruction_s8, "reconstruction_s8", numbers, **blank, z=z, target=drawn(7, 4))
    expected, squares = oracles.mean_squared_error(z, oracles.rescaled_target(drawn(7, 4), 3, -5, 1 << 30, 2))
    assert found.operands["delta"].tolist() == expected.values.tolist() and found.losses.tolist() == [7, squares]
    assert found.operands["exponent"] == expected.exponent


def test_errors_are_made_narrow_and_what_is_clamped_is_counted():
    x = np.int32([2**20 - 1, -(2**20) + 1, 5, 2**19, 0, 2**13, -(2**13)])
    blank = {"exponent": [-9]}
    found = ran(narrow.run_narrow_s8, "narrow_s8", {"n": 7}, **blank, y=[7] * 7, y_exponent=[7], x=x)
    (values, e), clamped = oracles.narrow(x, -9)
    assert (found.operands["y"].tolist(), *found.operands["y_exponent"]) == (values.tolist(), e)
    assert clamped == 2
    counted(found, saturated=2)
    y = np.int8([5, 4, 0, 1, 1, 6, 1])
    numbers = {"n": 7, "low": 0, "high": 6}
    found = ran(narrow.run_relu_backward_s8, "relu_backward_s8", numbers, **blank, dx=[7] * 7, dx_exponent=[7], dy=x, y=y)
    (values, e), clamped = oracles.narrow(oracles.relu_masked(x, y, 0, 6), -9)
    assert (found.operands["dx"].tolist(), *found.operands["dx_exponent"]) == (values.tolist(), e)
    counted(found, saturated=clamped)


def test_all_entries_and_the_largest_ones():
    delta = np.int8([3, 0, -7, 7, 0, 1, 2])
    found = ran(rules.run_select_full_s8, "select_full_s8", {"n": 7}, count=[77], delta=delta)
    assert found.operands["count"] == 5
    counted(found, chosen=7, kept=5)
    blank = {"delta": delta, "count": [77], "tally": [9] * 128}
    found = ran(rules.run_select_top_k_s8, "select_top_k_s8", {"n": 7, "k": 2}, **blank)
    assert found.operands["delta"].tolist() == [0, 0, -7, 7, 0, 0, 0] and found.operands["count"] == 2
    counted(found, chosen=2, kept=2, comparisons=2 * 7 + 121)


@pytest.mark.parametrize("floor, k", [(0, 4), (1, 3)])
def test_a_rule_chooses_how_many(floor, k):
    delta = np.int8([3, 0, -7, 7, 0, 1, 2])
    before = selection.packed(np.int64(40), np.int64(-15))  # the error's sum is half of it, and S n 3.5
    numbers = {"n": 7, "floor": floor, "s_min": 0, "s_range": ONE, "damping": ONE, "decay": ONE}
    blank = {"count": [77], "y_max": [before], "tally": [9] * 128, "exponent": [-15]}
    found = ran(rules.run_select_adaptive_s8, "select_adaptive_s8", numbers, **blank, delta=delta)
    np.testing.assert_array_equal(found.operands["delta"], oracles.top_k(delta, k))
    assert found.operands["count"] == k and found.operands["y_max"] == before
    counted(found, chosen=k, kept=k, comparisons=2 * 7 + 128 - (2 if k == 4 else 3))
    found = ran(rules.run_select_adaptive_s8, "select_adaptive_s8", numbers, **blank, delta=[0] * 7)
    assert found.operands["count"] == 0 and not found.counts.any()
    found = ran(rules.run_select_adaptive_s8, "select_adaptive_s8", numbers | {"decay": ONE // 4}, **blank, delta=delta)
    assert found.operands["y_max"] == selection.packed(np.int64(20), np.int64(-15)) and found.operands["count"] == 5


@pytest.mark.parametrize("threshold, trained", [(ONE // 2, 0), (ONE // 2 - 1, 1)])
def test_a_decision_trains_or_jumps(threshold, trained):
    before = selection.packed(np.int64(40), np.int64(-15))
    numbers = {"n": 7, "d_min": 0, "d_range": ONE, "beta": ONE, "beta_range": 0, "threshold": threshold, "decay": ONE}
    found = ran(rules.run_decide_s8, "decide_s8", numbers, y_max=[before], delta=[3, 0, -7, 7, 0, 1, 2], exponent=[-15])
    assert found.following == (GO_ON if trained else JUMP) and found.trained.tolist() == [1, trained]
    assert found.operands["y_max"] == before
    numbers["threshold"] = -1
    found = ran(rules.run_decide_s8, "decide_s8", numbers, y_max=[before], delta=[0] * 7, exponent=[-15])
    assert found.following == JUMP and found.trained.tolist() == [1, 0]  # of an error that is 0 nothing can be learned
