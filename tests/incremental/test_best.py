"""The upper bound: when it stops, and what it ends with."""

import numpy as np
import pytest

from mcuref import InputError
from mcuref.incremental.baselines import recipe_for, samples_for
from mcuref.incremental.best import PATIENCE, BestLearner, until_best
from mcuref.incremental.growth import inference_macs
from mcuref.rules import Full, TinyPropV2

from .learners import TASKS, blobs, learn, network, recipe


def best(**given):
    asked = recipe_for("joint-best", recipe(rule=TinyPropV2(), **given))
    return BestLearner(network(), 6, recipe=asked, samples=samples_for("joint-best"), seed=5)


@pytest.mark.parametrize("accuracies, accuracy, phase", [
    ([0.0, 0.0, 0.0], 0.0, 1), ([0.5, 0.5, 0.5], 0.5, 1), ([0.5, 0.4, 0.6, 0.6, 0.5], 0.6, 3),
    ([0.1, 0.2, 0.3, 0.2, 0.1], 0.3, 3), ([0.1, 0.0, 0.2, 0.1, 0.3, 0.3, 0.3], 0.3, 5), ([1.0, 1.0, 1.0], 1.0, 1),
])  # fmt: skip
def test_it_goes_on_until_accuracy_has_not_risen_for_two_phases(accuracies, accuracy, phase):
    phases, answers = [], iter(accuracies)
    found = until_best(lambda: phases.append(0), lambda: next(answers), lambda: len(phases))
    assert found == (accuracy, phase) and next(answers, None) is None, "all were asked for, and no more"
    assert len(phases) == phase + PATIENCE


def test_it_ends_with_the_parameters_of_its_best_phase(monkeypatch):
    one, seen = best(steps=30, learning_rate=0.01), []
    verify = BestLearner.verify

    def spy(self, held_out=None):
        seen.append((verify(self, held_out), {name: values.tobytes() for name, values in self.program.state().items()}))
        return seen[-1][0]

    monkeypatch.setattr(BestLearner, "verify", spy)
    for number in range(3):
        seen.clear()
        row = learn(one, number)
        accuracies = [accuracy for accuracy, _ in seen]
        first = int(np.argmax(accuracies))
        assert row["accuracy"] == max(accuracies) and len(seen) == first + 1 + PATIENCE
        assert {name: values.tobytes() for name, values in one.program.state().items()} == seen[first][1]
        assert row["criterion"] is None and row["stopped"] is None and row["growths"] == []
        assert row["macs"]["verification"] == len(seen) * 10 * len(one.classes) * inference_macs(one.network)
    assert one.rehearsal.rested == 0 and one.recipe.rule == Full()


def test_it_needs_held_out_samples_of_every_class():
    one = best()
    with pytest.raises(InputError, match="held_out"):
        one.learn(*blobs(TASKS[0]))
    with pytest.raises(InputError, match="held-out"):
        one.learn(*blobs(TASKS[0]), held_out=blobs((7,), 10))
    assert one.history == [] and learn(one, 0)["task"] == 1
