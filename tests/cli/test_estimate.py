"""mcuref estimate: exit status 0 if it fits, 1 with the report and changes if not; the JSON contract; the map."""

import json

import pytest

from mcuref import SGD, Budget, Int8, build, compile
from mcuref.quantization.mixed import nominal_body
from mcuref.quantization.nominal import nominal
from mcuref.rules import PRESETS, with_stored

TOP = {
    "schema", "fits", "regions", "firmware", "categories", "layers", "peak", "policy", "suggestions", "not_included",
}  # fmt: skip
MODEL = "mlp-784-128-64-10"


@pytest.fixture
def estimated(mcuref, here):
    """Run with ``--json``; returns the outcome and the JSON."""

    def run(*options):
        outcome = mcuref("estimate", "--json", "x.json", *options)
        assert outcome.err == ""
        return outcome, json.loads((here / "x.json").read_text())

    return run


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--model", MODEL),
        ("--model", "autoencoder", "--trainable", "2"),
        ("--model", "mlp-7-3", "--trainable", "0", "--target", "none"),
    ],
)
def test_json_contract(estimated, options):
    _, result = estimated(*options)
    assert TOP <= result.keys() and result["schema"] == "mcuref.estimate/1"
    for region in ("sram", "flash"):
        sizes = result["regions"][region]
        assert {"planned", "requested", "lower_bound", "budget"} <= sizes.keys()
        assert all(type(sizes[name]) is int for name in ("planned", "requested", "lower_bound"))
        assert sizes["requested"] <= sizes["planned"] and sizes["lower_bound"] <= sizes["planned"]
        assert sizes["budget"] is None or type(sizes["budget"]) is int
    assert all(type(n) is int for row in result["categories"].values() for n in row.values())
    assert {"instruction", "phase", "buffers"} <= result["peak"].keys()
    assert all(type(buffer["bytes"]) is int for buffer in result["peak"]["buffers"])
    for layer in result["layers"]:
        assert type(layer["macs_forward"]) is type(layer["macs_backward"]) is int
        assert all(type(n) is int for region in ("sram", "flash") for n in layer[region].values())
    assert all({"change", "sram", "flash"} <= s.keys() for s in result["suggestions"])


def test_fits(estimated):
    outcome, result = estimated("--target", "nrf52840")
    assert outcome.status == 0 and result["fits"] is True and result["suggestions"] == []
    assert "It fits." in outcome.out


@pytest.mark.parametrize("part, core", [("nrf52840", "m4f"), ("stm32h743", "m7"), ("rp2040", "m0"), ("nrf5340", "m33")])
def test_the_whole_firmware_on_the_core_of_a_target(estimated, part, core):
    outcome, result = estimated("--model", "mlp-64-32-10", "--target", part)
    firmware, regions = result["firmware"], result["regions"]
    assert firmware["core"] == core and firmware["compiler"].startswith("arm-none-eabi-gcc ")
    assert firmware["arena"] == regions["sram"]["planned"]
    assert firmware["sram"] == firmware["arena"] + firmware["stack"]
    assert firmware["flash"] == regions["flash"]["planned"] + firmware["code"]
    assert all(type(firmware[name]) is int and firmware[name] > 0 for name in ("stack", "code"))
    instructions = firmware["instructions"]
    assert 0 < instructions["inference"] < instructions["training_step"] and type(instructions["training_step"]) is int
    assert f"whole firmware on {core}" in outcome.out and "not cycles" in outcome.out
    assert ("without an FPU" in outcome.out) == (core == "m0")
    assert not any("code of the kernels" in line for line in result["not_included"])


@pytest.mark.parametrize("options", [
    ("--target", "none"), ("--target", "none", "--sram", "64k"), ("--target", "ra8m1"),
])  # fmt: skip
def test_without_a_measured_core_code_is_not_included(estimated, options):
    outcome, result = estimated("--model", "mlp-64-32-10", *options)
    assert outcome.status == 0 and result["firmware"] is None and "whole firmware" not in outcome.out
    assert any("code of the kernels" in line for line in result["not_included"])


def test_data_says_what_samples_are_and_how_many_zeros_they_have(estimated, refused):
    options = ("--model", "mlp-64-32-10", "--target", "rp2040")
    (_, blind), (outcome, seen) = estimated(*options), estimated(*options, "--data", "digits")
    assert "without an FPU" not in outcome.out
    counts = [result["firmware"]["instructions"] for result in (blind, seen)]
    assert [count["zeros_counted"] for count in counts] == [False, True]
    for kind in ("inference", "training_step"):  # half of the digits' pixels are 0
        assert 0.4 < counts[1][kind] / counts[0][kind] < 0.95
    assert seen["regions"]["sram"] == blind["regions"]["sram"]
    _, fpu = estimated("--model", "mlp-64-32-10", "--target", "nrf52840", "--data", "digits")
    assert fpu["firmware"]["instructions"]["zeros_counted"] is False
    integers = ("--model", "mlp-64-32-10", "--dtype", "int8", "--target", "nrf52840")  # inputs that are 0 are left out
    (outcome, blind), (_, seen) = estimated(*integers), estimated(*integers, "--data", "digits")
    assert "inputs that are 0 are left out" in outcome.out
    counts = [result["firmware"]["instructions"] for result in (blind, seen)]
    assert [count["zeros_counted"] for count in counts] == [False, True]
    assert counts[1]["training_step"] < counts[0]["training_step"]
    refused("mnist", "estimate", "--model", "mlp-784-8-10", "--data", "no such mnist")
    refused("64", "estimate", "--model", "mlp-65-8-10", "--data", "digits")


def test_code_is_under_the_budget(estimated, refused):
    _, result = estimated("--model", "mlp-64-32-10", "--target", "nrf52840")
    flash = result["firmware"]["flash"]
    outcome, _ = estimated("--model", "mlp-64-32-10", "--target", "nrf52840", "--flash", flash)
    assert outcome.status == 0
    outcome, result = estimated("--model", "mlp-64-32-10", "--target", "nrf52840", "--flash", flash - 1)
    assert outcome.status == 1 and result["fits"] is False
    assert result["regions"]["flash"]["planned"] < flash - 1  # the plan alone would fit
    # data has samples of another type, whose load is another few bytes of code
    refused("B of it code) but the budget", "train", "--model", "mlp-64-32-10", "--target", "nrf52840", "--flash", flash - 1)


def shares(outcome):
    """{region: figure of the column "used"} of the table of regions."""
    rows = [line.split() for line in outcome.out.splitlines()]
    return {row[0]: row[-2] for row in rows if row[:1] in (["sram"], ["flash"]) and row[-1:] == ["%"]}


@pytest.mark.parametrize("target", [(), ("--target", "nrf52840")], ids=["sizes alone", "target"])
def test_what_is_used_is_the_sum_that_decides(estimated, refused, target):
    """The same flash has the same verdict, whether its part is named or not; the table, the JSON and a refusal agree."""
    _, result = estimated("--model", "mlp-64-32-10", *target)
    needed = result["firmware"]["flash"]
    assert needed > result["regions"]["flash"]["planned"]
    for size, status in ((needed, 0), (needed - 1, 1)):
        outcome, result = estimated("--model", "mlp-64-32-10", *target, "--flash", size)
        row = result["regions"]["flash"]
        assert (outcome.status, row["needed"], row["budget"]) == (status, needed, size)
        assert shares(outcome)["flash"] == f"{100 * needed / size:.1f}"
        assert ("code and stack as on a Cortex-M4F" in outcome.out) == (not target)
    sentence = refused("of flash", "train", "--model", "mlp-64-32-10", *target, "--flash", "12k")
    assert ("of it code, as on a Cortex-M4F" in sentence) == (not target)


def test_a_share_of_sram_has_the_stack_beyond_its_reserve(estimated):
    outcome, result = estimated("--model", "mlp-64-32-10", "--sram", "20000", "--stack", "8")
    row, firmware = result["regions"]["sram"], result["firmware"]
    assert row["needed"] == firmware["sram"] - 8 > row["planned"] and row["budget"] == 20000 - 8
    assert shares(outcome)["sram"] == f"{100 * row['needed'] / row['budget']:.1f}"


def test_a_stack_larger_than_the_part_has_in_an_sram_that_is_given(estimated, refused):
    options = ("--target", "nrf52840", "--stack", "300k")
    assert estimated(*options, "--sram", "600k")[1]["regions"]["sram"]["budget"] == 300 * 1024
    refused("stack is 307,200 bytes, which leaves nothing", "estimate", *options)


def test_a_stack_that_needs_more_than_its_reserve_counts(estimated):
    _, result = estimated("--model", "mlp-64-32-10", "--target", "nrf52840")
    sram = result["firmware"]["sram"]
    for reserve, size, status in ((0, sram, 0), (0, sram - 1, 1), (8, sram, 0), (8, sram - 1, 1)):
        outcome, _ = estimated("--target", "nrf52840", "--sram", size, "--stack", reserve)
        assert outcome.status == status


@pytest.mark.parametrize("option, value", [
    ("target", "nrf52840"), ("sram", "100k"), ("flash", "100k"), ("sram", "2049"),
])  # fmt: skip
def test_does_not_fit(estimated, option, value):
    outcome, result = estimated("--model", MODEL, f"--{option}", value)
    assert outcome.status == 1 and result["fits"] is False
    over = [r for r in result["regions"].values() if r["budget"] is not None and r["planned"] > r["budget"]]
    assert over and "not fit" in outcome.out.lower()


def test_what_is_suggested_fits(mcuref, estimated):
    """Each change, given to the same command, makes it fit."""
    options = ("--model", MODEL, "--method", "tinyprop", "--sram", "300k")
    _, result = estimated(*options)
    assert len(result["suggestions"]) >= 2
    for suggestion in result["suggestions"]:
        option, value = suggestion["change"].split()
        if option == "--target":  # instead of the sizes
            options = options[:4]
        assert mcuref("estimate", *options, option, value).status == 0, suggestion


@pytest.mark.parametrize("method", list(PRESETS["default"]))
def test_estimate_is_what_is_compiled(estimated, method):
    """One table: the estimate without data and the program that would train."""
    rests = ("--set", "stored=100") if method == "tinypropr" else ()
    _, result = estimated("--model", "mlp-20-9-4", "--method", method, "--stack", "1k", "--sram", "64k", *rests)
    rule = with_stored(PRESETS["default"][method], 100)
    plan = compile(build("mlp-20-9-4"), rule, budget=Budget(65536, None, 1024)).plan
    assert (result["regions"]["sram"]["planned"], result["regions"]["flash"]["planned"]) == (plan.sram, plan.flash)
    assert result["regions"]["sram"]["budget"] == 63 * 1024, "the stack is taken off"


@pytest.mark.parametrize(
    "options, optimiser, policy",
    [
        (("--momentum", "0.9"), SGD(momentum=0.9), None),
        (("--batch", "8"), SGD(batch=8), None),
        (("--momentum", "0.5", "--batch", "8"), SGD(momentum=0.5, batch=8), None),
        (("--policy", "accumulate"), SGD(), "accumulate"),
        (("--policy", "immediate", "--momentum", "0.9"), SGD(momentum=0.9), None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_momentum_and_batches_are_in_the_estimate(estimated, options, optimiser, policy):
    """At least 4 bytes a trained weight; what is said is what is compiled."""
    _, result = estimated("--model", "mlp-20-9-4", *options)
    _, plain = estimated("--model", "mlp-20-9-4")
    plan = compile(build("mlp-20-9-4"), PRESETS["default"]["tinypropv2"], optimiser, policy=policy).plan
    planned = result["regions"]["sram"]["planned"]
    assert planned == plan.sram >= plain["regions"]["sram"]["planned"] + 4 * (9 * 21 + 4 * 10)
    assert result["policy"] != plain["policy"]


def test_a_file_and_a_factor(mcuref, estimated, here):
    (here / "net.toml").write_text("""
        input = [20]
        classes = 4
        layers = [{kind = "dense", outputs = 18}, {kind = "relu"}, {kind = "dense", outputs = "classes"}]
    """)
    by_name = [estimated("--model", name)[1]["regions"] for name in ("mlp-20-9-4", "mlp-20-18-4@0.5", "net.toml@0.5")]
    assert by_name[0] == by_name[1] == by_name[2]
    assert estimated("--model", "net.toml")[1]["regions"] == estimated("--model", "mlp-20-18-4")[1]["regions"]


def test_estimate_equals_train(mcuref, estimated, small, here):
    """For float32 samples without normalisation constants but one a feature, training needs what was estimated."""
    mcuref("train", "--data", small, "--model", "mlp-4-5-3", "--epochs", "1", "--json", "train.json")
    _, result = estimated("--model", "mlp-4-5-3")
    trained = json.loads((here / "train.json").read_text())["memory"]
    assert trained["regions"]["sram"] == result["regions"]["sram"]
    constants = 2 * 4 * (4 - 1)  # mean and scale of the data are one a feature, of the model one
    assert trained["regions"]["flash"]["planned"] == result["regions"]["flash"]["planned"] + constants


def test_numba_is_not_loaded():
    """Memory is a matter of the plan; nobody waits for kernels."""
    import subprocess
    import sys

    code = "import sys; from mcuref.cli import main; main(['estimate']); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_map(mcuref, here):
    pytest.importorskip("matplotlib")
    assert mcuref("estimate", "--map", "map.png").status == 0
    assert (here / "map.png").read_bytes().startswith(b"\x89PNG")
    assert mcuref("estimate", "--sram", "3k", "--map", "no-ending").status == 1
    assert (here / "no-ending").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in here.iterdir()) == ["map.png", "no-ending"]


def test_map_without_matplotlib(mcuref, here, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    outcome = mcuref("estimate", "--map", "map.png")
    assert outcome.status == 2 and "pip install '.[plot]' in the clone" in outcome.err and list(here.iterdir()) == []


def test_the_first_line_says_of_what_type_samples_are(mcuref):
    """Without data it is not known, and code and constants differ by it."""
    assert "on samples of float32;" in mcuref("estimate").out.splitlines()[0]
    assert "on samples of uint8;" in mcuref("estimate", "--data", "digits").out.splitlines()[0]


# int8


@pytest.mark.parametrize("method, options", [
    ("tinypropv2", {}), ("full", {"update": "stochastic"}), ("topk", {"update": "residual16", "scales": "static"}),
])  # fmt: skip
@pytest.mark.parametrize("trainable", [None, 1])
def test_int8_training_is_what_is_compiled(estimated, method, options, trainable):
    given = [f"--{name}={value}" for name, value in options.items()] + [f"--trainable={n}" for n in [trainable] if n]
    outcome, result = estimated("--model", MODEL, "--dtype", "int8", "--method", method, *given, "--target", "rp2040")
    network, rule = nominal(build(MODEL)), PRESETS["default"][method]
    plan = compile(network, rule, trainable=trainable, arithmetic=Int8(**options)).plan
    assert [result["regions"][region]["planned"] for region in ("sram", "flash")] == [plan.sram, plan.flash]
    whole = {"update": "residual", "scales": "running"} | options
    assert (result["dtype"], result["method"]) == ("int8", method) and whole.items() <= result.items()
    assert f"trained in int8 by {method}" in outcome.out
    assert sum(row["macs_backward"] for row in result["layers"]) > 0


def test_types_side_by_side_are_trained_or_not(estimated):
    outcome, trained = estimated("--dtype", "float32,int8", "--update", "residual,stochastic")
    assert [row.get("update") for row in trained["dtypes"]] == [None, "residual", "stochastic"]
    assert "MACs backward" in outcome.out and "int8 stochastic running" in outcome.out
    sram = [row["regions"]["sram"]["planned"] for row in trained["dtypes"]]
    assert sram[0] > sram[1] > sram[2], "no residual"
    outcome, inference = estimated("--dtype", "float32,int8", "--method", "none")
    assert inference["method"] == "none" and "MACs backward" not in outcome.out
    assert all(
        "update" not in row and not any(layer["macs_backward"] for layer in row["layers"]) for row in inference["dtypes"]
    )


def test_int8_is_suggested_and_then_fits(mcuref, estimated):
    _, result = estimated("--model", "cnn-32", "--sram", "72k", "--target", "none")
    (row,) = (row for row in result["suggestions"] if row["change"] == "--dtype int8")
    sram = row["sram"] + 2048  # kept back for the stack
    outcome = mcuref("estimate", "--model", "cnn-32", "--dtype", "int8", "--sram", str(sram), "--target", "none")
    assert not result["fits"] and outcome.status == 0


def test_float32_above_int8_is_what_is_compiled(estimated):
    outcome, result = estimated("--model", MODEL, "--dtype", "int8", "--train-dtype", "float32", "--trainable", "1")
    plan = compile(nominal_body(build(MODEL), 1), PRESETS["default"]["tinypropv2"]).plan
    assert [result["regions"][region]["planned"] for region in ("sram", "flash")] == [plan.sram, plan.flash]
    assert result["dtype"] == "mixed" and "trained in mixed by tinypropv2" in outcome.out
    assert result["firmware"]["code"] > 0 and result["firmware"]["instructions"]["inference"] > 0
