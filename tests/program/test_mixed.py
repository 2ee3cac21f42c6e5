"""Programs with an int8 body and a float32 head: the body computes what int8 programs do, the head what float32 ones do."""

import numba
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuref import SGD, Full, InputError, TinyProp, TinyPropV2, TopK, compile
from mcuref.layers import Conv2D, Dense, Flatten, Input, MaxPool2D, ReLU, ReLU6, Residual, Softmax, Tanh
from mcuref.network import Network
from mcuref.operators.columns import RUNS
from mcuref.operators.mixed import OPERATORS
from mcuref.program import first_steps
from mcuref.program.first_steps import int8_network, mixed_network
from mcuref.quantization.edges import real_values
from mcuref.quantization.quantise import fused_activations
from mcuref.testing import networks, samples

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="minutes as plain Python; test_training_int8 compares whole steps there"
)

RULES = {
    "full": Full(),
    "topk": TopK(0.4),
    "tinyprop": TinyProp(0.1, 0.8, 0.9),
    "tinypropv2": TinyPropV2(0.1, 0.8, threshold=0.9),
}
BODY = [Conv2D(4, 3, padding="same"), ReLU(), Residual([Conv2D(4, 3, padding="same"), ReLU()]), MaxPool2D(2), Conv2D(6, 2)]
HEAD = [ReLU6(), Flatten(), Dense(12), Tanh(), Dense(5)]
STEPS = 100


def fused_names(plain):
    return tuple(plain.names[i] for i in sorted(fused_activations(plain)))


def parts(plain, place):
    """(mixed network, int8 network of the same body, float32 network of the head alone), or None for a head that is no
    chain of whole layers.
    """
    mixed = mixed_network(plain, place, fused_names(plain))
    first = next((n for n, layer in enumerate(plain.written) if layer is plain.layers[mixed.body]), None)
    if first is None:  # it is inside of a block
        return None
    layers = plain.written[first:]
    head = Network([Input(plain.shapes[mixed.body - 1], "float32"), *layers])
    own = [f"{mixed.names[i]}.{kind}" for i in mixed.trainable for kind in mixed.parameter_shapes(i)]
    theirs = [f"{head.names[i]}.{kind}" for i in head.parametric for kind in head.parameter_shapes(i)]
    parameters = {there: mixed.parameters[here] for here, there in zip(own, theirs, strict=True)}
    return mixed, int8_network(plain, fused_names(plain)), head.with_parameters(parameters)


def boundary(program):
    """Index of the last layer of the body that has an instruction."""
    return max(i.layer_index for i in program.instructions if i.layer_index < program.network.body)


def assert_trained_alike(mixed, int8, head, x, y, rule, optimiser=SGD(0.05)):
    """The body's outputs, then losses, weights, state and counts of the head after training on these samples."""
    program, alone = compile(mixed, rule, optimiser), compile(head, rule, optimiser)
    last = boundary(program)
    values = program.step(x, y, None, 0, None).layer_outputs(last)
    expected = compile(int8, trainable=0).step(x, None, None, 0, None).layer_outputs(last)
    np.testing.assert_array_equal(values, expected)
    program.reset()
    frozen = {name: values for name, values in program.parameters().items() if values.dtype != np.float32}
    real = real_values(values, mixed.quantization.outputs[last])
    shown, shown_alone = program.train(x, y), alone.train(real, y)
    np.testing.assert_array_equal(shown.losses.view(np.int32), shown_alone.losses.view(np.int32))
    np.testing.assert_array_equal(shown.trained, shown_alone.trained)
    state, state_alone = (list(p.state().values()) for p in (program, alone))
    assert [value.tobytes() for value in state] == [value.tobytes() for value in state_alone]
    rows = [row for row, i in enumerate(alone.instructions) if i.phase != "input"]
    assert (program.counts[-len(rows) :] == alone.counts[rows]).all() and len(rows) > 3
    for name, values in frozen.items():
        np.testing.assert_array_equal(program.parameters()[name], values)
    return program, shown


def problem(network, count=STEPS):
    random = np.random.default_rng(3)
    x = random.integers(0, 256, (count, *network.input.shape)).astype(np.uint8)
    return x, random.integers(0, network.outputs, count)


@pytest.fixture(scope="module")
def convolutional():
    return parts(Network([Input((6, 6, 2), "uint8", 128, 1 / 64), *BODY, *HEAD], seed=1), 3)


@pytest.mark.parametrize("optimiser", [SGD(0.05), SGD(0.05, momentum=0.5, batch=4), SGD(0.05, momentum=0.5)], ids=str)
@pytest.mark.parametrize("method", RULES)
def test_the_head_trains_as_a_float32_program_of_the_dequantised_values(convolutional, method, optimiser):
    mixed, int8, head = convolutional
    assert mixed.dtype == "mixed" and len(mixed.trainable) == 2
    program, shown = assert_trained_alike(mixed, int8, head, *problem(mixed), RULES[method], optimiser)
    assert STEPS / 4 < shown.trained.sum() < STEPS + (method != "tinypropv2")
    for i in mixed.trainable:
        name = f"{mixed.names[i]}.weights"
        assert (program.parameters()[name] != mixed.parameters[name]).mean() > 0.3


@st.composite
def tasks(draw):
    """(parts of a drawn network, samples, labels, rule)."""
    plain = draw(networks())
    assume(len(plain.parametric) > 1)
    made = parts(plain, draw(st.integers(1, len(plain.parametric) - 1)))
    assume(made is not None)
    x, y = draw(samples(compile(made[0]), 5))
    return made, x, y, draw(st.sampled_from(list(RULES.values())))


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(tasks())
def test_drawn_networks(task):
    made, x, y, rule = task
    assert_trained_alike(*made, x, y, rule)


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(networks(), st.data())
def test_a_trace_is_the_training_and_passes_the_watch(twin, plain, data):
    """Wherever the boundary is, inside of residual blocks too."""
    assume(len(plain.parametric) > 1)
    mixed = mixed_network(plain, data.draw(st.integers(1, len(plain.parametric) - 1)), fused_names(plain))
    program = compile(mixed, data.draw(st.sampled_from(list(RULES.values()))), SGD(0.01))
    x, y = data.draw(samples(program, 3))
    traced, watched = twin(program), twin(program)
    program.train(x, y)
    assert watched.trace(x, y, watched=True) == traced.trace(x, y)
    assert program.arena.bytes.tobytes() == traced.arena.bytes.tobytes() == watched.arena.bytes.tobytes()


def test_a_boundary_inside_of_a_residual_block():
    """The block's input and what its frozen convolution comes to are made float32, once each, and added there."""
    block = Residual([Conv2D(3, 1), ReLU(), Conv2D(3, 1)])
    plain = Network([Input((2, 2, 2), "uint8", 128, 1 / 64), Conv2D(3, 1), block, Flatten(), Dense(4)], seed=2)
    mixed = mixed_network(plain, 2)
    program = compile(mixed)
    families = [i.operator.family for i in program.instructions]
    assert families.count("dequantise") == 2 and mixed.names[mixed.body] == "conv3"
    x, y = problem(mixed, 8)
    step = compile(int8_network(plain), trainable=0).step(x, None, None, 0, None)
    scales = mixed.quantization.outputs
    shortcut, below = (real_values(step.layer_outputs(mixed.names.index(n)), scales[mixed.names.index(n)])
                       for n in ("conv1", "relu1"))  # fmt: skip
    conv = Network([Input((2, 2, 3)), Conv2D(3, 1), Flatten()])
    conv = conv.with_parameters({f"conv1.{kind}": mixed.parameters[f"conv3.{kind}"] for kind in ("weights", "bias")})
    dense = Network([Input((12,)), Dense(4)])
    dense = dense.with_parameters({name: mixed.parameters[name] for name in dense.parameters})
    summed = compile(conv, trainable=0).outputs(below) + shortcut
    np.testing.assert_array_equal(program.outputs(x), compile(dense, trainable=0).outputs(summed))
    before = program.parameters()
    assert program.train(x, y).trained.all()
    changed = {name for name, values in program.parameters().items() if (values != before[name]).any()}
    assert changed == {"conv3.weights", "conv3.bias", "dense1.weights", "dense1.bias"}


def test_a_program_that_trains_fewer_layers_keeps_the_others_in_float32_in_flash(convolutional):
    mixed, *_ = convolutional
    program = compile(mixed, trainable=1)
    x, y = problem(mixed, 10)
    program.train(x, y)
    changed = {name for name, values in program.parameters().items() if (values != mixed.parameters[name]).any()}
    assert changed == {"dense2.weights", "dense2.bias"}
    flash = {p.buffer.name: p.buffer.dtype for p in program.plan.placements if p.buffer.region == "flash"}
    assert flash["dense1.weights"] == "float32" and flash["conv1.weights"] == "int8"


def test_state_and_what_is_trained_make_the_same_program_again(convolutional, twin):
    mixed, *_ = convolutional
    x, y = problem(mixed)
    program, resumed = compile(mixed, TinyProp(0.1, 0.8, 0.9)), compile(mixed, TinyProp(0.1, 0.8, 0.9))
    program.train(x, y, first=0, total=100)
    half = compile(mixed, TinyProp(0.1, 0.8, 0.9))
    half.train(x[:50], y[:50], first=0, total=100)
    resumed.restore(half.state())
    resumed.train(x[50:], y[50:], first=50, total=100)
    assert all((a == b).all() for a, b in zip(program.state().values(), resumed.state().values()))
    now = program.trained()
    assert now.dtype == "mixed"
    np.testing.assert_array_equal(compile(now, trainable=0).outputs(x), program.outputs(x))
    np.testing.assert_array_equal(now.real(program.outputs(x)), program.outputs(x))


def test_a_softmax_behind_the_head_is_computed_where_nothing_is_trained():
    plain = Network([Input((9,), "uint8", 128, 1 / 64), Dense(8), ReLU(), Dense(4), Softmax()], seed=2)
    mixed = mixed_network(plain, 1)
    x, y = problem(mixed, 6)
    np.testing.assert_allclose(compile(mixed, trainable=0).outputs(x).sum(axis=1), 1, rtol=1e-6)
    assert mixed.without_softmax().dtype == "mixed" and compile(mixed).train(x, y).trained.all()


def test_the_first_steps_run_every_instruction():
    programs = []

    def compiled(*arguments, **options):
        programs.append(compile(*arguments, **options))
        return programs[-1]

    assert first_steps.computed(compiled, "mixed") == first_steps.KNOWN["mixed"]
    seen = {i.name for p in programs for i, runs in zip(p.instructions, p.counts[:, RUNS]) if runs}
    seen |= {i.name for p in programs if not p.trainable for i in p.instructions}
    assert seen == {operator.name for operator in OPERATORS}


@pytest.mark.parametrize("options, words", [
    ({"trainable": 3}, "trainable must be .*0.*2|trainable 3"),
    ({"wrt": "input"}, "is mixed; gradients with respect to the input are of float32 networks"),
])  # fmt: skip
def test_refused(convolutional, options, words):
    with pytest.raises(InputError, match=words):
        compile(convolutional[0], **options)
