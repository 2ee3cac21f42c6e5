"""The benchmark: rows that mean what they say, against a PyTorch that computes the same. Speed is not asserted."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings

from mcuref import SGD, InputError, build, compile
from mcuref.bench import benchmark
from mcuref.models import ZOO, find_model
from mcuref.testing.networks import networks

MODEL = "mlp-64-32-10"
SMALL = (MODEL, "cnn-8", "cnn-har@0.25", "ds-cnn@0.05", "resnet-8@0.1", "autoencoder@0.1")


@pytest.fixture
def without_torch(monkeypatch):
    """A machine without PyTorch."""
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.parametrize("model", SMALL)
def test_rows(without_torch, monkeypatch, model):
    """As many samples are skipped as is said: the threshold is a quantile of the errors; the tiny rate keeps them."""
    monkeypatch.setattr(benchmark, "MOST_SAMPLES", 50)
    calls = []
    rows = benchmark.method_speeds(model, 0.01, lambda *call: calls.append(call))
    kinds = [(row["dtype"], row["method"]) for row in rows]
    assert kinds == [(dtype, method) for dtype in ("float32", "int8") for method in benchmark.METHODS]
    speed = dict(zip(kinds, (row["steps_per_second"] for row in rows)))
    for row in rows:
        assert set(row) == {
            "model", "method", "dtype", "steps_per_second", "ratio_to_torch", "ratio_to_float32", "samples_skipped"
        }  # fmt: skip
        ratio = speed["int8", row["method"]] / speed["float32", row["method"]] if row["dtype"] == "int8" else None
        assert row["ratio_to_float32"] == pytest.approx(ratio)
        assert row["model"] == model and math.isfinite(row["steps_per_second"]) and row["steps_per_second"] > 0
        assert row["ratio_to_torch"] is None
        share = benchmark.SKIPPED if row["method"] == "tinypropv2" else 0
        if row["dtype"] == "float32" or not share:
            assert row["samples_skipped"] == pytest.approx(share, abs=0.02)
        elif model in (MODEL, "cnn-8"):  # in others outputs are so near each other that the errors of many tie in int8
            assert row["samples_skipped"] == pytest.approx(share, abs=0.1)
    assert calls[-1] == (benchmark.ROUNDS, benchmark.ROUNDS)


@pytest.mark.parametrize("model", [MODEL, "cnn-8"])
def test_the_weights_hardly_move(model):
    run = benchmark._Pass(model, benchmark._rules(model)["full"])
    before = run.program.parameters()
    run()
    after = run.program.parameters()
    assert any((value != before[name]).any() for name, value in after.items())
    assert all(np.abs(value - before[name]).max() < 1e-3 for name, value in after.items())


@pytest.mark.parametrize("model", [MODEL, "cnn-8"])
def test_integers_do_their_updates(model):
    """And each pass begins where the one before did."""
    run, _ = benchmark._ours(model, benchmark.Full(), "int8")
    start, changed = run.program.state(), []
    for _ in range(2):
        run()
        changed.append(run.program.state())
    for name in (name for name in start if name.endswith(".residual")):
        moved = float(np.mean(changed[0][name] != start[name]))
        assert moved > 0.05, f"{name}: {moved:.1%} of the residuals changed"
    assert all(np.array_equal(changed[0][name], changed[1][name]) for name in start)


@pytest.mark.parametrize("model", benchmark.MODELS)
def test_samples(model):
    """Multiples of ten, fewer for large networks; images are dense, and two labels are not all the same."""
    network = build(model)
    x, y = benchmark._samples(network)
    assert len(x) == len(y) == benchmark._count(network) and len(x) % 10 == 0
    assert benchmark.LEAST_SAMPLES <= len(x) <= benchmark.MOST_SAMPLES and x.shape[1:] == network.input.shape
    assert (x != 0).mean() == pytest.approx(0.2 if model.startswith("mlp") else 1, abs=0.01)
    assert np.abs(x).max() <= 1 and len(set(y.tolist())) > 1


@pytest.mark.parametrize("name, words", [("mlp-4-1", "has one class"), ("mlp-4", "is not known"), (None, "is not known")])
def test_models_refused(name, words):
    with pytest.raises(InputError, match=words):
        benchmark.method_speeds(name)


def test_forward_rates():
    rates = benchmark.forward_rates(16, 32, seconds=0.05)
    assert set(rates) == {"mcuref", "numpy"} and all(math.isfinite(r) and r > 0 for r in rates.values())


@pytest.mark.parametrize("model", ["mlp-9-4-3", "cnn-8", "autoencoder-9-4-9"])
def test_ratio_to_torch(model):
    pytest.importorskip("torch")
    rows = benchmark.method_speeds(model, 0.01)
    ratios = [row["ratio_to_torch"] for row in rows if row["dtype"] == "float32"]
    assert len(ratios) == 4 and all(math.isfinite(ratio) and ratio > 0 for ratio in ratios)


# The twin in PyTorch

# of outputs of about 1: a float32 sum of n products is off by less than n 2^-24 of the sum of their magnitudes, 1e-4
# for the longest here (1,152), and layers add theirs up; measured: below 6e-7. A forgotten tap is 1e-1.
TOLERANCE = 1e-4


def twin_outputs(network, x):
    torch = pytest.importorskip("torch")
    from mcuref.bench.twin import Twin, twin_input

    with torch.no_grad():
        return Twin(network)(twin_input(network, x)).numpy()


@pytest.mark.parametrize("model", ZOO)
def test_the_twin_computes_the_same(model):
    network = build(model)
    x = np.random.default_rng(0).uniform(-1, 1, (2, *network.input.shape)).astype(np.float32)
    z = compile(network, loss=find_model(model).loss).outputs(x)
    assert np.abs(z).max() > 0.05, "or the tolerance would say nothing"
    np.testing.assert_allclose(twin_outputs(network, x), z, rtol=TOLERANCE, atol=TOLERANCE)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(networks(convolutional=True))
def test_the_twin_of_any_network_computes_the_same(network):
    """Every kind of layer, padding, stride and residual block, and the data's own shapes and normalisation."""
    random, first = np.random.default_rng(0), network.input
    if first.dtype == "float32":
        x = random.uniform(-2, 2, (3, *first.shape)).astype(np.float32)
    else:
        limits = np.iinfo(first.dtype)
        x = random.integers(limits.min, limits.max, (3, *first.shape), first.dtype, endpoint=True)
    z = compile(network).outputs(x)
    np.testing.assert_allclose(twin_outputs(network, x), z, rtol=TOLERANCE, atol=TOLERANCE * max(1, np.abs(z).max()))


@pytest.mark.parametrize("model", ["mlp-64-32-10", "cnn-8", "cnn-32", "cnn-har", "ds-cnn", "resnet-8", "autoencoder"])
def test_a_step_of_the_twin_is_a_step_of_full_training(model, monkeypatch):
    """What is timed: after steps on the same samples at the same rate, outputs have moved, and to the same place."""
    pytest.importorskip("torch")
    from mcuref.bench import twin

    monkeypatch.setattr(benchmark, "RATE", 0.02)
    monkeypatch.setattr(benchmark, "_count", lambda network: 10)
    made, made_by = [], twin.Twin
    monkeypatch.setattr(twin, "Twin", lambda network: made.append(made_by(network)) or made[-1])
    network, loss = build(model), find_model(model).loss
    x, y = benchmark._samples(network)
    program = compile(network, None, SGD(0.02, "constant"), loss=loss)
    before = program.outputs(x)
    program.train(x, None if loss == "reconstruction" else y)
    steps, count = benchmark._torch_steps(model)
    steps()
    after = made[0](twin.twin_input(network, x)).detach().numpy()
    assert count == 10 and np.abs(after - before).max() > 100 * TOLERANCE
    np.testing.assert_allclose(after, program.outputs(x), rtol=TOLERANCE, atol=TOLERANCE)
