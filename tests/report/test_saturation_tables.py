"""Warnings of saturation: from which share on, of what, and what is named as the cure."""

import pytest

from mcuref.report.saturation_tables import MANY_OUTPUTS, MORE_WEIGHTS, saturation_tables, saturation_warnings
from mcuref.report.tables import WideTable


def row(layer, before=0.0, weights=0.0, activations=0.0):
    return {"layer": layer, "weights_before": before, "weights": weights, "activations": activations, "errors": None}


def report(*rows, headroom=4.0, scales="running"):
    return {"saturation": list(rows), "headroom": headroom, "scales": scales}


def test_of_float32_there_is_nothing_to_say():
    assert saturation_warnings({"dtype": "float32"}) == []


@pytest.mark.parametrize("rows", [
    [], [row("dense1", 0.0, MORE_WEIGHTS)], [row("depthwise1", 0.111, 0.2)], [row("dense1", 0.9, 0.1)],
    [row("dense1", activations=MANY_OUTPUTS)], [row("add1") | {"weights": None, "weights_before": None}],
    [row("maxpool1") | {"weights": None, "weights_before": None, "activations": None}],
])  # fmt: skip
def test_little_is_not_warned_of(rows):
    """Nor what was there at the start: of 9 weights of a filter, one is at its limit wherever files come from."""
    assert saturation_warnings(report(*rows)) == []


@pytest.mark.parametrize("headroom, cure", [
    (4.0, "--headroom 8, or a smaller learning rate"), (None, "--headroom 2, or a smaller learning rate"),
    (64.0, "a smaller learning rate"), (32.0, "--headroom 64, or a smaller learning rate"),
])  # fmt: skip
def test_weights(headroom, cure):
    rows = [row("conv1", 0.1, 0.25), row("conv2", 0.0, 0.4), row("dense1", 0.3, 0.35)]
    assert saturation_warnings(report(*rows, headroom=headroom)) == [
        f"40.0 % of the weights of layer 'conv2' came to an end of int8: from about 10 % on that costs accuracy; try {cure}"
    ]


@pytest.mark.parametrize("scales, cure", [("static", "--scales running"), ("running", "a smaller learning rate")])
def test_outputs(scales, cure):
    rows = [row("conv1", activations=0.051), row("dense1", activations=0.072)]
    assert saturation_warnings(report(*rows, scales=scales)) == [
        f"7.2 % of the outputs of layer 'dense1' came to an end of int8: from about 5 % on that costs accuracy; try {cure}"
    ]


def test_table_has_exponents_where_there_are_some():
    table, _ = saturation_tables([row("conv1"), row("dense1")], {"conv1": -2})
    assert isinstance(table, WideTable) and [cells[1].plain for cells in table.rows] == ["2^-2", "-"]
