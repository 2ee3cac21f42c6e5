"""The conformance list: it runs every instruction and every option, and every core computes the bits of mcuref."""

from collections import Counter

import numpy as np
import pytest

from mcuref.export.sources import in_c
from mcuref.export.trace import NOT_FINITE, RESTED, SKIPPED, TRAINED, python_trace
from mcuref.firmware.cases import cases, pool_bytes, run_conformance, small_cases, wide_cases
from mcuref.firmware.conformance import SMALL_POOL, check
from mcuref.layers import KINDS
from mcuref.operators.columns import CHOSEN, RUNS
from mcuref.rules import METHODS


@pytest.fixture(scope="module")
def materials():
    return dict(cases())


@pytest.fixture(scope="module")
def traces(materials):
    return {name: python_trace(material) for name, material in materials.items()}


@pytest.fixture(scope="module")
def few():
    """Small programs that have every instruction between them."""
    chosen, seen = [], set()
    for _, material in small_cases():
        names = {row.name for row in material.program.instructions}
        chosen += [] if names <= seen else [material]
        seen |= names
    return chosen


@pytest.mark.parametrize("core", ["host", "m0", "m4f", "rv32imac", "rv32imafc", "arm64", "clang", "m4f-clang"])
def test_some_cores_compute_the_same_bits_with_every_instruction(core, need, few):
    assert check(need(core), few) == [None] * len(few) and len(few) > 5


@pytest.mark.slow
def test_every_core_computes_the_same_bits(core_of_list, need):
    need(core_of_list)
    found = run_conformance(core_of_list)
    different = [f"{name}: {difference.sentence()}" for name, difference in found if difference]
    assert found and not different, "\n".join(different)


def test_names_are_different(materials):
    assert len(materials) == len(cases())


def test_every_instruction_is_run(materials, traces):
    run = set()
    for name, trace in traces.items():
        rows = [row for rows in (*(rows for rows, *_ in trace.steps), *trace.forward) for row, _ in rows]
        run |= {materials[name].program.instructions[row].name for row in rows}
    assert run == set(in_c())


def options(materials, method, name):
    """Values of an option of a rule that occur in the list."""
    return {getattr(m.program.rule, name) for m in materials.values() if m.program.rule.method == method}


@pytest.mark.parametrize("method", METHODS)
def test_every_value_of_an_option_occurs(materials, method):
    if method in ("full", "biases"):
        return
    if method == "channels":
        assert options(materials, method, "output") == {"auto", "dense", "rule"}
        assert {1, 2, 3} <= options(materials, method, "every") and {0.01, 1.0} < options(materials, method, "ratio")
        return
    if method == "tinypropr":  # tinypropv2 has the others
        assert options(materials, method, "rests") == {1, 2, 3, 4, 15}
        return
    assert options(materials, method, "output") == {"auto", "dense", "rule"}
    assert options(materials, method, "bias") == {"masked", "dense"}
    if method in ("topk", "randomk"):
        assert {0.001, 1.0} < options(materials, method, "ratio")
        return
    assert options(materials, method, "rounding") == {"nearest", "floor"}
    assert 1.0 in options(materials, method, "decay") and len(options(materials, method, "decay")) > 1
    if method == "tinypropv2":
        assert {0.0, 9.0} < options(materials, method, "threshold")
        assert {1.0, 0.75, "ratio"} <= options(materials, method, "beta")
        assert len(options(materials, method, "d_min")) > 1 and len(options(materials, method, "d_max")) > 1
    else:
        zetas = options(materials, method, "zeta")
        assert min(zetas) < 1 < max(zetas)


def test_every_loss_optimiser_type_and_layer_occurs(materials):
    programs = [material.program for material in materials.values()]
    assert {p.loss for p in programs} == {"softmax_cross_entropy", "mean_squared_error", "reconstruction"}
    assert {(p.optimiser.momentum > 0, p.optimiser.batch > 1) for p in programs} == {(a, b) for a in (0, 1) for b in (0, 1)}
    assert {p.optimiser.schedule for p in programs} == {"constant", "linear", "halving"}
    assert {p.policy for p in programs} == {"immediate", "accumulate"} and {p.wrt for p in programs} == {
        "input",
        "parameters",
    }
    assert {p.network.input.dtype for p in programs} == {"uint8", "int8", "int16", "float32"}
    kinds = {layer.kind for p in programs for layer in p.network.layers}
    assert kinds == (set(KINDS) - {"residual"}) | {"input", "add"}  # a residual block is taken apart
    assert any(material.steps == 0 for material in materials.values())
    assert any(0 < len(p.trainable) < len(p.network.parametric) for p in programs)


def test_one_and_all_entries_are_kept(materials, traces):
    """k = 1 and k = n, in every selection that chooses; and shares between. Programs count once they are traced."""
    shares = {"select_top_k_f32": set(), "select_adaptive_f32": set()}
    for material in materials.values():
        program = material.program
        for row, chosen in zip(
            program.instructions, program.counts[:, [CHOSEN]] // np.maximum(program.counts[:, [RUNS]], 1)
        ):
            if row.name in shares and row["n"] > 2:
                shares[row.name].add("one" if chosen == 1 else "all" if chosen == row["n"] else "some")
    for kinds in shares.values():
        assert {"one", "all", "some"} <= kinds


def test_samples_are_trained_skipped_and_stopped(traces):
    statuses = {name: [status for _, status, _ in trace.steps] for name, trace in traces.items()}
    assert set(Counter(sum(statuses.values(), []))) == {TRAINED, SKIPPED, NOT_FINITE, RESTED}
    mixed = [s for s in statuses.values() if {TRAINED, SKIPPED} <= set(s)]
    assert len(mixed) >= 5


def test_samples_rest_and_wake_in_programs_with_streaks_of_each_size(materials, traces):
    """And one that was skipped again and again rests for longer than one that was skipped once."""
    seen, woken, longest = set(), set(), 0
    for name, trace in traces.items():
        program, slots = materials[name].program, materials[name].slots
        statuses = [status for _, status, _ in trace.steps]
        for slot in range(slots):
            own = "".join(map(str, statuses[slot::slots]))
            if f"{SKIPPED}{RESTED}" in own:
                seen.add((program.arithmetic.name, program.instructions[0]["bits"]))
            woken |= {program.arithmetic.name} if f"{SKIPPED}{RESTED}{TRAINED}" in own else set()
            longest = max([longest, *map(len, own.replace(str(SKIPPED), " ").replace(str(TRAINED), " ").split())])
    assert {("float32", 1), ("float32", 2), ("float32", 4), ("int8", 1), ("int8", 2), ("int8", 4)} <= seen
    assert {"float32", "int8"} <= woken and longest >= 3


def test_losses_are_finite_infinite_and_nan_and_outputs_subnormal(traces):
    traces = {name: trace for name, trace in traces.items() if not name.startswith("int8")}
    losses = np.array([loss for trace in traces.values() for *_, loss in trace.steps], np.int32).view(np.float32)
    assert np.isinf(losses).any() and np.isfinite(losses).any()
    outputs = np.concatenate([z for trace in traces.values() for _, z, _ in trace.inferences])
    small = np.abs(outputs[outputs != 0])
    assert (small < np.finfo(np.float32).tiny).sum() >= 5
    assert np.isnan(outputs).any()


def test_small_list_fits_and_has_every_instruction():
    small = dict(small_cases())
    assert all(pool_bytes(material) <= SMALL_POOL for material in small.values())
    assert {row.name for material in small.values() for row in material.program.instructions} == set(in_c())


def test_wide_list_has_wide_indices():
    assert [material.program.listing.index_type for _, material in wide_cases()] == ["uint32"] * 2
    assert {material.program.listing.index_type for _, material in cases()} == {"uint16"}
