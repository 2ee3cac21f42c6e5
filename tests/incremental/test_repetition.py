"""Classes that come again: every sample once, classes as often as each other, experiences of even size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.incremental.experiment import Experiment
from mcuref.incremental.repetition import EXPERIENCES, MOST_TASKS, TIMES, experiences
from mcuref.incremental.scenario import Scenario, verified_scenario
from mcuref.incremental.setting import Setting

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)


@RANDOM
@given(counts=st.lists(st.integers(0, 12), min_size=1, max_size=14).filter(any), seed=st.integers(0, 1 << 20))
def test_every_sample_comes_once_and_every_class_again(counts, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int32)
    parts = experiences(y, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(y)))
    assert all(len(part) and (np.diff(part) > 0).all() for part in parts)
    classes, there = [set(y[part].tolist()) for part in parts], np.count_nonzero(counts)
    most = EXPERIENCES * min(MOST_TASKS, there)
    assert len(parts) == min(most, sum(min(count, TIMES, most) for count in counts))
    sizes = [len(labels) for labels in classes]
    assert max(sizes) - min(sizes) <= 1
    for label, count in enumerate(counts):
        mine = [np.count_nonzero(y[part] == label) for part in parts]
        mine = [n for n in mine if n]
        assert len(mine) == min(count, TIMES, most) and (not mine or max(mine) - min(mine) <= 1)
    assert all((a == b).all() for a, b in zip(parts, experiences(y, seed)))


def test_an_order_of_the_seed():
    y = np.arange(300) % 10
    orders = {tuple(tuple(sorted(set(y[part].tolist()))) for part in experiences(y, seed)) for seed in range(30)}
    assert len(orders) == 30
    seen = np.bincount([label for order in orders for label in order[0]], minlength=10)
    assert seen.min() > 0 and seen.max() < 25, "every class is among the first sometimes"


def data(classes=6, count=120, test=24, **given):
    x = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    return Data("blobs", "features", x, np.arange(count) % classes, x[:test], np.arange(test) % classes, **given)


def test_tasks_are_judged_by_the_samples_of_their_classes():
    scenario = verified_scenario(data(), "repetition")
    tasks, arriving = scenario.tasks(2), scenario.arriving
    assert scenario.kind == "repetition" and scenario.count == len(tasks) == 10 == scenario.judged
    for task in tasks:
        assert set(task.labels) == set(arriving.y_train[task.train].tolist())
        assert (task.test == np.flatnonzero(np.isin(scenario.data.y_test, task.labels))).all()
        assert (task.held_out == np.flatnonzero(np.isin(arriving.y_test, task.labels))).all()
    order = scenario.order(2)
    assert sorted(order) == list(range(6)) and set(order[: len(tasks[0].labels)]) == set(tasks[0].labels)


def test_a_model_learns_them_one_after_another():
    setting = Setting(tasks="repetition", strategies=("naive", "reservoir"), per_class=3, given=(("steps", 10),))
    experiment = Experiment(data(), "mlp-4-8-6", setting)
    experiment.check()
    for row in experiment.run():
        tasks = row["per_seed"][0]["tasks"]
        assert np.shape(row["accuracy_matrix"]) == (10, 10) and len(tasks[-1]["classes"]) == 6
        assert sum(task["samples"] for task in tasks) == len(experiment.scenario.arriving.x_train)


def test_there_is_no_such_scenario():
    with pytest.raises(InputError):
        Scenario(data(), "repetitions")


def test_core50_comes_in_sessions():
    """Known objects in new surroundings, as its images are recorded; a whole session is held out."""
    x = np.random.default_rng(0).integers(0, 256, (80, 32, 32, 3), np.uint8)
    sessions, y = np.repeat(np.arange(4), 20), np.arange(80) % 10
    made = Data("core50_32", "image", x, y, x[:20], y[:20], sessions=sessions, groups=sessions)
    scenario = Experiment(made, "cnn-32@0.5", Setting(per_class=1)).scenario
    assert scenario.kind == "sessions" and scenario.count == 3
    assert all(task.labels == tuple(range(10)) and len(task.test) == 20 for task in scenario.tasks(0))
    assert Experiment(made, "cnn-32@0.5", Setting(tasks=5, per_class=1)).scenario.kind == "classes"
