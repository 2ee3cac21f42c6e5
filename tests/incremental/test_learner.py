"""The learner: what it learns, that a failed or refused step changes no bit, and that no budget is ever exceeded."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mcuref import Budget, Conv2D, Dense, Flatten, Input, InputError, Network, NonFiniteError, ReLU, TinyProp
from mcuref.incremental import expansion, rehearsal
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.cycle import Cycle
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.growth import METHODS, hidden_widths, widen
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Criterion, Expansion, Recipe, Verification
from mcuref.incremental.store import CHECKS, SEEN, STORED
from mcuref.memory.accountant import BudgetExceeded
from mcuref.memory.targets import DEFAULT_STACK
from mcuref.program.program import Program

QUICK = Distillation(embeddings=2, iterations=4, group=3, stream=30)
LABELS = (7, 3, 100, 0, 12, 5)  # of the user's, in the order in which they arrive
TASKS = ((7, 3), (100,), (0, 12, 5))
NEVER, ALWAYS = Criterion(1.0), Criterion(0.0)


def few(count):
    phases = (Phase.explicit, Phase.generate)  # an example is slow: it is not made smaller
    return settings(max_examples=count, deadline=None, database=None, derandomize=True, phases=phases)


def recipe(**given):
    return Recipe(**{"steps": 200, "per_class": 4, "learning_rate": 0.05, "distillation": QUICK} | given)


def network(*widths, seed=3):
    hidden = [layer for width in widths or (6,) for layer in (Dense(width), ReLU())]
    return Network([Input((9,)), *hidden, Dense(6)], seed=seed)


def blobs(labels, each=25, seed=0, spread=0.3):
    """(x, y): a cloud a label, in turns; clouds stay where they are from call to call."""
    random, y = np.random.default_rng(seed), np.tile(labels, each)
    centres = np.random.default_rng(99).normal(size=(101, 9))
    return (centres[y] + spread * random.normal(size=(len(y), 9))).astype(np.float32), y


def learner(*widths, most=6, budget=None, criterion=None, grow=None, largest=None, seed=5, embedding=None, **given):
    return IncrementalLearner(
        network(*widths), most, recipe=recipe(**given), criterion=criterion, expansion=grow, largest=largest, budget=budget,
        seed=seed, embedding=embedding,
    )  # fmt: skip


def learn(made, number, **given):
    """Task number 0, 1, 2 of TASKS."""
    known = [label for task in TASKS[: number + 1] for label in task]
    return made.learn(*blobs(TASKS[number], seed=number), held_out=blobs(known, 10, seed=50 + number), **given)


def taught(tasks=2, *widths, **given):
    made = learner(*widths, **given)
    for number in range(tasks):
        learn(made, number)
    return made


def sha(values):
    """A digest of bytes: what pytest can show the difference of in no time."""
    return hashlib.sha256(np.ascontiguousarray(values)).hexdigest()[:16]


def bits(made):
    """All of a learner's state: plain data as JSON, arrays with their types and a digest of their bytes."""
    plain, arrays = made.state()
    return json.dumps(plain, sort_keys=True), {n: (str(v.dtype), v.shape, sha(v)) for n, v in arrays.items()}


def whole(made):
    """The state, the very arena, and what is in it."""
    return bits(made), id(made.cycle), id(made.store), sha(made.cycle.arena.bytes)


@pytest.fixture
def allocated(monkeypatch):
    """Cycles, in the order in which they were allocated."""
    cycles, allocate = [], Cycle.allocate

    def spy(cycle):
        cycles.append(cycle)
        return allocate(cycle)

    monkeypatch.setattr(Cycle, "allocate", spy)
    return cycles


# -- learning ----------------------------------------------------------------------------------------------------------


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
    assert made.store.table[:, 0].tolist() == list(LABELS)


def test_a_task_s_row_is_what_happened():
    made, seen = taught(2, criterion=ALWAYS), [dict(row) for row in taught(2, criterion=ALWAYS).history]
    assert made.history == seen and json.loads(json.dumps(seen)) == seen
    for name in ("training", "verification", "distillation"):
        assert made.macs[name] == sum(row["macs"][name] for row in seen) > 0
    assert made.steps == 400 and seen[1]["samples"] == 25 and seen[1]["widths"] == [6]
    assert seen[1]["inference_macs"] == 9 * 6 + 6 * 3
    assert seen[1]["sram"] == made.cycle.plan.sram and seen[1]["flash"] == made.cycle.plan.flash
    assert seen[1]["stored_bytes"] == made.stored_bytes == 24 * 10 + 16 * 6 + 8 * 9


def test_work_is_what_the_formulas_say():
    made = taught(1, criterion=ALWAYS)
    forward = 9 * 6 + 6 * 2
    backward = 6 * 2 + forward  # error of the hidden layer, gradients of all weights but where an error is 0
    assert 200 * (forward + 2 * 6 * 2) <= made.macs["training"] <= 200 * (forward + backward)
    assert made.macs["verification"] == 20 * forward
    embedded = (2 * 25 * 2 + 2 * 2 * 4 * 4) * 9 * 6  # stream; K steps over 4 samples, there and back
    assert embedded / 2 < made.macs["distillation"] < embedded * 2


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
    assert made.steps == 300 and start != {n: v.tobytes() for n, v in made.program.state().items()}
    made.train(77)
    assert made.steps == 377
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
    assert row["widths"] == [8] and made.steps == 4 * 60
    for growth in row["growths"]:
        assert growth["sram"] <= made.peaks["sram"] and growth["flash"] <= made.peaks["flash"]


def test_chunks_are_tried_before_a_growth():
    made = learner(2, criterion=NEVER, grow=Expansion(growths=1), steps=60, chunks=3)
    made.learn(*blobs((7, 3)), held_out=blobs((7, 3), 30, seed=9, spread=3.0))
    assert made.steps == 2 * 60


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
    before, cycle = made.state(), whole(made)[1:]
    verified = []
    assert expansion.shrunk(made, lambda: bool(verified.append(made.verify(blobs((7, 3))))) or False) is None
    assert verified and whole(made)[1:] == cycle
    after = made.state()
    assert {n: v.tobytes() for n, v in after[1].items()} == {n: v.tobytes() for n, v in before[1].items()}
    changed = {name for name in after[0] if after[0][name] != before[0][name]}
    assert changed <= {"macs", "peaks"}
    work = after[0]["macs"]["verification"] - before[0]["macs"]["verification"]
    assert work == 50 * (9 * 6 + 6 * 3), "the narrower model was judged, and that is work"
    made.train(10)
    twin = taught(0, 9, grow=Expansion(shrink=True), momentum=momentum)
    twin.restore(*before)
    twin.train(10)
    assert made.macs["training"] == twin.macs["training"], "work before the trial is counted once"
    assert made.macs["distillation"] == before[0]["macs"]["distillation"]


@pytest.mark.parametrize("accept", (True, False))
def test_macs_do_not_depend_on_how_often_they_are_counted(accept):
    made = taught(1, 9, grow=Expansion(shrink=True))
    before = dict(made.macs)
    expansion.shrunk(made, lambda: accept)
    made._count()
    made._count()
    assert made.macs == before


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


# -- verification and streams ------------------------------------------------------------------------------------------


def trained_on(monkeypatch):
    """Lists that fill with the samples and labels that programs train on."""
    x, y, train = [], [], Program.train

    def spy(self, samples, labels, *arguments, **given):
        x.extend(np.array(samples))
        y.extend(np.asarray(labels).tolist())
        return train(self, samples, labels, *arguments, **given)

    monkeypatch.setattr(Program, "train", spy)
    return x, y


def test_stored_checks_count_and_are_not_trained_on(monkeypatch):
    shown, _ = trained_on(monkeypatch)
    plain = learner(criterion=ALWAYS)
    made = learner(criterion=ALWAYS, verification=Verification("stored", per_class=3), stream_pass=True, steps=400)
    assert made.stored_bytes == plain.stored_bytes + 6 * 3 * (9 + 1)
    x, y = blobs((7, 3))
    row = made.learn(x, y)
    assert row["samples"] == 50 - 6 and made.store.table[:3, CHECKS].tolist() == [3, 3, 0]
    kept, labels = made.store.checks()
    assert labels.tolist() == [7] * 3 + [3] * 3
    distance = np.abs(x[:, None] - kept[None]).max(axis=2)
    step = made.layout.check_codec.step.max()
    assert (distance.min(axis=0) <= 0.51 * step).all()
    chosen = distance.argmin(axis=0)
    assert (y[chosen] == labels).all() and len(set(chosen.tolist())) == 6
    streamed = np.array(shown)[:44]
    assert sorted(map(bytes, streamed)) == sorted(map(bytes, np.delete(x, chosen, axis=0)))
    assert row["accuracy"] == np.mean(made.predict(kept) == labels) == made.verify()


def test_arriving_samples_are_predicted_before_they_could_be_learned(monkeypatch):
    shown, _ = trained_on(monkeypatch)
    made = learner(criterion=ALWAYS, verification=Verification("arriving", share=0.2), stream_pass=True, steps=400)
    x, y = blobs((7, 3))
    row = made.learn(x, y)
    assert row["samples"] == 40
    streamed = set(map(bytes, np.array(shown)[:40]))
    assert streamed == set(map(bytes, x[:40])), "the last fifth of each class is for judging"
    assert row["accuracy"] == np.mean(made.predict(x[40:]) == y[40:])
    with pytest.raises(InputError, match="class 100 arrives with one sample"):
        made.learn(*blobs((100,), 1))


@pytest.mark.parametrize("augmentation", (Augmentation(), Augmentation(gain=0.2)), ids=("plain", "augmented"))
@pytest.mark.parametrize("chunk", (4096, 7))
def test_stream_pass_replays_as_many_as_there_were_tasks(monkeypatch, chunk, augmentation):
    made = learner(stream_pass=True, steps=200, augmentation=augmentation)
    learn(made, 0)
    learn(made, 1)
    monkeypatch.setattr(rehearsal, "CHUNK", chunk)
    _, labels = trained_on(monkeypatch)
    before, values, (x, y) = made.steps, made.augmented_values, blobs(TASKS[2])
    made.learn(x, y)
    assert len(labels) == made.steps - before == len(x) * 3, "more than steps: the stream is never cut"
    shown = np.array(labels).reshape(len(x), 3)
    assert shown[:, 0].tolist() == [made.classes.index(label) for label in y]
    assert set(shown[:, 1:].ravel()) == {0, 1, 2}, "replayed are samples of classes from before"
    counts = np.bincount(shown[:, 1:].ravel())
    assert counts.max() < 1.5 * counts.min()
    assert made.augmented_values - values == (len(x) * 2 * 9 if augmentation.active else 0)


@pytest.mark.parametrize("chunk", (1, 64))
def test_chunks_of_the_host_decide_no_bit(monkeypatch, chunk):
    ends = []
    for size in (4096, chunk):
        monkeypatch.setattr(rehearsal, "CHUNK", size)
        ends.append(bits(taught(3, stream_pass=True, steps=300, augmentation=Augmentation(gain=0.2))))
    assert ends[0] == ends[1]


def test_steps_of_the_stream_are_part_of_all_steps():
    made = learner(stream_pass=True, steps=200)
    learn(made, 0)
    assert made.steps == 200
    learn(made, 1)
    assert made.steps == 400 and made.epochs > 2


def test_known_classes_seen_again_share_the_slots():
    made = learner(per_class=6)
    for session in range(3):
        before = made.store.samples.copy()
        row = made.learn(*blobs((7, 3), seed=session))
        assert row["new_classes"] == ([7, 3] if not session else [])
        assert row["stored"] == {str(label): 6 // (session + 1) for label in (7, 3)}
        assert (
            made.store.table[:2, STORED].tolist() == [6, 6] and made.store.table[:2, SEEN].tolist() == [session + 1] * 2
        )
        replaced = (made.store.samples != before).any(axis=1)
        assert not replaced[12:].any(), "slots of other classes were written"
        assert replaced[:6].sum() <= 6 // (session + 1) and replaced[6:12].sum() <= 6 // (session + 1)
        assert made.store.labels[:12].tolist() == [0] * 6 + [1] * 6
    assert made.classes == [7, 3] and made.network.outputs == 2 and len(made.history) == 3


@few(40)
@given(per_class=st.integers(1, 9), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_free_slots_first_then_others(per_class, sizes, seed):
    made = learner(per_class=per_class)
    made.add_classes([7, 3])
    store, present = made.store, 0
    other = store.samples[per_class * 1 :].copy()
    for number, arriving in enumerate(sizes):
        count = store.share(0, arriving, seed + number)
        assert 0 <= count <= min(arriving, per_class) and (number or count == min(arriving, per_class))
        assert abs(count - min(arriving, per_class / (number + 1))) < 1
        store.put(0, np.full((count, made.layout.codec.bytes), number + 1, np.uint8), seed + number)
        filled, present = min(per_class, present + count), min(per_class, present + count)
        assert store.table[0, STORED] == filled and store.table[0, SEEN] == number + 1
        assert (store.samples[:filled] > 0).all() and np.count_nonzero(
            store.samples[:per_class, 0] == number + 1
        ) == count
        assert made.store.filled().tolist() == list(range(filled))
    assert (store.samples[per_class:] == other).all()


# -- state -------------------------------------------------------------------------------------------------------------

KINDS = {
    "plain": {},
    "growing": {"criterion": NEVER, "grow": Expansion(growths=1), "steps": 60},
    "perturbed": {
        "keep": 0.4,
        "criterion": NEVER,
        "grow": Expansion(growths=1, method="shrink-and-perturb"),
        "steps": 60,
    },
    "momentum and batch": {"momentum": 0.9, "batch": 4},
    "TinyProp and augmentation": {"rule": TinyProp(), "augmentation": Augmentation(gain=0.2)},
    "stream": {"stream_pass": True},
    "stored checks": {"criterion": ALWAYS, "verification": Verification("stored", 3)},
    "in SRAM": {"region": "sram"},
    "learned features": {
        "features": "learned",
        "distillation": Distillation(embeddings=1, iterations=4, group=3, stream=30),
    },
}


@pytest.mark.parametrize("kind", KINDS)
@few(3)
@given(where=st.integers(0, 2), more=st.booleans())
def test_saved_and_restored_anywhere_it_comes_to_the_same_bytes(kind, where, more):
    through, resumed = learner(**KINDS[kind]), learner(**KINDS[kind])
    for number in range(3):
        learn(through, number)
        if number == where:
            plain, arrays = through.state()
            resumed.restore(json.loads(json.dumps(plain)), {n: v.copy() for n, v in arrays.items()})
            assert bits(resumed) == bits(through)
            if more:  # twice is as once
                resumed.restore(*resumed.state())
        elif number > where:
            learn(resumed, number)
    assert bits(resumed) == bits(through)
    assert resumed.cycle.arena.flash.tobytes() == through.cycle.arena.flash.tobytes()
    x = blobs(LABELS)[0]
    assert resumed.predict(x).tobytes() == through.predict(x).tobytes()
    assert resumed.program.outputs(x).tobytes() == through.program.outputs(x).tobytes()


def test_a_state_is_a_copy():
    made = taught(1)
    state, before = made.state(), bits(made)
    learn(made, 1)
    fresh = learner()
    fresh.restore(*state)
    assert bits(fresh) == before
    learn(fresh, 1)
    assert bits(fresh) == bits(made), "arrays of the state are those of the learner that was saved"


def damaged():
    """{name: change of (plain, arrays)}, each of which is another learner's state or none at all."""

    def without(name):
        return lambda plain, arrays: (plain.pop(name, None), arrays.pop(name, None))

    def other(name, change):
        return lambda plain, arrays: arrays.update({name: change(arrays[name])})

    def plain(name, value):
        return lambda plain, arrays: plain.update({name: value})

    return {
        **{
            f"no {n}": without(n)
            for n in ("layers", "classes", "steps", "macs", "program.dense1.weights", "stored.classes")
        },
        "more slots": other("stored.memory.samples", lambda v: np.vstack([v, v])),
        "other type": other("stored.memory.labels", lambda v: v.astype(np.int64)),
        "other widths": other("program.dense1.weights", lambda v: v[:-1]),
        "NaN": other("program.dense1.bias", lambda v: v * np.float32("nan")),
        "an entry too many": lambda plain, arrays: arrays.update({"program.dense9.bias": np.zeros(3, np.float32)}),
        "no layers at all": plain("layers", []),
        "strange layers": plain("layers", [{"kind": "nothing"}]),
        "words for numbers": plain("steps", "many"),
        "more classes than outputs": plain("classes", [7, 3, 100, 0]),
        "other classes": plain("classes", [3, 7]),
        "classes that are no list": plain("classes", 7),
    }


@pytest.mark.parametrize("name", damaged())
def test_restore_refuses_what_is_not_its_state_and_stays_as_it_was(name):
    made, (plain, arrays) = taught(1, seed=6), taught(1).state()
    damaged()[name](plain, arrays)
    before = whole(made)
    with pytest.raises(InputError):
        made.restore(plain, arrays)
    assert whole(made) == before
    learn(made, 1)


@pytest.mark.parametrize(
    "other",
    [
        {"most": 7},
        {"per_class": 5},
        {"momentum": 0.9},
        {"rule": TinyProp()},
        {"verification": Verification("stored", 3)},
    ],
    ids=str,
)
def test_restore_refuses_the_state_of_a_learner_with_other_arguments(other):
    made, state = learner(criterion=ALWAYS), taught(1, criterion=ALWAYS, **other).state()
    before = whole(made)
    with pytest.raises(InputError):
        made.restore(*state)
    assert whole(made) == before


def test_restore_refuses_what_does_not_fit_the_budget():
    grown, sram = taught(1), least(learner())["sram"]
    while grown.cycle.plan.sram <= sram:
        grown.expand()
    made = learner(budget=Budget(sram + DEFAULT_STACK, None))
    before = whole(made)
    with pytest.raises(BudgetExceeded):
        made.restore(*grown.state())
    assert whole(made) == before


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", (RuntimeError, KeyboardInterrupt, NonFiniteError))
def test_an_exception_in_the_middle_leaves_the_learner_as_it_was(monkeypatch, kind, error):
    made, untouched = taught(1, **KINDS[kind]), taught(1, **KINDS[kind])
    before, calls, train = bits(made), [], Program.train

    def failing(self, *arguments, **given):
        calls.append(0)
        train(self, *arguments, **given)
        if len(calls) == (2 if "grow" in KINDS[kind] else 1):
            raise error("dense1", 3) if error is NonFiniteError else error
        return None

    with monkeypatch.context() as patch:
        patch.setattr(Program, "train", failing)
        with pytest.raises(error):
            learn(made, 1)
    assert bits(made) == before
    learn(made, 1), learn(untouched, 1)
    assert bits(made) == bits(untouched)


def test_training_that_diverges_leaves_the_learner_as_it_was():
    made = learner(learning_rate=1e30)
    before = bits(made)
    with pytest.raises(NonFiniteError):
        learn(made, 0)
    assert bits(made) == before and made.classes == [] and made.history == []


def test_an_exception_of_the_progress_bar_leaves_the_learner_as_it_was():
    made = taught(1)
    before = bits(made)
    for what in ("distilling", "training"):

        def stop(now, done, total):
            if now == what:
                raise InterruptedError

        made.progress = stop
        with pytest.raises(InterruptedError):
            learn(made, 1)
        assert bits(made) == before


# -- budgets -----------------------------------------------------------------------------------------------------------


def least(made):
    """{region: bytes} that a learner is refused below: with all classes, and with old and new outputs of the last one."""
    full, without = (made._with_outputs(made.network, count) for count in (made.most_classes, made.most_classes - 1))
    without = Cycle(without, made.layout, None, made.seed)
    plans = [Cycle(full, made.layout, None, made.seed, beside).plan for beside in (None, without)]
    return {region: max(getattr(plan, region) for plan in plans) for region in ("sram", "flash")}


def room(made, sram=0, flash=0):
    """A budget that leaves exactly so many bytes beside the learner's peaks so far."""
    return Budget(made.peaks["sram"] + sram, made.peaks["flash"] + flash, stack=0)


@few(12)
@given(
    widths=st.lists(st.integers(1, 12), min_size=1, max_size=2),
    factor=st.floats(1.05, 4),
    method=st.sampled_from(METHODS),
    deepen=st.booleans(),
    sram=st.integers(0, 6000),
    flash=st.integers(0, 12000),
    momentum=st.sampled_from([0.0, 0.9]),
    seed=st.integers(0, 99),
    most=st.sampled_from([2, 3]),
)
def test_no_growth_ever_exceeds_the_budget(widths, factor, method, deepen, sram, flash, momentum, seed, most):
    """Every arena that was ever made fits, the peaks are the largest of them, and a refused growth changes no bit."""
    with pytest.MonkeyPatch.context() as patch:
        cycles, allocate = [], Cycle.allocate
        patch.setattr(Cycle, "allocate", lambda cycle: (cycles.append(cycle), allocate(cycle))[1])
        grow = Expansion(factor=factor, method=method, deepen=deepen)
        start = taught(1, *widths, momentum=momentum, seed=seed, most=most)
        cycles.clear()
        budget = room(start, sram, flash)
        try:
            made = taught(1, *widths, momentum=momentum, grow=grow, seed=seed, most=most, budget=budget)
        except BudgetExceeded:  # with all classes
            assert not cycles
            return
        for _ in range(6):
            before, count = whole(made), len(cycles)
            change = made.expand()
            if change["grown"]:
                assert change["grown"]["sram"] <= budget.arena and change["grown"]["flash"] <= budget.flash
                made.train(5)
            else:
                assert change["reason"] and whole(made) == before and len(cycles) == count
                break
        assert all(c.plan.sram <= budget.arena and c.plan.flash <= budget.flash and c.fits for c in cycles)
        assert all(len(c.arena.bytes) == c.plan.sram + c.plan.flash for c in cycles)
        assert made.peaks == {r: max(getattr(c.plan, r) for c in cycles) for r in ("sram", "flash")}
        made.predict(blobs((7, 3))[0])


@few(12)
@given(
    sram=st.integers(0, 3000),
    factor=st.floats(1.2, 5),
    region=st.sampled_from(["sram", "flash"]),
    most=st.sampled_from([2, 6]),
)
def test_the_largest_step_that_fits_is_taken(sram, factor, region, most):
    """Of ten parts of the step; the next larger one does not fit, with both models there or afterwards."""
    made = taught(1, 12, grow=Expansion(factor=factor), most=most)
    made.budget = room(made, **{"sram": 1 << 20, "flash": 1 << 20} | {region: sram})
    wanted, small = int(12 * factor + 0.5), made.network_now()
    steps = sorted({12 + -(-(wanted - 12) * part // 10) for part in range(1, 11)})
    fit = [w for w in steps if all(cycle.fits for cycle in made.cycles(widen(small, [w])))]
    change = made.expand()
    if fit:
        assert change["grown"]["change"] == f"widened to {max(fit)}" and hidden_widths(made.network) == (max(fit),)
    else:
        assert change["grown"] is None and f"hidden layers of {steps[0]} would need" in change["reason"]


@pytest.mark.parametrize("region", ("sram", "flash"))
def test_why_a_growth_was_refused_names_bytes_that_are_too_many(region):
    made = taught(1, 12, grow=Expansion())
    made.budget = room(made, **{"sram": 1 << 20, "flash": 1 << 20} | {region: 0})
    before = whole(made)
    reason = made.expand()["reason"]
    assert whole(made) == before
    # hidden layers of 13 would need 1,234 B of SRAM and 5,678 B of flash; the budget leaves ...
    numbers = [int(word.replace(",", "")) for word in reason.split() if word[0].isdigit()]
    needs = dict(zip(("sram", "flash"), numbers[1:3]))
    left = dict(zip(("sram", "flash"), numbers[3:]))
    assert left == {"sram": made.budget.arena, "flash": made.budget.flash}
    assert needs[region] > left[region]


def test_the_task_says_what_the_budget_stopped_and_the_model_goes_on():
    start = taught(3, 6)
    made = taught(0, 6, grow=Expansion(), criterion=NEVER, budget=room(start, 1200, 3000), steps=60)
    row = made.learn(*blobs((7, 3)), held_out=blobs((7, 3), 30, seed=9, spread=3.0))
    assert "the budget leaves" in row["stopped"] and not row["criterion_met"] and row["growths"]
    assert made.predict(blobs((7, 3))[0]).shape == (50,)
    made.train(10)


def test_peaks_are_the_largest_plans_that_were_ever_allocated(allocated):
    made = learner(4, criterion=NEVER, grow=Expansion(growths=2, shrink=True), steps=60)
    for number in range(3):
        learn(made, number)
    assert len(allocated) > 6
    assert made.peaks == {r: max(getattr(c.plan, r) for c in allocated) for r in ("sram", "flash")}


def test_growth_that_is_refused_in_a_task_takes_no_draw():
    """What comes after a refused growth is what would have come without trying."""
    tried, not_tried = (taught(1, 6, largest=network(6), grow=Expansion()) for _ in "ab")
    assert tried.expand()["grown"] is None
    learn(tried, 1), learn(not_tried, 1)
    assert bits(tried) == bits(not_tried)


@pytest.mark.parametrize("distillation", (QUICK, Distillation("random", 0, group=1)), ids=("matching", "selection"))
@pytest.mark.parametrize("region", ("sram", "flash"))
@few(4)
@given(width=st.integers(2, 70), extra=st.integers(0, 3000))
def test_declared_classes_always_find_room_however_the_model_has_grown(distillation, region, width, extra):
    """What the constructor accepts learns all classes that were declared: none is refused because growth took its place."""
    enough = least(learner(width, distillation=distillation))
    budget = Budget(**{name: size + extra * (name == region) for name, size in enough.items()}, stack=0)
    made = learner(
        width, distillation=distillation, budget=budget, criterion=NEVER, grow=Expansion(factor=1.1), steps=20
    )
    for number in range(3):
        learn(made, number)
        while made.expand()["grown"]:
            pass
    assert made.classes == list(LABELS)
    assert all(made.peaks[name] <= getattr(budget, name) for name in ("sram", "flash"))


@pytest.mark.parametrize("region", ("sram", "flash"))
def test_a_learner_that_does_not_fit_is_refused_before_anything_is_allocated(allocated, region):
    """Region, bytes, and a change that fits: fewer stored samples, planned."""
    plan = least(learner(per_class=64, region=region))
    allocated.clear()
    learner(per_class=64, region=region, budget=Budget(**plan, stack=0))
    allocated.clear()
    with pytest.raises(BudgetExceeded) as refused:
        learner(per_class=64, region=region, budget=Budget(**plan | {region: plan[region] - 1}, stack=0))
    assert refused.value.region == region and refused.value.over_by == 1 and not allocated
    assert refused.value.needed == plan[region]
    assert any("stored samples a class" in s["change"] for s in refused.value.suggestions)
    for suggestion in refused.value.suggestions:
        assert suggestion[region] < plan[region]
    fewer = int(refused.value.suggestions[0]["change"].split()[0])
    fits = {name: refused.value.suggestions[0][name] for name in plan}
    assert fits == least(learner(per_class=fewer, region=region))


def test_a_target_too_small_for_one_stored_sample(allocated):
    with pytest.raises(BudgetExceeded) as refused:
        learner(budget=Budget(400, None, stack=0))
    assert refused.value.region == "sram" and "sram" in str(refused.value) and not allocated
    one = least(learner(per_class=1))
    with pytest.raises(BudgetExceeded) as refused:
        learner(per_class=1, budget=Budget(None, one["flash"] - 1, stack=0))
    assert refused.value.region == "flash"
    with pytest.raises(BudgetExceeded) as refused:
        learner(per_class=4, budget=Budget(None, one["flash"], stack=0))
    assert "1 stored samples a class" in [s["change"] for s in refused.value.suggestions]


def test_outputs_that_do_not_fit_are_refused_and_the_model_goes_on():
    made = taught(1)
    made.budget = room(made)
    x = blobs((7, 3))[0]
    predicted = made.predict(x)
    before = whole(made)
    with pytest.raises(BudgetExceeded):
        made.add_classes([100, 0, 12, 5])
    assert whole(made) == before
    with pytest.raises(BudgetExceeded):
        made.learn(*blobs(TASKS[2]))
    assert bits(made) == before[0] and made.predict(x).tobytes() == predicted.tobytes()
    made.learn(*blobs((7, 3), seed=8))


# -- bad input ---------------------------------------------------------------------------------------------------------

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
    assert row["samples"] == 1 and row["stored"] == {"100": 1} and made.store.table[2, STORED] == 1
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
