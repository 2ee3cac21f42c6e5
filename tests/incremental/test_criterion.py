"""When a size is enough, of plain numbers; and learners that grow by each criterion."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref import InputError, TinyPropR
from mcuref.incremental.criterion import LEVELS, Criterion, Measured, Verification
from mcuref.incremental.layout import Layout
from mcuref.incremental.recipe import Expansion
from mcuref.incremental.storage import Storage

from .learners import bits, few, learn, learner, network, recipe

ANSWERS = np.array([3, 7, 7, 0]), np.array([3, 7, 0, 0])
NOW, BEFORE = Measured(0.75, 0.5, ANSWERS[0]), Measured(0.25, 0.25, ANSWERS[1])


@pytest.mark.parametrize("criterion, figure, enough", [
    (Criterion(0.5), 0.5, True), (Criterion(accuracy=0.6), 0.5, False), (Criterion(learnt=0.75), 0.75, True),
    (Criterion(learnt=0.8), 0.75, False), (Criterion(fit=0.25), 0.25, True), (Criterion(fit=0.3), 0.25, False),
    (Criterion(gain=0.25), 0.25, True), (Criterion(gain=0.2), 0.25, False), (Criterion(agreement=0.75), 0.75, True),
    (Criterion(agreement=0.8), 0.75, False),
])  # fmt: skip
def test_a_level_that_is_met_exactly_is_enough(criterion, figure, enough):
    assert criterion.figure(NOW, BEFORE) == figure
    assert criterion.enough(figure, criterion.level()) is enough


def test_an_oracle_is_relative_to_what_it_is_told():
    criterion = Criterion(within=0.25)
    assert criterion.level(0.75) == 0.5 and criterion.figure(NOW) == 0.5 and criterion.enough(0.5, criterion.level(0.75))
    with pytest.raises(InputError, match="within 0.25 of a reference, but none is given"):
        criterion.level()


@few(50)
@given(*[st.floats(0, 1)] * 4)
def test_what_compares_with_a_smaller_model_is_never_enough_without_one(learnt, accuracy, gain, agreement):
    now = Measured(learnt, accuracy, ANSWERS[0])
    for criterion in (Criterion(gain=gain), Criterion(agreement=agreement)):
        assert criterion.figure(now) is None and not criterion.enough(None, criterion.level())
    alone = Criterion(learnt=gain)  # no samples to verify on are asked for
    assert not alone.verifies and alone.enough(alone.figure(Measured(learnt)), gain) == (learnt >= gain)


@pytest.mark.parametrize("text, kind, level", [
    ("0.95", "accuracy", 0.95), ("1", "accuracy", 1.0), ("learnt", "learnt", LEVELS["learnt"]),
    ("learnt=0.6", "learnt", 0.6),
    ("fit=-0.02", "fit", -0.02), ("gain", "gain", LEVELS["gain"]), ("agreement=1", "agreement", 1.0),
    ("oracle", "within", LEVELS["oracle"]), ("oracle=0.02", "within", 0.02),
])  # fmt: skip
def test_words_for_criteria(text, kind, level):
    made = Criterion.parse(text)
    assert (made.kind, getattr(made, kind)) == (kind, level)


@pytest.mark.parametrize("text, words", [
    ("learned", "criterion 'learned' is not known; did you mean learnt"), ("2", "criterion 2.0 is not a number from 0 to 1"),
    ("learnt=", "level '' of criterion learnt is not a number, such as 0.95"), ("gain=x", "level 'x' of criterion gain"),
    ("agreement=1.5", "agreement 1.5 is not a number from 0 to 1"), ("fit=-2", "fit -2.0 is not a number from -1 to 1"),
    ("nan", "criterion nan is not a number"), ("", "criterion '' is not known"),
])  # fmt: skip
def test_words_that_are_no_criterion(text, words):
    with pytest.raises(InputError, match=words):
        Criterion.parse(text)


@pytest.mark.parametrize("given, words", [
    ({}, "given are none"), ({"accuracy": 0.5, "within": 0.1}, "given are accuracy, within"),
    ({"learnt": 0.5, "gain": 0.1}, "a criterion is one of accuracy, within, learnt, fit, gain, agreement, with its level"),
])  # fmt: skip
def test_a_criterion_is_one_of_them(given, words):
    with pytest.raises(InputError, match=words):
        Criterion(**given)


# -- learners ----------------------------------------------------------------------------------------------------------

STORED = Verification("stored", 3, bits=2)
KINDS = {
    "learnt": Criterion(learnt=1.0), "fit": Criterion(fit=0.2), "gain": Criterion(gain=0.0),
    "agreement": Criterion(agreement=1.0), "accuracy": Criterion(1.0), "oracle": Criterion(within=0.0),
}  # fmt: skip


def growing(criterion, **given):
    given = {"verification": STORED, "steps": 60, "learning_rate": 0.01} | given
    return learner(2, criterion=criterion, grow=Expansion(growths=2), largest=network(6), **given)


@pytest.mark.parametrize("kind", KINDS)
def test_a_learner_grows_by_each(kind):
    made = growing(KINDS[kind])
    reference = {"reference": 1.0} if kind == "oracle" else {}
    row = learn(made, 0, **reference)
    assert json.loads(json.dumps(row)) == row
    assert (row["criterion_met"] is True) == (made.criterion.enough(row["measured"], row["criterion"]))
    assert row["criterion_met"] or row["stopped"]
    assert (row["accuracy"] is None) == (row["macs"]["verification"] == 0) == (kind == "learnt")
    if kind in ("gain", "agreement"):
        assert row["growths"], "it compares with the model before a growth"
    there = {p.buffer.name for p in made.memory.plan.placements}
    assert ("validation.samples" in there) == (kind != "learnt"), "samples that nobody asks for take no bytes"


@pytest.mark.parametrize("kind", KINDS)
def test_a_learner_that_was_stopped_goes_on_as_it_would_have(kind):
    made, other = growing(KINDS[kind]), growing(KINDS[kind])
    reference = {"reference": 1.0} if kind == "oracle" else {}
    learn(made, 0, **reference)
    plain, arrays = made.state()
    other.restore(json.loads(json.dumps(plain)), arrays)
    assert other.measure().learnt == made.measure().learnt > 0
    assert learn(made, 1, **reference) == learn(other, 1, **reference) and bits(made) == bits(other)


def test_what_was_learnt_is_what_the_last_steps_answered(monkeypatch):
    """The last turn of each of the 8 stored samples: 20 steps are two epochs and a half."""
    made, losses = growing(Criterion(learnt=0.5), steps=20), []
    train = type(made.program).train

    def spy(self, *arguments, **given):
        shown = train(self, *arguments, **given)
        losses.extend(shown.losses.tolist())
        return shown

    monkeypatch.setattr(type(made.program), "train", spy)
    row = learn(made, 0)
    assert row["measured"] == np.mean(np.exp(-np.array(losses[-8:])) > 0.5) == made.rehearsal.learnt


def test_what_was_learnt_where_all_steps_go_to_a_stream_is_of_the_stored_samples_in_it(monkeypatch):
    """50 samples arrive again, each followed by one of the 8 stored ones: 100 steps, and none is left."""
    made, losses = growing(Criterion(learnt=0.0), steps=20, stream_pass=True), []
    assert learn(made, 0)["measured"] == 0, "none was shown yet"
    train = type(made.program).train

    def spy(self, *arguments, **given):
        shown = train(self, *arguments, **given)
        losses.extend(shown.losses.tolist())
        return shown

    monkeypatch.setattr(type(made.program), "train", spy)
    row = learn(made, 0)
    assert len(losses) == 100 and row["measured"] == np.mean(np.exp(-np.array(losses[1::2][-8:])) > 0.5) > 0


def test_a_sample_that_rests_is_learnt_whatever_an_arithmetic_makes_of_its_loss(monkeypatch):
    """In int8 the 0 that a rest leaves stands for a probability of 0."""
    made = growing(Criterion(learnt=0.0), rule=TinyPropR(rests=2, threshold=1e9), steps=64)
    arithmetic = type(made.program.arithmetic)
    monkeypatch.setattr(arithmetic, "losses", lambda self, network, loss, values: np.full(len(values), np.inf))
    row = learn(made, 0)
    assert 0 < row["measured"] == made.rehearsal.learnt < 1, "those that rested in their last turn, and no others"


@pytest.mark.parametrize("kind", ("learnt", "fit", "gain", "agreement"))
def test_a_smaller_model_that_was_not_trained_cannot_be_judged_by_each(kind):
    with pytest.raises(InputError, match=f"shrink=True tries a smaller model without training it, which criterion {kind}"):
        learner(criterion=KINDS[kind], grow=Expansion(shrink=True))


@pytest.mark.parametrize("memory, given, expected", [
    (Storage(2, half=True), {}, Storage(2, half=True)), (Storage(2, half=True), {"bits": 8, "half": False}, Storage(8)),
    (Storage(4), {"half": True}, Storage(4, half=True)),
])  # fmt: skip
def test_samples_to_verify_on_are_stored_as_the_others_unless_it_is_said(memory, given, expected):
    verification = Verification(per_class=5, **given)
    assert verification.source == "stored" and verification.storage(memory) == expected
    made = recipe(storage=memory, verification=verification)
    layout, without = (Layout.of(made, network().input, 6, judged=judged) for judged in (True, False))
    stored, plain = layout.stored(), without.stored()
    assert stored["validation.samples"].size == 5 * 6 * expected.codec(network().input).bytes
    more = {"validation.samples", "validation.labels"} | ({"validation.levels"} if expected.bits != memory.bits else set())
    assert stored.keys() - plain.keys() == more, "levels of the other format are stored too"


def test_formats_that_are_none():
    for wrong in ({"bits": 3}, {"half": 1}):
        with pytest.raises(InputError):
            Verification(**wrong)
