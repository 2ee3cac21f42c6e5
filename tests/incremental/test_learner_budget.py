"""The learner: no budget is ever exceeded, and a refused step changes no bit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref import Budget
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.growth import METHODS, hidden_widths, widen
from mcuref.incremental.memory import LearnerMemory
from mcuref.incremental.recipe import Expansion
from mcuref.memory.accountant import BudgetExceeded

from .learners import LABELS, NEVER, QUICK, TASKS, bits, blobs, few, learn, learner, least, network, taught, whole


def leaving(made, sram=0, flash=0):
    """A budget that leaves exactly so many bytes beside the learner's peaks so far."""
    return Budget(made.model.peaks["sram"] + sram, made.model.peaks["flash"] + flash, stack=0)


@few(12)
@given(
    widths=st.lists(st.integers(1, 12), min_size=1, max_size=2),
    factor=st.floats(1.05, 4),
    method=st.sampled_from(METHODS),
    deepen=st.booleans(),
    sram=st.integers(0, 6000),
    flash=st.integers(0, 12000),
    momentum=st.sampled_from([0.0, 0.9]),
    seed=st.integers(0, 99),
    most=st.sampled_from([2, 3]),
)
def test_no_growth_ever_exceeds_the_budget(widths, factor, method, deepen, sram, flash, momentum, seed, most):
    """Every arena that was ever made fits, the peaks are the largest of them, and a refused growth changes no bit."""
    with pytest.MonkeyPatch.context() as patch:
        memories, allocate = [], LearnerMemory.allocate
        patch.setattr(LearnerMemory, "allocate", lambda memory: (memories.append(memory), allocate(memory))[1])
        grow = Expansion(factor=factor, method=method, deepen=deepen)
        start = taught(1, *widths, momentum=momentum, seed=seed, most=most)
        memories.clear()
        budget = leaving(start, sram, flash)
        try:
            made = taught(1, *widths, momentum=momentum, grow=grow, seed=seed, most=most, budget=budget)
        except BudgetExceeded:  # with all classes
            assert not memories
            return
        for _ in range(6):
            before, count = whole(made), len(memories)
            change = made.expand()
            if change["grown"]:
                assert change["grown"]["sram"] <= budget.arena and change["grown"]["flash"] <= budget.flash
                made.train(5)
            else:
                assert change["reason"] and whole(made) == before and len(memories) == count
                break
        assert all(m.plan.sram <= budget.arena and m.plan.flash <= budget.flash and m.fits for m in memories)
        assert all(len(m.arena.bytes) == m.plan.sram + m.plan.flash for m in memories)
        assert made.model.peaks == {r: max(getattr(m.plan, r) for m in memories) for r in ("sram", "flash")}
        made.predict(blobs((7, 3))[0])


@few(12)
@given(
    sram=st.integers(0, 3000),
    factor=st.floats(1.2, 5),
    region=st.sampled_from(["sram", "flash"]),
    most=st.sampled_from([2, 6]),
)
def test_the_largest_step_that_fits_is_taken(sram, factor, region, most):
    """Of ten parts of the step; the next larger one does not fit, with both models there or afterwards."""
    made = taught(1, 12, grow=Expansion(factor=factor), most=most)
    made.model.plans.budget = leaving(made, **{"sram": 1 << 20, "flash": 1 << 20} | {region: sram})
    wanted, small = int(12 * factor + 0.5), made.model.network_now()
    steps = sorted({12 + -(-(wanted - 12) * part // 10) for part in range(1, 11)})
    fit = [w for w in steps if all(memory.fits for memory in made.model.plans.of_change(widen(small, [w]), made.memory))]
    change = made.expand()
    if fit:
        assert change["grown"]["change"] == f"widened to {max(fit)}" and hidden_widths(made.network) == (max(fit),)
    else:
        assert change["grown"] is None and f"hidden layers of {steps[0]} would need" in change["reason"]


@pytest.mark.parametrize("region", ("sram", "flash"))
def test_why_a_growth_was_refused_names_bytes_that_are_too_many(region):
    made = taught(1, 12, grow=Expansion())
    made.model.plans.budget = leaving(made, **{"sram": 1 << 20, "flash": 1 << 20} | {region: 0})
    before = whole(made)
    reason = made.expand()["reason"]
    assert whole(made) == before
    # hidden layers of 13 would need 1,234 B of SRAM and 5,678 B of flash; the budget leaves ...
    numbers = [int(word.replace(",", "")) for word in reason.split() if word[0].isdigit()]
    needs = dict(zip(("sram", "flash"), numbers[1:3]))
    left = dict(zip(("sram", "flash"), numbers[3:]))
    assert left == {"sram": made.model.plans.budget.arena, "flash": made.model.plans.budget.flash}
    assert needs[region] > left[region]


def test_the_task_says_what_the_budget_stopped_and_the_model_goes_on():
    start = taught(3, 6)
    made = taught(0, 6, grow=Expansion(), criterion=NEVER, budget=leaving(start, 1200, 3000), steps=60)
    row = made.learn(*blobs((7, 3)), held_out=blobs((7, 3), 30, seed=9, spread=3.0))
    assert "the budget leaves" in row["stopped"] and not row["criterion_met"] and row["growths"]
    assert made.predict(blobs((7, 3))[0]).shape == (50,)
    made.train(10)


def test_peaks_are_the_largest_plans_that_were_ever_allocated(allocated):
    made = learner(4, criterion=NEVER, grow=Expansion(growths=2, shrink=True), steps=60)
    for number in range(3):
        learn(made, number)
    assert len(allocated) > 6
    assert made.model.peaks == {r: max(getattr(m.plan, r) for m in allocated) for r in ("sram", "flash")}


def test_growth_that_is_refused_in_a_task_takes_no_draw():
    """What comes after a refused growth is what would have come without trying."""
    tried, not_tried = (taught(1, 6, largest=network(6), grow=Expansion()) for _ in "ab")
    assert tried.expand()["grown"] is None
    learn(tried, 1), learn(not_tried, 1)
    assert bits(tried) == bits(not_tried)


@pytest.mark.parametrize("distillation", (QUICK, Distillation("random", 0, group=1)), ids=("matching", "selection"))
@pytest.mark.parametrize("region", ("sram", "flash"))
@few(4)
@given(width=st.integers(2, 70), extra=st.integers(0, 3000))
def test_declared_classes_always_find_room_however_the_model_has_grown(distillation, region, width, extra):
    """What the constructor accepts learns all classes that were declared: none is refused because growth took its place."""
    enough = least(learner(width, distillation=distillation))
    budget = Budget(**{name: size + extra * (name == region) for name, size in enough.items()}, stack=0)
    made = learner(width, distillation=distillation, budget=budget, criterion=NEVER, grow=Expansion(factor=1.1), steps=20)
    for number in range(3):
        learn(made, number)
        while made.expand()["grown"]:
            pass
    assert made.classes == list(LABELS)
    assert all(made.model.peaks[name] <= getattr(budget, name) for name in ("sram", "flash"))


@pytest.mark.parametrize("region", ("sram", "flash"))
def test_a_learner_that_does_not_fit_is_refused_before_anything_is_allocated(allocated, region):
    """Region, bytes, and a change that fits: fewer stored samples, planned."""
    plan = least(learner(per_class=64, region=region))
    allocated.clear()
    learner(per_class=64, region=region, budget=Budget(**plan, stack=0))
    allocated.clear()
    with pytest.raises(BudgetExceeded) as refused:
        learner(per_class=64, region=region, budget=Budget(**plan | {region: plan[region] - 1}, stack=0))
    assert refused.value.region == region and refused.value.over_by == 1 and not allocated
    assert refused.value.needed == plan[region]
    assert any("stored samples a class" in s["change"] for s in refused.value.suggestions)
    for suggestion in refused.value.suggestions:
        assert suggestion[region] < plan[region]
    fewer = int(refused.value.suggestions[0]["change"].split()[0])
    fits = {name: refused.value.suggestions[0][name] for name in plan}
    assert fits == least(learner(per_class=fewer, region=region))


def test_a_target_too_small_for_one_stored_sample(allocated):
    with pytest.raises(BudgetExceeded) as refused:
        learner(budget=Budget(400, None, stack=0))
    assert refused.value.region == "sram" and "sram" in str(refused.value) and not allocated
    one = least(learner(per_class=1))
    with pytest.raises(BudgetExceeded) as refused:
        learner(per_class=1, budget=Budget(None, one["flash"] - 1, stack=0))
    assert refused.value.region == "flash"
    with pytest.raises(BudgetExceeded) as refused:
        learner(per_class=4, budget=Budget(None, one["flash"], stack=0))
    assert "1 stored samples a class" in [s["change"] for s in refused.value.suggestions]


def test_outputs_that_do_not_fit_are_refused_and_the_model_goes_on():
    made = taught(1)
    made.model.plans.budget = leaving(made)
    x = blobs((7, 3))[0]
    predicted = made.predict(x)
    before = whole(made)
    with pytest.raises(BudgetExceeded):
        made.add_classes([100, 0, 12, 5])
    assert whole(made) == before
    with pytest.raises(BudgetExceeded):
        made.learn(*blobs(TASKS[2]))
    assert bits(made) == before[0] and made.predict(x).tobytes() == predicted.tobytes()
    made.learn(*blobs((7, 3), seed=8))
