"""Charges: all that programs did is in one of the stages, in instructions too, and where it belongs."""

import numpy as np
import pytest

from mcuref import Budget, Conv2D, Dense, Flatten, Input, Network, ReLU
from mcuref.cost.instructions import inference_instructions, step_instructions
from mcuref.incremental import charges
from mcuref.incremental.baselines import recipe_for, samples_for
from mcuref.incremental.best import BestLearner
from mcuref.incremental.charges import STAGES, Charges, core_of, instruction_row, mean_instructions
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.keeping import check_kept
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Expansion, Verification
from mcuref.program.effort import dense_macs, macs
from mcuref.program.program import Program

from .learners import ALWAYS, NEVER, TASKS, blobs, learn, learner, network, recipe, taught

STRATEGIES = ("fixed-large", "naive", "joint", "joint-best", "random", "herding", "k-center", "reservoir")


def made(name, **given):
    """A learner of a strategy."""
    kind = BestLearner if name == "joint-best" else IncrementalLearner
    return kind(network(), 6, recipe=recipe_for(name, recipe(**given)), samples=samples_for(name), seed=5)


@pytest.fixture
def done(monkeypatch, compiled_executor):
    """MACs of all programs, each counted as it runs: a dict by what it was."""
    found = dict.fromkeys(("train", "outputs", "input_gradient"), 0)
    train, outputs, gradient = Program.train, Program.outputs, Program.input_gradient

    def trained(self, *arguments, **given):
        before = self.counts.copy()
        shown = train(self, *arguments, **given)
        found["train"] += sum(macs(self.instructions, self.counts - before))
        return shown

    def inferred(self, x, *arguments, **given):
        found["outputs"] += len(x) * dense_macs(self)[0]
        return outputs(self, x, *arguments, **given)

    def derived(self, *arguments, counts):
        before = counts.copy()
        result = gradient(self, *arguments, counts=counts)
        found["input_gradient"] += sum(macs(self.instructions, counts - before))
        return result

    for name, spy in (("train", trained), ("outputs", inferred), ("input_gradient", derived)):
        monkeypatch.setattr(Program, name, spy)
    return found


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_programs_did_is_charged(done, allocated, name):
    """And nothing else but distances: of herding n x D for each chosen, of swap-herding G x D for each that may replace."""
    one = made(name)
    for number in (0, 1):
        learn(one, number)
    distances = sum(embedding.distances for memory in allocated for embedding in memory.embeddings)
    assert sum(one.model.macs.values()) == sum(done.values()) + distances
    assert sum(one.model.macs.values()) == sum(row["macs"]["all"] for row in one.history)
    for row in one.history:
        assert row["macs"]["all"] == sum(row["macs"][stage] for stage in STAGES)
    assert one.model.macs["training"] == done["train"] and one.model.macs["growth"] == 0
    compared = {"fixed-large": 2 * (12 - 2) + 2 * (13 - 2), "herding": 4 * 25, "k-center": 4 * 25}  # 4 of 25 are stored
    assert distances == 3 * compared.get(name, 0) * 6, "of 3 classes, with 6 features"


@pytest.mark.parametrize("given", [
    {"criterion": NEVER, "grow": Expansion(growths=2)}, {"criterion": ALWAYS, "grow": Expansion(shrink=True)},
    {"criterion": NEVER, "grow": Expansion(growths=1), "features": "learned", "stream_pass": True, "momentum": 0.9,
     "batch": 4, "distillation": Distillation(embeddings=1, iterations=2, group=3, stream=30)},
    {"criterion": NEVER, "grow": Expansion(growths=1), "verification": Verification("arriving")},
    {"criterion": NEVER, "grow": Expansion(growths=1), "verification": Verification("stored", per_class=3)},
], ids=("growing", "shrinking", "learned", "arriving", "stored"))  # fmt: skip
def test_what_growing_models_did_is_charged(done, allocated, given):
    one = taught(2, 6, largest=network(20), steps=40, learning_rate=0.001, **given)
    distances = sum(embedding.distances for memory in allocated for embedding in memory.embeddings)
    assert sum(one.model.macs.values()) == sum(done.values()) + distances
    assert one.model.macs["training"] + one.model.macs["growth"] == done["train"]
    assert (one.model.macs["growth"] > 0) == (given["criterion"] is NEVER) and one.model.macs["verification"] > 0


def test_swap_herding_compares_each_that_passes_by_with_all_that_are_kept():
    one = taught(1, distillation=Distillation(iterations=0, group=3, stream=30))
    (embedding,) = one.memory.embeddings
    groups = 2  # 4 samples a class in groups of 3 at most: 2 and 2, from the first 12 and from the other 13
    passing = (12 - 2) + (13 - 2)
    assert groups * 2 == 4 and embedding.distances == len(TASKS[0]) * passing * 2 * embedding.features
    assert one.model.macs["distillation"] == len(TASKS[0]) * 25 * 9 * 6 + embedding.distances


def test_training_after_a_growth_is_its_own():
    """Until then it is that of one that may not grow."""
    grown, small = (taught(1, 6, criterion=NEVER, grow=grow, steps=8) for grow in (Expansion(growths=1), None))
    assert grown.history[0]["growths"] and grown.model.macs["training"] == small.model.macs["training"]
    after = grown.program.counts
    assert grown.model.macs["growth"] == sum(macs(grown.program.instructions, after)) > 0
    learn(grown, 1)
    assert grown.history[1]["macs"]["training"] > 0, "the next task begins anew"


# -- instructions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("core", ("m4f", "m0"))
def test_instructions_are_those_of_the_programs(core):
    one = IncrementalLearner(network(), 6, recipe=recipe(), criterion=ALWAYS, core=core, seed=5)
    learn(one, 0)
    spent, program = one.model.charges.instructions, one.program
    runs = int(program.counts[0, 0])
    assert runs == 200
    assert spent["training"] == pytest.approx(runs * step_instructions(program, core, program.counts), rel=1e-12)
    assert spent["verification"] == 20 * inference_instructions(program, core) and spent["growth"] == 0
    embedded = [e.counts[0, 0] * step_instructions(e.program, core, e.counts) for e in one.memory.embeddings]
    assert spent["distillation"] == pytest.approx(sum(embedded), rel=1e-12)
    row = one.model.charges.as_dict()["instructions"]
    assert row == {"core": core, **spent, "all": sum(spent.values()), "reason": None}


def test_instructions_are_plain_numbers_as_a_checkpoint_has_them():
    """Of convolutions the formulas are of NumPy's numbers."""
    layers = [Input((5, 3, 1)), Conv2D(2, 3, padding="same"), ReLU(), Flatten(), Dense(2)]
    one = IncrementalLearner(Network(layers, seed=1), 2, recipe=recipe(steps=5, per_class=2), criterion=ALWAYS)
    x = np.random.default_rng(0).normal(size=(12, 5, 3, 1)).astype(np.float32)
    one.learn(x, np.arange(12) % 2, held_out=(x, np.arange(12) % 2))
    check_kept(1, [], [], one.state()[0])
    assert {type(value) for value in one.model.charges.instructions.values()} == {float}
    assert {type(value) for value in one.model.macs.values()} == {int}


def test_an_operator_that_was_not_measured_leaves_its_stages_unknown(monkeypatch):
    """For good, also after what is known; and which it is outlasts a restart."""
    one = taught(1, criterion=ALWAYS)
    known = dict(one.model.charges.instructions)
    formulas = charges.measured("m4f")["formulas"]
    with monkeypatch.context() as patch:
        patch.delitem(formulas, "softmax_cross_entropy_f32")
        learn(one, 1)
    learn(one, 2)
    row = one.model.charges.as_dict()["instructions"]
    assert row["training"] is row["verification"] is row["all"] is None and row["growth"] == 0
    assert row["distillation"] > known["distillation"], "embeddings have no such row"
    assert row["reason"] == "softmax_cross_entropy_f32 not measured on m4f"
    other = learner(criterion=ALWAYS)
    other.restore(*one.state())
    assert other.model.charges.as_dict() == one.model.charges.as_dict()


def test_the_core_is_the_budget_s():
    assert core_of(None) == core_of(Budget(1000, 1000, 0)) == "m4f"
    assert core_of(Budget(1000, 1000, 0, name="nucleo", core="m7")) == "m7"
    assert core_of(Budget(1000, 1000, 0, name="esp32")) == ""
    one = Charges("")
    assert instruction_row("", one.instructions)["reason"] is None, "nothing has run"
    unknown = IncrementalLearner(network(), 6, recipe=recipe(), core="", seed=5)
    learn(unknown, 0)
    row = unknown.model.charges.as_dict()["instructions"]
    assert row["training"] is row["all"] is None and row["reason"] == "instructions of this core were not measured"


def test_means_over_seeds_are_unknown_where_one_is():
    a, b = instruction_row("m4f", dict.fromkeys(STAGES, 1.0)), instruction_row("m4f", dict.fromkeys(STAGES, 4.0))
    assert mean_instructions([a, b]) == {"core": "m4f", **dict.fromkeys(STAGES, 2.5), "all": 10.0, "reason": None}
    c = instruction_row("m4f", dict.fromkeys(STAGES, 1.0) | {"growth": None}, ["tanh_f32"])
    mean = mean_instructions([a, c])
    assert mean["training"] == 1 and mean["growth"] is mean["all"] is None
    assert mean["reason"] == "tanh_f32 not measured on m4f"


# -- raw pools ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, samples", [
    ("fixed-large", [0, 0]), ("random", [0, 0]), ("reservoir", [0, 0]), ("naive", [50, 25]), ("joint", [50, 75]),
    ("joint-best", [50 + 20, 75 + 30]), ("herding", [25, 25]), ("k-center", [25, 25]),
])  # fmt: skip
def test_raw_samples_that_must_lie_somewhere_at_once(name, samples):
    """9 float32 each; 25 of a class arrive, 10 of each so far are held out."""
    one = made(name, steps=20)
    assert [learn(one, number)["raw_pool_bytes"] for number in (0, 1)] == [36 * n for n in samples]


@pytest.mark.parametrize("given, samples", [
    ({}, 20), ({"verification": Verification("stored", per_class=3)}, 0),
    ({"verification": Verification("arriving", share=0.2)}, 10), ({"stream_pass": True}, 20 + 50),
    ({"distillation": Distillation(iterations=0, stream=12)}, 20),
])  # fmt: skip
def test_raw_samples_of_what_is_verified_on_and_shown_again(given, samples):
    assert taught(1, criterion=ALWAYS, steps=60, **given).history[0]["raw_pool_bytes"] == 36 * samples


@pytest.mark.parametrize("name, samples", [("naive", [50, 25]), ("joint", [50, 75]), ("herding", [50, 25])])
def test_raw_samples_that_are_kept_and_shown_again_lie_there_once(name, samples):
    one = made(name, steps=20, stream_pass=True)
    assert [learn(one, number)["raw_pool_bytes"] for number in (0, 1)] == [36 * n for n in samples]


def test_a_stream_that_is_shorter_is_a_smaller_pool():
    one = made("herding", steps=20, distillation=Distillation(stream=12))
    assert learn(one, 0)["raw_pool_bytes"] == 36 * 12
    x, y = blobs(TASKS[1], 7)
    assert one.learn(x, y)["raw_pool_bytes"] == 36 * 7 and np.all(y == 100)
