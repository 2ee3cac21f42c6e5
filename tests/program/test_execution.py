"""What a program computes: against NumPy float64 with derived bounds, and against finite differences."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuref import SGD, Dense, Full, Input, InputError, Network, ReLU, TinyPropV2, TopK, build, compile
from mcuref.testing import networks, oracles, programs, rules_strategy, samples

from . import reference

RANDOM = settings(max_examples=80, deadline=None, database=None, derandomize=True)
SHOWN = 3  # training steps


@st.composite
def tasks(draw):
    """(program, x, y): a program that trains, with samples for it."""
    program = draw(programs(wrt=("parameters",), least_trainable=1))
    return (program, *draw(samples(program, SHOWN)))


class Follower:
    """Runs one training step row by row beside the reference; every choice and every parameter is checked."""

    def __init__(self, program, x, y, sample):
        self.program, self.rule, self.y = program, program.rule, y[sample]
        self.step = program.step(x, y, [sample], sample, SHOWN)
        self.rate = float(self.step.rates[0])
        self.before, self.state = program.parameters(), program.state()
        self.values = reference.forward(program.network, self.before, *reference.load(program.network.input, x[sample]))
        self.loss, self.loss_bound, *self.error = reference.loss(program.loss, *self.values[-1], self.y)
        self.position, self.below, self.trained, self.updated = 0, None, True, set()

    def run(self):
        """Run all rows; check what they did as they did it, and in the end that nothing else has changed."""
        row, rows = 0, len(self.program.instructions)
        while row < rows:
            following = self.step.run(row, row + 1)
            instruction = self.program.instructions[row]
            if instruction.phase == "decision":
                self.trained = following < rows
            check = getattr(self, f"check_{instruction.name.removesuffix('_f32')}", None)
            check = check or getattr(self, f"check_{instruction.phase}", None)
            if check:
                check(instruction)
            row = following
        for name, value in self.program.state().items():
            if name not in self.updated:
                assert value.tobytes() == self.state[name].tobytes(), f"{name} changed without an instruction for it"
        assert self.trained or all(name.endswith("y_max") for name in self.updated)
        return self

    def choice(self, instruction, dense):
        """What the rule may decide here, and Y_max checked against it."""
        name = f"{instruction.layer}.y_max"
        before, decay = self.state.get(name, [0])[0], getattr(self.rule, "decay", 1.0)
        choice = reference.Choice(self.rule, *self.error, before, self.position, dense, decay)
        if len(instruction.outputs) == 3 or instruction.phase == "decision":
            low, high = choice.y_max
            assert low * (1 - 1e-6) <= self.program.state()[name][0] <= high * (1 + 1e-6)
            self.updated.add(name)
        return choice

    def check_decision(self, instruction):
        choice = self.choice(instruction, False)
        low, high = choice.decision()
        threshold = float(np.float32(self.rule.threshold))
        assert (choice.y[1] > 0 and high > threshold) if self.trained else (choice.y[0] == 0 or low <= threshold)

    def check_selection(self, instruction):
        output = getattr(self.rule, "output", "rule")
        always = output == "dense" or (output == "auto" and self.program.loss == "softmax_cross_entropy")
        choice = self.choice(instruction, self.position == 0 and always)
        kept, count = (self.program.arena.view(buffer) for buffer in instruction.outputs[:2])
        self.kept = kept[: count[0]].copy()
        reference.assert_kept(self.kept, *self.error, choice)
        self.position += 1

    def check_dense_backward_input(self, instruction):
        self.below = reference.dense_backward(*self.error, self.parameter(instruction, "weights"), self.kept)

    def check_relu_backward(self, instruction):
        self.error = reference.relu_backward(*self.error, *self.values[instruction.layer_index])

    check_relu_mask_backward = check_relu_backward

    def check_update(self, instruction):
        old = [self.parameter(instruction, kind) for kind in ("weights", "bias")]
        after = reference.dense_update(*old, *self.error, *self.values[instruction.layer_index - 1], self.kept,
                                       self.rate, getattr(self.rule, "bias", "masked") == "dense")  # fmt: skip
        now = self.program.parameters()
        for kind, (value, bound) in after.items():
            name = f"{instruction.layer}.{kind}"
            off = np.abs(now[name] - value)
            assert (off <= bound).all(), f"{name} is off by {off.max()}, up to {bound.flat[off.argmax()]} is rounding"
            self.updated.add(name)
        self.error = self.below

    def parameter(self, instruction, kind):
        return self.before[f"{instruction.layer}.{kind}"].astype(np.float64)


@RANDOM
@given(tasks())
def test_training_is_that_of_the_float64_reference(twin, task):
    """Row by row on one program, in one call on its twin: the same bits, and within rounding of the reference."""
    program, x, y = task
    other = twin(program)
    shown = other.train(x, y)
    for sample in range(SHOWN):
        follower = Follower(program, x, y, sample).run()
        assert abs(shown.losses[sample] - follower.loss) <= follower.loss_bound
        assert shown.trained[sample] == follower.trained
    assert other.arena.sram.tobytes() == program.arena.sram.tobytes()
    assert (other.counts == program.counts).all()


@RANDOM
@given(programs().flatmap(lambda program: st.tuples(st.just(program), samples(program))))
def test_outputs_are_those_of_the_reference_and_change_nothing(task):
    program, (x, _) = task
    before, counts = program.state(), program.counts.copy()
    flash = program.arena.flash.copy()
    z = program.outputs(x)
    for sample, out in zip(x, z, strict=True):
        start = reference.load(program.network.input, sample)
        value, bound = reference.forward(program.network, program.network.parameters, *start)[-1]
        assert (np.abs(out - value) <= bound).all()
    assert (program.predict(x) == z.argmax(axis=1)).all()
    assert program.outputs(x).tobytes() == z.tobytes()
    assert {name: v.tobytes() for name, v in program.state().items()} == {n: v.tobytes() for n, v in before.items()}
    assert (program.counts == counts).all() and (program.arena.flash == flash).all()


@pytest.mark.parametrize("rule", [TopK(1.0, output="rule"), TopK(1.0)])
def test_keeping_all_entries_is_full_training_to_the_bit(rule, digits_like):
    x, y = digits_like
    programs = [compile(build("mlp-64-33-10"), r, SGD(0.1)) for r in (Full(), rule)]
    for program in programs:
        program.train(x, y)
    first, second = (program.state() for program in programs)
    assert first.keys() == second.keys() and all(first[n].tobytes() == second[n].tobytes() for n in first)


@pytest.fixture
def digits_like():
    """(x, y): 50 samples of 64 values around a centre for each of 10 classes."""
    random = np.random.default_rng(7)
    y = random.integers(0, 10, 50)
    return (random.normal(size=(10, 64))[y] + random.normal(size=(50, 64)) / 2).astype(np.float32), y


# gradients with respect to the input


@st.composite
def input_gradients(draw):
    """(program, x, y): Full, wrt="input", one sample, no ReLU within 1/1000 of its kink."""
    loss = draw(st.sampled_from(["softmax_cross_entropy", "mean_squared_error"]))
    program = compile(draw(networks()), Full(), loss=loss, wrt="input")
    x, y = draw(samples(program, 1))
    network = program.network
    values = reference.forward(network, network.parameters, *reference.load(network.input, x[0]))
    relus = [values[i - 1][0] for i, layer in enumerate(network.layers) if isinstance(layer, ReLU)]
    # behind a ReLU the kept values are exact zeros or clearly positive: a second ReLU has no kink to step over
    first = [z for i, z in enumerate(relus) if not (z >= 0).all()] or relus
    assume(all((np.abs(z[z != 0]) > 1e-3).all() for z in first))
    return program, x, y


@RANDOM
@given(input_gradients())
def test_input_gradient_is_the_finite_difference(flash_hash, task):
    program, x, y = task
    network, before = program.network, flash_hash(program)
    start, e = reference.load(network.input, x[0])

    def loss_of(normalised):
        z, bound = reference.forward(network, network.parameters, normalised, 0 * e)[-1]
        return reference.loss(program.loss, z, bound, y[0])[0]

    values = reference.forward(network, network.parameters, start, e)
    _, _, *error = reference.loss(program.loss, *values[-1], y[0])
    _, bound = reference.input_gradient(network, values, *error)
    gradient = program.input_gradient(x, y)
    assert gradient.shape == (1, *network.input.shape) and gradient.dtype == np.float32
    slope = oracles.finite_difference(loss_of, start)
    # central differences: roundoff of the loss over the step, 2^-53 / 1e-6, and the step's square
    allowed = bound + 1e-8 * (1 + abs(loss_of(start))) + 1e-6 * np.abs(slope)
    assert (np.abs(gradient.reshape(-1) - slope) <= allowed).all()
    assert flash_hash(program) == before, "weights lie in flash here and must be as they were"


@RANDOM
@given(networks(), rules_strategy(), st.data())
def test_no_rule_changes_a_parameter_with_wrt_input(flash_hash, network, rule, data):
    program = compile(network, rule, wrt="input")
    x, y = data.draw(samples(program))
    before = flash_hash(program)
    assert np.isfinite(program.input_gradient(x, y)).all()
    assert flash_hash(program) == before and not program.trainable
    assert all(name.endswith("y_max") for name in program.state())
    with pytest.raises(InputError, match="cannot train"):
        program.train(x, y)


def test_the_mask_does_what_the_activation_does():
    """33 units, so that the mask has a last byte with one bit; the same gradient by hand."""
    network = Network([Input((5,)), Dense(33), ReLU(), Dense(2)], seed=3)
    program = compile(network, loss="mean_squared_error", wrt="input")
    x = np.linspace(-1, 1, 10, dtype=np.float32).reshape(2, 5)
    w1, w2 = (network.parameters[f"dense{i}.weights"].astype(np.float64) for i in (1, 2))
    hidden = np.maximum(x @ w1.T, 0)
    by_hand = ((hidden @ w2.T) * 2 / 2 @ w2 * (hidden > 0)) @ w1  # target 0, factor 2 / n
    assert "relu_mask_backward_f32" in {i.name for i in program.instructions}
    np.testing.assert_allclose(program.input_gradient(x, np.zeros((2, 2))), by_hand, rtol=1e-5, atol=1e-6)


def test_a_skipped_sample_has_no_input_gradient_left_over_from_another():
    """TinyPropV2 skips the second, easy sample: its gradient must not be bytes that happen to lie there."""
    network = Network([Input((3,)), Dense(2)], parameters={"dense1.weights": np.eye(2, 3) * 8, "dense1.bias": [0, 0]})
    program = compile(network, TinyPropV2(threshold=0.5), wrt="input")
    x = np.array([[1, -1, 0], [1, -1, 0]], np.float32)
    full = compile(network, Full(), wrt="input").input_gradient(x, [1, 0])
    gradient = program.input_gradient(x, [1, 0])
    assert gradient[0].tobytes() == full[0].tobytes()
    assert np.abs(full[1]).max() < 1e-5
    np.testing.assert_allclose(gradient[1], full[1], atol=1e-5)


def test_input_gradient_needs_a_program_for_it():
    with pytest.raises(InputError, match="not compiled with wrt='input'"):
        compile(build("mlp-3-2")).input_gradient(np.zeros((1, 3), np.float32), [0])
