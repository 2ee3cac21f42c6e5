"""The trace: the same training, hashes a port can reproduce, and the watch that catches a wrong plan or kernel."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Dense, Full, Input, Network, NonFiniteError, ReLU, TinyProp, TinyPropV2, build, compile
from mcuref.layers import AveragePool2D, Conv2D, DepthwiseConv2D, Flatten, MaxPool2D, ReLU6, Residual
from mcuref.operators.columns import COLUMNS
from mcuref.program import executor
from mcuref.program.trace import PlanViolation, write_csv
from mcuref.testing import programs, samples

RANDOM = settings(max_examples=50, deadline=None, database=None, derandomize=True)
X = np.linspace(-1, 1, 18, dtype=np.float32).reshape(2, 9)
Y = np.array([1, 0])


def small(rule=None):
    return compile(build("mlp-9-8-7-3"), rule or TinyProp(output="rule"), SGD(0.1))


@st.composite
def tasks(draw):
    program = draw(programs(wrt=("parameters",), least_trainable=1))
    return (program, *draw(samples(program, 3)))


def fnv1a(data):
    """FNV-1a, 32 bits, from its definition."""
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


@RANDOM
@given(tasks(), st.sampled_from([[0, 1, 2], [2, 0], [1, 1, 1]]))
def test_a_trace_is_the_training_and_passes_the_watch(twin, task, order):
    program, x, y = task
    traced, watched = twin(program), twin(program)
    program.train(x, y, order, first=1, total=9)
    records = traced.trace(x, y, order, first=1, total=9)
    assert watched.trace(x, y, order, first=1, total=9, watched=True) == records
    assert program.arena.bytes.tobytes() == traced.arena.bytes.tobytes() == watched.arena.bytes.tobytes()
    assert (program.counts == traced.counts).all() and (program.counts == watched.counts).all()
    assert (watched.arena.guard == 0xA5).all()
    assert [s for s, row, *_ in records if row == 0] == order


@pytest.mark.parametrize("rule", [Full(), TinyPropV2(threshold=0.0), TinyPropV2(threshold=0.9)])
def test_rows_and_hashes(rule):
    """One record a row that ran; the last hash of weights and bias is that of their bytes."""
    program = small(rule)
    records = program.trace(X[:1], Y[:1])
    assert [row for _, row, *_ in records] == list(range(len(program.instructions)))
    for _, row, opcode, layer, value in records:
        instruction = program.instructions[row]
        assert (opcode, layer) == (instruction.name, instruction.layer)
        if instruction.phase == "update":
            assert value == fnv1a(b"".join(program.arena.view(b).tobytes() for b in instruction.outputs))
    assert small(rule).trace(X[:1], Y[:1]) == records, "not deterministic"


def test_a_skipped_sample_ends_with_its_decision():
    program = small(TinyPropV2(threshold=5.0))
    assert program.trace(X, Y)[-1][2] == "decide_f32"


def test_hash_of_a_selection_covers_the_kept_entries_only():
    """What lies behind the kept entries is left over from earlier samples: a port need not have the same."""
    program = small(TinyProp(0.05, 0.5, output="rule"))
    row = next(row for row, i in enumerate(program.instructions) if i.phase == "selection")
    kept, count, y_max, _ = program.instructions[row].outputs  # what is counted on the way is scratch
    step = program.step(X[:1], Y[:1], None, 0, None)
    step.run(0, row + 1)
    size = int(program.arena.view(count)[0])
    data = program.arena.view(kept)[:size].tobytes() + b"".join(program.arena.view(b).tobytes() for b in (count, y_max))
    other = small(TinyProp(0.05, 0.5, output="rule"))
    other.arena.view(other.instructions[row].outputs[0])[:] = 999
    assert other.trace(X[:1], Y[:1])[row][4] == fnv1a(data)


def test_hash_of_the_load_is_that_of_the_samples_bytes():
    assert small().trace(X, Y)[0] == (0, 0, "load_f32", "input", fnv1a(X[0].astype("<f4").tobytes()))


def test_csv():
    file = io.StringIO()
    write_csv([(3, 0, "load_f32", "input", 0xAB), (3, 1, "dense_forward_f32", "dense1", 0xFFFFFFFF)], file)
    assert file.getvalue() == (
        "sample,row,opcode,layer,hash\n3,0,load_f32,input,000000ab\n3,1,dense_forward_f32,dense1,ffffffff\n"
    )


def doubling():
    """A program whose second weight row doubles: 3e38 becomes infinite."""
    network = build("mlp-1-2").with_parameters({"dense1.weights": [[1], [2]], "dense1.bias": [0, 0]})
    return compile(network, Full(), SGD(0.1))


def test_nonfinite_error_in_a_trace_names_the_position_in_the_order():
    x = np.array([[1], [2], [3e38]], np.float32)
    for run in (doubling().train, doubling().trace):
        with pytest.raises(NonFiniteError) as stopped:
            run(x, [0, 1, 0], [1, 0, 2])
        assert (stopped.value.layer, stopped.value.sample) == ("dense1", 2)


def test_nonfinite_error_in_a_watched_trace_leaves_the_arena_as_a_plain_one_does():
    """The watch overwrites all bytes but the operands; the state must be there again when the error arrives."""
    plain, watched = doubling(), doubling()
    for program, watch in ((plain, False), (watched, True)):
        with pytest.raises(NonFiniteError):
            program.trace(np.array([[3e38]], np.float32), [0], watched=watch)
    assert plain.state()["dense1.weights"].tobytes() == watched.state()["dense1.weights"].tobytes()
    assert plain.arena.bytes.tobytes() == watched.arena.bytes.tobytes()


# the watch


def changed(program, row, column, by):
    """Change the table that is executed, not the plan."""
    program.arena.view(program.listing.table)[row, COLUMNS.index(column)] += by


def row_of(program, name):
    return next(row for row, i in enumerate(program.instructions) if i.name == name)


def smallest_exposure(program, row, column):
    """The fewest bytes by which an operand must move until its first or last word is nobody's operand in this row."""
    instruction = program.instructions[row]
    own = set()
    for buffer in (*instruction.buffers, program.listing.table):
        own |= set(range(program.plan.offsets[buffer], program.plan.offsets[buffer] + buffer.size))
    buffer = (instruction.outputs if column[:3] == "out" else instruction.inputs)[int(column[-1])]
    first, last = program.plan.offsets[buffer], program.plan.offsets[buffer] + buffer.size - 4
    size = program.arena.bytes.size
    moves = sorted((by for by in range(-256, 257, 4) if by), key=abs)
    return next(by for by in moves if not {first + by, last + by} <= own and 0 <= first + by and last + by < size)


@pytest.mark.parametrize("name, columns", [
    ("load_f32", ("out0", "in1")), ("dense_forward_f32", ("out0", "in0", "in1", "in2")),
    ("relu_forward_f32", ("out0", "in0")), ("softmax_cross_entropy_f32", ("out0", "in0")),
    ("select_adaptive_f32", ("out1", "out2")), ("dense_backward_input_f32", ("out0", "in0", "in1")),
    ("dense_update_f32", ("out0", "out1", "in0", "in1")), ("relu_backward_f32", ("out0", "in0", "in1")),
])  # fmt: skip
def test_an_operand_out_of_place_is_a_violation(name, columns):
    for column in columns:
        program = small(TinyProp(1.0, 1.0, output="rule"))
        row = row_of(program, name)
        changed(program, row, column, smallest_exposure(program, row, column))
        with pytest.raises(PlanViolation, match=f"row {row} \\({name} of "):
            program.trace(X, Y, watched=True)
            pytest.fail(f"{column} moved and nobody saw it")


CNN = Network(
    [
        Input((4, 5, 2)),
        Conv2D(3, 2, 1, "same"),
        ReLU(),
        DepthwiseConv2D(2),
        Residual([Conv2D(3, 1), ReLU6()]),
        MaxPool2D((1, 2)),
        AveragePool2D(2, 1),
        Flatten(),
        Dense(3),
    ],
    seed=4,
)
IMAGES = np.linspace(-1, 1, 80, dtype=np.float32).reshape(2, 4, 5, 2)[:, ::-1]


@pytest.mark.parametrize("name, columns", [
    ("conv_forward_f32", ("out0", "in0", "in1", "in2")),  # its patch is for who gathers one by one, as a core does
    ("depthwise_forward_f32", ("out0", "in0", "in1", "in2")),
    ("max_pool_forward_f32", ("out0", "out1", "in0")), ("average_pool_forward_f32", ("out0", "in0")),
    ("add_forward_f32", ("out0", "in0", "in1")), ("conv_backward_input_f32", ("out0", "in0", "in1")),
    ("depthwise_backward_input_f32", ("out0", "in0", "in1")), ("conv_update_f32", ("out0", "out1", "in0", "in1")),
    ("depthwise_update_f32", ("out0", "out1", "in0", "in1")), ("begin_rows_f32", ("out0", "out1", "out2")),
    ("apply_rows_f32", ("out0", "out1", "out2", "in0", "in1")), ("count_batch_i32", ("out0",)),
    ("max_pool_backward_f32", ("out0", "in0")), ("average_pool_backward_f32", ("out0", "in0")),
    ("add_backward_f32", ("out0", "in0", "in1")),
])  # fmt: skip
def test_an_operand_of_a_convolutional_network_out_of_place_is_a_violation(name, columns):
    for column in columns:
        program = compile(CNN, Full(), SGD(0.01, momentum=0.5, batch=2))
        row = row_of(program, name)
        changed(program, row, column, smallest_exposure(program, row, column))
        with pytest.raises(PlanViolation, match=f"row {row} \\({name} of "):
            program.trace(IMAGES, Y, watched=True)
            pytest.fail(f"{column} moved and nobody saw it")


def test_hash_of_a_convolution_is_that_of_its_outputs_without_the_patch():
    """A port may gather its patches otherwise, or not at all."""
    program = compile(CNN)
    row = row_of(program, "conv_forward_f32")
    out, patch = program.instructions[row].outputs
    program.step(IMAGES[:1], Y[:1], None, 0, None).run(0, row + 1)
    data = program.arena.view(out).tobytes()
    assert patch.category == "scratch" and patch.size
    assert compile(CNN).trace(IMAGES, Y)[row][4] == fnv1a(data)


def test_a_selection_that_reads_a_foreign_error_is_a_violation_not_a_nonfinite_error():
    """The NaN it meets is the watch's own background."""
    program = small(TinyProp(1.0, 1.0, output="rule"))
    row = row_of(program, "select_adaptive_f32")
    changed(program, row, "in0", smallest_exposure(program, row, "in0"))
    with pytest.raises(PlanViolation):
        program.trace(X, Y, watched=True)


@pytest.mark.parametrize("column", ["d0", "d1"])
def test_a_dimension_too_large_is_a_violation(column):
    """d0: what is read out of bounds and what it becomes must not happen to equal the background it is written on."""
    program = small()
    row = row_of(program, "dense_forward_f32")
    changed(program, row, column, 1)
    with pytest.raises(PlanViolation, match=f"row {row} "):
        program.trace(X, Y, watched=True)


def test_reads_outside_operands_are_a_violation(monkeypatch):
    """A kernel that looks at a neighbour's bytes without writing anything it should not."""
    program = small()
    real = executor.execute

    def peeking(table, constants, memory, host, first_row, *rest):
        real(table, constants, memory, host, first_row, *rest)
        f32, relu = memory.f32, row_of(program, "relu_forward_f32")
        if first_row == relu:
            out = program.plan.offsets[program.instructions[relu].outputs[0]] // 4
            f32[out] += f32[program.plan.offsets[program.listing.parameters["dense3.bias"]] // 4]

    monkeypatch.setattr(executor, "execute", peeking)
    with pytest.raises(PlanViolation, match="relu_forward_f32 of relu1.*depends on bytes it has no operand for"):
        program.trace(X, Y, watched=True)


def test_a_write_behind_the_arena_is_a_violation(monkeypatch):
    program = small()
    real = executor.execute

    def overrunning(*arguments):
        real(*arguments)
        program.arena.guard[0] = 0

    monkeypatch.setattr(executor, "execute", overrunning)
    with pytest.raises(PlanViolation, match="behind the arena"):
        program.trace(X, Y, watched=True)


def test_a_plan_changed_under_a_running_program_is_a_violation():
    """The table was written from the old offsets."""
    program = small()
    assert program.table is not None
    program.plan.offsets[program.instructions[1].outputs[0]] += 4
    with pytest.raises(PlanViolation):
        program.trace(X, Y, watched=True)


def test_two_live_buffers_on_the_same_bytes_are_a_violation():
    """A planner's overlap, there before the table is written: dense2's error on the input its update needs."""
    program = small(Full())
    update = next(i for i in program.instructions if i.name == "dense_update_f32" and i.layer == "dense2")
    delta, x = update.inputs[:2]
    program.plan.offsets[delta] = program.plan.offsets[x]
    with pytest.raises(PlanViolation):
        program.trace(X, Y, watched=True)


def test_rule_state_on_the_bytes_of_a_passing_buffer_is_a_violation():
    """Y_max is read and written by its selection, yet only its output: what each sample destroys must be noticed."""
    program = small()
    named = {p.buffer.name: p.buffer for p in program.plan.placements}
    program.plan.offsets[named["dense1.y_max"]] = program.plan.offsets[named["dense3.kept_count"]]
    with pytest.raises(PlanViolation):
        program.trace(X, Y, watched=True)


def test_an_input_gradient_is_traced_and_watched_too():
    """wrt="input": the rows that input_gradient runs, no update among them; the watch sees the bit masks too."""
    program = compile(build("mlp-3-9-8-2"), Full(), wrt="input")
    x, y = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3), [0, 1]
    gradient = program.input_gradient(x, y)
    records = program.trace(x, y, watched=True)
    assert [row for _, row, *_ in records] == 2 * list(range(len(program.instructions)))
    assert {"relu_mask_backward_f32"} <= {name for _, _, name, *_ in records} and "dense_update_f32" not in str(records)
    assert (program.arena.view(program.listing.input_error) == gradient[1]).all()
