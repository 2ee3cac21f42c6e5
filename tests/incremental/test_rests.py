"""Rests in rehearsal: what is skipped is shown less often, what lies in its slot next is not, all else is as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref import Budget, InputError, TinyPropR, TinyPropV2
from mcuref.incremental import rehearsal
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.baselines import samples_for
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Expansion
from mcuref.kernels.random import SHUFFLE, permutation
from mcuref.kernels.rests import set_streak, streak
from mcuref.memory.accountant import BudgetExceeded
from mcuref.program import effort
from mcuref.program.program import Program

from .learners import NEVER, TASKS, bits, blobs, few, learn, learner, least, network, recipe, taught

CHOSEN = Distillation("random", 0, group=1)  # real samples, so that no two slots are alike
RULE = TinyPropR(rests=3, threshold=TinyPropV2.threshold)
ALL_SKIPPED = TinyPropR(rests=2, threshold=1e9)
KINDS = {
    "plain": {},
    "augmentation": {"augmentation": Augmentation(gain=0.2)},
    "growing": {"criterion": NEVER, "grow": Expansion(growths=1, method="shrink-and-perturb"), "keep": 0.4},
    "stream": {"stream_pass": True, "augmentation": Augmentation(gain=0.2)},
    "momentum and batch": {"momentum": 0.9, "batch": 4},
}


def streaks(made):
    """The streak of every slot."""
    head = made.program.instructions[0]
    view = made.program.arena.view(head["streaks"])
    return [int(streak(view, slot, head["bits"])) for slot in range(head["N"])]


def set_streaks(made, values):
    head = made.program.instructions[0]
    for slot, value in enumerate(values):
        set_streak(made.program.arena.view(head["streaks"]), slot, head["bits"], value)


def of_strategy(name, rule, **given):
    made = recipe(**{"rule": rule, "distillation": CHOSEN} | given)
    return IncrementalLearner(network(), 6, recipe=made, samples=samples_for(name), seed=5)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_that_rest_decide_nothing(kind, monkeypatch):
    """All of them brought back, moved and handed over come to the same bits; and so does the count of what was moved."""
    given = {"rule": RULE, **KINDS[kind]}
    made = taught(2, **given)
    monkeypatch.setattr(rehearsal, "resting", lambda program, slots, epoch: np.zeros(len(slots), bool))
    assert bits(taught(2, **given)) == bits(made)
    assert made.rehearsal.rested > 0


@pytest.mark.parametrize("kind", KINDS)
def test_without_rests_slots_and_epochs_decide_nothing(kind, monkeypatch):
    made = taught(2, rule=TinyPropV2(), **KINDS[kind])
    train = Program.train
    monkeypatch.setattr(Program, "train", lambda self, *given, index, epoch, **named: train(self, *given, index=-1, **named))
    assert bits(taught(2, rule=TinyPropV2(), **KINDS[kind])) == bits(made) and made.rehearsal.rested == 0
    never = taught(2, rule=RULE, **KINDS[kind])
    assert not any(streaks(never)) and never.rehearsal.rested == 0, "nothing that is stored was shown"
    assert {n: v.tobytes() for n, v in never.program.parameters().items()} == {
        n: v.tobytes() for n, v in made.program.parameters().items()
    }


def test_a_slot_is_the_index_and_epochs_go_on_from_task_to_task():
    """Where every sample is skipped, who rests follows from slots, epochs and rests alone."""
    made, skipped, rested, epoch = learner(rule=ALL_SKIPPED, per_class=3), {}, 0, 0
    for number in range(3):
        learn(made, number)
        left, slots = 200, made.samples.material()[0]
        while left > 0:
            order = permutation(len(slots), made.seed, SHUFFLE + epoch)[:left]
            for slot in slots[order].tolist():
                times = min(skipped.get(slot, 0), 2)
                if (epoch + slot) % 2**times:
                    rested += 1
                else:
                    skipped[slot] = times + 1
            left, epoch = left - len(order), epoch + 1
        assert made.rehearsal.rested == rested and made.rehearsal.epochs == epoch
        assert streaks(made)[: len(slots)] == [min(skipped[slot], 2) for slot in range(len(slots))]
    assert rested > 0.5 * made.rehearsal.steps == 0.5 * 3 * 200


def test_arriving_samples_never_rest(monkeypatch):
    seen, train = [], Program.train

    def spy(self, *arguments, index, **given):
        shown = train(self, *arguments, index=index, **given)
        seen.extend(zip(np.broadcast_to(index, len(shown.rested)).tolist(), shown.rested.tolist()))
        return shown

    monkeypatch.setattr(Program, "train", spy)
    taught(2, rule=ALL_SKIPPED, stream_pass=True)
    assert sum(index < 0 for index, _ in seen) == 50 + 25
    assert {rested for index, rested in seen if index < 0} == {False}
    assert {rested for index, rested in seen if index >= 0} == {False, True}


@pytest.mark.parametrize("strategy", ("growing", "reservoir"))
@few(12)
@given(
    rests=st.sampled_from([1, 2, 3, 4, 15]),
    per_class=st.integers(1, 7),
    again=st.lists(st.tuples(st.sampled_from([(7,), (3,), (7, 3), (3, 100)]), st.integers(1, 9)), min_size=1, max_size=4),
)
def test_a_sample_in_place_of_another_does_not_rest(strategy, rests, per_class, again):
    made = of_strategy(strategy, TinyPropR(rests=rests), per_class=per_class)
    made.add_classes([7, 3, 100])
    made.distil(*blobs((7, 3), 9))
    for number, (labels, each) in enumerate(again):
        set_streaks(made, [rests] * made.layout.capacity)
        before = made.samples.packed.copy()
        made.distil(*blobs(labels, each, seed=1 + number))
        replaced = (before != made.samples.packed).any(axis=1)
        assert streaks(made) == np.where(replaced, 0, rests).tolist()


@pytest.mark.parametrize("expansion", (Expansion(), Expansion(method="shrink-and-perturb"), Expansion(deepen=True)))
def test_streaks_survive_another_size(expansion):
    made = taught(1, 6, rule=RULE, grow=expansion, largest=network(6) if expansion.deepen else None)
    before = [slot * 7 // 5 % 4 for slot in range(24)]
    set_streaks(made, before)
    assert made.expand()["grown"] and streaks(made) == before
    made.shrink(lambda: True), made.shrink(lambda: False)
    assert streaks(made) == before
    made.add_classes([100])
    assert streaks(made) == before
    made.model.perturb(0.4, 1)
    assert streaks(made) == before


def test_what_rests_costs_no_macs_and_is_not_moved():
    given = {"augmentation": Augmentation(gain=0.2), "steps": 400}
    always, made = (taught(1, rule=rule, **given) for rule in (TinyPropV2(), RULE))
    rested = made.rehearsal.rested
    assert rested == effort.rested(made.program) > 0.2 * 400 and made.rehearsal.steps == 400
    assert made.rehearsal.augmented_values == (400 - rested) * 9
    forward = 9 * 6 + 6 * 2
    assert effort.counts_by_kind(made.program)["forward"] == (400 - rested) * forward
    assert made.model.macs["training"] < always.model.macs["training"]


def test_streaks_are_rule_state_in_the_plan_and_in_the_budget():
    with_them, without = (learner(rule=rule, per_class=9) for rule in (RULE, TinyPropV2()))
    found = [p.buffer for p in with_them.memory.plan.placements if p.buffer.name.endswith("streaks")]
    assert [(b.size, b.category, b.region) for b in found] == [((54 * 2 + 7) // 8, "rule state", "sram")]
    needed = least(with_them)
    assert needed["sram"] > least(without)["sram"]
    budget = Budget(needed["sram"], needed["flash"], stack=0)
    assert learner(rule=RULE, per_class=9, budget=budget).memory.fits
    with pytest.raises(BudgetExceeded):
        learner(rule=RULE, per_class=9, budget=Budget(needed["sram"] - 1, needed["flash"], stack=0))


def test_so_many_slots_as_there_are():
    assert learner(rule=RULE).program.rule.stored == 24
    assert learner(rule=TinyPropR(stored=30)).program.rule.stored == 30
    with pytest.raises(InputError, match="stored 23 is less than the 24 slots"):
        learner(rule=TinyPropR(stored=23))


@pytest.mark.parametrize("strategy", ("naive", "joint"))
def test_raw_samples_never_rest(strategy):
    made, other = of_strategy(strategy, RULE), of_strategy(strategy, TinyPropV2())
    for task in TASKS[:2]:
        made.learn(*blobs(task)), other.learn(*blobs(task))
    assert made.rehearsal.rested == 0
    assert made.model.macs == other.model.macs
