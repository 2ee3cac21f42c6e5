"""A learner with an int8 network: the whole cycle, its plan and its state, as in float32; what is refused."""

import json
from functools import cache

import numpy as np
import pytest

from mcuref import Budget, InputError, Int8, TinyPropR, compile, quantise_to_train
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.baselines import RawSamples
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Expansion, Verification
from mcuref.memory.accountant import BudgetExceeded
from mcuref.memory.targets import DEFAULT_STACK
from mcuref.quantization.mixed import nominal_body

from .learners import ALWAYS, LABELS, NEVER, TASKS, bits, blobs, learn, least, network, recipe, sha, whole

CHOSEN = Distillation("random", 0, group=3, stream=30)
GROWS = {"criterion": NEVER, "expansion": Expansion(growths=1), "steps": 20}
KINDS = {
    "plain": {},
    "growing": GROWS,
    "perturbed": {**GROWS, "keep": 0.4, "expansion": Expansion(growths=1, method="shrink-and-perturb")},
    "momentum and batch": {"momentum": 0.9, "batch": 4},
    "rests and augmentation": {**GROWS, "rule": TinyPropR(rests=2), "augmentation": Augmentation(gain=0.2)},
    "stream": {"stream_pass": True},
    "stored checks": {"criterion": ALWAYS, "verification": Verification("stored", 3)},
}


@cache
def start(*widths):
    """An int8 network, its scales of what arrives first."""
    return quantise_to_train(network(*widths), blobs(TASKS[0])[0])


def learner(*widths, most=6, budget=None, criterion=None, expansion=None, samples=None, **given):
    made = recipe(**{"distillation": CHOSEN} | given)
    begin = {"recipe": made, "criterion": criterion, "expansion": expansion, "budget": budget, "samples": samples}
    return IncrementalLearner(start(*widths), most, seed=5, **begin)


def accuracy(made, labels=LABELS):
    x, y = blobs(labels, 40, seed=77)
    return np.mean(made.predict(x) == y)


def test_all_classes_are_learned_and_old_ones_are_not_touched_when_new_ones_come():
    made, state = learner(steps=2000), None
    for number in range(3):
        if number:
            x, before = blobs(LABELS, 5)[0], made.program.outputs
            old = before(x)
            made.add_classes(TASKS[number])
            assert made.program.outputs(x)[:, : old.shape[1]].tobytes() == old.tobytes()
            made.restore(*state)
        learn(made, number)
        state = made.state()
    assert made.network.dtype == "int8" and made.network.quantization.outputs == start().quantization.outputs
    assert accuracy(made) > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_restored_it_comes_to_the_same_bytes(kind):
    through, resumed = learner(**KINDS[kind]), learner(**KINDS[kind])
    learn(through, 0), learn(through, 1)
    plain, arrays = through.state()
    resumed.restore(json.loads(json.dumps(plain)), {n: v.copy() for n, v in arrays.items()})
    assert bits(resumed) == bits(through)
    learn(through, 2), learn(resumed, 2)
    assert bits(resumed) == bits(through)
    assert resumed.memory.arena.flash.tobytes() == through.memory.arena.flash.tobytes()
    assert resumed.predict(blobs(LABELS)[0]).tobytes() == through.predict(blobs(LABELS)[0]).tobytes()
    if "expansion" in KINDS[kind]:
        assert any(row["growths"] for row in through.history)


@pytest.mark.parametrize("kind", KINDS)
def test_the_plan_is_the_arena_and_no_buffer_shares_bytes_with_another_that_is_alive(kind):
    made = learner(**KINDS[kind])
    learn(made, 0)
    arena, plan = made.memory.arena, made.memory.plan
    assert (arena.sram.nbytes, arena.flash.nbytes) == (plan.sram, plan.flash)
    types = {p.buffer.name: p.buffer.dtype for p in plan.placements if p.buffer.name.startswith(("dense", "record"))}
    assert {dtype for name, dtype in types.items() if name.endswith(("weights", "residual"))} == {"int8"}
    assert not any(p.buffer.name.startswith("distil.") for p in plan.placements)
    assert types["record.sample"] == "float32"  # raw samples come as they are: here as float32
    for a in plan.placements:
        for b in plan.placements:
            apart = a.last < b.first or b.last < a.first or a.offset + a.buffer.size <= b.offset
            apart = apart or b.offset + b.buffer.size <= a.offset or a.buffer.region != b.buffer.region
            assert a is b or apart, (a, b)


def test_what_lies_in_flash_is_all_that_outputs_need_after_a_reset():
    made = learner(**GROWS)
    learn(made, 0), learn(made, 1)
    state = made.program.state()
    made.program.restore(state | {"exponents": np.int8([0, 1, -1])})
    made.record()
    arena, memory = made.memory.arena, made.memory
    reset = compile(memory.network, memory.layout.rule, made.recipe.optimiser(), arithmetic=Int8())
    parts = {p.buffer.name: p.buffer for p in memory.plan.placements}
    state = reset.state()
    for name in (*memory.network.parameters, "exponents"):
        state[name] = arena.view(parts[f"{name}.image"]).copy()
    reset.restore(state)
    assert state["exponents"].tolist() == [0, 1, -1]
    x = blobs(LABELS)[0]
    assert reset.outputs(x).tobytes() == made.program.outputs(x).tobytes()


def test_a_growth_keeps_outputs_or_perturbs_weights_with_their_residuals():
    kept, perturbed = (
        learner(**GROWS | {"expansion": Expansion(method=m)}) for m in ("zero-outgoing", "shrink-and-perturb")
    )
    x = blobs(LABELS)[0]
    for made in (kept, perturbed):
        learn(made, 0)
    before = kept.program.outputs(x), perturbed.program.state()
    assert kept.expand()["grown"] and perturbed.expand()["grown"]
    assert kept.program.outputs(x).tobytes() == before[0].tobytes()
    after = perturbed.program.state()
    rows = before[1]["dense1.weights"].shape[0]
    for name in ("weights", "residual", "bias"):
        old, new = before[1][f"dense1.{name}"], after[f"dense1.{name}"][:rows]
        assert not np.array_equal(old, new)
    bias = before[1]["dense1.bias"].astype(np.int64)
    assert np.array_equal(after["dense1.bias"][:rows], (bias * 102 + 128) >> 8)  # 102 / 256 for 0.4
    assert after["exponents"].tobytes() == before[1]["exponents"].tobytes()


def test_a_model_that_does_not_need_its_width_shrinks():
    made = learner(6, criterion=ALWAYS, expansion=Expansion(shrink=True, factor=2.0))
    row = learn(made, 0)
    assert row["widths"] == [3] and made.network.quantization.weights["dense1"].shape == (3,)


def test_a_budget_holds_and_what_does_not_fit_changes_no_bit():
    free = learner(**GROWS)
    needed = least(free)
    made = learner(**GROWS, budget=Budget(needed["sram"] + DEFAULT_STACK, None))
    row = learn(made, 0)
    assert row["growths"] == [] and "would need" in row["stopped"] and made.model.peaks["sram"] <= needed["sram"]
    with pytest.raises(BudgetExceeded):
        learner(**GROWS, budget=Budget(needed["sram"] + DEFAULT_STACK - 4, None))
    learner(**GROWS, budget=Budget(1 << 20, needed["flash"]))
    with pytest.raises(BudgetExceeded):
        learner(**GROWS, budget=Budget(1 << 20, needed["flash"] - 4))


def test_an_exception_in_the_middle_leaves_the_learner_as_it_was():
    made = learner(**KINDS["perturbed"])
    learn(made, 0)
    before = bits(made)

    def stop(what, done, total):
        if what == "training":
            raise InterruptedError

    made.progress = stop
    with pytest.raises(InterruptedError):
        learn(made, 1)
    assert bits(made) == before


def without(name):
    return lambda plain, arrays: (plain.pop(name, None), arrays.pop(name, None))


DAMAGED = {
    "no scales": without("quantization"),
    "no residual": without("program.dense1.residual"),
    "no exponents": without("program.exponents"),
    "scales of none": lambda plain, arrays: plain.update(quantization=None),
    "scales of another size": lambda plain, arrays: plain["quantization"]["weights"]["dense1"].pop(),
    "a negative scale": lambda plain, arrays: plain["quantization"]["weights"]["dense1"].__setitem__(0, -1.0),
    "weights of float32": lambda plain, arrays: arrays.update(
        {"program.dense1.weights": arrays["program.dense1.weights"].astype(np.float32) + 0.5}
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_restore_refuses_what_is_not_its_state_and_stays_as_it_was(name):
    made, other = learner(), learner()
    learn(made, 0), learn(other, 0), learn(other, 1)
    plain, arrays = other.state()
    DAMAGED[name](plain, arrays)
    before = whole(made)
    with pytest.raises(InputError):
        made.restore(plain, arrays)
    assert whole(made) == before


@pytest.mark.parametrize(
    "given, message",
    [
        ({"distillation": Distillation("swap-herding", 0)}, "need float32 features; by integers alone they are chosen by"),
        ({"distillation": Distillation("random", 4)}, "need float32 features; by integers alone they are chosen by"),
        ({"criterion": NEVER, "expansion": Expansion(method="net2wider")}, "'net2wider' is of float32 networks; an int8"),
        (
            {"criterion": NEVER, "expansion": Expansion(deepen=True)},
            "deepen is of float32 networks; an int8 network grows by",
        ),
    ],
)
def test_refused(given, message):
    with pytest.raises(InputError, match=message):
        learner(**given)


def test_raw_samples_outside_of_the_plan_need_no_features():
    made = learner(samples=RawSamples(joint=True), distillation=Distillation("swap-herding", 0), steps=400)
    learn(made, 0)
    assert accuracy(made, TASKS[0]) > 0.9


def test_a_mixed_network_is_refused():
    with pytest.raises(InputError, match="is mixed; a learner takes a float32 or an int8 network"):
        IncrementalLearner(nominal_body(network(4, 5), 1), 6)


def test_two_learners_come_to_the_same_bytes():
    first, second = (learner(**KINDS["perturbed"]) for _ in range(2))
    for made in (first, second):
        learn(made, 0), learn(made, 1)
    assert bits(first) == bits(second) and sha(first.memory.arena.bytes) == sha(second.memory.arena.bytes)
