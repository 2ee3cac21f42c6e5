"""Baselines: what each of them stores and trains on."""

from dataclasses import replace

import numpy as np
import pytest

from mcuref import Dense, Input, Network, NonFiniteError, ReLU
from mcuref.incremental import selection
from mcuref.incremental.baselines import SAMPLES, Reservoir, recipe_for, samples_for
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.layout import LABEL, SEEN, STORED
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Recipe
from mcuref.incremental.store import ClassSlots
from mcuref.program.program import Program

QUICK = Distillation(embeddings=2, iterations=4, group=3, stream=30)
TASKS = ((7, 3), (100,), (0, 12, 5))


def made(name, seed=5, **given):
    """A learner of a strategy."""
    network = Network([Input((9,)), Dense(6), ReLU(), Dense(6)], seed=3)
    recipe = Recipe(**{"steps": 200, "per_class": 4, "learning_rate": 0.05, "distillation": QUICK} | given)
    return IncrementalLearner(network, 6, recipe=recipe_for(name, recipe), samples=samples_for(name), seed=seed)


def blobs(labels, each=25, seed=0):
    random, y = np.random.default_rng(seed), np.tile(labels, each)
    centres = np.random.default_rng(99).normal(size=(101, 9))
    return (centres[y] + 0.3 * random.normal(size=(len(y), 9))).astype(np.float32), y


@pytest.fixture
def shown(monkeypatch, compiled_executor):
    """Bytes of samples, and labels, that programs train on."""
    pairs, train = [], Program.train

    def spy(self, x, y, *arguments, **given):
        pairs.extend(zip(map(bytes, np.ascontiguousarray(x)), np.asarray(y).tolist()))
        return train(self, x, y, *arguments, **given)

    monkeypatch.setattr(Program, "train", spy)
    return pairs


@pytest.mark.parametrize("kind", ("naive", "joint"))
def test_raw_samples_of_the_last_task_or_of_all(shown, kind):
    learner, so_far = made(kind), []
    for number, task in enumerate(TASKS):
        shown.clear()
        x, y = blobs(task, seed=number)
        row = learner.learn(x, y)
        arrived = [(bytes(v), learner.classes.index(label)) for v, label in zip(x, y.tolist())]
        so_far = so_far + arrived if kind == "joint" else arrived
        assert set(shown) == set(so_far), "200 steps are enough for all of them"
        assert len(shown) == 200 and row["stored"] == {}
        assert row["stored_bytes"] == (len(so_far) * 37 if kind == "joint" else 0)
    assert learner.rehearsal.steps == 600 and learner.layout.capacity == 0


@pytest.mark.parametrize("kind", ("naive", "joint"))
def test_raw_data_is_as_before_when_a_task_fails(monkeypatch, kind):
    learner, other = made(kind), made(kind)
    for each in (learner, other):
        each.learn(*blobs(TASKS[0]))
    with monkeypatch.context() as patch, pytest.raises(NonFiniteError):
        patch.setattr(Program, "train", lambda *_, **__: (_ for _ in ()).throw(NonFiniteError("dense1", 0)))
        learner.learn(*blobs(TASKS[1]))
    for each in (learner, other):
        each.learn(*blobs(TASKS[1]))
    assert learner.samples.stored_bytes == other.samples.stored_bytes
    states = [{n: v.tobytes() for n, v in each.state()[1].items()} for each in (learner, other)]
    assert states[0] == states[1]


@pytest.mark.parametrize("kind", ("naive", "joint"))
def test_raw_data_is_given_again_to_one_that_goes_on(kind):
    through, resumed, rows = made(kind), made(kind), []
    for number in (0, 1):
        rows.append(through.learn(*blobs(TASKS[number], seed=number)))
    for number, row in enumerate(rows):
        resumed.recall(*blobs(TASKS[number], seed=number), row)
    resumed.restore(*through.state())
    for each in (through, resumed):
        each.learn(*blobs(TASKS[2], seed=2))
    assert through.history == resumed.history and through.state()[0] == resumed.state()[0]
    states = [{n: v.tobytes() for n, v in each.state()[1].items()} for each in (through, resumed)]
    assert states[0] == states[1]


@pytest.mark.parametrize("kind", ("herding", "k-center"))
def test_exemplars_are_real_samples_chosen_by_the_rule(kind):
    learner = made(kind)
    x, y = blobs((7, 3))
    learner.learn(x, y)
    choose = {"herding": selection.herding, "k-center": selection.k_center}[kind]
    learner.memory.generate_embeddings()
    for index, label in enumerate((7, 3)):
        mine = x[y == label]
        mean, scale = learner.network.input.mean, learner.network.input.scale
        features = learner.memory.embeddings[0].outputs(((mine - mean) * scale).astype(np.float32))
        chosen = np.sort(choose(features, 4))
        expected = learner.layout.codec.encode(mine[chosen])
        assert learner.samples.packed[4 * index : 4 * index + 4].tobytes() == expected.tobytes()
    assert learner.recipe.distillation.iterations == 0


def test_a_class_may_come_again_without_a_slot_for_it():
    """Where each class that arrives gets none, nothing is chosen from."""
    learner = made("herding", steps=4, per_class=1)
    x, y = blobs((7,), 5)
    rows = [learner.learn(x, y) for _ in range(6)]
    none = [row["raw_pool_bytes"] for row in rows if not row["stored"]["7"]]
    assert none and not any(none)


def test_random_exemplars_are_real_samples():
    learner, (x, y) = made("random"), blobs((7, 3))
    assert learner.recipe.distillation.iterations == 0
    learner.learn(x, y)
    real = {bytes(row) for row in learner.layout.codec.encode(x)}
    assert {bytes(row) for row in learner.samples.packed[:8]} <= real
    assert len({bytes(row) for row in learner.samples.packed[:8]}) == 8


def test_how_samples_are_kept_is_of_what_keeps_by_the_protocol():
    """A baseline that has a way of its own keeps it."""
    for name in ("growing", "fixed-large"):
        assert type(samples_for(name, "reservoir")) is Reservoir and type(samples_for(name, "random")) is ClassSlots
        assert type(samples_for(name)) is ClassSlots
    for name in ("random", "herding", "k-center", "reservoir", "naive", "joint"):
        assert type(samples_for(name, "reservoir")) is type(samples_for(name)), name


def slots_of(learner):
    """Labels of the slots that are filled."""
    filled = int(learner.memory.classes[:, STORED].sum())
    return [learner.classes[i] for i in learner.samples.labels[:filled]]


def test_a_reservoir_fills_up_and_stays_full():
    learner = made("reservoir")  # 24 slots
    learner.add_classes([7, 3])
    assert learner.distil(*blobs((7, 3), 5)) == {"7": 5, "3": 5}
    slots, labels = learner.samples.material()
    assert slots.tolist() == list(range(10)) and labels.tolist() == [0, 1] * 5
    learner.distil(*blobs((7, 3), 20))
    learner.add_classes([100])
    stored = learner.distil(*blobs((100,), 30))
    assert sum(stored.values()) == 24 == len(slots_of(learner))
    assert {label: slots_of(learner).count(label) for label in (7, 3, 100)} == {int(k): v for k, v in stored.items()}
    assert learner.memory.classes[:3, (LABEL, SEEN)].tolist() == [[7, 25], [3, 25], [100, 30]]


def test_a_reservoir_is_uniform():
    """Each of 60 samples, in three parts, is stored with probability 24 / 60, in 600 reservoirs; 5 sigma."""
    times, learner = np.zeros(60), made("reservoir")
    learner.add_classes([7])
    store = learner.samples
    x = np.zeros((60, 9), np.float32)
    x[:, 0] = np.arange(60) / 16 - 2  # its number, to be found again
    codes = learner.layout.codec.encode(x)
    assert len(set(map(bytes, codes))) == 60
    number = {bytes(code): i for i, code in enumerate(codes)}
    for _ in range(600):
        store.table[0, STORED] = store.table[0, SEEN] = 0
        for part in (slice(0, 10), slice(10, 41), slice(41, 60)):
            learner.distil(x[part], np.full(len(x[part]), 7))
        stored = [number[bytes(code)] for code in store.packed[:24]]
        assert len(set(stored)) == 24
        times[stored] += 1
    assert np.abs(times - 600 * 24 / 60).max() < 5 * np.sqrt(600 * 0.4 * 0.6)
    late = times[24:].sum() - 600 * 24 * 36 / 60  # of one: hypergeometric, 24 of 60, 36 of them late
    assert abs(late) < 3 * np.sqrt(600 * 24 * 0.6 * 0.4 * 36 / 59)


@pytest.mark.parametrize("kind", (*SAMPLES, "random", "growing"))
def test_all_learn_with_as_many_steps(kind):
    learner = made(kind)
    for number, task in enumerate(TASKS):
        learner.learn(*blobs(task, seed=number))
        assert learner.rehearsal.steps == 200 * (number + 1)
    x, y = blobs(TASKS[2])
    assert np.mean(learner.predict(x) == y) > 0.6
    again = made(kind)
    for number, task in enumerate(TASKS):
        again.learn(*blobs(task, seed=number))
    assert again.state()[0] == learner.state()[0]
    assert {n: v.tobytes() for n, v in again.state()[1].items()} == {n: v.tobytes() for n, v in learner.state()[1].items()}


def test_what_holds_samples_may_be_of_ones_own(shown):
    """The last sample of each class, outside of every budget."""

    class Last:
        in_plan, outside, stored_bytes, raw_pool = False, None, 0, 0

        def begin(self, model):
            self.outside = {}

        def add(self, x, classes, draw, progress):
            self.outside = self.outside | dict(zip(classes.tolist(), x))
            return dict.fromkeys(set(classes.tolist()), 1)

        def material(self):
            return np.arange(len(self.outside), dtype=np.int32), np.array([*self.outside], np.int64)

        def raw(self, slots):
            return np.stack([*self.outside.values()])[slots]

        def keep_order(self, order):
            """There is none."""

    learner = IncrementalLearner(Network([Input((9,)), Dense(6)]), 6, recipe=Recipe(steps=50), samples=Last())
    assert learner.layout.capacity == 0
    (x, y), (more, _) = blobs((7, 3)), blobs((100,))
    assert learner.learn(x, y)["stored"] == {"7": 1, "3": 1} and learner.learn(more, [100] * 25)["stored"] == {"100": 1}
    assert set(shown[50:]) == {(bytes(x[-2]), 0), (bytes(x[-1]), 1), (bytes(more[-1]), 2)}


def test_recipes_have_all_in_common_but_the_choice():
    recipe = Recipe(steps=300, per_class=4, distillation=QUICK)
    for name in ("random", "reservoir", "herding", "k-center"):
        other = recipe_for(name, recipe)
        assert other.distillation.iterations == 0 and other.distillation.group == recipe.distillation.group
        assert replace(other, distillation=recipe.distillation) == recipe
    for name in ("naive", "joint", "growing", "fixed-large"):
        assert recipe_for(name, recipe) is recipe
