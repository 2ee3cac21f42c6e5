"""Formulas for instructions: complete, consistent, and quick to load."""

import json
import subprocess
import sys

import numpy as np
import pytest

import mcuref
from mcuref import rules
from mcuref.cost.instructions import inference_instructions, measured, row_instructions, step_instructions
from mcuref.cost.work import in_fours, taps_inside
from mcuref.datasets import load
from mcuref.export.cores import FLAGS, MEASURED_CORES, find_core
from mcuref.export.sources import in_c
from mcuref.memory.targets import TARGETS
from mcuref.models import build
from mcuref.operators.geometry import Geometry
from mcuref.optimisers import SGD
from mcuref.program.zeros import zero_shares

SMALL = ("mlp-64-32-10", "cnn-8", "mlp-64-24-17-10")


def program(model="mlp-64-32-10", method="tinyprop", optimiser=None, samples=0):
    data = load("digits")
    rule = rules.with_stored(rules.make(method), len(data.x_train))
    compiled = mcuref.compile(build(model, data), rule, optimiser)
    if samples:
        compiled.train(data.x_train[:samples], data.y_train[:samples])
    return compiled


@pytest.mark.parametrize("core", MEASURED_CORES)
def test_every_opcode_has_a_formula_on_every_core(core):
    content, built = measured(core), find_core(core)
    assert set(content["formulas"]) == {
        *in_c(),
        *(f"{what}{ending}" for what in ("step", "inference") for ending in ("", "_s8")),
    }
    assert content["compiler"].startswith(f"{built.compiler} ") and content["flags"] == [*built.compiling, *FLAGS]
    assert json.dumps(content, allow_nan=False)


@pytest.mark.parametrize("core", MEASURED_CORES)
@pytest.mark.parametrize("model", SMALL[:2])
def test_a_full_step_costs_two_to_four_inferences(core, model):
    compiled = program(model, "full")
    inference, step = inference_instructions(compiled, core), step_instructions(compiled, core)
    assert isinstance(inference, int) and isinstance(step, float)
    assert 1.5 * inference < step < 4 * inference


def test_unknown_cores_have_no_instructions():
    compiled = program()
    for function in (inference_instructions, step_instructions, row_instructions):
        assert function(compiled, "host") is None and function(compiled, None) is None


def test_targets_have_cores():
    names = {target.core: target.budget().core for target in TARGETS.values()}
    assert (names["Cortex-M0+"], names["Cortex-M4F"], names["Cortex-M85"]) == ("m0", "m4f", "")
    assert set(filter(None, names.values())) == set(MEASURED_CORES)


@pytest.mark.parametrize("optimiser", [SGD(0.01), SGD(0.01, momentum=0.5), SGD(0.01, batch=3)])
@pytest.mark.parametrize("method", rules.METHODS)
def test_no_step_costs_more_than_the_most(method, optimiser):
    if method == "biases" and optimiser != SGD(0.01):
        pytest.skip("which needs batch 1 without momentum")
    compiled = program("cnn-8", method, optimiser, samples=12)
    for core in MEASURED_CORES:
        done = step_instructions(compiled, core, compiled.counts, zeros=zero_shares(compiled, load("digits").x_train[:2]))
        assert 0 < done <= step_instructions(compiled, core)


def test_the_mean_over_samples_is_that_of_the_sums():
    compiled = program(samples=8)
    once, twice = (step_instructions(compiled, "m4f", compiled.counts * n, 8 * n) for n in (1, 2))
    assert once == pytest.approx(twice) == step_instructions(compiled, "m4f", compiled.counts)


def test_rows_add_up_to_the_step_but_for_the_loop_over_them():
    compiled = program(samples=4)
    rows = row_instructions(compiled, "m4f", compiled.counts)
    assert len(rows) == len(compiled.instructions)
    assert 0 < step_instructions(compiled, "m4f", compiled.counts) - sum(rows) < 20 * len(rows)


def test_a_skipped_sample_costs_little_more_than_an_inference():
    data = load("digits")
    compiled = mcuref.compile(build("mlp-64-32-10", data), rules.make("tinypropv2", threshold=1e9))
    compiled.train(data.x_train[:4], data.y_train[:4])
    step = step_instructions(compiled, "m4f", compiled.counts)
    assert step < 1.2 * inference_instructions(compiled, "m4f")


def test_zeros_are_cheap_without_an_fpu_and_nothing_with_one():
    compiled = program(method="full")
    few, many = ({b: share for i in compiled.instructions for b in i.buffers} for share in (0.0, 0.9))
    assert inference_instructions(compiled, "m0", many) < 0.7 * inference_instructions(compiled, "m0", few)
    assert inference_instructions(compiled, "m4f", many) == pytest.approx(
        inference_instructions(compiled, "m4f", few), rel=1e-2
    )


def test_shares_of_zeros():
    data = load("digits")
    compiled = program(method="full")
    shares = zero_shares(compiled, data.x_train[:5])
    first = (data.x_train[:5] == 0).mean() if not np.any(data.mean) else 0.0
    assert shares[compiled.instructions[0].outputs[0]] == pytest.approx(first)
    assert sorted(shares.values())[-1] > 0 and len(shares) == 2


def test_taps_of_padded_windows_are_counted_one_by_one():
    rows, columns = taps_inside(Geometry(5, 4, 1, 3, 4, 1, 3, 3, 2, 1, 1, 1))
    assert rows.tolist() == [2, 3, 2] and columns.tolist() == [2, 3, 3, 2]


def test_rows_in_fours():
    assert [in_fours(n) for n in (0, 3, 4, 9)] == [(0, 0), (0, 3), (1, 0), (2, 1)]
    assert in_fours(3.5) == (0.5, 1.5)


def test_costs_need_neither_numba_nor_a_toolchain():
    code = "import sys, mcuref.cost.instructions; sys.exit(any(name in sys.modules for name in sys.argv[1:]))"
    assert (
        subprocess.run([sys.executable, "-c", code, "numba", "mcuref.firmware.toolchain"], env={"PATH": ""}).returncode == 0
    )
