"""Kept indices of 16 or 32 bits: which program has which, and that both train to the same bits.

The executor for 32 bits takes half a minute to compile when nothing is cached: what needs it is in the slow tier. That plain
Python has the bits of its first steps is told by test_first_steps.py in any case.
"""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Dense, Full, Input, Network, TinyProp, TopK, compile
from mcuref.layers import AveragePool2D, Conv2D, DepthwiseConv2D, Flatten, MaxPool2D, ReLU, Reshape, Residual
from mcuref.operators.columns import CHOSEN, COLUMNS, KEPT
from mcuref.program import emitter, executor
from mcuref.testing import programs, samples

RANDOM = settings(max_examples=30, deadline=None, database=None, derandomize=True)
WITHOUT_JIT = os.environ.get("NUMBA_DISABLE_JIT") == "1"
long_without_jit = pytest.mark.skipif(WITHOUT_JIT, reason="tens of thousands of outputs take minutes as plain Python")


def image(rows, columns, *more, pool=None):
    """One 1x1 filter over a one-channel image, its mean over large windows, and a dense layer."""
    pool = AveragePool2D((rows, columns)) if pool is None else pool
    return Network([Input((rows, columns, 1)), Conv2D(1, 1), *more, pool, Flatten(), Dense(3)], seed=2)


def kept_buffers(program):
    return {b.layer: b for b in program.plan.offsets if b.name.endswith(".kept")}


def sample(network, count=1):
    random = np.random.default_rng(8)
    return random.normal(size=(count, *network.input.shape)).astype(np.float32), random.integers(0, 3, count)


# which type


@pytest.mark.parametrize("columns, index_type, size", [(256, "uint16", 2), (257, "uint32", 4)])
def test_a_layer_of_more_than_65536_outputs_needs_32_bits(columns, index_type, size):
    """In every selection of the program, and so in the plan."""
    program = compile(image(256, columns))
    kept = kept_buffers(program)
    assert program.listing.index_type == index_type
    assert {name: (b.dtype, b.size) for name, b in kept.items()} == {
        "conv1": (index_type, 256 * columns * size),
        "dense1": (index_type, 3 * size),
    }
    smaller = compile(image(256, columns), TopK(0.25))
    assert kept_buffers(smaller)["conv1"].size == 64 * columns * size
    assert all(program.plan.offsets[b] % 4 == 0 for b in kept.values())


@pytest.mark.parametrize(
    "options, index_type",
    [
        ({"trainable": 1}, "uint16"),
        ({"trainable": 0}, "uint16"),
        ({"trainable": 2}, "uint32"),
        ({"wrt": "input"}, "uint32"),
        ({"trainable": 1, "wrt": "input"}, "uint32"),
    ],
)
def test_only_layers_that_an_error_reaches_count(options, index_type):
    assert compile(image(256, 257), **options).listing.index_type == index_type


def test_layers_without_selection_do_not_count():
    """An activation, a pool or a sum of 65,792 values keeps nothing."""
    layers = [Input((256, 257, 1)), Residual([ReLU()]), MaxPool2D(1), AveragePool2D(8), Flatten(), Dense(3)]
    assert compile(Network(layers)).listing.index_type == "uint16"
    wide = [Input((2,)), Dense(1 << 16), Reshape((256, 256, 1)), AveragePool2D(256), Flatten(), Dense(2)]
    assert compile(Network(wide)).listing.index_type == "uint16"
    wide[1:3] = [Dense((1 << 16) + 1), Reshape((1, (1 << 16) + 1, 1))]
    wide[3] = AveragePool2D((1, (1 << 15)))
    assert compile(Network(wide)).listing.index_type == "uint32"


def test_a_type_of_its_own_has_a_signature_of_its_own():
    """Nobody who trains small layers waits for the executor of large ones."""
    assert str(executor._signature("uint16")) != str(executor._signature("uint32"))
    narrow, wide = (executor._signature(kind)[2].types for kind in ("uint16", "uint32"))
    assert [a == b for a, b in zip(narrow, wide, strict=True)] == [True, False, True, True, True]
    assert executor.is_compiled("uint16") or not WITHOUT_JIT


# what it computes


def conv_by_hand(network, program, x, rate):
    """Weight and bias of the 1x1 filter after one sample, float32, entry after entry in ascending order."""
    step, view = program.step(x, [1], None, 0, 1), program.arena.view
    weight, bias = (network.parameters[f"conv1.{kind}"].reshape(-1)[0] for kind in ("weights", "bias"))
    row = 0
    while row < len(program.instructions):
        instruction = program.instructions[row]
        if instruction.phase == "update" and instruction.layer == "conv1":
            delta, values, kept, count = (view(b).copy() for b in instruction.inputs)
            for e in kept[: count[0]]:
                scaled = rate * delta[e]
                weight, bias = weight - scaled * values[e], bias - scaled
        row = step.run(row, row + 1)
    return weight, bias, kept[: count[0]]


@long_without_jit
@pytest.mark.parametrize("rows, columns", [(200, 200), (256, 256), pytest.param(256, 257, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rule", [Full(), TinyProp(1.0, 1.0)], ids=["full", "S = 1"])
def test_all_entries_of_a_large_layer_are_kept_and_trained(rows, columns, rule):
    """The authors' code casts k to int16: an output of 36,992 values with S = 1 raises.

    40,000 is beyond int16, 65,536 is the last that indices of 16 bits can name, 65,792 is not.
    """
    network = image(rows, columns)
    x, _ = sample(network)
    program, at_once = (compile(network, rule, SGD(0.5, "constant")) for _ in "ab")
    weight, bias, kept = conv_by_hand(network, program, x, np.float32(0.5))
    assert kept.tolist() == list(range(rows * columns)) and kept.dtype == program.listing.index_type
    at_once.train(x, [1])
    for parameters in (program.parameters(), at_once.parameters()):
        assert parameters["conv1.weights"].item() == weight != network.parameters["conv1.weights"].item()
        assert parameters["conv1.bias"].item() == bias != 0
    (chosen,) = (
        row[[CHOSEN, KEPT]]
        for row, i in zip(at_once.counts, at_once.instructions)
        if i.phase == "selection" and i.layer == "conv1"
    )
    assert chosen.tolist() == [rows * columns] * 2


@pytest.mark.slow
@long_without_jit
@pytest.mark.parametrize("rule", [TopK(0.3), TinyProp(0.1, 0.6)], ids=lambda rule: rule.method)
def test_the_largest_of_65792_entries_are_kept(rule):
    """43 entries of a window have one error: of the ties the lowest indices are kept, some of them beyond 65,535."""
    network = image(258, 257, pool=AveragePool2D((43, 1), (43, 1)))
    x, y = sample(network, 3)
    program = compile(network, rule, SGD(0.1, "constant"), loss="mean_squared_error")
    program.train(x, y)
    view = program.arena.view
    (row,) = (row for row, i in enumerate(program.instructions) if i.phase == "selection" and i.layer == "conv1")
    program.step(x, y, [0], 0, 1).run(0, row + 1)
    kept, count = (view(b) for b in program.instructions[row].outputs[:2])
    delta = view(program.instructions[row].inputs[0])
    largest = np.sort(np.lexsort((np.arange(delta.size), -np.abs(delta)))[: count[0]])
    assert 5000 < count[0] < delta.size and kept[: count[0]].tolist() == largest.tolist() and largest[-1] > 65_535


@pytest.mark.slow
@long_without_jit
def test_the_dense_layer_behind_trains_to_the_same_bits_as_without_the_large_layer():
    """trainable=1 has indices of 16 bits, trainable=2 of 32: one sample changes the dense layer alike."""
    network = image(256, 257)
    x, y = sample(network)
    both, last = (compile(network, Full(), SGD(0.1), trainable=n) for n in (2, 1))
    for program in (both, last):
        program.train(x, y)
    for kind in ("weights", "bias"):
        assert both.parameters()[f"dense1.{kind}"].tobytes() == last.parameters()[f"dense1.{kind}"].tobytes()
    assert both.parameters()["conv1.weights"] != last.parameters()["conv1.weights"]


@st.composite
def tasks(draw):
    program = draw(programs(least_trainable=1))
    return (program, *draw(samples(program, 5)))


@pytest.mark.slow
@RANDOM
@given(tasks())
def test_programs_with_indices_of_32_bits_train_to_the_bits_of_those_with_16(twin, task):
    """Every network, rule and optimiser: the type is forced upon small programs."""
    program, x, y = task
    most, emitter.MOST_UINT16 = emitter.MOST_UINT16, 0
    try:
        wide = twin(program)
    finally:
        emitter.MOST_UINT16 = most
    assert wide.listing.index_type == "uint32" and program.listing.index_type == "uint16"
    if program.wrt == "input":
        assert wide.input_gradient(x, y).tobytes() == program.input_gradient(x, y).tobytes()
        return
    first, second = (p.train(x, y) for p in (program, wide))
    assert first.losses.tobytes() == second.losses.tobytes()
    assert {n: v.tobytes() for n, v in program.state().items()} == {n: v.tobytes() for n, v in wide.state().items()}
    assert (program.counts == wide.counts).all()
    narrow, broad = (p.trace(x[:1], y[:1], watched=True) for p in (program, wide))
    same = [a == b for a, b in zip(narrow, broad, strict=True) if "select" not in a[2]]
    assert all(same) and [a[:4] for a in narrow] == [b[:4] for b in broad]


def test_the_tables_differ_in_offsets_alone():
    network = Network([Input((4, 4, 2)), Conv2D(3, 2), DepthwiseConv2D(2), Flatten(), Dense(3)])
    most, emitter.MOST_UINT16 = emitter.MOST_UINT16, 0
    try:
        wide = compile(network)
    finally:
        emitter.MOST_UINT16 = most
    operands = [i for i, name in enumerate(COLUMNS) if name[:2] in ("in", "ou")]
    assert (np.delete(wide.table, operands, 1) == np.delete(compile(network).table, operands, 1)).all()
