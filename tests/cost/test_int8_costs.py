"""What int8 costs: runs of inputs as the kernel finds them, groups of kept entries, steps that are looked at."""

import re
from collections import Counter

import numpy as np
import pytest

import mcuref
from mcuref import Int8, Network, rules
from mcuref.calibration import quantise_to_train
from mcuref.cost.features import features
from mcuref.cost.grouping import by_position, over_positions
from mcuref.cost.instructions import assumed_shares, inference_instructions, step_instructions, works
from mcuref.cost.sparsity import FARTHEST, LISTED, LONGEST, RULES, Sparsity, expected_runs, find_runs
from mcuref.cost.work import taps_inside
from mcuref.datasets import load
from mcuref.export.cores import MEASURED_CORES
from mcuref.export.sources import SOURCES
from mcuref.layers import Conv2D, Dense, Flatten, Input, MaxPool2D, ReLU
from mcuref.models import build
from mcuref.operators.geometry import Geometry
from mcuref.optimisers import SGD
from mcuref.program.moves import SMALL, move_shares
from mcuref.program.zeros import zero_shares


def program(model="mlp-64-32-10", rule="tinyprop", optimiser=None, samples=0, **how):
    data = load("digits")
    network = quantise_to_train(build(model, data), data.x_train[:64])
    compiled = mcuref.compile(network, rules.make(rule), optimiser, arithmetic=Int8(**how))
    if samples:
        compiled.train(data.x_train[:samples], data.y_train[:samples])
    return compiled


def test_runs_are_those_of_the_kernel():
    """The constants that runs are found by, of each kind of core, are those in C."""
    text = (SOURCES / "kernels" / "int8" / "inputs.h").read_text(encoding="utf-8")
    named = {
        name: list(map(int, re.findall(rf"\b{name} = (\d+)", text))) for name in ("RUNS", "LONGEST_RUN", "BLOCK", "GAP")
    }
    assert (named["RUNS"], named["LONGEST_RUN"], FARTHEST) == ([LISTED], [LONGEST], 255)
    vectors, dsp, plain = zip(named["BLOCK"], named["GAP"])
    assert RULES == {"plain": plain, "DSP": dsp, "vectors": vectors}


@pytest.mark.parametrize("used, block, gap, runs", [
    ("", 1, 2, (0, 0, 0)), ("0000", 1, 2, (1, 0, 0)), ("1", 4, 8, (1, 1, 1)), ("0101", 1, 2, (1, 3, 0)),
    ("01001", 1, 2, (2, 2, 0)), ("0100100", 1, 2, (3, 2, 0)), ("1000000001", 4, 8, (2, 5, 1)),
    ("1000000011", 4, 8, (1, 10, 2)), ("1" * 600, 4, 8, (3, 600, 0)), ("0" * 300 + "1", 1, 2, (2, 1, 0)),
    ("100" * 50, 1, 2, (40, 40 + 32, 0)), ("10" * 75, 4, 8, (1, 150, 2)),
])  # fmt: skip
def test_find_runs(used, block, gap, runs):
    assert find_runs(np.array([digit == "1" for digit in used], bool), block, gap) == runs


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("zeros", [0.0, 0.3, 0.6, 0.9])
def test_runs_of_inputs_that_are_0_each_by_itself(rule, zeros):
    random, n = np.random.default_rng(0), 200
    found = np.mean([find_runs(random.random(n) >= zeros, *RULES[rule]) for _ in range(400)], axis=0)
    expected = expected_runs(zeros, n, rule)
    assert expected.covered == pytest.approx(found[1], abs=0.06 * n)  # blocks are rounded up, and ends
    assert expected.number == pytest.approx(found[0], abs=3)


def kept_groups(g, share, random):
    """Groups of up to four entries of one channel whose windows have the same taps, one after another, as C takes them."""
    rows, columns = taps_inside(g)
    found, waiting, kind, size = Counter(), 0, None, None
    for y in range(g.HO):
        for x in range(g.WO):
            if random.random() >= share:
                continue
            top, left = y * g.SH - g.TOP, x * g.SW - g.LEFT
            now = max(-top, 0), max(top + g.KH - g.H, 0), max(-left, 0), max(left + g.KW - g.W, 0)
            if waiting == 4 or (waiting and now != kind):
                found[*size, waiting] += 1
                waiting = 0
            kind, size, waiting = now, (int(rows[y]), int(columns[x])), waiting + 1
    if waiting:
        found[*size, waiting] += 1
    return found


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_groups_over_positions(share):
    g, random, times = Geometry(6, 7, 3, 6, 7, 4, 3, 3, 1, 1, 1, 1), np.random.default_rng(1), 3000
    total = Counter()
    for _ in range(times if share < 1 else 1):
        total += kept_groups(g, share, random)
    expected = over_positions(g, share, times if share < 1 else 1)
    assert sum(key[2] * value for key, value in expected.items()) == pytest.approx(share * 42 * (times if share < 1 else 1))
    for key, value in total.items():
        assert expected[key] == pytest.approx(value, abs=5 * np.sqrt(value) + 1), key  # five deviations


def test_groups_of_a_position():
    g = Geometry(4, 4, 1, 4, 4, 6, 3, 3, 1, 1, 1, 1)
    assert by_position(g, 1.0, 1)[3, 3, 4] == 4 == by_position(g, 1.0, 1)[3, 3, 2], "six channels: four and two"
    found = by_position(g, 0.4, 10)
    assert sum(key[2] * value for key, value in found.items()) == pytest.approx(10 * 16 * 6 * 0.4)


def test_zeros_and_runs_are_looked_at():
    compiled, x = program(rule="full"), load("digits").x_train[:5]
    shares = zero_shares(compiled, x)
    first = compiled.instructions[1]
    share = shares[first["x"]]
    assert isinstance(share, Sparsity) and share == pytest.approx(np.mean(x == 0)) and 0.3 < share < 0.7
    every = [find_runs((sample != 0).ravel(), *RULES["DSP"]) for sample in x]
    assert share.runs["DSP"] == pytest.approx(np.mean(every, axis=0))


def test_an_activation_whose_error_comes_back_is_looked_at():
    layers = [Input((8, 8, 1), "uint8", 0, 1 / 16), Conv2D(3, 3), ReLU(), MaxPool2D(2), Flatten(), Dense(4)]
    x = load("digits").x_train[:6].reshape(-1, 8, 8, 1)
    compiled = mcuref.compile(quantise_to_train(Network(layers), x))
    masked = next(i for i in compiled.instructions if i.operator.family in ("relu_masked", "relu_backward"))
    outputs = mcuref.compile(compiled.network, trainable=0)
    share = zero_shares(compiled, x)[masked["y"]]
    conv = outputs.instructions[1]
    seen = outputs.step(x, None, None, 0, None).run_all(0, 2, conv["z"]).results
    assert share == pytest.approx(np.mean((seen <= masked["low"]) | (seen >= masked["high"])))


def test_steps_are_looked_at_and_nothing_changes():
    data, compiled = load("digits"), program(rule="full", optimiser=SGD(0.02), samples=20)
    before, counts = compiled.state(), compiled.counts.copy()
    found = move_shares(compiled, data.x_train[20:30], data.y_train[20:30])
    assert all(np.array_equal(value, compiled.state()[name]) for name, value in before.items())
    assert np.array_equal(counts, compiled.counts)
    updates = [i for i in compiled.instructions if i.name == "dense_update_s8"]
    assert {i["rate"] for i in updates} == set(found)
    for moves in found.values():
        assert 0 <= moves.large <= 1 and 0 <= moves.none < 1 and 0 < moves.moved <= 1 and moves.dense == 0
    tiny = program(rule="full", optimiser=SGD(1e-7))
    assert all(m.none == 1 and m.moved == 0 for m in move_shares(tiny, data.x_train[:3], data.y_train[:3]).values())
    huge = program(rule="full", optimiser=SGD(50.0))
    assert SMALL == int(re.search(r"right >= (\d+)", (SOURCES / "kernels" / "int8" / "steps.c").read_text("utf-8"))[1])
    assert all(m.large > 0.9 for m in move_shares(huge, data.x_train[:3], data.y_train[:3]).values())
    assert move_shares(program(update="truncated"), data.x_train[:3], data.y_train[:3]) == {}


def test_how_errors_lie_in_channels_is_looked_at():
    """Of entries that lie in few channels each sees more beside it than of entries that are spread."""
    data, compiled = load("digits"), program("cnn-8", "topk")
    compiled.train(data.x_train[:4], data.y_train[:4])
    for row, instruction in enumerate(compiled.instructions):
        if instruction.name == "conv_update_s8":
            dense = move_shares(compiled, data.x_train[:4], data.y_train[:4])[instruction["rate"]].dense
            places = instruction["HO"] * instruction["WO"]
            spread = compiled.counts[row, 2] / compiled.counts[row, 0] / (places * instruction["O"])
            assert spread < dense <= 1


def test_half_of_what_is_behind_a_fused_relu_is_assumed_to_be_0():
    compiled = program("cnn-8")
    shares = assumed_shares(compiled)
    first, second = (i for i in compiled.instructions if i.name == "conv_forward_s8")
    assert shares.get(first["x"]) is None and shares[second["x"]] == 0.5 == shares[first["z"]]


@pytest.mark.parametrize("core", MEASURED_CORES)
@pytest.mark.parametrize("model", ["mlp-64-32-10", "cnn-8"])
def test_no_step_costs_more_than_the_most(core, model):
    data = load("digits")
    for optimiser in (SGD(0.01), SGD(0.01, momentum=0.5, batch=3)):
        for method in ("full", "topk", "tinypropv2"):
            compiled = program(model, method, optimiser, samples=12)
            done = step_instructions(compiled, core, compiled.counts, zeros=zero_shares(compiled, data.x_train[:2]))
            inference, most = inference_instructions(compiled, core), step_instructions(compiled, core)
            assert 0 < done <= most and inference < most


def test_features_are_numbers_that_are_not_negative():
    """Of what a formula without negative coefficients is made."""
    for model in ("mlp-64-32-10", "cnn-8"):
        for update, optimiser in (("residual", SGD(0.01)), ("stochastic", SGD(0.01, batch=2)), ("truncated", SGD(0.01))):
            compiled = program(model, "tinypropv2", optimiser, samples=6, update=update)
            for work in works(compiled, compiled.counts, zero_shares(compiled, load("digits").x_train[:2])):
                if work.runs:
                    values = features(work)
                    assert all(np.isfinite(value) and value >= -1e-9 for value in values.values()), work.instruction.name
