"""The learner: what it learns, stage by stage, and what it refuses."""

import json

import numpy as np
import pytest

from mcuref import Conv2D, Dense, Flatten, Input, InputError, Network, Residual
from mcuref.incremental.criterion import Criterion, Verification
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.growth import METHODS, hidden_widths
from mcuref.incremental.layout import STORED
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Expansion

from .learners import ALWAYS, LABELS, NEVER, QUICK, TASKS, bits, blobs, learn, learner, network, recipe, taught, whole


def test_tasks_are_learned_and_predictions_are_the_users_labels():
    made = learner(12, criterion=Criterion(0.9), steps=1500)
    for number in range(3):
        row = learn(made, number)
        known = [label for task in TASKS[: number + 1] for label in task]
        assert made.classes == row["classes"] == known and row["new_classes"] == list(TASKS[number])
        assert row["task"] == number + 1 == len(made.history) and row["stored"] == {str(n): 4 for n in TASKS[number]}
        x, y = blobs(known, 10, seed=50 + number)
        predicted = made.predict(x)
        assert predicted.dtype == np.int64 and set(predicted.tolist()) <= set(known)
        assert np.mean(predicted == y) == row["accuracy"] >= 0.9 and row["criterion_met"]
    assert made.network.outputs == 6
    assert made.memory.classes[:, 0].tolist() == list(LABELS)


def test_a_task_s_row_is_what_happened():
    made, seen = taught(2, criterion=ALWAYS), [dict(row) for row in taught(2, criterion=ALWAYS).history]
    assert made.history == seen and json.loads(json.dumps(seen)) == seen
    for name in ("training", "verification", "distillation"):
        assert made.model.macs[name] == sum(row["macs"][name] for row in seen) > 0
    assert made.rehearsal.steps == 400 and seen[1]["samples"] == 25 and seen[1]["widths"] == [6]
    assert seen[1]["inference_macs"] == 9 * 6 + 6 * 3
    assert seen[1]["sram"] == made.memory.plan.sram and seen[1]["flash"] == made.memory.plan.flash
    assert seen[1]["stored_bytes"] == made.samples.stored_bytes == 24 * 10 + 16 * 6 + 8 * 9


def test_work_is_what_the_formulas_say():
    made = taught(1, criterion=ALWAYS)
    forward = 9 * 6 + 6 * 2
    backward = 6 * 2 + forward  # error of the hidden layer, gradients of all weights but where an error is 0
    assert 200 * (forward + 2 * 6 * 2) <= made.model.macs["training"] <= 200 * (forward + backward)
    assert made.model.macs["verification"] == 20 * forward
    embedded = (2 * 25 * 2 + 2 * 2 * 4 * 4) * 9 * 6  # stream; K steps over 4 samples, there and back
    assert embedded / 2 < made.model.macs["distillation"] < embedded * 2


@pytest.mark.parametrize("momentum", (0.0, 0.9))
@pytest.mark.parametrize("count", (1, 3))
def test_old_outputs_keep_their_bits_when_classes_are_added(momentum, count):
    made, (x, _) = taught(1, momentum=momentum), blobs(LABELS)
    before, state = made.program.outputs(x), made.program.state()
    new = list(LABELS[2 : 2 + count])
    made.add_classes(new)
    after = made.program.outputs(x)
    assert after.shape[1] == 2 + count and after[:, :2].tobytes() == before.tobytes()
    assert made.classes == [7, 3, *new]
    for name, old in state.items():
        now = made.program.state()[name]
        assert now[tuple(slice(n) for n in old.shape)].tobytes() == old.tobytes()
        if name.endswith("velocity"):
            assert old.any() and not now[old.shape[0] :].any()


def test_stages_alone():
    made, (x, y) = learner(steps=300), blobs((7, 3))
    made.add_classes([7, 3])
    assert made.classes == [7, 3] and made.network.outputs == 2
    assert made.distil(x, y) == {"7": 4, "3": 4}
    before = made.verify((x, y))
    start = {n: v.tobytes() for n, v in made.program.state().items()}
    made.train()
    assert made.rehearsal.steps == 300 and start != {n: v.tobytes() for n, v in made.program.state().items()}
    made.train(77)
    assert made.rehearsal.steps == 377
    assert made.verify((x, y)) >= max(before, 0.9)
    outputs = made.program.outputs(x)
    change = made.expand()
    assert change["grown"]["change"] == "widened to 9" and change["reason"] is None
    assert hidden_widths(made.network) == (9,)
    assert made.program.outputs(x).tobytes() == outputs.tobytes(), "zero-outgoing growth keeps the outputs"
    made.train(50)
    part, listing = made.program.arena, made.program.listing
    assert any(part.view(i).tobytes() != part.view(b).tobytes() for b, i in listing.images.items())
    made.record()
    assert all(part.view(i).tobytes() == part.view(b).tobytes() for b, i in listing.images.items())


@pytest.mark.parametrize("method", METHODS)
def test_growth_goes_on_with_what_was_learned(method):
    made, (x, _) = taught(2, momentum=0.9, batch=4, grow=Expansion(method=method)), blobs(TASKS[0] + TASKS[1])
    before, old, stored = made.program.outputs(x), made.program.state(), made.state()[1]
    assert made.expand()["grown"]["change"] == "widened to 9"
    after, state = made.program.outputs(x), made.program.state()
    if method == "shrink-and-perturb":
        assert not np.array_equal(after, before)
    else:
        assert np.abs(after - before).max() <= (0 if method == "zero-outgoing" else 0.2 * np.abs(before).max())
    velocity = state["dense1.weights_velocity"]
    assert velocity[:6].tobytes() == old["dense1.weights_velocity"].tobytes() and velocity[:6].any()
    assert not velocity[6:].any()
    for name in ("stored.memory.samples", "stored.memory.labels", "stored.classes"):
        assert made.state()[1][name].tobytes() == stored[name].tobytes()
    made.train(20)
    assert made.program.state()["dense1.weights_velocity"][6:].any(), "new units do not learn"


def test_growth_in_a_task_until_it_is_enough_or_stopped():
    made = learner(2, criterion=NEVER, grow=Expansion(growths=3), steps=60)
    row = made.learn(*blobs((7, 3)), held_out=blobs((7, 3), 30, seed=9, spread=3.0))
    assert [g["change"] for g in row["growths"]] == ["widened to 3", "widened to 5", "widened to 8"]
    assert not row["criterion_met"] and row["stopped"] == "it grew 3 times in this task, which is the most"
    assert row["widths"] == [8] and made.rehearsal.steps == 4 * 60
    for growth in row["growths"]:
        assert growth["sram"] <= made.model.peaks["sram"] and growth["flash"] <= made.model.peaks["flash"]


def test_every_growth_is_followed_by_a_phase_that_is_charged_to_it():
    made = learner(2, criterion=NEVER, grow=Expansion(growths=2), steps=60)
    row = made.learn(*blobs((7, 3)), held_out=blobs((7, 3), 30, seed=9, spread=3.0))
    once = learner(2, steps=60)
    once.learn(*blobs((7, 3)))
    assert made.rehearsal.steps == 3 * 60
    assert row["macs"]["training"] == once.history[0]["macs"]["training"] and row["macs"]["growth"] > 0


def test_a_criterion_that_cannot_be_met_is_reported():
    hard = blobs((7, 3), 30, seed=9, spread=3.0)
    row = learner(criterion=NEVER).learn(*blobs((7, 3)), held_out=hard)
    assert row["criterion_met"] is False and row["stopped"] and row["accuracy"] < 1
    row = learner(6, criterion=NEVER, grow=Expansion(), largest=network(8)).learn(*blobs((7, 3)), held_out=hard)
    assert row["criterion_met"] is False and row["stopped"] == "hidden layers of 8 are as wide as they may be"
    assert row["widths"] == [8]


def test_no_criterion_no_judgement():
    row = learner().learn(*blobs((7, 3)))
    assert row["criterion"] is row["accuracy"] is row["criterion_met"] is row["stopped"] is None
    assert row["macs"]["verification"] == 0


def test_deeper_once_no_width_can_grow():
    made, (x, _) = taught(1, 6, grow=Expansion(deepen=True), largest=network(6)), blobs((7, 3))
    before = made.program.outputs(x)
    assert made.expand()["grown"]["change"] == "deepened to 6, 6"
    assert made.program.outputs(x).tobytes() == before.tobytes()
    learn(made, 1)
    resumed = learner(6, grow=Expansion(deepen=True), largest=network(6))
    resumed.restore(*made.state())
    assert bits(resumed) == bits(made) and hidden_widths(resumed.network) == (6, 6)
    assert resumed.predict(x).tobytes() == made.predict(x).tobytes()


def test_shrinks_while_the_criterion_is_met():
    made = learner(9, criterion=Criterion(0.9), grow=Expansion(shrink=True), steps=800)
    row = learn(made, 0)
    assert row["growths"][0]["change"] == "shrunk to 6" and row["widths"] == [6] and row["criterion_met"]
    assert row["accuracy"] == made.verify(blobs((7, 3), 10, seed=50)) >= 0.9


@pytest.mark.parametrize("momentum", (0.0, 0.9))
def test_a_shrunk_model_that_is_not_accepted_leaves_no_trace_but_work_and_peaks(momentum):
    made = taught(2, 9, grow=Expansion(shrink=True), momentum=momentum)
    before, memory = made.state(), whole(made)[1:]
    verified = []
    assert made.shrink(lambda: bool(verified.append(made.verify(blobs((7, 3))))) or False) is None
    assert verified and whole(made)[1:] == memory
    after = made.state()
    assert {n: v.tobytes() for n, v in after[1].items()} == {n: v.tobytes() for n, v in before[1].items()}
    changed = {name for name in after[0] if after[0][name] != before[0][name]}
    assert changed <= {"macs", "instructions", "peaks"}
    work = after[0]["macs"]["verification"] - before[0]["macs"]["verification"]
    assert work == 50 * (9 * 6 + 6 * 3), "the narrower model was judged, and that is work"
    made.train(10)
    twin = taught(0, 9, grow=Expansion(shrink=True), momentum=momentum)
    twin.restore(*before)
    twin.train(10)
    assert made.model.macs["training"] == twin.model.macs["training"], "work before the trial is counted once"
    assert made.model.macs["distillation"] == before[0]["macs"]["distillation"]


@pytest.mark.parametrize("accept", (True, False))
def test_macs_do_not_depend_on_how_often_they_are_counted(accept):
    made = taught(1, 9, grow=Expansion(shrink=True))
    before = dict(made.model.macs)
    made.shrink(lambda: accept)
    made.model.count_work()
    made.model.count_work()
    assert made.model.macs == before


def test_keep_mixes_learned_and_fresh_weights_when_a_task_begins(monkeypatch):
    """W <- 0.25 W + 0.75 fresh, before anything is trained, from the second task on."""
    made = learner(keep=0.25)
    starts = []
    train = IncrementalLearner.train

    def spy(self, *arguments, **given):
        starts.append(self.program.parameters())
        return train(self, *arguments, **given)

    monkeypatch.setattr(IncrementalLearner, "train", spy)
    begin = made.network.with_seed(made.seed).parameters["dense1.weights"]
    learn(made, 0)
    assert np.array_equal(starts[0]["dense1.weights"], begin), "nothing was learned before the first task"
    learned = made.program.parameters()["dense1.weights"]
    learn(made, 1)
    fresh = (starts[1]["dense1.weights"] - np.float32(0.25) * learned) / np.float32(0.75)
    limit = np.sqrt(6 / 9)
    assert np.abs(fresh).max() <= limit * 1.0001 and np.abs(fresh).std() > 0.1 * limit
    assert not np.allclose(fresh, begin)
    assert np.array_equal(starts[1]["dense2.bias"][2:], np.zeros(1, np.float32))


def test_all_is_decided_by_the_seed():
    one, same, other = (taught(2, seed=seed) for seed in (5, 5, 6))
    assert bits(one) == bits(same) and whole(one)[3] == whole(same)[3]
    assert bits(one)[1] != bits(other)[1]


X, Y = blobs((7, 3), 4)
BAD = {
    "no samples": (X[:0], Y[:0], "no samples"),
    "wrong type": (X.astype(np.int16), Y, "int16"),
    "wrong size": (X[:, :8], Y, "shape"),
    "NaN": (np.where(np.arange(9) == 4, np.nan, X), Y, "NaN"),
    "infinite": (np.where(np.arange(9) == 4, np.inf, X), Y, "NaN or infinite"),
    "rows of different lengths": ([[1.0], [1.0, 2.0]], [7, 3], "same shape"),
    "a label too few": (X, Y[:-1], "7 labels for 8"),
    "negative label": (X, -Y, "label -7 of sample 0"),
    "label beyond 31 bits": (X, Y.astype(np.int64) + (1 << 31), "is not a class"),
    "labels with a point": (X, Y.astype(float), "whole numbers"),
    "labels of truth": (X, Y > 3, "whole numbers"),
    "labels in columns": (X, Y[:, None], "one row"),
    "labels as words": (X, [str(label) for label in Y], "whole numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_samples_are_refused_and_the_learner_stays_as_it_was(name):
    made, (x, y, words) = taught(1, criterion=ALWAYS), BAD[name]
    before = whole(made)
    with pytest.raises(InputError, match=words):
        made.learn(x, y, held_out=blobs((7, 3)))
    with pytest.raises(InputError, match=words if "no samples" != name else "no held-out samples"):
        made.learn(X, Y, held_out=(x, y))
    with pytest.raises(InputError, match=words):
        made.distil(x, y)
    with pytest.raises(InputError):
        made.verify((x, y))
    assert whole(made) == before


def test_more_classes_than_declared():
    made = taught(1, most=3)
    before = whole(made)
    with pytest.raises(InputError, match="class 0 would be number 4; the learner was declared for at most 3"):
        made.learn(*blobs((100, 0)))
    with pytest.raises(InputError, match="4 classes are more than the 3 declared"):
        made.add_classes([100, 0])
    assert whole(made) == before
    made.learn(*blobs((100,)))
    assert made.classes == [7, 3, 100]


@pytest.mark.parametrize("labels", ([7], [100, 100], [-1], [1.5], [True], [1 << 31], ["a"]), ids=str)
def test_labels_that_are_no_new_classes(labels):
    made = taught(1)
    before = whole(made)
    with pytest.raises(InputError):
        made.add_classes(labels)
    assert whole(made) == before


def test_held_out_samples_that_lack_a_class_or_know_too_much():
    made = taught(1, criterion=ALWAYS)
    before = whole(made)
    for labels, words in (
        ((7, 3), "lack class 100"),
        ((3, 100), "lack class 7"),
        ((7, 3, 100, 5), "class 5, which has not"),
    ):
        with pytest.raises(InputError, match=words):
            made.learn(*blobs((100,)), held_out=blobs(labels))
    for held_out, words in ((None, "give held_out"), (X, r"must be \(x, y\)"), ((X, Y, Y), r"must be \(x, y\)")):
        with pytest.raises(InputError, match=words):
            made.learn(*blobs((100,)), held_out=held_out)
    assert whole(made) == before


def test_a_relative_criterion_needs_a_reference():
    made = taught(0, criterion=Criterion(within=0.05))
    before = whole(made)
    with pytest.raises(InputError, match="none is given"):
        learn(made, 0)
    with pytest.raises(InputError):
        learn(made, 0, reference=1.5)
    assert whole(made) == before
    assert learn(made, 0, reference=0.75)["criterion"] == pytest.approx(0.7)


@pytest.mark.parametrize("source", ("held-out", "stored"))
def test_one_sample_only(source):
    made = learner(criterion=ALWAYS, verification=Verification(source, 3))
    x, y = blobs((7, 3), 6)
    given = {"held_out": blobs((7, 3))} if source == "held-out" else {}
    row = made.learn(x[:11], y[:11], **given)  # five of class 3
    assert row["stored"]["7"] >= 3
    row = made.learn(*blobs((100,), 1), **{"held_out": blobs((7, 3, 100))} if given else {})
    assert row["samples"] == 1 and row["stored"] == {"100": 1} and made.memory.classes[2, STORED] == 1
    assert made.predict(x).shape == (12,)


def test_stages_alone_need_what_comes_before_them():
    made = learner()
    before = bits(made)
    for call, words in (
        (lambda: made.predict(X), "knows no class yet"),
        (lambda: made.train(5), "nothing to train on"),
        (lambda: made.distil(X, Y), "class 7 is not known"),
        (lambda: made.verify(), "no samples to verify on"),
        (lambda: made.train(0), "steps"),
    ):
        with pytest.raises(InputError, match=words):
            call()
    assert bits(made) == before
    with pytest.raises(InputError, match="no samples to verify on"):
        taught(1, verification=Verification("stored", 3)).verify()


@pytest.mark.parametrize(
    "arguments",
    [
        {"network": 3}, {"most_classes": 0}, {"most_classes": 2.5}, {"recipe": 1}, {"criterion": 0.9}, {"expansion": 1.5},
        {"largest": "mlp"}, {"budget": 4096}, {"seed": -1}, {"largest": network(5)}, {"largest": network(8, 8)},
        {"network": Network([Input((4, 4, 1)), Conv2D(3, 2), Flatten()])},
    ],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_arguments_that_are_wrong(arguments):
    with pytest.raises(InputError):
        IncrementalLearner(**{"network": network(6), "most_classes": 3, "recipe": recipe()} | arguments)


def test_what_cannot_grow_is_refused_before_it_trains():
    """And only if it would have to: not at its largest size, not if it is never judged or never to grow."""
    blocks = Network([Input((4, 4, 2)), Residual([Conv2D(2, 3, padding="same")]), Flatten(), Dense(3)])
    given = {"most_classes": 3, "recipe": recipe(), "criterion": ALWAYS, "expansion": Expansion()}
    words = "has residual blocks.*; a model that begins as wide as the largest does not grow"
    with pytest.raises(InputError, match=words):
        IncrementalLearner(blocks, **given)
    IncrementalLearner(blocks, **given, largest=blocks)
    IncrementalLearner(blocks, **given | {"criterion": None})
    IncrementalLearner(blocks, **given | {"expansion": None})


@pytest.mark.parametrize("start", ("random", "swap-herding"))
def test_a_model_that_has_grown_stores_what_a_large_one_stores(start):
    """They are compared on the same memory."""
    distillation = Distillation(start, 0, group=1) if start == "random" else QUICK
    given = {"distillation": distillation, "criterion": NEVER, "per_class": 3, "steps": 20}
    grown, large = learner(2, grow=Expansion(), largest=network(9), **given), learner(9, **given)
    for number in range(3):
        learn(grown, number), learn(large, number)
        assert grown.history[-1]["growths"] or number
        for name in ("memory.samples", "memory.labels", "classes"):
            assert grown.memory.view(name).tobytes() == large.memory.view(name).tobytes()
