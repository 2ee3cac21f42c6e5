"""Latent replay: features are the frozen layers' outputs rounded to 8 bits, and all that the body takes is counted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mcuref import Budget, Conv2D, Data, Dense, Flatten, InputError, MaxPool2D, Network, ReLU, Residual, Tanh, load_data
from mcuref.incremental import experiment
from mcuref.incremental.body import Body, parted
from mcuref.incremental.criterion import Criterion, Verification
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.experiment import Experiment
from mcuref.incremental.keeping import ExperimentCheckpoints, fingerprint
from mcuref.incremental.latent import LatentLearner, latent_recipe
from mcuref.incremental.protocols import IncrementalProtocol
from mcuref.incremental.recipe import Expansion
from mcuref.incremental.setting import Setting
from mcuref.incremental.storage import Storage
from mcuref.layers import Input
from mcuref.memory.accountant import BudgetExceeded
from mcuref.models.given import given_model
from tests.incremental.learners import TASKS, bits, blobs, few, least, recipe

WIDTHS = 8, 5


def whole(*widths, seed=3):
    """The whole model of the tests: its head is not the same at every cut."""
    hidden = [layer for width in widths or WIDTHS for layer in (Dense(width), ReLU())]
    return Network([Input((9,)), *hidden, Dense(6)], seed=seed)


def latent_learner(latent=2, ready=False, samples=None, budget=None, criterion=None, grow=None, **given):
    own = recipe(**{"steps": 60, "per_class": 4} | given)
    head = latent_recipe(own, Storage(4))
    return LatentLearner(
        whole(WIDTHS[0], 2) if grow else whole(),
        6,
        latent=latent,
        recipe=head,
        first=None if ready else own,
        largest=whole(),
        criterion=criterion,
        expansion=grow,
        samples=samples,
        budget=budget,
        seed=5,
    )


def task(number):
    return blobs(TASKS[number], seed=number)


def plain_features(network, body, x):
    """Dense layers and ReLU by NumPy in float64, rounded as the module says."""
    values = x.astype(np.float64).reshape(len(x), -1)
    for name in (n for n in network.names if n.startswith("dense")):
        w, b = (network.parameters[f"{name}.{kind}"].astype(np.float64) for kind in ("weights", "bias"))
        values = np.maximum(values @ w.T + b, 0)
    return values * (255 / float(body.largest))


# -- the body ----------------------------------------------------------------------------------------------------------


@given(x=arrays(np.float32, (7, 9), elements=st.floats(-3, 3, width=32)), latent=st.sampled_from((1, 2)))
@few(10)
def test_features_are_the_outputs_of_the_frozen_layers_rounded(x, latent):
    network = parted(whole(), latent)[0]
    body = Body.frozen(network, x)
    found, exact = body.features(x), plain_features(network, body, x)
    assert found.dtype == np.uint8 and found.shape == (7, *body.shape)
    # float32 sums of nine products may lie across a border of rounding, by a millionth of the largest
    assert np.abs(found - np.minimum(exact, 255)).max() <= 0.5 + 255e-6 and (exact.max() < 1 or found.max() == 255)
    halved = Body(network, max(body.largest / 2, np.float32(1e-30))).features(x)  # saturates, does not wrap
    assert (halved >= found).all() and (halved[found > 128] == 255).all()


def test_the_head_takes_features_of_mean_0_and_deviation_1():
    x, _ = task(0)
    body = Body.frozen(parted(whole(), 2)[0], x)
    values = body.output.normalised(body.features(x))
    assert abs(values.mean()) < 1e-5 and abs(values.std() - 1) < 1e-5
    dead = Body.frozen(
        parted(whole(), 2)[0].with_parameters({"dense1.weights": np.zeros((8, 9)), "dense1.bias": -np.ones(8)}), x
    )
    assert not dead.features(x).any() and not dead.output.normalised(dead.features(x)).any()


def test_where_a_model_is_parted():
    block = Residual([Conv2D(2, 3, padding="same"), ReLU(), Conv2D(2, 1)])
    layers = [Input((5, 4, 2)), block, ReLU(), Conv2D(3, 2), ReLU(), MaxPool2D(2), Flatten(), Dense(4), ReLU(), Dense(2)]
    network = Network(layers)
    cuts = [parted(network, latent) for latent in (1, 2, 3)]
    assert [len(body.written) for body, _ in cuts] == [9, 6, 3]
    assert [body.shapes[-1] for body, _ in cuts] == [(4,), (2, 1, 3), (5, 4, 2)]
    for body, head in cuts:
        assert [*body.written, *head] == layers
        assert all((body.parameters[name] == network.parameters[name]).all() for name in body.parameters)
    x = np.random.default_rng(0).normal(size=(3, 5, 4, 2)).astype(np.float32)
    features = Body(cuts[1][0], largest=255.0).features(x)  # rows, columns, channels as the layers leave them
    flat = Body(Network([*cuts[1][0].written, Flatten()], parameters=cuts[1][0].parameters), largest=255.0).features(x)
    assert features.shape == (3, 2, 1, 3) and (features.reshape(3, -1) == flat).all()
    with pytest.raises(InputError, match=r"too much for the 4 layers with parameters of .*; it may be 1 to 3"):
        parted(network, 4)
    with pytest.raises(InputError, match="end with a tanh layer; features are stored that a ReLU leaves"):
        parted(Network([Input((9,)), Dense(4), Tanh(), Dense(2)]), 1)
    with pytest.raises(InputError, match="a layer with parameters must be left to freeze"):
        parted(Network([Input((9,)), Dense(2)]), 1)


# -- what it costs -----------------------------------------------------------------------------------------------------


def test_every_mac_of_the_body_is_counted():
    x, y = task(0)
    held_x, held_y = blobs(TASKS[0], 10, seed=50)
    ready = latent_learner(ready=True, criterion=Criterion(0.0), distillation=Distillation(stream=3))
    row = ready.learn(x, y, held_out=(held_x, held_y))
    body, head = 9 * 8, 8 * 5 + 5 * 2
    assert ready.body.macs == body and row["inference_macs"] == body + head
    passing = 2 * max(3, 2 * 4)  # of each class twice as many as are stored
    assert row["samples"] == passing and row["macs"]["distillation"] == passing * body
    assert row["macs"]["verification"] == len(held_x) * (body + head)
    again = latent_learner(ready=True, distillation=Distillation(stream=3))
    again.learn(x, y)
    assert ready.model.macs["training"] == again.model.macs["training"] > 0  # a ready body costs none

    learned = latent_learner()
    of_all = learned._learner_of_all(2)
    of_all.learn(x, y)
    row = learned.learn(x, y)
    assert row["macs"]["training"] > of_all.model.macs["training"] > 0
    assert row["macs"]["distillation"] == of_all.model.macs["distillation"] + len(x) * body
    assert learned.model.macs | {"all": sum(learned.model.macs.values())} == row["macs"]
    assert learned.rehearsal.steps == 2 * of_all.rehearsal.steps, "of the body and of the head"
    trained = of_all.model.network_now().parameters
    assert all((learned.body.network.parameters[name] == trained[name]).all() for name in learned.body.network.parameters)


def test_stored_verification_samples_are_features_and_cost_the_head_alone():
    made = latent_learner(ready=True, criterion=Criterion(0.0), verification=Verification("stored", per_class=3))
    row = made.learn(*task(0))
    assert row["macs"]["verification"] == 2 * 3 * (8 * 5 + 5 * 2)
    assert made.memory.view("validation.samples").shape == (6 * 3, 8 * 4 // 8), "at the bits of the memory"
    offered = latent_learner(ready=True, criterion=Criterion(0.0), verification=Verification("stored", per_class=3))
    assert offered.learn(*task(0), held_out=task(0))["macs"] == row["macs"], "nothing is computed of what is not used"


def test_the_body_lies_in_the_plan():
    made = latent_learner(ready=True)
    made.learn(*task(0))
    rows = {row["name"]: row for row in made.memory.where()}
    assert rows["body.dense1.weights"]["bytes"] == 4 * 72 and rows["body.dense1.weights"]["region"] == "flash"
    shared = made.body.program.plan.shared("sram")
    assert shared >= 4 * (9 + 8)
    for stage in ("record", "verify"):
        assert rows[f"body.{stage}"]["bytes"] == shared and rows[f"body.{stage}"]["stages"] == f"{stage} to {stage}"
    layout = made.layout
    features, levels = 6 * 4 * 4, 8 * 8  # 4 samples of each class, 8 values of 4 bits; low and step of each
    assert made.samples.stored_bytes == features + 6 * 4 + levels + layout.stored()["classes"].size
    plan = made.memory.plan
    needed = least(made)
    assert latent_learner(ready=True, budget=Budget(needed["sram"] + 2048, needed["flash"]))  # 2,048 B are the stack's
    with pytest.raises(BudgetExceeded):
        latent_learner(ready=True, budget=Budget(None, needed["flash"] - 1))
    first = latent_learner()  # the whole model, trained, needs more than its head
    peaks = first._learner_of_all(6).memory.plan
    assert peaks.sram > plan.sram
    with pytest.raises(BudgetExceeded):
        latent_learner(budget=Budget(needed["sram"] + 2048, None))
    alone = first._learner_of_all(2)
    assert (
        alone.recipe.per_class == 4 * 6 // 2 and alone.samples.stored_bytes <= first._learner_of_all(6).samples.stored_bytes
    )
    assert all(least(alone)[region] <= least(first._learner_of_all(6))[region] for region in ("sram", "flash"))
    first.learn(*task(0))
    assert first.model.peaks["sram"] >= alone.memory.plan.sram


# -- as a learner ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ready", (False, True))
def test_the_head_learns_as_any_learner_of_features(ready):
    made = latent_learner(ready=ready, grow=Expansion(factor=1.5), criterion=Criterion(1.0), steps=120)
    seen = []
    for number in range(3):
        x, y = task(number)
        seen += TASKS[number]
        made.learn(x, y, held_out=blobs(seen, 5, seed=70 + number))
        packed = made.samples.packed[made.samples.material()[0]]
        known = {
            row.tobytes()
            for row in made.layout.codec.encode(made.body.features(np.concatenate([task(n)[0] for n in range(3)])))
        }
        assert {row.tobytes() for row in packed} <= known  # real features, as they are stored
    assert any(row["growths"] for row in made.history) and made.classes == seen
    x, y = blobs(seen, 20, seed=9)
    assert np.mean(made.predict(x) == y) > 0.5  # of six clouds; a body that has seen two leaves some of them together
    direct = made.model.outputs(made.body.features(x))[:, :6].argmax(axis=1)
    assert (made.predict(x) == np.array(made.classes)[direct]).all()


@pytest.mark.parametrize("ready", (False, True))
def test_a_learner_put_back_goes_on_with_the_same_bits(ready):
    made = latent_learner(ready=ready)
    before = bits(made)
    with pytest.raises(InputError, match="float32"):
        made.learn(task(0)[0].astype(np.int16), task(0)[1])
    with pytest.raises(InputError, match="at most 6 classes"):
        made.learn(*blobs(range(7)))
    assert bits(made) == before and not made.frozen
    made.learn(*task(0))
    again = latent_learner(ready=ready)
    again.restore(*made.state())
    assert bits(again) == bits(made) and again.frozen
    for learner in (made, again):
        learner.learn(*task(1))
    assert bits(again) == bits(made)
    plain, values = made.state()
    for damaged in (
        {n: v for n, v in values.items() if n != "body.statistics"},
        values | {"body.statistics": np.full(3, np.nan, np.float32)},
        values | {"body.dense1.bias": np.zeros(9, np.float32)},
    ):
        with pytest.raises(InputError):
            latent_learner(ready=ready).restore(plain, damaged)


def test_a_failure_in_the_first_task_leaves_no_body_behind(monkeypatch):
    made = latent_learner()
    before = bits(made)

    def fail(self, *given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(LatentLearner, "train", fail)  # of the head: the body has been frozen by then
    with pytest.raises(KeyboardInterrupt):
        made.learn(*task(0))
    assert bits(made) == before and not made.frozen
    monkeypatch.undo()
    made.learn(*task(0))
    untouched = latent_learner()
    untouched.learn(*task(0))
    assert bits(made) == bits(untouched)


# -- in an experiment --------------------------------------------------------------------------------------------------

MODEL = "mlp-64-16-8-10"
QUICK = IncrementalProtocol(Storage(4), Distillation(start="random", iterations=0), steps=100, share=0.05)


@pytest.fixture
def digits(monkeypatch):
    monkeypatch.setattr(experiment, "find_protocol", lambda name: QUICK)
    all_ = load_data("digits")
    return Data("digits", "image", all_.x_train[:400], all_.y_train[:400], all_.x_test[:100], all_.y_test[:100])


def setting(**given):
    return Setting(**{"tasks": 2, "criterion": Criterion(0.5), "latent": 2, "strategies": ("growing", "joint")} | given)


def test_an_experiment_of_features_is_within_the_share_and_resumes(digits, tmp_path):
    made = Experiment(digits, MODEL, setting(bits=2))
    made.check()
    rows = made.run()
    assert rows[0]["stored_bytes"] <= made.share * made.scenario.raw_bytes
    assert made.recipe.storage == Storage(2) and made.first.storage == Storage(4)
    assert made.settings()["latent"] == {"layers": 2, "body": "first task", "features": [16], "body_macs": 64 * 16}
    learner = made.learners["growing", 0]
    x, _ = made.stored_samples()
    assert x.shape[1:] == (16,) and learner.layout.codec.bytes == 4

    def kill(seed, strategy, done):
        raise KeyboardInterrupt

    for after_task in (kill, kill, kill, kill, None):
        keeper = ExperimentCheckpoints(tmp_path, fingerprint("data", {}, ()), pytest.fail)
        again = Experiment(digits, MODEL, setting(bits=2), keeper=keeper, after_task=after_task)
        try:
            assert again.run() == rows
        except KeyboardInterrupt:
            assert after_task
    other = Experiment(digits, MODEL, setting(bits=2, latent=1))
    assert other.fingerprint != made.fingerprint


@pytest.mark.parametrize("resolution, kept", [(None, (False, False)), ("half", (True, False)), ("grid", (True, True))])
def test_features_are_stored_at_the_resolution_that_is_asked_for(digits, resolution, kept):
    made = Experiment(digits, "cnn-8", Setting(latent=1, bits=2, resolution=resolution))
    assert (made.recipe.storage.half, made.recipe.storage.grid) == kept


def test_the_body_of_a_model_that_has_learned_is_frozen_as_it_is(digits):
    network = Network([Input((8, 8, 1), "uint8", 0.0, 1 / 16), Flatten(), Dense(12), ReLU(), Dense(30)], seed=8)
    made = Experiment(digits, given_model("learned", network, "a run"), setting(latent=1, strategies=("growing",)))
    rows = made.run()
    learner = made.learners["growing", 0]
    assert made.first is None and made.settings()["latent"]["body"] == "model"
    assert (learner.body.network.parameters["dense1.weights"] == network.parameters["dense1.weights"]).all()
    assert rows[0]["per_seed"][0]["tasks"][0]["inference_macs"] == 64 * 12 + 12 * 5
    assert replace(made.recipe, per_class=1).distillation.iterations == 0


@pytest.mark.parametrize("given, words", [
    ({"latent": 0}, "latent 0"),
    ({"distil": "matching"}, "stored features are chosen at random; distil 'matching'"),
    ({"strategies": ("herding",)}, "strategy 'herding' compares samples"),
    ({"strategies": ("joint-best",)}, "strategy 'joint-best' trains the whole model"),
    ({"smallest": True}, "with latent 2"),
    ({"given": (("features", "learned"),)}, "nothing is distilled"),
])  # fmt: skip
def test_what_needs_samples_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        setting(**given)
