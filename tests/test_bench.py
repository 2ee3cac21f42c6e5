"""The benchmark: rows that mean what they say. How fast this machine is, is not asserted."""

import math
import sys

import numpy as np
import pytest

from mcuref import bench

MODEL = "mlp-64-32-10"


@pytest.fixture
def without_torch(monkeypatch):
    """A machine without PyTorch."""
    monkeypatch.setitem(sys.modules, "torch", None)


def test_rows(without_torch):
    calls = []
    rows = bench.measure(MODEL, 0.05, lambda *call: calls.append(call))
    assert [row["method"] for row in rows] == list(bench.METHODS)
    for row in rows:
        assert set(row) == {"model", "method", "steps_per_second", "ratio_to_torch", "samples_skipped"}
        assert row["model"] == MODEL and math.isfinite(row["steps_per_second"]) and row["steps_per_second"] > 0
        assert row["ratio_to_torch"] is None
    assert calls[-1] == (bench.ROUNDS, bench.ROUNDS)


def test_as_many_samples_are_skipped_as_is_said(without_torch):
    """The threshold is a quantile of the errors at the start; the tiny rate keeps them there."""
    skipped = {row["method"]: row["samples_skipped"] for row in bench.measure(MODEL, 0.05)}
    assert skipped["tinypropv2"] == pytest.approx(bench.SKIPPED, abs=0.02)
    assert all(share == 0 for method, share in skipped.items() if method != "tinypropv2")


def test_the_weights_hardly_move():
    run = bench._Pass(MODEL, bench._rules(MODEL)["full"])
    before = run.program.parameters()
    run()
    assert all(np.abs(value - before[name]).max() < 1e-3 for name, value in run.program.parameters().items())


def test_forward_rates():
    rates = bench.forward_rates(16, 32, seconds=0.05)
    assert set(rates) == {"mcuref", "numpy"} and all(math.isfinite(r) and r > 0 for r in rates.values())


def test_ratio_to_torch():
    pytest.importorskip("torch")
    rows = bench.measure("mlp-9-4-3", 0.05)
    assert all(math.isfinite(row["ratio_to_torch"]) and row["ratio_to_torch"] > 0 for row in rows)
