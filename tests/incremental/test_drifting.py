"""Strategies on a stream that drifts: predicted, then learned; one that learns no more; and a run that was stopped."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mcuref import InputError, load_data
from mcuref.incremental.criterion import Criterion
from mcuref.incremental.drifting import LEARNED, WORK, DriftExperiment
from mcuref.incremental.keeping import ExperimentCheckpoints
from mcuref.incremental.pieces import SCALARS
from mcuref.incremental.prequential import reactions
from mcuref.incremental.setting import STRATEGIES, Setting

MODEL = "mlp-64-32-10"
NAMES = ("growing", "fixed-large", "never", "naive", "reservoir")


@pytest.fixture(scope="module")
def digits():
    whole = load_data("digits")
    return replace(whole.training_part(0, 480), x_test=whole.x_test[:60], y_test=whole.y_test[:60])


def experiment(data, kind="sudden", strategies=NAMES, **given):
    quick = (("steps", 200), ("learning_rate", 0.05))
    settings = {"criterion": Criterion(accuracy=0.5), "distil": "random", "per_class": 4, "given": quick} | given
    return DriftExperiment(data, MODEL, Setting(strategies=strategies, drift=kind, **settings))


@pytest.fixture(scope="module")
def run(digits):
    """(experiment, rows by name) of a sudden change, two seeds."""
    made = experiment(digits, seeds=(0, 3))
    made.check()
    return made, {row["name"]: row for row in made.run()}


def test_every_strategy_fills_its_row(run):
    made, rows = run
    assert list(rows) == list(NAMES) and set(WORK) < set(SCALARS)
    counts = made.scenario.counts
    for row in rows.values():
        assert json.loads(json.dumps(row)) == row
        assert {*WORK, *LEARNED, *(f"{name}_std" for name in LEARNED), "recovered", "recovery_samples"} <= row.keys()
        assert np.shape(row["concepts"]) == (20, 2) and row["prequential"][0] is None
        times = []
        for result in row["per_seed"]:
            tasks = result["tasks"]
            assert [task["prequential"] for task in tasks] == result["prequential"] and len(tasks) == 20
            assert [task["per_task"] for task in tasks] == result["concepts"]
            assert result["changes"] == reactions(result["prequential"], counts, [10])
            assert (result["accuracy_old"], result["accuracy_new"]) == tuple(result["concepts"][-1])
            assert result["training_macs"] == sum(task["macs"]["training"] for task in tasks)
            times += [change["recovery"] for change in result["changes"]]
        known = [time for time in times if time is not None]
        assert row["recovered"] == len(known) / 2 and row["recovery_samples"] == (np.mean(known) if known else None)
        mean = np.mean([result["prequential_accuracy"] for result in row["per_seed"]])
        assert row["prequential_accuracy"] == mean and mean > 0.3, "more than chance was learned"


def test_a_portion_is_predicted_before_it_is_learned(run, digits):
    """The same by hand, with the learner alone."""
    made, rows = run
    learner, right = made.learner("reservoir", 3), []
    for task in made.scenario.tasks(3):
        x, y = made.scenario.samples(task)
        right.append(float(np.mean(learner.predict(x) == y)) if learner.classes else None)
        learner.learn(x, y)
    assert rows["reservoir"]["per_seed"][1]["prequential"] == right
    found = [float(np.mean(learner.predict(x) == digits.y_test)) for x in made.scenario.concepts]
    assert rows["reservoir"]["per_seed"][1]["concepts"][-1] == found


def test_never_learns_what_the_large_model_does_and_then_no_more(run):
    _, rows = run
    for never, large in zip(rows["never"]["per_seed"], rows["fixed-large"]["per_seed"]):
        assert never["prequential"][:11] == large["prequential"][:11]  # the eleventh is predicted by the same model
        assert never["concepts"][:10] == large["concepts"][:10] and never["concepts"][9:] == [never["concepts"][9]] * 11
        assert 0 < never["training_steps"] < large["training_steps"]
        later = never["tasks"][10:]
        assert not any(task["samples"] or task["growths"] or any(task["macs"].values()) for task in later)
        assert [task["task"] for task in never["tasks"]] == list(range(1, 21))


def test_a_stopped_run_ends_as_one_that_was_not(run, digits, tmp_path):
    made, rows = run

    class Stop(Exception):
        pass

    def stopping(seed, name, so_far):
        if seed == 3 and len(so_far) == 12:
            raise Stop

    for after_task in (stopping, None):
        again = experiment(digits, seeds=(3,))
        again.keeper, again.after_task = ExperimentCheckpoints(tmp_path, again.fingerprint, pytest.fail), after_task
        if after_task:
            with pytest.raises(Stop):
                again.run()
        else:
            for row in again.run():
                assert row["per_seed"] == rows[row["name"]]["per_seed"][1:]


def test_another_process_makes_the_same_experiment(digits):
    made = experiment(digits, "gradual", ("naive",))
    again = made.maker()(digits)
    assert type(again) is DriftExperiment and again.recipe == made.recipe and again.fingerprint == made.fingerprint


def test_what_is_asked_for_replaces_the_defaults_of_a_stream(digits):
    recipe = DriftExperiment(digits, MODEL, Setting(drift="sudden")).recipe
    assert (recipe.steps, recipe.keep, recipe.stream_pass) == (12_000 * 5 // 20, 1, True)
    recipe = DriftExperiment(digits, MODEL, Setting(drift="sudden", given=(("keep", 0.5), ("stream_pass", False)))).recipe
    assert (recipe.steps, recipe.keep, recipe.stream_pass) == (3_000, 0.5, False)


@pytest.mark.parametrize(
    "given, sentence",
    [
        ({"drift": "sudden", "tasks": 3}, "tasks 3 is of learning task by task; drift comes in a stream"),
        ({"drift": "sudden", "smallest": True}, "smallest True is of learning task by task"),
        ({"drift": "sudden", "strategies": ("never", "ever")}, "strategy 'ever' is not known"),
        ({"strategies": ("never",)}, f"strategy 'never' is not known.*{STRATEGIES[0]}"),
    ],
)
def test_settings_that_cannot_be(given, sentence):
    with pytest.raises(InputError, match=sentence):
        Setting(**given)


def test_drift_has_to_be_named(digits):
    with pytest.raises(InputError, match="drift None is not known; it may be sudden, gradual"):
        DriftExperiment(digits, MODEL, Setting())
