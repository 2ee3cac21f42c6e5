"""mcuref compare: the table, and the JSON that other programs rely on."""

import json
import re

import pytest

from mcuref.experiments.entries import METHODS, SWEEP
from mcuref.experiments.protocols import PROTOCOLS
from mcuref.program.arithmetic.int8 import INT8
from mcuref.program.arithmetic.mixed import MIXED
from mcuref.program.compiler import prepare_executor

TOP = {"schema", "data", "model", "regime", "seeds", "budget", "rows"}
ROW = {
    "method", "preset", "dtype", "metric", "accuracy", "accuracy_std", "per_seed", "accuracy_drop", "accuracy_drop_std",
    "backward_effort", "backward_effort_nonzero", "total_effort", "samples_skipped", "samples_rested", "mean_ratio_per_layer", "counts",
    "settings", "sram_bytes", "flash_bytes", "timing", "instructions_per_step", "update", "scales", "dtype_drop",
    "dtype_drop_std",
}  # fmt: skip
COUNTS = {"forward", "propagate", "weight_gradient", "update", "comparisons"}
FRACTIONS = ("accuracy", "backward_effort", "backward_effort_nonzero", "total_effort", "samples_skipped")


@pytest.fixture(autouse=True, scope="module")
def kernels_of_int8(compiled_executor):
    """So that no command says that it compiles them."""
    for arithmetic in (INT8, MIXED):
        prepare_executor("uint16", arithmetic)


def is_bytes(value):
    return type(value) is int and value > 0


def no_duration(value):
    """Whether no key outside ``timing`` speaks of seconds."""
    if isinstance(value, dict):
        return all("second" not in key and (key == "timing" or no_duration(below)) for key, below in value.items())
    return all(no_duration(below) for below in value) if isinstance(value, list) else True


@pytest.fixture
def compared(mcuref, small, here):
    """Run with ``--json``; returns the outcome and the JSON."""

    def run(*options):
        outcome = mcuref("compare", "--data", small, "--epochs", "2", "--json", "x.json", *options)
        assert outcome.status == 0 and outcome.err == "", outcome
        return outcome, json.loads((here / "x.json").read_text())

    return run


@pytest.mark.parametrize("regime", ["scratch", "continue"])
def test_json_contract(compared, regime):
    _, result = compared("--seeds", "2", "--regime", regime, "--target", "nrf52840")
    assert TOP <= result.keys() and result["schema"] == "mcuref.compare/1"
    assert (result["data"], result["regime"], result["seeds"]) == ("small", regime, [0, 1])
    assert result["budget"]["name"] == "nrf52840" and is_bytes(result["budget"]["sram"])
    assert [row["method"] for row in result["rows"]] == list(METHODS)
    for row in result["rows"]:
        assert ROW <= row.keys() and (row["dtype"], row["metric"]) == ("float32", "accuracy")
        assert all(0 <= row[name] <= 1 for name in FRACTIONS), row
        assert len(row["per_seed"]) == 2 and all(0 <= score <= 1 for score in row["per_seed"])
        assert row["counts"].keys() == COUNTS and all(type(n) is int and n >= 0 for n in row["counts"].values())
        assert is_bytes(row["sram_bytes"]) and is_bytes(row["flash_bytes"])
        assert [r["layer"] for r in row["mean_ratio_per_layer"]] == ["dense1", "dense2"]
        assert all(0 <= r["ratio"] <= 1 for r in row["mean_ratio_per_layer"])
        assert isinstance(row["settings"], dict) and row["timing"]["seconds"] >= 0
    assert no_duration(result)


def test_table_says_what_the_json_says(compared):
    outcome, result = compared("--method", "full,tinyprop", "--seeds", "3,5")
    assert "seeds 3, 5" in outcome.out and result["seeds"] == [3, 5]
    for row in result["rows"]:
        line = next(line for line in outcome.out.splitlines() if line.split()[:1] == [row["method"]])
        assert f"{100 * row['accuracy']:.2f} ± {100 * row['accuracy_std']:.2f} %" in line
        assert f"{100 * row['backward_effort']:.1f} %" in line
        assert f"{100 * row['accuracy_drop']:+.2f} ± {100 * row['accuracy_drop_std']:.2f}" in line


def test_the_first_table_explains_itself(compared):
    """Once; the JSON is the same."""
    (first, explained), (later, result) = (compared("--method", "full,topk") for _ in range(2))
    assert "The columns, explained this first time:" in first.out and "\ntotal effort " in first.out
    assert "explained" not in later.out and "; total effort: forward and backward, over dense training;" in later.out
    assert [row["accuracy"] for row in explained["rows"]] == [row["accuracy"] for row in result["rows"]]


def test_what_came_out_in_words(compared):
    """With the figures of the JSON."""
    outcome, result = compared("--seeds", "2")
    full, *others = result["rows"]
    kinds = ("forward", "propagate", "weight_gradient")
    macs = {row["method"]: sum(row["counts"][kind] for kind in kinds) for row in result["rows"]}
    together = " ".join(outcome.out.split())
    for row in others:
        end = (
            f"at {100 * row['backward_effort_nonzero']:.1f} % of its backward work and "
            f"{100 * macs[row['method']] / macs['full']:.1f} % of its total work"
        )
        sentence = together[together.index(f"{row['method']} is ") :]
        assert sentence[: sentence.index(end)].count(" is ") == 1


def test_wide_brings_the_columns_that_80_have_no_room_for(compared, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    narrow, _ = compared("--seeds", "2")
    wide, result = compared("--seeds", "2", "--wide")
    assert "--wide shows also: settings, of full's, instr. per step" in narrow.out and "--wide" not in wide.out
    assert all(len(line) <= 80 for line in narrow.out.splitlines())
    line = next(line for line in wide.out.splitlines() if line.startswith("topk "))
    assert "r 0.1" in line and f"{100 * result['rows'][1]['backward_effort_nonzero']:.1f} %" in line


def test_same_twice_but_for_timing(compared):
    (_, first), (_, second) = compared("--seeds", "2"), compared("--seeds", "2")
    for row in first["rows"] + second["rows"]:
        row.pop("timing")
    assert first == second


def test_without_full_there_is_no_drop(compared):
    _, result = compared("--method", "topk")
    assert result["rows"][0]["accuracy_drop"] is None


def test_settings_and_preset_arrive(compared):
    _, result = compared("--method", "topk,tinyprop", "--preset", "paper", "--set", "ratio=0.25", "--set", "s-max=0.75")
    topk, tinyprop = result["rows"]
    assert topk["settings"]["ratio"] == 0.25 and tinyprop["settings"]["s_max"] == 0.75
    assert {row["preset"] for row in result["rows"]} == {"paper"}


def test_sweep(compared):
    outcome, result = compared("--method", "full,tinyprop", "--sweep")
    assert [row["settings"]["ratio"] for row in result["sweep"]] == list(SWEEP)
    assert [row["method"] for row in result["rows"]] == ["full", "tinyprop"], "the sweep is a table of its own"
    (gain,) = result["advantage"]
    assert gain["method"] == "tinyprop" and gain["factor"] > 0
    bound = f"{gain['bound']} " if gain["bound"] else ""
    assert f"tinyprop: {bound}{gain['factor']:.1f}x less backward effort" in outcome.out


def test_budgets(compared):
    assert compared("--method", "full", "--target", "none")[1]["budget"] is None
    budget = compared("--method", "full", "--sram", "64KiB", "--stack", "1k")[1]["budget"]
    assert (budget["sram"], budget["flash"], budget["stack"]) == (65536, None, 1024)
    both = compared("--method", "full", "--target", "nrf52840", "--flash", "100k")[1]["budget"]
    assert both["flash"] == 102400 and both["sram"] > 65536


def test_defaults_are_the_embedded_digits_by_protocol(mcuref, here):
    outcome = mcuref("compare", "--method", "full", "--epochs", "1", "--json", "x.json")
    result = json.loads((here / "x.json").read_text())
    assert outcome.status == 0 and (result["data"], result["model"], result["seeds"]) == ("digits", "mlp-64-32-10", [0])
    assert result["protocol"]["learning_rate"] == PROTOCOLS["digits", None, "scratch"].learning_rate
    assert result["protocol"]["epochs"] == 1 and result["evaluated_on"] == "test"


def test_an_existing_file_is_replaced_whole(compared, here):
    (here / "x.json").write_text("x" * 100_000)
    compared("--method", "full")
    assert (here / "x.json").stat().st_size < 100_000
    assert sorted(path.name for path in here.iterdir()) == ["small", "x.json"]


def test_regime_shift(mcuref, here):
    outcome = mcuref("compare", "--regime", "shift", "--method", "full", "--epochs", "1", "--json", "x.json")
    result = json.loads((here / "x.json").read_text())
    assert outcome.status == 0 and result["regime"] == "shift" and result["protocol"]["shifted"] is True
    told = " ".join(outcome.out.split())
    assert "shift: pre-trained densely on the first 50 % for 20 epochs, then in the changed domain" in told


def test_momentum_batch_and_policy_arrive(compared):
    _, plain = compared("--method", "full")
    _, result = compared("--method", "full", "--momentum", "0.5", "--batch", "4", "--schedule", "halving")
    columns = result["protocol"]
    assert (columns["momentum"], columns["batch"], columns["schedule"]) == (0.5, 4, "halving")
    assert result["rows"][0]["sram_bytes"] > plain["rows"][0]["sram_bytes"]
    _, summed = compared("--method", "full", "--policy", "accumulate")
    assert summed["rows"][0]["sram_bytes"] > plain["rows"][0]["sram_bytes"]


@pytest.mark.parametrize("evaluated", ["test", "validation"])
def test_anomalies(mcuref, here, sounds, evaluated):
    """Measured by AUC, the drop too."""
    options = ("--data", sounds, "--epochs", "2", "--evaluate", evaluated, "--target", "none", "--json", "x.json")
    outcome = mcuref("compare", "--method", "full,topk", *options)
    assert outcome.status == 0, outcome
    result = json.loads((here / "x.json").read_text())
    assert result["model"].startswith("autoencoder-165-") and result["evaluated_on"] == evaluated
    full, topk = result["rows"]
    assert full["metric"] == topk["metric"] == "auc" and 0.9 < full["accuracy"] <= 1
    assert topk["accuracy_drop"] == full["accuracy"] - topk["accuracy"]


@pytest.mark.parametrize("model", ["mlp-4-8-3@0.5", "net.toml", "net.toml@0.5"])
def test_models_by_file_and_factor(compared, here, model):
    (here / "net.toml").write_text("""
        input = [4]
        layers = [{kind = "dense", outputs = 8}, {kind = "relu"}, {kind = "dense", outputs = "classes"}]
    """)
    sizes = {
        name: compared("--method", "full", "--model", name)[1]["rows"][0]["sram_bytes"] for name in (model, "mlp-4-8-3")
    }
    assert (sizes[model] == sizes["mlp-4-8-3"]) == (model == "net.toml")


# int8


def test_types_ways_of_updates_and_scales_are_rows(compared):
    options = ("--dtype", "int8,float32", "--update", "residual,truncated", "--scales", "running,static")
    outcome, result = compared("--method", "full,topk", *options, "--seeds", "2", "--target", "rp2040", "--wide")
    kinds = [(row["dtype"], row["update"], row["scales"], row["method"]) for row in result["rows"]]
    ways = [("int8", update, scales) for update in ("residual", "truncated") for scales in ("running", "static")]
    assert kinds == [(*way, method) for way in [*ways, ("float32", None, None)] for method in ("full", "topk")]
    assert result["headroom"] is None and result["budget"]["name"] == "rp2040"
    *integers, full, topk = result["rows"]
    for row in result["rows"]:
        assert ROW <= row.keys() and is_bytes(row["sram_bytes"]) and is_bytes(row["flash_bytes"])
        float32 = {"full": full, "topk": topk}[row["method"]]
        lost = None if row["dtype"] == "float32" else float32["accuracy"] - row["accuracy"]
        assert row["dtype_drop"] == lost and (row["dtype_drop_std"] is None) == (lost is None)
    for row in integers:
        name = f"{row['method']} +int8 {row['update']} {row['scales']} "
        (line,) = (line for line in outcome.out.splitlines() if re.match(name, line))
        assert f"{100 * row['dtype_drop']:+.2f} ± {100 * row['dtype_drop_std']:.2f}" in line
        assert f"{row['flash_bytes']:,} B" in line
    assert "int8 truncated static topk is " in outcome.out and "\nfloat32 topk is " in outcome.out
    assert {row["sram_bytes"] < full["sram_bytes"] for row in integers} == {True}


def test_rows_of_float32_are_what_they_are_without_int8(compared):
    _, alone = compared("--method", "full,tinypropv2", "--regime", "continue")
    _, beside = compared("--method", "full,tinypropv2", "--regime", "continue", "--dtype", "float32,int8")
    for row in alone["rows"] + beside["rows"]:
        row.pop("timing")
    assert beside["rows"][:2] == alone["rows"] and "headroom" not in alone


def test_only_what_differs_is_said(compared):
    outcome, _ = compared("--method", "full,topk", "--dtype", "int8", "--scales", "static")
    assert re.search("^full +int8 +[0-9.]+ %", outcome.out, re.MULTILINE) and "\ntopk is " in outcome.out
    assert "below float32" not in " ".join(outcome.out.split())


def test_a_run_in_int8_shows_what_training_gains(mcuref, small, here):
    """The row of the method none is first: the same figures as without training."""
    for command in (["train", "--data", small, "--epochs", "1", "--out", "run"], ["quantise", "run", "--out", "int8"]):
        assert mcuref(*command).status == 0
    asked = ("compare", "--data", small, "--model", "int8", "--json", "x.json")
    assert mcuref(*asked, "--method", "none").status == 0
    (alone,) = json.loads((here / "x.json").read_text())["rows"]
    outcome = mcuref(*asked, "--method", "full,topk", "--epochs", "2", "--regime", "continue", "--headroom", "2")
    assert outcome.status == 0, outcome
    result = json.loads((here / "x.json").read_text())
    none, full, _ = result["rows"]
    assert [row["method"] for row in result["rows"]] == ["none", "full", "topk"] and result["headroom"] == 2
    assert {row["dtype"] for row in result["rows"]} == {"int8"}
    assert none["accuracy"] == alone["accuracy"] and none["accuracy_drop"] == full["accuracy"] - none["accuracy"]
    assert "continue: from the int8 model as it is, 2 epochs" in " ".join(outcome.out.split())
    assert result["protocol"]["pretrained_epochs"] == 0


def test_int8_is_what_would_fit(compared, refused, small):
    options = ("--model", "mlp-4-40-3", "--method", "full", "--stack", "0")
    need = {dtype: compared(*options, "--dtype", dtype)[1]["rows"][0]["sram_bytes"] for dtype in ("float32", "int8")}
    limit = ("--sram", str(need["float32"] - 1), "--target", "none")
    words = f"--dtype int8 ({need['int8']:,} B sram"
    told = refused(words, "compare", "--data", small, *options, *limit, "--dtype", "float32,int8")
    assert "1 B too many" in told
    assert compared(*options, *limit, "--dtype", "int8")[1]["rows"][0]["dtype"] == "int8"


def test_float32_above_int8_is_a_row_beside_float32(compared):
    options = ("--dtype", "float32,int8", "--train-dtype", "float32", "--trainable", "1", "--regime", "continue")
    outcome, result = compared("--method", "full,tinyprop", "--model", "mlp-4-8-3", *options)
    assert [(row["dtype"], row["method"]) for row in result["rows"]] == [
        (dtype, method) for dtype in ("float32", "mixed") for method in ("full", "tinyprop")
    ]
    float32, mixed = result["rows"][0], result["rows"][2]
    assert mixed["flash_bytes"] < float32["flash_bytes"] and mixed["counts"]["weight_gradient"] > 0
    assert mixed["dtype_drop"] == float32["accuracy"] - mixed["accuracy"]
