"""When a model grows, shrinks or stays, by stages that do nothing but answer."""

import pytest

from mcuref.incremental.criterion import Criterion, Measured
from mcuref.incremental.expansion import grow_until
from mcuref.incremental.recipe import Expansion


class Answers:
    """Stages that write down what was called; accuracies and answers to growth come in turn."""

    def __init__(self, accuracies, grown=(), shrunk=None):
        self.accuracies, self.grown, self.shrunk, self.called = iter(accuracies), iter(grown), shrunk, []

    def train(self):
        self.called.append("train")

    def measure(self):
        self.called.append("verify")
        return Measured(0.5, next(self.accuracies))

    def grow(self):
        self.called.append("grow")
        grown = next(self.grown, None)
        return {"grown": grown, "reason": None if grown else "no room"}

    def shrink(self, accepted):
        self.called.append("shrink")
        return self.shrunk if accepted() else None


def until(answers, expansion=None, criterion=Criterion(0.9)):
    stages = {name: getattr(answers, name) for name in ("train", "measure", "grow", "shrink")}
    return grow_until(criterion, criterion.level(), expansion, **stages)


def met(accuracy):
    return {"measured": accuracy, "accuracy": accuracy, "criterion_met": True}


NOTHING = {"criterion": 0.9, "growths": [], "stopped": None}


def test_enough_at_once():
    answers = Answers([0.9])
    assert until(answers, Expansion()) == NOTHING | met(0.9)
    assert answers.called == ["verify"]


def test_each_growth_is_followed_by_training():
    answers = Answers([0.1, 0.2, 0.95], ["first", "second"])
    row = until(answers, Expansion())
    assert row == NOTHING | met(0.95) | {"growths": ["first", "second"]}
    assert " ".join(answers.called) == "verify grow train verify grow train verify"


@pytest.mark.parametrize("expansion, words", [
    (None, "it may not grow"), (Expansion(growths=0), "it grew 0 times in this task, which is the most"),
    (Expansion(), "no room"),
])  # fmt: skip
def test_why_it_grew_no_more(expansion, words):
    row = until(Answers([0.5]), expansion)
    assert row == NOTHING | met(0.5) | {"criterion_met": False, "stopped": words}


@pytest.mark.parametrize("narrower, shrunk", [(0.92, ["smaller"]), (0.7, [])])
def test_it_is_tried_smaller_if_it_was_enough_without_growing(narrower, shrunk):
    answers = Answers([0.95, narrower, narrower], shrunk="smaller")
    row = until(answers, Expansion(shrink=True))
    assert row == NOTHING | met(narrower if shrunk else 0.95) | {"growths": shrunk}
    grown = Answers([0.5, 0.95], ["wider"], "smaller")
    assert until(grown, Expansion(shrink=True))["growths"] == ["wider"] and "shrink" not in grown.called


def test_a_gain_is_that_of_the_last_growth():
    answers = Answers([0.5, 0.6, 0.61], ["first", "second"])
    row = until(answers, Expansion(), criterion=Criterion(gain=0.03))
    assert row["growths"] == ["first", "second"] and row["criterion_met"]
    assert row["measured"] == 0.61 - 0.6, "nothing before any growth"
    assert until(Answers([0.9]), criterion=Criterion(gain=1.0)) == NOTHING | {
        "criterion": 1.0, "measured": None, "accuracy": 0.9, "criterion_met": False, "stopped": "it may not grow",
    }  # fmt: skip
