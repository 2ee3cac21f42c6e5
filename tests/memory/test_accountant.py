"""Budgets: never exceeded, refused to the byte, nothing allocated on refusal, and suggestions that really fit."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import Budget, BudgetExceeded, Dense, Flatten, Input, Network, ReLU, TinyProp, build, compile, find_target
from mcuref.cost.needs import program_needs
from mcuref.memory import arena
from mcuref.memory.accountant import Plan, allowance, excess
from mcuref.memory.buffers import Buffer
from mcuref.models import find_model, narrowed
from mcuref.program import program as program_module
from mcuref.quantization.nominal import nominal
from mcuref.testing import networks, rules_strategy

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
LOSSES = st.sampled_from(["softmax_cross_entropy", "mean_squared_error"])
STACK = 512


def fits(program, budget):
    return program.plan.sram <= budget.sram - budget.stack and program.plan.flash <= budget.flash


@st.composite
def tight(draw):
    """(network, rule, loss, plan, budget): each region's budget from a quarter to a bit more than what is needed."""
    network, rule, loss = draw(networks()), draw(rules_strategy()), draw(LOSSES)
    plan = compile(network, rule, loss=loss).plan
    part = st.sampled_from([0.25, 0.5, 0.75, 0.9, 0.99, 1.0, 1.01])
    sram, flash = int(plan.sram * draw(part)), int(plan.flash * draw(part))
    return network, rule, loss, plan, Budget(sram + STACK, flash, STACK)


@RANDOM
@given(tight())
def test_a_budget_is_never_exceeded(task):
    network, rule, loss, plan, budget = task
    try:
        program = compile(network, rule, loss=loss, budget=budget)
    except BudgetExceeded as refused:
        limits = {"sram": (plan.sram, budget.sram - STACK), "flash": (plan.flash, budget.flash)}
        needed, allowed = limits[refused.region]
        assert (refused.needed, refused.allowed, refused.over_by) == (needed, allowed, needed - allowed)
        assert needed > allowed and refused.alive == sorted(refused.alive, key=lambda row: -row[1])
        for number in (needed, allowed, refused.over_by):
            assert f"{number:,} B" in str(refused)
        assert refused.region in str(refused) and "\n" not in str(refused)
        assert all(s["sram"] <= budget.sram - STACK or s["change"].startswith("--target") for s in refused.suggestions)
    else:
        assert fits(program, budget)
        assert program.arena.sram.size <= budget.sram - STACK and program.arena.flash.size <= budget.flash


@RANDOM
@given(networks(), rules_strategy(), LOSSES, st.sampled_from(["parameters", "input"]))
def test_exactly_at_the_limit_fits_and_one_byte_less_does_not(network, rule, loss, wrt):
    plan = compile(network, rule, loss=loss, wrt=wrt).plan
    exact = Budget(plan.sram + STACK, plan.flash, STACK)
    assert fits(compile(network, rule, loss=loss, wrt=wrt, budget=exact), exact)
    less = (
        ("sram", Budget(plan.sram + STACK - 1, plan.flash, STACK)),
        ("sram", Budget(plan.sram + STACK, plan.flash, STACK + 1)),
        ("flash", Budget(plan.sram + STACK, plan.flash - 1, STACK)),
    )
    for region, budget in less:
        with pytest.raises(BudgetExceeded) as refused:
            compile(network, rule, loss=loss, wrt=wrt, budget=budget)
        assert (refused.value.region, refused.value.over_by) == (region, 1)


def test_none_is_no_limit():
    network = build("mlp-64-32-10")
    assert compile(network, budget=Budget(None, None)).plan.sram > 3000
    for region, budget in (("sram", Budget(3000, None)), ("flash", Budget(None, 3000))):
        with pytest.raises(BudgetExceeded) as refused:
            compile(network, budget=budget)
        assert refused.value.region == region


def test_nothing_is_allocated_on_refusal_or_by_an_estimate(monkeypatch):
    def forbidden(*arguments):
        raise AssertionError("an arena was allocated")

    monkeypatch.setattr(arena, "Arena", forbidden)
    monkeypatch.setattr(program_module, "Arena", forbidden)
    with pytest.raises(BudgetExceeded):
        compile(build("mlp-784-128-64-10"), budget=find_target("nrf52840").budget())
    compile(build("mlp-784-32-10"), budget=find_target("nrf52840").budget()).report()


def test_the_example_of_the_first_issue():
    """mlp-784-128-64-10 needs about 438 kB for weights alone; an nRF52840 has 256 KiB. 784-32-10 fits."""
    budget = find_target("nrf52840").budget()
    network = build("mlp-784-128-64-10")
    with pytest.raises(BudgetExceeded) as refused:
        compile(network, TinyProp(), budget=budget)
    error = refused.value
    assert error.region == "sram" and error.allowed == 256 * 1024 - 2048
    assert 109_386 * 4 < error.needed < 109_386 * 4 + 8192  # 109,184 weights, 202 biases
    assert error.alive[0] == ("dense1.weights", 784 * 128 * 4)
    assert "nrf52840" in str(error) and "dense1.weights 401,408 B" in str(error) and "2,048 B of stack" in str(error)
    assert [s["change"].split()[0] for s in error.suggestions] == ["--trainable", "--model", "--dtype", "--target"]
    assert fits(compile(build("mlp-784-32-10"), TinyProp(), budget=budget), budget)


# suggestions


@st.composite
def refusals(draw):
    """(network, rule, loss, trainable, budget, refused) of networks as the command line builds them."""
    widths = draw(st.lists(st.integers(1, 40), min_size=2, max_size=5))
    first = Input((widths[0], 1), "uint8", [0.0], [1 / 255])
    layers = [first, Flatten()]
    for width in widths[1:]:
        layers += [Dense(width), ReLU()]
    network = Network(layers[:-1])
    rule, loss = draw(rules_strategy()), draw(LOSSES)
    trainable = draw(st.none() | st.integers(1, len(widths) - 1))
    plan = compile(network, rule, loss=loss, trainable=trainable).plan
    sram, flash = (int(draw(st.sampled_from([0.3, 0.6, 0.9, 2.0])) * size) for size in (plan.sram, plan.flash))
    budget = Budget(sram + STACK, flash, STACK)
    return network, rule, loss, trainable, budget, sram < plan.sram or flash < plan.flash


def changed(network, trainable, budget, change):
    """What a suggestion says, done: (network, trainable, budget)."""
    option, value = change.split()
    if option == "--trainable":
        return network, int(value), budget
    if option == "--target":
        return network, trainable, find_target(value).budget(budget.stack)
    if option == "--dtype":
        assert value == "int8"
        return nominal(network), trainable, budget
    assert option == "--model"
    layers = [network.input, Flatten()]
    for width in find_model(value).widths[1:]:
        layers += [Dense(width), ReLU()]
    assert find_model(value).widths[0] == network.input.size and find_model(value).widths[-1] == network.outputs
    return Network(layers[:-1]), trainable, budget


@RANDOM
@given(refusals())
def test_every_suggestion_fits_when_compiled_as_it_says(task):
    network, rule, loss, trainable, budget, refused = task
    if not refused:
        assert fits(compile(network, rule, loss=loss, trainable=trainable, budget=budget), budget)
        return
    with pytest.raises(BudgetExceeded) as error:
        compile(network, rule, loss=loss, trainable=trainable, budget=budget)
    for suggestion in error.value.suggestions:
        other, count, limit = changed(network, trainable, budget, suggestion["change"])
        program = compile(other, rule, loss=loss, trainable=count, budget=limit)
        needs = program_needs(program.listing, limit)
        assert {"sram": needs.sram, "flash": needs.flash}.items() <= suggestion.items()
        assert suggestion["change"] in str(error.value)
    kinds = {s["change"].split()[0] for s in error.value.suggestions}
    most = len(network.parametric) if trainable is None else trainable
    fewer = any(excess(compile(network, rule, loss=loss, trainable=n).plan, budget) is None for n in range(1, most))
    assert ("--trainable" in kinds) == fewer
    narrow = narrowed(network, 1 / 64)  # widths of at most 40 become 1: the smallest there is
    if narrow and excess(compile(narrow, rule, loss=loss, trainable=trainable).plan, budget) is None:
        assert "--model" in kinds


def test_the_most_trainable_layers_and_the_widest_model_that_fit_are_suggested():
    network, budget = build("mlp-64-64-64-10"), Budget(32 * 1024, 2**20, 0)
    with pytest.raises(BudgetExceeded) as refused:
        compile(network, budget=budget)
    trainable, model, dtype, _ = (s["change"] for s in refused.value.suggestions)
    assert (trainable, dtype) == ("--trainable 2", "--dtype int8")
    width = int(re.fullmatch(r"--model mlp-64-(\d+)-(\d+)-10", model)[1])
    assert excess(compile(build(f"mlp-64-{width}-{width}-10")).plan, budget) is None
    assert excess(compile(build(f"mlp-64-{width + 1}-{width + 1}-10")).plan, budget) is not None


def test_a_model_too_wide_to_be_narrowed_in_steps_of_1_256_still_gets_a_suggestion():
    """784 hidden units: a budget that holds one or two of them, but not three."""
    network = build("mlp-784-784-10")
    plan = compile(build("mlp-784-2-10")).plan
    with pytest.raises(BudgetExceeded) as refused:
        compile(network, budget=Budget(plan.sram, plan.flash, 0))
    assert "--model mlp-784-2-10" in [s["change"] for s in refused.value.suggestions]


def test_a_network_without_relus_is_not_told_of_a_model_that_does_not_fit():
    """`--model mlp-...` has ReLUs between its layers, which cost rows of the table in flash."""
    network = Network([Input((16,)), Dense(32), Dense(32), Dense(4)])
    plan = compile(network).plan
    for flash in range(plan.flash - 2048, plan.flash, 64):
        with pytest.raises(BudgetExceeded) as refused:
            compile(network, budget=Budget(2**20, flash))
        for suggestion in refused.value.suggestions:
            if suggestion["change"].startswith("--model"):
                assert compile(build(suggestion["change"].split()[1])).plan.flash <= flash, suggestion["change"]


def test_a_stack_larger_than_some_part_does_not_spoil_the_suggestions():
    """20,000 bytes of stack: nRF51822 has 16 KiB of SRAM in all, which is no reason to fail."""
    with pytest.raises(BudgetExceeded) as refused:
        compile(build("mlp-784-128-64-10"), budget=Budget(256 * 1024, 2**20, stack=20_000))
    assert any(s["change"].startswith("--target") for s in refused.value.suggestions)


# the plan as such


def test_categories_excess_and_allowance():
    weights = Buffer("w", "float32", (5,), "weights", persistent=True)
    x, y = Buffer("x", "float32", (3,), "input"), Buffer("y", "float32", (3,), "activations")
    table = Buffer("t", "int32", (4,), "constants", "", "flash", True)
    plan = Plan([[(table, 0, 9)], [(weights, 0, 9)], [(x, 0, 1), (y, 1, 2)]])
    assert (plan.sram, plan.flash, plan.overhead("sram"), plan.overhead("flash")) == (32, 16, 1.0, 1.0)
    assert plan.categories() == {
        "constants": {"sram": 0, "flash": 16},
        "weights": {"sram": 20, "flash": 0},
        "input": {"sram": 12, "flash": 0},
    }
    assert [p.buffer.name for p in plan.alive("sram", 1)] == ["w", "y"]
    limits = (Budget(40, 16, 8), Budget(39, 16, 8), Budget(40, 15, 8), Budget(39, 15, 8), Budget(None, None))
    assert [excess(plan, b) for b in limits] == [None, "sram", "flash", "sram", None]
    assert allowance(limits[0], "sram") == 32 and allowance(limits[0], "flash") == 16
