"""What arrives when: tasks that part the classes, sessions, and an order that the seed alone decides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.incremental.experiment import Experiment
from mcuref.incremental.scenario import Scenario
from mcuref.incremental.setting import Setting

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)


def data(classes=6, count=60, test=24, kind="features", sessions=None, sessions_test=None, seed=0):
    random = np.random.default_rng(seed)
    y_train, y_test = np.arange(count) % classes, np.arange(test) % classes
    x_train, x_test = (random.normal(size=(n, 4)).astype(np.float32) for n in (count, test))
    if kind == "anomaly":
        return Data(
            "noise",
            "anomaly",
            x_train,
            np.zeros(count, int),
            x_test,
            np.arange(test) % 2,
            clips_test=np.arange(test),
            machines_test=np.zeros(test, int),
            groups=np.arange(count),
        )
    return Data(
        "blobs",
        kind,
        x_train,
        y_train,
        x_test,
        y_test,
        class_names=tuple(map(str, range(classes))),
        sessions=sessions,
        sessions_test=sessions_test,
    )


@RANDOM
@given(classes=st.integers(2, 12), seed=st.integers(0, 1 << 20), numbers=st.data())
def test_tasks_part_the_classes_and_their_samples(classes, seed, numbers):
    made = data(classes, 5 * classes, 3 * classes)
    count = numbers.draw(st.integers(1, classes))
    held = made.validation_split(0.3)
    scenario = Scenario(made, count, held)
    tasks = scenario.tasks(seed)
    labels = [label for task in tasks for label in task.labels]
    assert len(tasks) == count == scenario.count and labels == scenario.order(seed)
    assert sorted(labels) == list(range(classes))
    sizes = [len(task.labels) for task in tasks]
    assert max(sizes) - min(sizes) <= 1
    for name, y in (("train", held.y_train), ("test", made.y_test), ("held_out", held.y_test)):
        together = np.concatenate([getattr(task, name) for task in tasks])
        assert sorted(together.tolist()) == list(range(len(y)))
        for task in tasks:
            assert (np.diff(getattr(task, name)) > 0).all(), "samples keep their order"
            assert set(y[getattr(task, name)].tolist()) <= set(task.labels)


def test_the_order_of_classes_depends_on_the_seed_alone():
    one, other = data(10, 100, 40), data(10, 30, 20, seed=7)
    orders = [Scenario(one, 5).order(seed) for seed in range(40)]
    assert orders == [Scenario(other, 3, other.validation_split(0.2)).order(seed) for seed in range(40)]
    assert len({tuple(order) for order in orders}) == 40
    first = np.bincount([Scenario(one, 5).order(seed)[0] for seed in range(300)], minlength=10)
    assert first.min() > 10 and first.max() < 60, "every class is first sometimes"


def test_nothing_is_held_out_unless_it_is_given():
    scenario = Scenario(data(), 3)
    assert all(len(task.held_out) == 0 for task in scenario.tasks(0))
    assert sum(len(task.train) for task in scenario.tasks(0)) == 60
    assert scenario.raw_bytes == 60 * 4 * 4


def test_raw_bytes_count_what_is_held_out():
    made = data()
    assert Scenario(made, 3, made.validation_split(0.2)).raw_bytes == 60 * 4 * 4


@pytest.mark.parametrize("tested", (False, True))
def test_sessions(tested):
    """Known classes come again; each session is judged by its own test samples, by all if there are none such."""
    sessions, sessions_test = np.arange(60) // 6 % 5 + 10, np.arange(24) % 4 + 10
    made = data(sessions=sessions, sessions_test=sessions_test if tested else None)
    scenario = Scenario(made, "sessions")
    tasks = scenario.tasks(3)
    assert scenario.count == 5 == len(tasks) and sorted(scenario.order(3)) == [10, 11, 12, 13, 14]
    for session, task in zip(scenario.order(3), tasks):
        assert (sessions[task.train] == session).all() and len(task.train) == 12
        assert set(task.labels) == set(made.y_train[task.train].tolist())
        expected = np.flatnonzero(sessions_test == session) if tested and session != 14 else np.arange(24)
        assert task.test.tolist() == expected.tolist()
    assert Scenario(made, "sessions").order(4) != scenario.order(3)


def test_sessions_hold_out_samples_of_all_their_classes():
    made = data(sessions=np.arange(60) % 5)
    held = made.validation_split(0.3)
    for task in Scenario(made, "sessions", held).tasks(0):
        assert set(held.y_test[task.held_out].tolist()) <= set(task.labels)
        assert len(task.held_out) == np.isin(held.y_test, task.labels).sum()


@pytest.mark.parametrize("tasks", (0, 7, -1, 2.5, "all", None, True), ids=str)
def test_numbers_of_tasks_that_cannot_be(tasks):
    with pytest.raises(InputError):
        Scenario(data(), tasks)


def test_sessions_that_are_not_there():
    with pytest.raises(InputError, match="has no sessions; give a number of tasks"):
        Scenario(data(), "sessions")


def test_data_of_normal_and_abnormal_sounds_has_no_classes_to_tell_apart():
    with pytest.raises(InputError, match="anomaly"):
        Experiment(data(kind="anomaly"), "mlp-64-32-10", Setting(tasks=1))
