"""Entries that are shown less, at a rate of their own, or train fewer layers: what they do, and what it counts as."""

import numpy as np
import pytest

from mcuref import SGD, Data, Full, InputError, TinyProp, build, compile
from mcuref.experiments.comparison import Comparison, reference
from mcuref.experiments.entries import Entry, named_rules
from mcuref.experiments.kinds import kinds
from mcuref.kernels.random import SHUFFLE, permutation
from mcuref.program.program import Program
from mcuref.training import Trainer

FORWARD, BACKWARD = 4 * 5 + 5 * 3, (4 * 5) + 2 * (5 * 3)  # MACs of mlp-4-5-3: nothing is propagated to the input


@pytest.fixture
def data():
    """30 training and 9 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(39, 4)).astype(np.float32)
    y = np.arange(39) % 3
    x[np.arange(39), y] += 1
    return Data("small", "features", x[:30], y[:30], x[30:], y[30:])


def full(**own):
    return Entry("full", "default", Full(), **own)


def alone(row):
    """What a row has of its own, whatever it is compared with."""
    return {name: row[name] for name in ("per_seed", "counts", "mean_ratio_per_layer", "sram_bytes", "settings")}


def test_fewer_epochs_are_a_protocol_of_fewer(data):
    """The same schedule squeezed into them; only the efforts are over the whole run."""
    every, fewer = Comparison(data, "mlp-4-5-3", seeds=(0, 1), epochs=6).run({"full": full(), "less": full(epochs=2)})
    (short,) = Comparison(data, "mlp-4-5-3", seeds=(0, 1), epochs=2).run({"full": full()})
    assert alone(fewer) == alone(short) != alone(every)
    assert (every["epochs"], fewer["epochs"]) == (6, 2)
    for name in ("backward_effort", "total_effort"):
        assert fewer[name] == pytest.approx(short[name] / 3, rel=1e-15)
    assert fewer["accuracy_drop"] == every["accuracy"] - fewer["accuracy"] and every["accuracy_drop"] == 0


@pytest.mark.usefixtures("compiled_executor")
@pytest.mark.parametrize("share, each", [(1.0, 30), (0.5, 15), (0.55, 17), (0.3, 9), (0.001, 1)])
def test_a_share_is_the_begin_of_each_epochs_order(data, share, each, monkeypatch):
    orders, schedule = [], []

    def train(program, x, y, order, *, first, total, original=Program.train, **more):
        orders.append(order.tolist())
        schedule.append((first, total))
        return original(program, x, y, order, first=first, total=total, **more)

    monkeypatch.setattr(Program, "train", train)
    (row,) = Comparison(data, "mlp-4-5-3", seeds=(7,), epochs=3).run({"full": full(share=share)})
    assert orders == [permutation(30, 7, SHUFFLE + epoch)[:each].tolist() for epoch in range(3)]
    assert schedule == [(epoch * each, 3 * each) for epoch in range(3)], "the rate falls to 0 at its own end"
    assert row["counts"]["forward"] == 3 * each * FORWARD and row["share"] == share
    spent = row["counts"]["weight_gradient"] + row["counts"]["propagate"]
    assert row["backward_effort"] == spent / (3 * 30 * BACKWARD)
    assert row["total_effort"] == (spent + row["counts"]["forward"]) / (3 * 30 * (FORWARD + BACKWARD))


def test_a_share_that_was_interrupted_goes_on_with_the_same_bits(data):
    """Stopped within an epoch, and put back into a new trainer."""

    def trainer():
        return Trainer(compile(build("mlp-4-5-3", data), TinyProp(), SGD(0.05)), data, epochs=3, seed=2, share=0.6)

    whole = trainer()
    expected = whole.run()
    begun = trainer()

    def progress(done, total):
        if done > 20:
            raise KeyboardInterrupt

    begun.progress = progress
    with pytest.raises(KeyboardInterrupt):
        begun.run()
    resumed = trainer()
    resumed.restore(*begun.state())
    assert resumed.run() == expected and expected.samples_shown == 3 * 18
    assert all(np.array_equal(a, b) for a, b in zip(resumed.program.state().values(), whole.program.state().values()))


def test_a_rate_of_its_own_is_of_the_training_alone(data):
    """What comes before is pre-trained at the protocol's rate."""
    comparison = Comparison(data, "mlp-4-5-3", seeds=(1,), regime="continue", epochs=2, learning_rate=0.01)
    usual, faster = comparison.run({"full": full(), "faster": full(learning_rate=0.2)})
    first, second = comparison.protocol.parts(data)
    network = build("mlp-4-5-3", data, seed=1)
    before = comparison.protocol.pretrainer(network, first, comparison.loss, 1)
    before.run()
    program = compile(network.with_parameters(before.program.parameters()), Full(), SGD(0.2))
    result = Trainer(program, second, epochs=2, seed=1).run()
    assert (faster["per_seed"], faster["counts"]) == ([result.score], result.counts) != (usual["per_seed"], usual["counts"])
    assert (usual["learning_rate"], faster["learning_rate"]) == (0.01, 0.2)


@pytest.mark.parametrize("dtype", ["float32", "int8", "mixed"])
def test_a_head_alone_counts_against_training_of_all_layers(data, dtype):
    if dtype == "mixed":  # there its body is int8, whatever else is trained
        comparison = Comparison(data, "mlp-4-6-5-3", epochs=2, kinds=kinds([dtype]), trainable=2)
        head, dense = 5 * 3, (4 * 6 + 6 * 5 + 5 * 3) + (6 * 5 + 2 * 5 * 3)
    else:
        comparison = Comparison(data, "mlp-4-5-3", epochs=2, kinds=kinds([dtype]))
        head, dense = 5 * 3, FORWARD + BACKWARD
    every, row = comparison.run({"full": full(), "head": full(trainable=1)})
    assert row["counts"]["propagate"] == 0 and row["counts"]["weight_gradient"] <= 2 * 30 * head
    spent = row["counts"]["weight_gradient"] + row["counts"]["forward"]
    assert row["total_effort"] == spent / (2 * 30 * dense) < every["total_effort"]
    assert row["trainable"] == 1 and row["sram_bytes"] < every["sram_bytes"]
    assert [layer["layer"] for layer in row["mean_ratio_per_layer"]] == ["dense2" if dtype != "mixed" else "dense3"]


def test_drops_are_below_full_training_as_the_protocol_has_it():
    entries = {"less": full(epochs=1), "topk": named_rules(["topk"])["topk"], "full": full(learning_rate=0.1)}
    assert reference(entries) == "full" and reference(named_rules(["topk"])) is None
    assert reference({"part": full(share=0.5), "head": full(trainable=1)}) == "part"


@pytest.mark.parametrize("own, words", [
    ({"share": 0.0}, "share 0.0 is not a number above 0 to 1"), ({"share": 1.5}, "share 1.5 is not a number above 0 to 1"),
    ({"epochs": 0}, "epochs 0 is not a whole number from 1"), ({"trainable": 0}, "trainable 0 .* nothing to train"),
    ({"trainable": 3}, "trainable 3 is not a whole number from 0 to 2"), ({"learning_rate": -1.0}, "learning rate -1.0"),
])  # fmt: skip
def test_what_is_wrong_is_refused_before_any_work(data, own, words, monkeypatch):
    monkeypatch.setattr(Trainer, "run", None)
    with pytest.raises(InputError, match=words):
        Comparison(data, "mlp-4-5-3", epochs=2).run({"full": full(), "wrong": full(**own)})
