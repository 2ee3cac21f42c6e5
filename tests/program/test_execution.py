"""What a program computes: against NumPy float64 with derived bounds, and against finite differences."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuref import SGD, Dense, Full, Input, InputError, Network, ReLU, TinyProp, TinyPropV2, TopK, build, compile
from mcuref.kernels.rests import set_streak, streak
from mcuref.layers import AveragePool2D, Conv2D, DepthwiseConv2D, Flatten, MaxPool2D, ReLU6
from mcuref.testing import networks, oracles, programs, rules_strategy, samples
from mcuref.testing.networks import optimisers

from . import reference

RANDOM = settings(max_examples=80, deadline=None, database=None, derandomize=True)
SHOWN = 3  # training steps


@st.composite
def tasks(draw):
    """(program, x, y): a program that trains, with samples for it."""
    program = draw(programs(wrt=("parameters",), least_trainable=1))
    return (program, *draw(samples(program, SHOWN)))


class Follower:
    """Runs one training step row by row; then checks every choice and every parameter against the reference."""

    def __init__(self, program, x, y, sample):
        self.program, self.network, self.rule, self.y = program, program.network, program.rule, y[sample]
        self.step = program.step(x, y, [sample], sample, SHOWN)
        self.rate = self.step.rates[0]
        self.start, self.state = program.parameters(), program.state()
        self.rows, self.kept, self.trained, self.position = [], {}, True, 0
        self.values = reference.forward(self.network, self.start, *reference.load(self.network.input, x[sample]))
        self.loss, self.loss_bound, *error = reference.loss(program.loss, *self.values[-1], self.y)
        self._run()
        self.errors = {len(self.network.layers) - 1: error}
        if self.trained:
            self.errors = reference.backward(self.network, self.start, self.values, *error, program.trainable, self.kept)

    def _run(self):
        """Run all rows; note what each wrote over, and the forward values."""
        row, view = 0, self.program.arena.view
        while row < len(self.program.instructions):
            instruction = self.program.instructions[row]
            before = [view(b).copy() for b in instruction.outputs]
            row = self.step.run(row, row + 1)
            after = [view(b).copy() for b in instruction.outputs]
            inputs = [view(b).copy() for b in instruction.inputs]
            self.rows.append((instruction, before, after, inputs))
            if instruction.phase == "decision":
                self.trained = row < len(self.program.instructions)
            if instruction.phase == "selection":
                self.kept[instruction.layer_index] = after[0][: after[1][0]]
            if instruction.phase == "forward":
                value, bound = self.values[instruction.layer_index]
                assert (np.abs(after[0] - value) <= bound).all(), f"{instruction.layer} is wrong"

    def check(self):
        """Every row against the reference; in the end, that nothing else has changed."""
        for instruction, before, after, inputs in self.rows:
            check = getattr(self, f"check_{instruction.phase}", None)
            if check:
                check(instruction, before, after, inputs)
        changed = {b.name for instruction, *_ in self.rows for b in instruction.outputs}
        for name, value in self.program.state().items():
            if name not in changed:
                assert value.tobytes() == self.state[name].tobytes(), f"{name} changed without an instruction for it"
            assert self.trained or name.endswith(("y_max", "streaks")) or value.tobytes() == self.state[name].tobytes()
        if self.trained:
            selected = [i for i in self.network.parametric if i in self.errors]
            assert sorted(self.kept) == selected
            updated = [i.layer_index for i, *_ in self.rows if i.phase == "update"]
            assert tuple(reversed(updated)) == self.program.trainable
        return self

    def check_rest(self, instruction, before, after, inputs):
        """The sample is skipped once more from the first row on, and behind the decision to train it was never skipped."""
        (index,), bits = self.step.index, instruction["bits"]
        first = instruction.name == "rest_u8"
        grown = min(streak(before[0], index, bits) + 1, instruction["most"]) if first else 0
        set_streak(before[0], index, bits, grown)
        assert (before[0] == after[0]).all()

    def choice(self, instruction, before, after, dense):
        """What the rule may decide here, and Y_max checked against it."""
        decay = getattr(self.rule, "decay", 1.0)
        if instruction.phase == "selection" and self.position == 0 and getattr(self.rule, "threshold", 0) > 0:
            decay = 1.0  # the decision has aged it
        error = self.errors[instruction.layer_index]
        stateful = "y_max" in instruction
        place = instruction.outputs.index(instruction["y_max"]) if stateful else 0
        choice = reference.Choice(self.rule, *error, before[place][0] if stateful else 0, self.position, bool(dense), decay)
        if stateful:
            low, high = choice.y_max
            assert low * (1 - 1e-6) <= after[place][0] <= high * (1 + 1e-6)
        return choice

    def check_decision(self, instruction, before, after, inputs):
        choice = self.choice(instruction, before, after, False)
        low, high = choice.decision()
        threshold = float(np.float32(self.rule.threshold))
        assert (choice.y[1] > 0 and high > threshold) if self.trained else (choice.y[0] == 0 or low <= threshold)

    def check_selection(self, instruction, before, after, inputs):
        output = getattr(self.rule, "output", "rule")
        always = output == "dense" or (output == "auto" and self.program.loss == "softmax_cross_entropy")
        choice = self.choice(instruction, before, after, self.position == 0 and always)
        error = self.errors[instruction.layer_index]
        if "draws" in instruction:
            number = int(before[2][0])
            assert after[2].tolist() == [number + 1]
            reference.assert_drawn(self.kept[instruction.layer_index], *error, choice, self.network.seed, number)
        else:
            reference.assert_kept(self.kept[instruction.layer_index], *error, choice)
        self.position += 1

    def check_update(self, instruction, before, after, inputs):
        """Products of the kept entries are taken from the weights, or added to their sums."""
        i, kinds = instruction.layer_index, ("weights", "bias")
        rate = float(self.rate) if instruction.outputs[0].category == "weights" else -1.0
        wanted = reference.update(
            self.network.layers[i],
            self.network.input_shape(i),
            dict(zip(kinds, before)),
            *self.errors[i],
            *self.values[self.network.sources[i][0]],
            self.kept[i],
            rate,
            getattr(self.rule, "bias", "masked") == "dense",
        )
        for kind, now in zip(kinds, after):
            value, bound = wanted[kind]
            off = np.abs(now - value)
            assert (off <= bound).all(), (
                f"{kind} of {instruction.layer} are off by {off.max()}, up to {bound.flat[off.argmax()]} is rounding"
            )

    def check_gradient(self, instruction, before, after, inputs):
        """Sums of rows that are touched for the first time are 0, velocities decayed: one rounding, so to the bit."""
        sums, bias, touched = before
        layer, kept = self.network.layers[instruction.layer_index], self.kept[instruction.layer_index]
        was, named = np.unpackbits(touched, count=bias.size, bitorder="little").astype(bool), np.zeros(bias.size, bool)
        named[kept.astype(int) % bias.size] = True
        fresh, momentum = named & ~was, np.float32(self.program.optimiser.momentum)
        for old, new, rows in ((sums, after[0], by_rows(layer, fresh)), (bias, after[1], fresh)):
            decayed = momentum * old if momentum else np.zeros_like(old)
            assert np.where(rows, decayed, old).tobytes() == new.tobytes()
        assert np.packbits(was | named, bitorder="little").tobytes() == after[2].tobytes()

    def check_apply(self, instruction, before, after, inputs):
        """w <- w - rate G for touched rows, in float32; two roundings, so to the bit."""
        layer, touched = self.network.layers[instruction.layer_index], before[2]
        rows = np.unpackbits(touched, count=before[1].size, bitorder="little").astype(bool)
        for old, new, gathered, mask in zip(before, after, inputs, (by_rows(layer, rows), rows)):
            assert np.where(mask, old - self.rate * gathered, old).tobytes() == new.tobytes()
        assert not after[2].any()


def by_rows(layer, mask):
    """A mask of output channels as one that broadcasts over the layer's weights."""
    if isinstance(layer, Conv2D):
        return mask[:, None, None, None]
    return mask if isinstance(layer, DepthwiseConv2D) else mask[:, None]


@RANDOM
@given(tasks())
def test_training_is_that_of_the_float64_reference(twin, task):
    """Row by row on one program, in one call on its twin: the same bits, and within rounding of the reference."""
    program, x, y = task
    other = twin(program)
    shown = other.train(x, y)
    for sample in range(SHOWN):
        follower = Follower(program, x, y, sample).check()
        assert abs(shown.losses[sample] - follower.loss) <= follower.loss_bound
        assert shown.trained[sample] == follower.trained
    assert other.arena.sram.tobytes() == program.arena.sram.tobytes()
    assert (other.counts == program.counts).all()


@pytest.mark.parametrize("last, opcode", [([], "relu_mask_backward_f32"), ([Conv2D(3, 1)], "relu_backward_f32")])
def test_no_error_passes_where_a_rectifier_is_at_its_upper_limit(twin, last, opcode):
    """Large inputs, so that many outputs are 6, many 0 and many neither; by the mask and by the output itself."""
    layers = [Input((4, 5, 2), scale=4.0), Conv2D(5, 2), ReLU6(), *last, AveragePool2D(2), Flatten(), Dense(3)]
    program = compile(Network(layers, seed=1), Full(), SGD(0.003))
    assert opcode in {i.name for i in program.instructions}
    x, y = np.random.default_rng(2).uniform(-2, 2, (SHOWN, 4, 5, 2)).astype(np.float32), np.array([0, 2, 1])
    for sample in range(SHOWN):
        follower = Follower(program, x, y, sample).check()
        at_6, at_0 = ((follower.values[2][0] == limit).mean() for limit in (6, 0))
        assert min(at_6, at_0, 1 - at_6 - at_0) > 0.05


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


@RANDOM
@given(networks(), optimisers(), st.data())
def test_keeping_all_entries_is_full_training_to_the_bit_in_every_network(network, optimiser, data):
    """With momentum, batches, convolutions and blocks; Y_max is all that differs."""
    full = compile(network, Full(), optimiser)
    x, y = data.draw(samples(full, 5))
    full.train(x, y)
    rule = data.draw(st.sampled_from([TopK(1.0, output="rule"), TinyProp(1.0, 1.0, output="rule"), TinyProp(2.0, 3.0)]))
    sparse = compile(network, rule, optimiser)
    sparse.train(x, y)
    state = {name: value.tobytes() for name, value in sparse.state().items() if not name.endswith("y_max")}
    assert state == {name: value.tobytes() for name, value in full.state().items()}


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
    """(program, x, y): Full, wrt="input", one sample, no ReLU and no maximum within 1/10000 of its kink."""
    loss = draw(st.sampled_from(["softmax_cross_entropy", "mean_squared_error"]))
    program = compile(draw(networks()), Full(), loss=loss, wrt="input")
    x, y = draw(samples(program, 1))
    network = program.network
    values = reference.forward(network, network.parameters, *reference.load(network.input, x[0]))
    for i, layer in enumerate(network.layers):
        z = values[network.sources[i][0]][0] if i else None
        if isinstance(layer, ReLU):
            # behind a ReLU the kept values are exact zeros or clearly positive: a second ReLU has no kink to step over
            first = not (z >= 0).all()
            assume(all((np.abs(z - kink)[first | (z != kink)] > 1e-4).all() for kink in (0, min(layer.limit, 1e9))))
        elif isinstance(layer, MaxPool2D):
            shape = network.input_shape(i)
            places = reference.taps(layer, shape)
            seen = np.where((places >= 0)[..., None], reference.patches(z, places, shape[2]), -np.inf)
            two = np.sort(np.concatenate([seen, np.full_like(seen[:, :1], -np.inf)], axis=1), axis=1)[:, -2:]
            assume(((two[:, 1] - two[:, 0] > 1e-4) | (two[:, 1] == 0)).all())  # zeros behind a ReLU have no slope
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
    _, bound = reference.backward(network, network.parameters, values, *error, range(len(network.layers)))[0]
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
    assert all(name.endswith(("y_max", "selections")) for name in program.state())
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
