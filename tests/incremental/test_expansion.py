"""When a model grows, shrinks or stays, by stages that do nothing but answer."""

import pytest

from mcuref.incremental.expansion import grow_until
from mcuref.incremental.recipe import Expansion


class Answers:
    """Stages that write down what was called; accuracies and answers to growth come in turn."""

    def __init__(self, accuracies, grown=(), shrunk=None):
        self.accuracies, self.grown, self.shrunk, self.called = iter(accuracies), iter(grown), shrunk, []

    def train(self, stage):
        self.called.append({"training": "train", "growth": "retrain"}[stage])

    def verify(self):
        self.called.append("verify")
        return next(self.accuracies)

    def grow(self):
        self.called.append("grow")
        grown = next(self.grown, None)
        return {"grown": grown, "reason": None if grown else "no room"}

    def shrink(self, accepted):
        self.called.append("shrink")
        return self.shrunk if accepted() else None


def until(answers, expansion=None, chunks=1, level=0.9):
    stages = {name: getattr(answers, name) for name in ("train", "verify", "grow", "shrink")}
    return grow_until(level, expansion, chunks, **stages)


NOTHING = {"criterion": 0.9, "growths": [], "stopped": None}


def test_enough_at_once():
    answers = Answers([0.9])
    assert until(answers, Expansion()) == NOTHING | {"accuracy": 0.9, "criterion_met": True}
    assert answers.called == ["verify"]


def test_all_chunks_of_a_phase_come_before_each_growth():
    answers = Answers([0.1, 0.2, 0.3, 0.4, 0.95], ["first", "second"])
    row = until(answers, Expansion(), chunks=2)
    assert row == NOTHING | {"accuracy": 0.95, "criterion_met": True, "growths": ["first", "second"]}
    assert " ".join(answers.called) == "verify train verify grow retrain verify retrain verify grow retrain verify"


@pytest.mark.parametrize("expansion, words", [
    (None, "it may not grow"), (Expansion(growths=0), "it grew 0 times in this task, which is the most"),
    (Expansion(), "no room"),
])  # fmt: skip
def test_why_it_grew_no_more(expansion, words):
    row = until(Answers([0.5]), expansion)
    assert row == NOTHING | {"accuracy": 0.5, "criterion_met": False, "stopped": words}


@pytest.mark.parametrize("narrower, shrunk", [(0.92, ["smaller"]), (0.7, [])])
def test_it_is_tried_smaller_if_it_was_enough_without_growing(narrower, shrunk):
    answers = Answers([0.95, narrower, narrower], shrunk="smaller")
    row = until(answers, Expansion(shrink=True))
    assert row == NOTHING | {"accuracy": narrower if shrunk else 0.95, "criterion_met": True, "growths": shrunk}
    grown = Answers([0.5, 0.95], ["wider"], "smaller")
    assert until(grown, Expansion(shrink=True))["growths"] == ["wider"] and "shrink" not in grown.called
