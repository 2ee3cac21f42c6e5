"""mcuref bench: the table and its JSON; no timing is asserted."""

import json
import sys


def test_bench_without_torch(mcuref, here, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    outcome = mcuref("bench", "--model", "mlp-64-32-10,mlp-9-4-3", "--seconds", "0.02", "--json", "x.json")
    assert outcome.status == 0 and outcome.err == "" and "PyTorch is not installed" in outcome.out
    result = json.loads((here / "x.json").read_text())
    assert result["schema"] == "mcuref.bench/1"
    assert {row["model"] for row in result["rows"]} == {"mlp-64-32-10", "mlp-9-4-3"}
    assert all(row["steps_per_second"] > 0 and row["ratio_to_torch"] is None for row in result["rows"])
    assert [row["kernel"] for row in result["kernels"] if row["model"] == "mlp-9-4-3"].count("dense_update_f32") == 2
    assert result["kernels"][0].keys() == {
        "model", "kernel", "shape", "layers", "microseconds", "step_share", "gmacs"
    }  # fmt: skip
