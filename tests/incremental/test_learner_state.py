"""The learner: saved and restored it goes on with the same bits, and a failed task changes none."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref import Budget, InputError, NonFiniteError, TinyProp, TinyPropR
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.criterion import Verification
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.recipe import Expansion
from mcuref.incremental.storage import Storage
from mcuref.memory.accountant import BudgetExceeded
from mcuref.memory.targets import DEFAULT_STACK
from mcuref.program.program import Program

from .learners import ALWAYS, LABELS, NEVER, bits, blobs, few, learn, learner, least, taught, whole

KINDS = {
    "plain": {},
    "growing": {"criterion": NEVER, "grow": Expansion(growths=1), "steps": 60},
    "perturbed": {"keep": 0.4, "criterion": NEVER, "grow": Expansion(growths=1, method="shrink-and-perturb"), "steps": 60},
    "momentum and batch": {"momentum": 0.9, "batch": 4},
    "TinyProp and augmentation": {"rule": TinyProp(), "augmentation": Augmentation(gain=0.2)},
    "stream": {"stream_pass": True},
    "rests": {"rule": TinyPropR(rests=2), "stream_pass": True, "criterion": NEVER, "grow": Expansion(growths=1)},
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
    assert resumed.memory.arena.flash.tobytes() == through.memory.arena.flash.tobytes()
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
            f"no {n}": without(n) for n in ("layers", "classes", "steps", "macs", "program.dense1.weights", "stored.classes")
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
        {"storage": Storage(bits=4)},
        {"storage": Storage(half=True)},
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
    while grown.memory.plan.sram <= sram:
        grown.expand()
    made = learner(budget=Budget(sram + DEFAULT_STACK, None))
    before = whole(made)
    with pytest.raises(BudgetExceeded):
        made.restore(*grown.state())
    assert whole(made) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", (RuntimeError, KeyboardInterrupt, NonFiniteError))
def test_an_exception_in_the_middle_leaves_the_learner_as_it_was(monkeypatch, kind, error):
    made, untouched = taught(1, **KINDS[kind]), taught(1, **KINDS[kind])
    before, calls, train = bits(made), [], Program.train

    def failing(self, *arguments, **given):
        calls.append(0)
        result = train(self, *arguments, **given)
        if len(calls) == (2 if "grow" in KINDS[kind] else 1):
            raise error("dense1", 3) if error is NonFiniteError else error
        return result

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
