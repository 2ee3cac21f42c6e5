"""The report of a program: the contract's keys, and every figure summed again from buffers and shapes."""

import json
from math import prod

import pytest
from hypothesis import given, settings

from mcuref import Budget, Dense, Full, Input, Network, ReLU, TinyPropV2, build, compile
from mcuref.cost.needs import memory_map
from mcuref.layers import Conv2D, DepthwiseConv2D, Flatten, Residual
from mcuref.memory.buffers import aligned
from mcuref.testing import programs

RANDOM = settings(max_examples=100, deadline=None, database=None, derandomize=True)


@RANDOM
@given(programs())
def test_keys_and_json(program):
    report = program.report()
    assert json.loads(json.dumps(report)) == report
    # `estimate` adds schema, fits and suggestions
    assert set(report) == {"regions", "firmware", "categories", "layers", "peak", "policy", "not_included"}
    for region in ("sram", "flash"):
        row = report["regions"][region]
        assert set(row) == {"planned", "requested", "lower_bound", "needed", "budget"} and row["budget"] is None
        assert row["needed"] == row["planned"], "no core, no code"
        assert row["requested"] <= row["lower_bound"] <= row["planned"]
        assert all(type(row[key]) is int for key in ("planned", "requested", "lower_bound"))
    assert {"instruction", "phase", "buffers"} <= set(report["peak"])


@RANDOM
@given(programs())
def test_what_is_alive_at_the_peak_is_the_lower_bound(program):
    peak = program.report()["peak"]
    assert sum(aligned(b["bytes"]) for b in peak["buffers"]) == program.plan.lower_bound("sram")
    assert sum(b["bytes"] for b in peak["buffers"]) == program.plan.requested("sram")
    instruction = program.instructions[peak["instruction"]]
    assert (peak["phase"], peak["opcode"], peak["layer"]) == (instruction.phase, instruction.name, instruction.layer)
    needed = {b.name for b in instruction.outputs if b.region == "sram"}
    assert needed <= {b["name"] for b in peak["buffers"]}


@RANDOM
@given(programs())
def test_layers_sum_to_the_categories(program):
    """Every byte belongs to one layer, but for the table and the count of selections drawn, which are the program's."""
    report = program.report()
    assert [row["layer"] for row in report["layers"]] == list(program.network.names)
    totals = {("constants", "flash"): program.table.nbytes}
    if any(buffer.name == "selections" for buffer in program.state_buffers):
        totals["rule state", "sram"] = 4
    for row in report["layers"]:
        for region in ("sram", "flash"):
            for category, size in row[region].items():
                totals[category, region] = totals.get((category, region), 0) + size
    categories = report["categories"].items()
    assert totals == {(c, region): size for c, row in categories for region, size in row.items() if size}
    # each byte of the arena again from the buffers; in place, the first owner counts
    shared = {p.buffer for p in program.plan.placements if p.shares}
    for region in ("sram", "flash"):
        mine = [b for b in program.plan.offsets if b.region == region and b not in shared]
        assert sum(size for (_, r), size in totals.items() if r == region) == sum(aligned(b.size) for b in mine)


@RANDOM
@given(programs())
def test_macs(program):
    network = program.network
    for i, row in enumerate(program.report()["layers"]):
        shapes = network.parameter_shapes(i)
        # every output is a product of each weight of its channel
        entry = prod(shapes["weights"]) // network.shapes[i][-1] if shapes else 0
        outputs = prod(network.shapes[i])
        assert row["macs_forward"] == outputs * entry and row["shape"] == list(network.shapes[i])
        assert row["trainable"] == (i in program.trainable)
        kept = [b.shape[0] for b in program.plan.offsets if b.name == f"{network.names[i]}.kept"]
        passes = sum(n.layer_index == i and ("update" in n.name or "backward_input" in n.name) for n in program.instructions)
        assert row["macs_backward"] == passes * entry * sum(kept)
        if program.rule == Full() and kept:
            assert kept == [outputs]


BLOCKS = [
    [Conv2D(3, 2), Residual([Conv2D(3, 1)]), Flatten()], [DepthwiseConv2D(2), Residual([ReLU()]), Flatten()],
    [Flatten(), Dense(5), Residual([ReLU(), Dense(5)])],
]  # fmt: skip


@pytest.mark.parametrize("layers", BLOCKS, ids=lambda layers: layers[0].kind)
@pytest.mark.parametrize("trainable", [None, 1, 2])
def test_a_layer_with_parameters_may_feed_two_others(layers, trainable):
    """The sum of the errors that come back to it is an instruction of that layer, without kept entries and MACs."""
    network = Network([Input((3, 4, 2)), *layers, Dense(2)])
    for program in (compile(network, trainable=trainable), compile(network, wrt="input")):
        rows = program.report()["layers"]
        assert [row["layer"] for row in rows] == list(network.names)
        for row in rows[1:]:
            if row["layer"].startswith(("add", "relu", "flatten")):
                assert row["macs_forward"] == row["macs_backward"] == 0
    assert any(i.name == "add_backward_f32" for i in program.instructions)


def test_counts_agree_with_the_report():
    """MACs that were executed, by Full on an error without zeros, are those of the report."""
    import numpy as np

    from mcuref.program import effort

    program = compile(build("mlp-9-8-3"), Full(), loss="mean_squared_error")
    program.network.parameters["dense1.bias"][:] = 100  # all ReLUs pass
    program.train(np.ones((2, 9), np.float32), np.zeros((2, 3)))
    macs = {}
    for instruction, done in zip(program.instructions, effort.macs(program.instructions, program.counts)):
        kind = "macs_forward" if instruction.phase == "forward" else "macs_backward"
        macs[instruction.layer, kind] = macs.get((instruction.layer, kind), 0) + done
    for row in program.report()["layers"]:
        for kind in ("macs_forward", "macs_backward"):
            assert macs.get((row["layer"], kind), 0) == 2 * row[kind]


@pytest.mark.parametrize(
    "budget, sram, flash", [(Budget(10**6, None, 500), 999_500, None), (Budget(None, 10**6), None, 10**6)]
)
def test_budget_in_the_report_is_what_the_arena_may_use(budget, sram, flash):
    regions = compile(build("mlp-9-8-3"), budget=budget).report()["regions"]
    assert (regions["sram"]["budget"], regions["flash"]["budget"]) == (sram, flash)


def test_memory_map():
    program = compile(build("mlp-9-8-3"), TinyPropV2(output="rule"))
    header, rows = memory_map(program)
    assert len(rows) == len(program.plan.offsets) and [row[5] for row in rows] == sorted(row[5] for row in rows)
    named = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert named["dense1.weights.image"]["region"] == "flash" and named["dense1.weights"]["bytes"] == 288
    assert named["relu1.activation"]["shares"] == "dense1.activation"
