"""The trainer: what is counted and measured, that a seed decides every bit, that its state is all of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mcuref import (
    SGD,
    Budget,
    BudgetExceeded,
    Data,
    Dense,
    Flatten,
    Full,
    Input,
    InputError,
    Network,
    NonFiniteError,
    ReLU,
    TinyProp,
    TinyPropR,
    TinyPropV2,
    TopK,
    Trainer,
    compile,
)  # fmt: skip
from mcuref.errors import DivergedError
from mcuref.kernels.random import SHUFFLE, permutation
from mcuref.program.program import Program
from mcuref.rules import PRESETS, kept_entries, with_stored

SAMPLES, EPOCHS = 20, 3
SHOWN = SAMPLES * EPOCHS


@pytest.fixture
def data():
    """20 training and 8 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(28, 4)).astype(np.float32)
    y = np.arange(28) % 3
    x[np.arange(28), y] += 1
    return Data("small", "features", x[:SAMPLES], y[:SAMPLES], x[SAMPLES:], y[SAMPLES:])


def linear(seed=0):
    """4-5-3 without a ReLU, so that no entry of an error is exactly 0 and the counts can be worked out by hand."""
    return Network([Input((4,)), Dense(5), Dense(3)], seed=seed)


def run(data, rule=None, seed=0, epochs=EPOCHS, network=None, **keywords):
    """A trainer that has run, and its result."""
    program = compile(network or linear(), rule, SGD(0.05), **keywords)
    trainer = Trainer(program, data, epochs=epochs, seed=seed)
    return trainer, trainer.run()


# counts and effort


def test_counts_of_full_by_hand(data):
    """Forward and weight gradient: 4 x 5 + 5 x 3 MACs; propagation through the upper layer alone: 5 x 3."""
    _, result = run(data)
    assert result.counts == {
        "forward": 35 * SHOWN,
        "weight_gradient": 35 * SHOWN,
        "propagate": 15 * SHOWN,
        "update": (35 + 8) * SHOWN,
        "comparisons": 0,
    }
    assert result.backward_effort == result.total_effort == 1.0
    assert [row["ratio"] for row in result.mean_ratio_per_layer] == [1.0, 1.0]
    assert (result.samples_shown, result.samples_skipped) == (SHOWN, 0)


@pytest.mark.parametrize("ratio", [0.01, 0.2, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("output", ["rule", "dense"])
def test_counts_of_top_k_by_hand(data, ratio, output):
    hidden = kept_entries(ratio, 5)
    out = 3 if output == "dense" else kept_entries(ratio, 3)
    _, result = run(data, TopK(ratio, output=output))
    expected = {"weight_gradient": hidden * 4 + out * 5, "propagate": out * 5, "update": hidden * 5 + out * 6}
    expected["forward"] = 35
    assert {name: result.counts[name] for name in expected} == {name: n * SHOWN for name, n in expected.items()}
    assert result.backward_effort == (expected["weight_gradient"] + expected["propagate"]) / 50
    assert result.total_effort == (expected["weight_gradient"] + expected["propagate"] + 35) / 85
    assert [row["ratio"] for row in result.mean_ratio_per_layer] == [hidden / 5, out / 3]


def test_counts_of_dense_biases(data):
    """All biases of a layer are written, whatever is kept."""
    _, result = run(data, TopK(0.2, output="rule", bias="dense"))
    assert result.counts["update"] == (1 * 4 + 5 + 1 * 5 + 3) * SHOWN


def test_frozen_layers_cost_nothing(data):
    _, result = run(data, trainable=1)
    assert (result.counts["weight_gradient"], result.counts["propagate"]) == (15 * SHOWN, 0)
    assert result.backward_effort == 1.0 and result.total_effort == 1.0
    assert [row["layer"] for row in result.mean_ratio_per_layer] == ["dense2"]


def test_zeros_are_not_computed(data):
    """Behind a ReLU some entries are exactly 0: full training stays below 1, and what is kept below what is chosen."""
    _, result = run(data, network=Network([Input((4,)), Dense(5), ReLU(), Dense(3)]))
    assert result.backward_effort < 1
    hidden, out = result.mean_ratio_per_layer
    assert hidden["kept_ratio"] < hidden["ratio"] == 1.0 and out["kept_ratio"] == 1.0
    assert result.counts["weight_gradient"] == SHOWN * 15 + hidden["kept_ratio"] * 5 * SHOWN * 4


def test_skipped_samples_cost_the_forward_pass_alone(data):
    """D is at most d_max beta = 1, so a threshold of 1 skips everything."""
    trainer, result = run(data, TinyPropV2(threshold=1, d_max=1, beta=1))
    assert (result.samples_shown, result.samples_skipped) == (SHOWN, SHOWN)
    assert (result.backward_effort, result.total_effort) == (0.0, 35 / 85)
    assert all(row["ratio"] == 0 for row in result.mean_ratio_per_layer)
    start = linear().parameters
    assert all((value == start[name]).all() for name, value in trainer.program.parameters().items())


def test_threshold_zero_is_tinyprop(data):
    settings = {"s_min": 0.1, "s_max": 0.6}
    (one, first), (two, second) = run(data, TinyProp(**settings)), run(data, TinyPropV2(threshold=0, **settings))
    assert first == second
    assert all((value == two.program.parameters()[name]).all() for name, value in one.program.parameters().items())


# history


@pytest.mark.parametrize("rule", PRESETS["default"].values(), ids=PRESETS["default"])
def test_history_has_a_row_an_epoch_that_adds_up(data, rule):
    _, result = run(data, with_stored(rule, SAMPLES))
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    assert all(row["samples"] == SAMPLES for row in result.history)
    assert sum(row["skipped"] for row in result.history) == result.samples_skipped
    assert sum(row["rested"] for row in result.history) == result.samples_rested
    assert np.mean([row["backward_effort"] for row in result.history]) == pytest.approx(result.backward_effort)
    assert result.score == result.history[-1]["accuracy"]
    for layer in result.mean_ratio_per_layer:
        ratios = [row[f"ratio.{layer['layer']}"] for row in result.history]
        assert np.mean(ratios) == pytest.approx(layer["ratio"])
    assert all(row["loss"] > 0 for row in result.history)


def test_loss_is_that_of_the_shown_samples(data):
    """With a tiny rate the weights stay, and the loss is the mean cross-entropy of the start weights."""
    program = compile(linear(), None, SGD(1e-12))
    start = program.outputs(data.x_train).astype(np.float64)
    losses = np.log(np.exp(start).sum(axis=1)) - start[np.arange(SAMPLES), data.y_train]
    assert Trainer(program, data, epochs=1).run().history[0]["loss"] == pytest.approx(losses.mean(), rel=1e-5)


def test_learning_shows(data):
    history = run(data, epochs=30)[1].history
    assert history[-1]["loss"] < history[0]["loss"]


# evaluation


def test_evaluated_on_the_test_side_and_there_alone(data):
    """Other test labels change the score, not a bit of the weights; other training labels change the weights."""
    trainer, result = run(data)
    right = trainer.program.predict(data.x_test)
    other, perfect = run(replace(data, y_test=right.astype(np.int32)))
    assert perfect.accuracy == 1.0 and result.accuracy == np.mean(right == data.y_test)
    weights = other.program.parameters()
    assert all((value == weights[name]).all() for name, value in trainer.program.parameters().items())
    wrong, _ = run(replace(data, y_test=((right + 1) % 3).astype(np.int32)))
    assert wrong.evaluate() == {"accuracy": 0.0}


def test_evaluation_trains_nothing_and_counts_nothing(data):
    trainer, _ = run(data)
    state, counts = trainer.program.state(), trainer.program.counts.copy()
    trainer.evaluate()
    assert (trainer.program.counts == counts).all()
    assert all((state[name] == value).all() for name, value in trainer.program.state().items())


def test_reconstruction_is_measured_against_the_normalised_input():
    """The metric in NumPy, float64, with one normalisation constant a channel."""
    x = np.random.default_rng(2).integers(-300, 300, (30, 3, 2)).astype(np.int16)
    y = np.zeros(30, int)
    data = Data("signal", "signal", x[:20], y[:20], x[20:], y[20:])
    layers = [Input((3, 2), "int16", data.mean, data.scale), Flatten(), Dense(4), ReLU(), Dense(6)]
    program = compile(Network(layers), Full(), SGD(0.05), loss="reconstruction")
    result = Trainer(program, data, epochs=2).run()
    w = {name: value.astype(np.float64) for name, value in program.parameters().items()}
    sample = ((x[20:] - data.mean.astype(np.float64)) * data.scale.astype(np.float64)).reshape(10, 6)
    hidden = np.maximum(sample @ w["dense1.weights"].T + w["dense1.bias"], 0)
    outputs = hidden @ w["dense2.weights"].T + w["dense2.bias"]
    assert result.metric == "mean_squared_error" and "accuracy" not in result.history[0]
    assert result.score == result.history[-1]["mean_squared_error"]
    assert result.score == pytest.approx(((outputs - sample) ** 2).mean(), rel=1e-4)
    with pytest.raises(InputError, match="measured by mean_squared_error"):
        result.accuracy


# seeds, orders, schedule


@pytest.mark.parametrize("rule", PRESETS["default"].values(), ids=PRESETS["default"])
def test_a_seed_decides_every_bit(data, rule):
    rule = with_stored(rule, SAMPLES)
    (one, first), (two, second) = run(data, rule, seed=5), run(data, rule, seed=5)
    assert first == second and (one.program.arena.bytes == two.program.arena.bytes).all()
    other, third = run(data, rule, seed=6)
    assert third.history != first.history
    assert any((value != other.program.state()[name]).any() for name, value in one.program.state().items())


def test_every_epoch_shows_every_sample_once_in_another_order(data, monkeypatch):
    orders = []

    def train(program, x, y, order, original=Program.train, **keywords):
        orders.append(order)
        return original(program, x, y, order, **keywords)

    monkeypatch.setattr(Program, "train", train)
    run(data)
    assert len(orders) == EPOCHS
    assert all(sorted(order) == list(range(SAMPLES)) for order in orders)
    assert len({tuple(order) for order in orders}) == EPOCHS


def test_the_schedule_spans_all_epochs(data, monkeypatch):
    used, expected = [], SGD(0.05).rates(0, SHOWN, SHOWN)

    def rates(optimiser, *arguments, original=SGD.rates):
        used.append(original(optimiser, *arguments))
        return used[-1]

    monkeypatch.setattr(SGD, "rates", rates)
    run(data)
    assert len(used) == EPOCHS and (np.concatenate(used) == expected).all()


def test_progress_comes_to_its_end(data):
    calls = []
    Trainer(compile(linear()), data, epochs=EPOCHS, progress=lambda *call: calls.append(call)).run()
    assert calls[-1] == (SHOWN, SHOWN) and calls == sorted(calls)


def test_training_continues_from_the_present_state(data):
    program = compile(linear())
    Trainer(program, data, epochs=1).run()
    result = Trainer(program, data, epochs=1).run()
    assert result.samples_shown == 2 * SAMPLES, "counts are those of the program since its start"


# state: interrupted and resumed


class Stop(Exception):
    """What an interruption raises."""


@pytest.fixture
def many(monkeypatch):
    """100 training samples, shown in chunks of 64, 16, 4, 1, 1, ..."""
    monkeypatch.setattr("mcuref.program.step.CHUNK_SECONDS", 0)
    x = np.random.default_rng(4).normal(size=(110, 4)).astype(np.float32)
    y = np.arange(110) % 3
    x[np.arange(110), y] += 1
    return Data("many", "features", x[:100], y[:100], x[100:], y[100:])


CASES = {
    "full": (Full(), SGD(0.05)),
    "tinypropv2 that forgets": (TinyPropV2(decay=0.9, threshold=0.3), SGD(0.05, "halving")),
    "momentum": (TinyProp(), SGD(0.02, momentum=0.9)),
    "batch": (TopK(0.4), SGD(0.1, "constant", batch=7)),
    "all of it": (TinyPropV2(decay=0.5, threshold=0.2), SGD(0.02, momentum=0.5, batch=16)),
    "rests": (TinyPropR(threshold=0.9, rests=1, stored=100), SGD(0.05)),
}


def prepared(data, case, progress=None):
    """A trainer of a case, two epochs, fresh."""
    rule, optimiser = CASES[case]
    program = compile(Network([Input((4,)), Dense(5), ReLU(), Dense(3)]), rule, optimiser, trainable=2)
    return Trainer(program, data, epochs=2, seed=3, progress=progress)


def everything(trainer):
    """All that a run comes to, to the bit."""
    program = trainer.program
    state = {name: value.tobytes() for name, value in {**program.state(), **program.parameters()}.items()}
    return trainer.history, program.counts.tolist(), state


def interrupted(data, case, at, state=None):
    """State of a trainer stopped at its n-th call of progress, as it comes out of a file; None if it ran through."""

    def stop(*_, left=iter(range(at))):
        if next(left, None) is None:
            raise Stop

    trainer = prepared(data, case, stop)
    if state:
        trainer.restore(*state)
    try:
        trainer.run()
    except Stop:
        plain, arrays = trainer.state()
        return json.loads(json.dumps(plain)), {name: value.copy() for name, value in arrays.items()}
    return None


@pytest.mark.parametrize("case", CASES)
def test_resumed_at_any_boundary_ends_with_the_same_bits(many, case):
    uninterrupted = prepared(many, case)
    result = uninterrupted.run()
    stops = 0
    while state := interrupted(many, case, stops):
        resumed = prepared(many, case)
        resumed.restore(*state)
        assert resumed.run() == result and everything(resumed) == everything(uninterrupted)
        stops += 1
    assert stops == 2 * (3 + 16)


@pytest.mark.parametrize("case", CASES)
def test_interrupted_at_every_boundary(many, case):
    """Every attempt goes on where the one before it stopped: after 64 samples, at the end of the epoch, ..."""
    uninterrupted = prepared(many, case)
    result = uninterrupted.run()
    state, states = None, []
    while state := interrupted(many, case, 0, state):
        states.append(state)
    resumed = prepared(many, case)
    resumed.restore(*states[-1])
    assert [plain["epoch"]["done"] for plain, _ in states] == [64, 100, 64, 100]
    assert resumed.run() == result and everything(resumed) == everything(uninterrupted)


def test_state_is_a_copy(many):
    states = []
    trainer = prepared(many, "all of it", lambda *_: states.append(trainer.state()))
    trainer.run()
    kept = json.dumps(states[20][0]), {name: value.tobytes() for name, value in states[20][1].items()}
    again = interrupted(many, "all of it", 20)
    assert (json.dumps(again[0]), {name: value.tobytes() for name, value in again[1].items()}) == kept
    resumed = prepared(many, "all of it")
    resumed.restore(*states[20])
    before = json.dumps(states[20][0])
    resumed.run()
    assert json.dumps(states[20][0]) == before


def test_state_before_and_after_a_run(many):
    trainer = prepared(many, "momentum")
    start = trainer.state()
    result, end = trainer.run(), trainer.state()
    first, second = prepared(many, "momentum"), prepared(many, "momentum")
    first.restore(*start), second.restore(*end)
    assert first.run() == second.run() == result
    assert everything(first) == everything(second) == everything(trainer)
    assert second.run() != result, "a second run trains on"


def wrong(name, change):
    """A case of a state with one thing wrong."""
    return pytest.param(change, id=name)


@pytest.mark.parametrize("change", [
    wrong("no counts", lambda plain, arrays: arrays.pop("counts")),
    wrong("other counts", lambda plain, arrays: arrays.update(counts=arrays["counts"][1:])),
    wrong("float counts", lambda plain, arrays: arrays.update(counts=arrays["counts"] * 1.0)),
    wrong("no losses", lambda plain, arrays: arrays.pop("losses")),
    wrong("fewer losses", lambda plain, arrays: arrays.update(losses=arrays["losses"][1:])),
    wrong("numbers for choices", lambda plain, arrays: arrays.update(trained=arrays["losses"])),
    wrong("no history", lambda plain, arrays: plain.pop("history")),
    wrong("history of numbers", lambda plain, arrays: plain.update(history=[1])),
    wrong("history by another metric", lambda plain, arrays: plain.update(history=[{"auc": 1.0}])),
    wrong("too many epochs", lambda plain, arrays: plain.update(history=[{"accuracy": 1.0}] * 2)),
    wrong("epoch", lambda plain, arrays: plain.update(epoch=3)),
    wrong("other counts before", lambda plain, arrays: plain["epoch"].update(before={})),
    wrong("no position", lambda plain, arrays: plain["epoch"].pop("done")),
    wrong("half a sample", lambda plain, arrays: plain["epoch"].update(done=1.5)),
    wrong("position beyond", lambda plain, arrays: plain["epoch"].update(done=101)),
    wrong("no weights", lambda plain, arrays: arrays.pop("program.dense2.weights")),
    wrong("other weights", lambda plain, arrays: arrays.update({"program.dense2.weights": np.zeros((5, 3), "f4")})),
    wrong("NaN", lambda plain, arrays: arrays["program.dense1.bias"].fill(np.nan)),
])  # fmt: skip
def test_other_states_are_refused_and_change_nothing(many, change):
    plain, arrays = interrupted(many, "all of it", 5)
    change(plain, arrays)
    trainer = prepared(many, "all of it")
    before = everything(trainer)
    with pytest.raises(InputError):
        trainer.restore(plain, arrays)
    assert everything(trainer) == before


def test_where_it_diverged_does_not_depend_on_an_interruption(many):
    def sentence(state):
        trainer = Trainer(compile(linear(), None, SGD(1e-9)), many, epochs=2)
        trainer.restore(*state)
        with pytest.raises(NonFiniteError) as error:
            trainer.run()
        return str(error.value)

    trainer = Trainer(compile(linear(), None, SGD(1e-9)), many, epochs=2)
    states = []
    trainer.progress = lambda *_: states.append(trainer.state())
    trainer.run()
    many.x_train[permutation(100, 0, SHUFFLE)[99]] = 3e38  # the last sample of the first epoch
    assert sentence(states[0]) == sentence(states[1]) and "at sample 99" in sentence(states[0])


def test_outputs_that_are_not_finite_are_not_measured(data):
    trainer = Trainer(compile(linear()), replace(data, x_test=np.full_like(data.x_test, 3e38)), epochs=1)
    with pytest.raises(DivergedError, match="outputs are NaN or infinite after epoch 1"):
        trainer.run()


# refusals


@pytest.mark.parametrize("keywords, fragment", [
    *[({"epochs": n}, f"epochs {n!r} is not a whole number from 1") for n in (0, -1, 1.0, "3", None, True)],
    *[({"seed": n}, f"seed {n!r} is not a whole number from 0") for n in (-1, 1 << 32, 0.5, "3", None, True)],
])  # fmt: skip
def test_bad_arguments(data, keywords, fragment):
    with pytest.raises(InputError, match=fragment):
        Trainer(compile(linear()), data, **keywords)


def test_data_of_another_network(data):
    with pytest.raises(InputError, match=r"they must be \(N, 7\)"):
        Trainer(compile(Network([Input((7,)), Dense(3)])), data).run()
    with pytest.raises(InputError, match="label 2 of sample 2 is not a class; they are 0 to 1"):
        Trainer(compile(Network([Input((4,)), Dense(2)])), data).run()
    with pytest.raises(InputError, match="samples are float32; the network's input takes uint8"):
        Trainer(compile(Network([Input((4,), "uint8"), Dense(3)])), data).run()


@pytest.mark.parametrize("keywords", [{"trainable": 0}, {"wrt": "input"}])
def test_programs_that_cannot_train(data, keywords):
    with pytest.raises(InputError, match="it cannot train"):
        run(data, **keywords)


def test_divergence_stops_and_leaves_finite_weights(data):
    program = compile(linear(), None, SGD(1e30))
    with pytest.raises(NonFiniteError, match="layer 'dense2' became NaN or infinite at sample") as caught:
        Trainer(program, data).run()
    assert caught.value.layer == "dense2" and 0 < caught.value.sample < SAMPLES
    assert all(np.isfinite(value).all() for value in program.parameters().values())


def test_what_does_not_fit_is_never_allocated(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mcuref.program.program.Arena", None)
    plan = compile(linear()).plan
    for budget in (Budget(plan.sram - 1, None, 0), Budget(None, plan.flash - 1, 0)):
        with pytest.raises(BudgetExceeded, match="1 B too many"):
            run(data, budget=budget)
    assert compile(linear(), budget=Budget(plan.sram, plan.flash, 0)).plan.sram == plan.sram, "exactly enough is enough"
    assert list(tmp_path.iterdir()) == []
