"""Momentum and batches: the documented definition in float64, rows that nothing names, and what it costs in bytes.

    G <- G + delta x                              w <- w - (rate / batch) G, then G <- 0
    V <- m V at the batch's first sample; V <- V + delta x           w <- w - (rate / batch) V

by rows, the weights of one output channel; a row that no kept entry of the batch names is not touched.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Dense, Full, Input, InputError, Network, ReLU, TinyProp, TinyPropV2, TopK, build, compile
from mcuref.layers import Conv2D, DepthwiseConv2D, Flatten, MaxPool2D, Residual
from mcuref.memory.buffers import aligned
from mcuref.operators.columns import KEPT
from mcuref.program.effort import counts_by_kind, dense_macs, effort, macs
from mcuref.testing import programs, samples

from . import reference

RANDOM = settings(max_examples=50, deadline=None, database=None, derandomize=True)
SHOWN = 7
CNN = Network(
    [
        Input((5, 6, 2)),
        Conv2D(9, 3, 2, "same"),
        ReLU(),
        DepthwiseConv2D((2, 3), 1, "same"),
        Residual([Conv2D(9, 1), ReLU()], Conv2D(9, 1)),
        MaxPool2D(2),
        Flatten(),
        Dense(4),
    ],
    seed=5,
    name="cnn",
)
OPTIMISERS = [SGD(0.03, "constant", 0.0, 3), SGD(0.01, "constant", 0.75, 1), SGD(0.02, "constant", 0.75, 3)]
OPTIMISER_NAMES = ["batch", "momentum", "both"]
RULES = [Full(), TopK(0.1, output="rule"), TinyProp(0.0, 0.3, output="rule"), TinyPropV2(0.0, 0.3, threshold=0.85)]


def task(count=12):
    """(x, y): samples for CNN, of very different sizes, so that TinyPropV2 skips some."""
    random = np.random.default_rng(3)
    x = random.normal(size=(count, 5, 6, 2)) * random.choice([0.2, 2], (count, 1, 1, 1))
    return x.astype(np.float32), random.integers(0, 4, count)


def bits(state):
    return {name: value.tobytes() for name, value in state.items()}


def updates(program, x, y, sample, first, total):
    """Show one sample; [(layer, delta, x, kept)] of the updates that ran, None if a decision skipped it."""
    step, view = program.step(x, y, [sample], first, total), program.arena.view
    row, ran = 0, []
    while row < len(program.instructions):
        instruction = program.instructions[row]
        row = step.run(row, row + 1)
        if instruction.phase == "decision" and row == len(program.instructions):
            return None
        if instruction.phase == "update":
            delta, values, kept, count = (view(buffer).copy() for buffer in instruction.inputs)
            ran.append((instruction.layer_index, delta, values, kept[: count[0]].astype(int)))
    return ran


class Definition:
    """What the docstring says, in float64, from the errors, inputs and kept entries that the program had.

    Beside every value: how many float32 operations made it, and the sum of magnitudes that went into it.
    """

    def __init__(self, program):
        self.program, self.network, self.optimiser = program, program.network, program.optimiser
        self.w = {name: [value.astype(np.float64), 0, np.abs(value)] for name, value in program.parameters().items()}
        self.sums = {name: [np.zeros(value[0].shape), 0, np.zeros(value[0].shape)] for name, value in self.w.items()}
        self.touched = {i: np.zeros(self.network.parameter_shapes(i)["bias"], bool) for i in program.trainable}
        self.count, self.dense_bias = 0, getattr(program.rule, "bias", "masked") == "dense"

    def show(self, ran, rate):
        """One sample: the products of its updates, and at the end of a batch their application."""
        self.ran = ran
        if ran is None:
            return
        for i, delta, x, kept in ran:
            named = np.zeros_like(self.touched[i])
            named[kept % named.size] = True
            self._begin(i, named & ~self.touched[i])
            self.touched[i] |= named
            targets = {kind: self.sums[f"{self.network.names[i]}.{kind}"][0] for kind in ("weights", "bias")}
            arguments = targets, *(v for value in (delta, x) for v in (value.astype(np.float64), np.zeros(value.shape)))
            layer, shape = self.network.layers[i], self.network.input_shape(i)
            after = reference.update(layer, shape, *arguments, kept, -1.0, self.dense_bias)
            zeros = {kind: np.zeros(value.shape) for kind, value in targets.items()}
            sizes = reference.update(layer, shape, zeros, *map(np.abs, arguments[1:]), kept, -1.0, self.dense_bias)
            for kind in targets:
                entry = self.sums[f"{self.network.names[i]}.{kind}"]
                entry[:] = after[kind][0], entry[1] + delta.size + 2, entry[2] + sizes[kind][0]
        self.count += 1
        if self.count == self.optimiser.batch:
            self.count = 0
            for i, touched in self.touched.items():
                self._apply(i, touched, rate)
                touched[:] = False

    def _rows(self, i, mask):
        """[(name, broadcast mask)] of a layer's weights and bias."""
        kind = self.network.layers[i].kind
        rows = {"conv": mask[:, None, None, None], "dense": mask[:, None], "depthwise": mask}[kind]
        every = mask | (self.dense_bias and bool(self.ran))
        return [(f"{self.network.names[i]}.weights", rows), (f"{self.network.names[i]}.bias", every)]

    def _begin(self, i, fresh):
        for name, rows in self._rows(i, fresh):
            value, operations, size = self.sums[name]
            factor = np.where(rows, self.optimiser.momentum, 1)
            self.sums[name] = [value * factor, operations + 1, size * factor]

    def _apply(self, i, touched, rate):
        for name, rows in self._rows(i, touched):
            (w, steps, size), (gradient, operations, mass) = self.w[name], self.sums[name]
            self.w[name] = [np.where(rows, w - rate * gradient, w), steps + operations + 3, size + rate * mass * rows]

    def check(self):
        """The program's parameters, sums, touched rows and counter are these, to rounding."""
        state, U = self.program.state(), reference.U
        for i in self.program.trainable:
            for name, mask in self._rows(i, self.touched[i]):
                value, operations, size = self.w[name]
                assert (np.abs(state[name] - value) <= 1.25 * U * (operations + 1) * size).all(), name
                summed = next(
                    (state[f"{name}_{kind}"] for kind in ("velocity", "gradient") if f"{name}_{kind}" in state), None
                )
                if summed is None:
                    assert self.program.policy == "immediate" and not self.optimiser.momentum
                    continue
                value, operations, size = self.sums[name]
                # without momentum, what was applied is done with: it is 0 from the next batch's first touch on
                live = np.ones(value.shape, bool) if self.optimiser.momentum else np.broadcast_to(mask, value.shape)
                off = np.abs(summed - value)
                assert (off <= 1.25 * U * (operations + 1) * size)[live].all(), name
            if f"{self.network.names[i]}.touched_rows" in state:
                bytes_ = np.packbits(self.touched[i], bitorder="little").tobytes()
                assert state[f"{self.network.names[i]}.touched_rows"].tobytes() == bytes_
        if self.program.policy == "accumulate":
            (counter,) = (value for name, value in state.items() if value.dtype == np.int32)
            assert counter.tolist() == [self.count]


@st.composite
def tasks(draw):
    program = draw(programs(wrt=("parameters",), least_trainable=1))
    return (program, *draw(samples(program, SHOWN)))


@RANDOM
@given(tasks())
def test_training_is_the_definition(task):
    """Any network, rule, momentum, batch and policy, seven samples: weights, sums, touched rows and counter."""
    program, x, y = task
    definition = Definition(program)
    rates = documented_rates(program.optimiser, SHOWN)
    for sample in range(SHOWN):
        definition.show(updates(program, x, y, sample, sample, SHOWN), float(rates[sample]))
        definition.check()


def documented_rates(optimiser, total):
    t = np.arange(total)
    share = {
        "constant": t * 0 + 1.0,
        "linear": (total - t) / total,
        "halving": 0.5 ** sum((t >= total * part).astype(int) for part in (1 / 2, 3 / 4, 7 / 8)),
    }
    return optimiser.learning_rate * share[optimiser.schedule] / optimiser.batch


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=OPTIMISER_NAMES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.method)
def test_definition_of_a_network_with_everything_in_it(rule, optimiser):
    """As above, longer; and it is no idle comparison: weights move by far more than the bound."""
    x, y = task(24)
    program = compile(CNN, rule, optimiser)
    definition = Definition(program)
    skipped = 0
    for sample in range(24):
        ran = updates(program, x, y, sample, sample, 24)
        skipped += ran is None
        definition.show(ran, optimiser.learning_rate / optimiser.batch)
    definition.check()
    assert (skipped > 3) == (rule.method == "tinypropv2")
    for name, (value, operations, size) in definition.w.items():
        moved = np.abs(value - CNN.parameters[name]).max()
        assert moved > 20 * 1.25 * reference.U * (operations + 1) * size.max(), name


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=OPTIMISER_NAMES)
def test_rows_that_no_kept_entry_names_keep_their_bits(optimiser):
    """Weights and velocity, over a batch that names few of them: no decay, no rounding, no -0 turned into +0."""
    x, y = task(24)
    program = compile(CNN, TopK(0.02, output="rule"), optimiser)
    kept_bits = checked = 0
    for first in range(0, 24, optimiser.batch):
        before, named = program.state(), {}
        for sample in range(first, first + optimiser.batch):
            for i, _, _, kept in updates(program, x, y, sample, sample, 24):
                rows = program.network.parameter_shapes(i)["bias"][0]
                named.setdefault(i, set()).update(kept % rows)
        after = program.state()
        for i, rows in named.items():
            layer, name = program.network.layers[i], program.network.names[i]
            for key in (key for key in after if key.startswith(f"{name}.") and "touched" not in key):
                axis = -1 if layer.kind == "depthwise" or "bias" in key else 0
                old, new = (np.moveaxis(state[key], axis, 0) for state in (before, after))
                for row in range(len(old)):
                    checked += row in rows and old[row].tobytes() != new[row].tobytes()
                    if row not in rows:
                        assert old[row].tobytes() == new[row].tobytes(), f"{key}, row {row}"
                        kept_bits += bool(new[row].any())
    assert kept_bits > 50 and checked > 50


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=OPTIMISER_NAMES)
def test_a_skipped_sample_does_not_count(optimiser):
    """Showing all is showing those that are trained: to the bit, the counter of the batch and Y_max included."""
    x, y = task(40)
    rule = TinyPropV2(0.0, 0.5, threshold=0.8)
    everything = compile(CNN, rule, optimiser)
    trained = everything.train(x, y).trained
    assert 3 < trained.sum() < 30
    only = compile(CNN, rule, optimiser)
    assert only.train(x, y, np.flatnonzero(trained)).trained.all()
    assert bits(everything.state()) == bits(only.state())
    if optimiser.batch > 1:
        assert everything.state()["input.batch"].tolist() == [trained.sum() % optimiser.batch]


@pytest.mark.parametrize("optimiser", OPTIMISERS, ids=OPTIMISER_NAMES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.method)
def test_a_batch_spans_calls(rule, optimiser):
    x, y = task()
    whole, parts, restored = (compile(CNN, rule, optimiser) for _ in "abc")
    whole.train(x, y)
    for first, end in ((0, 1), (1, 5), (5, 5), (5, 12)):
        parts.train(x[first:end], y[first:end], first=first, total=12)
        parts.predict(x)  # inference between two samples of a batch
    assert bits(parts.state()) == bits(whole.state()) and (parts.counts == whole.counts).all()
    # and is saved and restored in its middle
    restored.train(x[:5], y[:5], first=0, total=12)
    middle = restored.state()
    fresh = compile(CNN, rule, optimiser)
    fresh.restore(middle)
    fresh.train(x[5:], y[5:], first=5, total=12)
    assert bits(fresh.state()) == bits(whole.state())
    fresh.reset()
    assert bits(fresh.state()) == bits(compile(CNN, rule, optimiser).state())


@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_what_is_left_of_a_batch_is_not_applied(momentum, count):
    x, y = task()
    optimiser = SGD(0.05, "constant", momentum, 4)
    program, full_batches = (compile(CNN, Full(), optimiser) for _ in "ab")
    program.train(x[:count], y[:count])
    done = count // 4 * 4
    full_batches.train(x[:done], y[:done])
    after, expected = program.parameters(), full_batches.parameters()
    assert bits(after) == bits(expected)
    if not done:
        assert bits(after) == bits(CNN.parameters)
    assert program.state()["input.batch"].tolist() == [count % 4]


def test_accumulation_over_a_batch_of_one_agrees_with_immediate_updates_to_rounding():
    x, y = task()
    at_once, summed = (compile(CNN, Full(), SGD(0.05, "constant"), policy=policy) for policy in (None, "accumulate"))
    for program in (at_once, summed):
        program.train(x, y)
    assert (at_once.policy, summed.policy) == ("immediate", "accumulate")
    off = 0
    for name, value in at_once.parameters().items():
        other = summed.parameters()[name]
        # a weight takes at most 9 positions' products a sample, 12 samples
        bound = 12 * (9 + 4) * 2 * reference.U * (np.abs(value) + np.abs(value - CNN.parameters[name]) * 9 + 0.1)
        assert (np.abs(value - other) <= bound).all(), name
        off += (value != other).sum()
    assert off, "not even a rounding differs: is it the same program?"


def test_momentum_applied_at_every_sample_or_at_the_end_of_a_batch_of_one_is_the_same_to_the_bit():
    x, y = task()
    at_once, summed = (compile(CNN, TopK(0.2), SGD(0.05, momentum=0.5), policy=p) for p in ("immediate", "accumulate"))
    for program in (at_once, summed):
        program.train(x, y)
    first, second = bits(at_once.state()), bits(summed.state())
    assert second.pop("input.batch") == np.zeros(1, np.int32).tobytes() and first == second
    assert "count_batch_i32" not in {i.name for i in at_once.instructions}


def test_momentum_below_the_smallest_float32_is_a_momentum_of_0():
    x, y = task()
    tiny, none = compile(CNN, None, SGD(0.05, momentum=1e-60)), compile(CNN, None, SGD(0.05), policy="accumulate")
    for program in (tiny, none):
        program.train(x, y)
    assert bits(tiny.parameters()) == bits(none.parameters())


# bytes


@pytest.mark.parametrize("trainable", [1, 3, 5])
@pytest.mark.parametrize(
    "momentum, batch, policy, category",
    [
        (0.0, 4, None, "gradients"),
        (0.0, 1, "accumulate", "gradients"),
        (0.5, 1, None, "optimiser state"),
        (0.5, 4, None, "optimiser state"),
    ],
)
def test_sums_touched_rows_and_counter_are_in_the_plan(momentum, batch, policy, category, trainable):
    program = compile(CNN, None, SGD(0.05, "linear", momentum, batch), policy=policy, trainable=trainable)
    wanted, kind = {}, "velocity" if momentum else "gradient"
    for i in program.trainable:
        name = program.network.names[i]
        for part, shape in program.network.parameter_shapes(i).items():
            wanted[f"{name}.{part}_{kind}"] = (category, "float32", shape)
        wanted[f"{name}.touched_rows"] = (category, "uint8", (-(-shape[0] // 8),))
    if program.policy == "accumulate":
        wanted["input.batch"] = ("optimiser state", "int32", (1,))
    buffers = [b for b in program.plan.offsets if b.category in ("gradients", "optimiser state")]
    assert {b.name: (b.category, b.dtype, b.shape) for b in buffers} == wanted
    assert all(b.persistent and b.region == "sram" for b in buffers) and set(wanted) < set(program.state())
    totals = {}
    for b in buffers:
        totals[b.category] = totals.get(b.category, 0) + aligned(b.size)
    report = program.report()
    assert {c: report["categories"][c]["sram"] for c in totals} == totals
    plain = compile(CNN, None, SGD(0.05), trainable=trainable)
    assert program.plan.sram - plain.plan.sram == sum(totals.values()), "nothing else costs SRAM"
    assert not {b.category for b in plain.plan.offsets} & {"gradients", "optimiser state"}
    assert set(program.state()) - set(plain.state()) == set(wanted)
    assert all(not program.state()[name].any() for name in wanted), "state starts at 0"


@pytest.mark.parametrize("optimiser, policy, words", [
    (SGD(), None, "immediate: batch 1, each weight updated on the spot, no gradient buffer"),
    (SGD(momentum=0.5), None, "immediate: batch 1, each row updated from its velocity"),
    (SGD(batch=3), None, "accumulate: batch 3, gradients summed in buffers"),
    (SGD(momentum=0.5, batch=3), None, "accumulate: batch 3, gradients summed in velocities"),
    (SGD(), "accumulate", "accumulate: batch 1, gradients summed in buffers"),
])  # fmt: skip
def test_the_report_says_the_policy(optimiser, policy, words):
    program = compile(CNN, None, optimiser, policy=policy)
    assert program.report()["policy"].startswith(words) and program.policy == words.split(":")[0]


@pytest.mark.parametrize(
    "options", [{"optimiser": SGD(momentum=0.5)}, {"optimiser": SGD(batch=2)}, {"optimiser": SGD(), "policy": "accumulate"}]
)
def test_dense_biases_cannot_be_summed_by_rows(options):
    for rule in (TopK(bias="dense"), TinyProp(bias="dense"), TinyPropV2(bias="dense")):
        with pytest.raises(InputError, match="bias 'dense' needs policy 'immediate' without momentum"):
            compile(CNN, rule, **options)
    assert compile(CNN, TopK(bias="dense"), SGD(), policy="immediate").policy == "immediate"


@pytest.mark.parametrize("change, words", [
    ({"input.batch": np.zeros(1, np.int64)}, "'input.batch' is int64"),
    ({"dense1.weights_velocity": np.full((4, 9), np.nan, np.float32)}, "'dense1.weights_velocity' has NaN"),
    ({"dense1.touched_rows": np.zeros(2, np.uint8)}, r"'dense1.touched_rows' is uint8\(2,\)"),
])  # fmt: skip
def test_optimiser_state_of_another_kind_is_refused(change, words):
    program = compile(CNN, None, SGD(momentum=0.5, batch=2))
    if "dense1.weights_velocity" in change:
        change = {"dense1.weights_velocity": np.full_like(program.state()["dense1.weights_velocity"], np.nan)}
    with pytest.raises(InputError, match=words):
        program.restore({**program.state(), **change})


# effort


@RANDOM
@given(tasks())
def test_counted_effort_is_that_of_the_kept_entries(task):
    """Weight gradient and propagation: k times the weights of one output; sums are written by rows."""
    program, x, y = task
    network, expected, written = program.network, {}, 0
    count, named = 0, {i: set() for i in program.trainable}
    for sample in range(SHOWN):
        ran = updates(program, x, y, sample, sample, SHOWN)
        for i, delta, _, kept in ran or ():
            shapes = network.parameter_shapes(i)
            entry = int(np.prod(shapes["weights"])) // shapes["bias"][0]
            expected[i] = expected.get(i, 0) + len(kept) * entry
            named[i] |= set((kept % shapes["bias"][0]).tolist())
            if program.policy == "immediate" and not program.optimiser.momentum:
                dense_bias = getattr(program.rule, "bias", "masked") == "dense"
                written += len(kept) * entry + (delta.size if dense_bias else len(kept))
        count += ran is not None
        if program.policy == "accumulate" and count < program.optimiser.batch:
            continue
        count = 0
        for i, rows in named.items():
            shapes = network.parameter_shapes(i)
            if program.policy == "accumulate" or program.optimiser.momentum:
                written += len(rows) * (int(np.prod(shapes["weights"])) // shapes["bias"][0] + 1)
            rows.clear()
    found = {}
    for instruction, row, done in zip(program.instructions, program.counts, macs(program.instructions, program.counts)):
        i = instruction.layer_index
        if instruction.phase == "update":
            found[i] = found.get(i, 0) + done
        if instruction.name.endswith("backward_input_f32"):
            assert done == expected.get(i, 0), "the way back to the input costs what the weight gradient does"
        if instruction.phase == "forward":
            each = network.layers[i].macs(network.input_shape(i)) if i in network.parametric else 0
            assert done == SHOWN * each
        assert instruction.phase not in ("gradient", "batch", "loss", "input") or not done and not row[KEPT]
    counts = counts_by_kind(program)
    assert found == {i: expected.get(i, 0) for i in program.trainable}
    assert counts["weight_gradient"] == sum(expected.values()) and counts["update"] == written
    dense = {"forward": 0, "backward": 0}  # MACs of a sample if every entry of every error were computed
    for instruction in program.instructions:
        i, name = instruction.layer_index, instruction.name
        if i in network.parametric and ("update" in name or "forward" in name or "backward_input" in name):
            way = "forward" if "forward" in name else "backward"
            dense[way] += network.layers[i].macs(network.input_shape(i))
    assert dense_macs(program) == (dense["forward"], dense["backward"])
    done = counts["weight_gradient"] + counts["propagate"]
    assert effort(program) == {
        "backward_effort": done / (SHOWN * dense["backward"]),
        "total_effort": (done + SHOWN * dense["forward"]) / (SHOWN * sum(dense.values())),
    }
    assert done <= SHOWN * dense["backward"]


def test_an_input_gradient_that_is_traced_has_no_training_effort():
    """Its program trains nothing: there is no dense training to compare with, and nothing to divide by."""
    program = compile(CNN, wrt="input")
    x, y = task(2)
    program.trace(x, y)
    assert effort(program)["backward_effort"] == 0


def test_dense_networks_cost_what_they_did():
    """A sum does not change the MACs, only what is written: 2 of 3 rows once a batch, not 4 times a sample."""
    x, y = np.ones((8, 3), np.float32), np.zeros(8, int)
    at_once, summed = (compile(build("mlp-3-4"), Full(), SGD(0.1, batch=batch)) for batch in (1, 4))
    for program in (at_once, summed):
        program.train(x, y)
    first, second = counts_by_kind(at_once), counts_by_kind(summed)
    assert first.pop("update") == 8 * 4 * (3 + 1) and second.pop("update") == 2 * 4 * (3 + 1) and first == second
