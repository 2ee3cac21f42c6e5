"""State of a program: what training changes, what it never changes, and how it is saved, split up and put back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Full, InputError, NonFiniteError, TinyProp, TinyPropV2, TopK, build, compile
from mcuref.optimisers import SCHEDULES
from mcuref.testing import programs, samples

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
RULES = [Full(), TopK(0.25), TinyProp(), TinyPropV2(threshold=0.2)]


def bits(state):
    return {name: value.tobytes() for name, value in state.items()}


@st.composite
def tasks(draw):
    program = draw(programs(wrt=("parameters",), least_trainable=1))
    return (program, *draw(samples(program, 6)))


@pytest.fixture(scope="module")
def many():
    """(x, y): 300 samples, more than the executor's first chunk of 64."""
    random = np.random.default_rng(11)
    y = random.integers(0, 10, 300)
    return (random.normal(size=(10, 64))[y] + random.normal(size=(300, 64)) / 2).astype(np.float32), y


@RANDOM
@given(tasks())
def test_training_leaves_flash_and_guard_alone(flash_hash, task):
    program, x, y = task
    before = flash_hash(program)
    program.train(x, y)
    assert flash_hash(program) == before
    assert (program.arena.guard == 0xA5).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.method)
def test_several_calls_are_one_call_and_predictions_between_them_change_nothing(rule, schedule, many):
    x, y = many
    order = np.random.default_rng(0).permutation(300)
    whole, parts = (compile(build("mlp-64-33-10"), rule, SGD(0.05, schedule), trainable=2) for _ in "ab")
    at_once = whole.train(x, y, order)
    losses = []
    for first, end in ((0, 1), (1, 65), (65, 300)):
        losses += parts.train(x, y, order[first:end], first=first, total=300).losses.tolist()
        predicted = parts.predict(x[:5])
        assert (predicted == parts.outputs(x[:5]).argmax(axis=1)).all()
    assert bits(whole.state()) == bits(parts.state()) and losses == at_once.losses.tolist()
    assert (whole.counts == parts.counts).all()
    assert whole.outputs(x).tobytes() == parts.outputs(x).tobytes()
    assert (whole.predict(x) == y).mean() > 0.5, "nothing was learnt: a program that does nothing would pass"


def test_predictions_are_of_the_parameters_of_the_moment(many):
    """Outputs after training are those of a fresh program that starts from the trained parameters."""
    x, y = many
    program = compile(build("mlp-64-33-10"), TinyProp(), SGD(0.05), trainable=1)
    program.train(x, y)
    fresh = compile(program.network.with_parameters(program.parameters()))
    assert fresh.outputs(x).tobytes() == program.outputs(x).tobytes()


@RANDOM
@given(tasks())
def test_restore_puts_back_every_bit(twin, task):
    program, x, y = task
    program.train(x[:3], y[:3], first=0, total=6)
    saved = program.state()
    shown = program.train(x[3:], y[3:], first=3, total=6)
    after = bits(program.state())
    resumed = twin(program)
    resumed.restore(saved)
    assert bits(resumed.state()) == bits(saved)
    assert resumed.train(x[3:], y[3:], first=3, total=6).losses.tobytes() == shown.losses.tobytes()
    assert bits(resumed.state()) == after


@RANDOM
@given(tasks())
def test_reset_is_the_start(twin, task):
    program, x, y = task
    fresh = twin(program).arena.bytes.tobytes()
    assert program.arena.bytes.tobytes() == fresh
    first = program.train(x, y)
    program.reset()
    assert program.arena.bytes.tobytes() == fresh and not program.counts.any()
    assert program.train(x, y).losses.tobytes() == first.losses.tobytes()


def test_state_is_a_copy(many):
    program = compile(build("mlp-64-33-10"))
    before, parameters = program.state(), program.parameters()
    program.train(*many)
    assert bits(before) == bits({n: parameters[n] for n in before}) != bits(program.state())
    assert set(before) == {f"dense{i}.{kind}" for i in (1, 2) for kind in ("weights", "bias")}


@pytest.mark.parametrize("other, words", [
    (lambda: compile(build("mlp-64-33-10"), TinyProp()), "no entry 'dense1.y_max'"),
    (lambda: compile(build("mlp-64-33-10"), trainable=1), "an unknown entry 'dense1.bias'"),
    (lambda: compile(build("mlp-64-32-10")), "'dense1.weights' is float32(33, 64); it must be float32(32, 64)"),
    (lambda: compile(build("mlp-64-33-10"), wrt="input"), "unknown entry"),
])  # fmt: skip
def test_state_of_another_program_is_refused_and_changes_nothing(other, words):
    state = compile(build("mlp-64-33-10")).state()
    program = other()
    before = program.arena.bytes.tobytes()
    with pytest.raises(InputError) as refused:
        program.restore(state)
    assert words in str(refused.value)
    assert program.arena.bytes.tobytes() == before


def test_state_of_another_type_is_refused():
    program = compile(build("mlp-3-2"))
    state = program.state()
    state["dense1.bias"] = state["dense1.bias"].astype(np.float64)
    with pytest.raises(InputError, match="float64"):
        program.restore(state)


def test_nonfinite_error_leaves_this_layer_and_those_below_as_they_were():
    """The third of four samples overflows: two are trained, nothing after."""
    network = build("mlp-3-4-2").with_parameters(
        {
            "dense1.weights": np.ones((4, 3)),
            "dense1.bias": np.zeros(4),
            "dense2.weights": np.full((2, 4), 0.5),
            "dense2.bias": np.zeros(2),
        }
    )
    x = np.array([[1, 0, 0], [0, 1, 0], [3e38, 3e38, 3e38], [1, 1, 1]], np.float32)
    y = np.array([0, 1, 0, 1])
    program, two = (compile(network, TinyProp(), SGD(0.1, "constant")) for _ in "ab")
    two.train(x[:2], y[:2])
    with pytest.raises(NonFiniteError) as stopped:
        program.train(x, y)
    assert (stopped.value.layer, stopped.value.sample) == ("dense2", 2)
    assert bits(program.state()) == bits(two.state())


@pytest.mark.parametrize("count", [0, 1, 64, 65])
def test_progress_tells_how_far_it_is(count):
    calls = []
    program = compile(build("mlp-3-2"))
    x = np.ones((count, 3), np.float32)
    shown = program.train(x, np.zeros(count, int), progress=lambda done, size: calls.append((done, size)))
    assert shown.losses.size == count and [size for _, size in calls] == [count] * len(calls)
    assert not count or calls[-1] == (count, count)


@pytest.mark.parametrize("first, total", [(-1, 3), (2, 3), (0, 1)])
def test_steps_outside_the_schedule_are_refused(first, total):
    with pytest.raises(InputError, match="outside a schedule|first -1 is not a whole number"):
        compile(build("mlp-3-2")).train(np.ones((2, 3), np.float32), [0, 1], first=first, total=total)


@pytest.mark.parametrize("arguments", [{"trainable": 0}, {"wrt": "input"}])
def test_a_program_without_trainable_layers_does_not_train(arguments):
    with pytest.raises(InputError, match="cannot train"):
        compile(build("mlp-3-2"), **arguments).train(np.ones((1, 3), np.float32), [0])
