"""The watch over int8 programs: kernels touch their operands alone and read nothing stale, and one that does not is seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import compile
from mcuref.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    ReLU,
    ReLU6,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from mcuref.network import Network
from mcuref.operators.columns import COLUMNS, D
from mcuref.operators.int8 import FORWARD, OPERATORS
from mcuref.operators.int8_training import TRAINING
from mcuref.optimisers import SGD
from mcuref.program import first_steps
from mcuref.program.arithmetic.int8 import Int8
from mcuref.program.first_steps import int8_network
from mcuref.program.trace import PlanViolation
from mcuref.quantization.quantise import fused_activations
from mcuref.rules import Full
from mcuref.testing import int8_programs, networks, samples
from mcuref.testing.training_int8 import BITS

from .test_trace import changed, row_of

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)


def quantised(plain, fusing=True):
    names = [plain.names[i] for i in sorted(fused_activations(plain))] if fusing else []
    return int8_network(plain, tuple(names))


@st.composite
def tasks(draw):
    """(program, samples) of a drawn network, at times with a softmax; with ReLUs fused or as instructions."""
    plain = draw(networks())
    if draw(st.booleans()):
        plain = Network([*plain.written, Softmax()], name="drawn")
    program = compile(quantised(plain, draw(st.booleans())), trainable=0)
    return program, draw(samples(program, 3))[0]


@RANDOM
@given(tasks())
def test_a_trace_is_the_inference_and_passes_the_watch(twin, task):
    program, x = task
    traced, watched = twin(program), twin(program)
    outputs = program.outputs(x)
    records = traced.trace(x)
    assert watched.trace(x, watched=True) == records
    assert [row for sample, row, *_ in records if sample == 1] == list(range(len(program.instructions)))
    assert program.arena.bytes.tobytes() == traced.arena.bytes.tobytes() == watched.arena.bytes.tobytes()
    assert (watched.arena.guard == 0xA5).all()
    np.testing.assert_array_equal(program.arena.view(program.instructions[-1].outputs[0]), outputs[-1])


IMAGES = [
    Conv2D(3, 2, padding="same"),
    Residual([Conv2D(3, 1), ReLU6()]),
    ReLU(),
    DepthwiseConv2D(2, multiplier=2),
    MaxPool2D((1, 2)),
    AveragePool2D(2, 1),
    Tanh(),
    GlobalAveragePool(),
    Dense(5),
    Sigmoid(),
    Dense(3),
    Softmax(),
]


def program_of(name):
    """A program with that operator, and a sample."""
    dtype = {"load_u8_s8": "uint8", "load_i8_s8": "int8", "load_i16_s8": "int16"}.get(name, "float32")
    scale = 1.0 if dtype == "float32" else 2.0 ** (3 - 8 * np.dtype(dtype).itemsize)
    x = np.random.default_rng(4).integers(-120, 120, (2, 4, 5, 2))
    network = int8_network(Network([Input((4, 5, 2), dtype, 0, scale), *IMAGES]), ())
    return compile(network, trainable=0), x.astype(dtype)


def more_cases():
    """Every way in which weights are trained, at every sample or in batches; a ReLU, not fused, with errors of int8."""
    layers = [Conv2D(2, 1), DepthwiseConv2D(2), Tanh(), ReLU(), MaxPool2D(1), Flatten(), Dense(3)]
    for update in BITS:
        for optimiser in (SGD(0.25), SGD(0.25, batch=2)):
            yield 1, (4, 5, 2), "int8", layers, (), Full(), optimiser, "softmax_cross_entropy", Int8(update)


def trained(case):
    """The program of a case of training, samples and labels; exponents are adapted with the first of them."""
    _, shape, dtype, *rest = case
    program, random = first_steps.int8_program(compile, shape, dtype, *rest), np.random.default_rng(1)
    for buffer in program.state_buffers:
        if buffer.name.endswith("seen_so_far"):
            program.arena.view(buffer)[0] = 63
    x = random.integers(0 if dtype == "uint8" else -120, 120, (4, *shape)).astype(dtype)
    return program, x, None if program.loss == "reconstruction" else random.integers(0, 3, 4)


# Exponentials that are all one value, as the watch writes, or all but one, come to the same shares: all of them the least
UNSEEN = {("softmax_forward_s8", "in1")}


def most_foreign(program, row, buffer):
    """By how many bytes an operand must move to lie where most bytes are nobody's operand in this row."""
    foreign = np.ones(program.arena.bytes.size, bool)
    for own in (*program.instructions[row].buffers, program.listing.table):
        foreign[program.plan.offsets[own] :][: own.size] = False
    places = range(program.plan.offsets[buffer] % 4, foreign.size - buffer.size, 4)
    return max(places, key=lambda place: foreign[place : place + buffer.size].sum()) - program.plan.offsets[buffer]


def operands():
    """[(operator, column)] of every operand of inference."""
    found = []
    for operator in FORWARD:
        program, _ = program_of(operator.name)
        instruction = program.instructions[row_of(program, operator.name)]
        for kind, buffers in (("out", instruction.outputs), ("in", instruction.inputs)):
            found += [(operator.name, f"{kind}{number}") for number in range(len(buffers))]
    return [one for one in found if one not in UNSEEN]


@pytest.mark.parametrize("name, column", operands())
def test_an_operand_out_of_place_is_a_violation(name, column):
    program, x = program_of(name)
    row = row_of(program, name)
    instruction = program.instructions[row]
    buffer = (instruction.outputs if column[:3] == "out" else instruction.inputs)[int(column[-1])]
    changed(program, row, column, most_foreign(program, row, buffer))
    with pytest.raises(PlanViolation, match=rf"row {row} \({name} of "):
        program.trace(x, watched=True)


# Which value was the largest: one that lies outside of the window would be looked for outside of everything
OUTSIDE = {("max_pool_backward_s8", "taps"), ("max_pool_apart_backward_s8", "taps")}
# A core counts magnitudes there; here the same threshold is found by halving, with vectors
NOT_HERE = {("select_top_k_s8", "tally"), ("select_adaptive_s8", "tally")}
# Rates of what the watch writes, each a factor of 0 or a shift beyond everything, change nothing, all of them
ALL_NOTHING = {(f"{kind}_s8", "rate") for kind in ("dense_gradient", "conv_gradient", "depthwise_gradient", "bias_update")}
# Balances of what the watch writes, none of them above 0, leave the threshold as it is
NONE_LEFT = {("decide_governed_s8", "balance")}
UNNOTICED = OUTSIDE | NOT_HERE | ALL_NOTHING | NONE_LEFT


@pytest.mark.parametrize(
    "operator, operand",
    [(o, name) for o in TRAINING for name in o.operands if (o.name, name) not in UNNOTICED],
    ids=lambda value: getattr(value, "name", value),
)
def test_an_operand_of_training_out_of_place_is_a_violation(operator, operand):
    for case in (*first_steps._int8_training_cases(), *more_cases()):
        rows = trained(case)[0].instructions
        for row in (row for row, i in enumerate(rows) if i.operator is operator and operand in i):
            program, x, y = trained(case)
            by = most_foreign(program, row, program.instructions[row][operand])
            changed(program, row, COLUMNS[operator.columns[operand]], by)
            try:
                program.trace(x, y, watched=True)
            except PlanViolation as violation:
                assert f"row {row} ({operator.name} of " in str(violation)
                return
    pytest.fail("nobody saw it")


@RANDOM
@given(int8_programs(), st.data())
def test_a_trace_is_the_training_and_passes_the_watch(program, data):
    x, y = data.draw(samples(program, 3))
    traced, watched = program.fresh(), program.fresh()
    program.train(x, y)
    records = traced.trace(x, y)
    assert watched.trace(x, y, watched=True) == records
    assert program.arena.bytes.tobytes() == traced.arena.bytes.tobytes() == watched.arena.bytes.tobytes()
    assert (program.counts == traced.counts).all() and (program.counts == watched.counts).all()
    assert (watched.arena.guard == 0xA5).all()


@pytest.mark.parametrize("name", ["relu_forward_s8", "add_forward_s8", "tanh_forward_s8", "load_s8"])
def test_one_value_too_many_is_a_violation(name):
    """A byte, which nobody's alignment hides."""
    program, x = program_of(name)
    row = row_of(program, name)
    operator = next(operator for operator in OPERATORS if operator.name == name)
    changed(program, row, COLUMNS[D + operator.dimensions.index("n")], 1)
    with pytest.raises(PlanViolation, match=rf"row {row} \({name} of .*wrote byte"):
        program.trace(x, watched=True)
