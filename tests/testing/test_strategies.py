"""The strategies: within what they promise, and reaching the inputs they are for."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from mcuref.errors import InputError
from mcuref.layers import KINDS
from mcuref.testing import networks, programs, samples, strategies
from mcuref.testing.search import search

QUICK = settings(max_examples=40, database=None, derandomize=True, deadline=None)


def some(strategy, examples=150):
    """What the checks would try."""
    tried = []
    search(tried.append, strategy, examples, seed=0)
    return tried


@pytest.fixture(scope="module")
def some_errors():
    return some(strategies.errors(max_size=130), 200)


@pytest.fixture(scope="module")
def some_plans():
    return some(strategies.plan_problems())


@QUICK
@given(strategies.errors(min_size=2, max_size=40))
def test_errors_are_finite_float32_vectors(delta):
    assert delta.dtype == np.float32 and delta.ndim == 1 and 2 <= delta.size <= 40
    assert np.isfinite(delta).all()


@pytest.mark.parametrize(
    "wanted",
    [
        lambda d: 15 <= d.size <= 17,
        lambda d: 31 <= d.size <= 33,
        lambda d: 127 <= d.size,
        lambda d: np.any((d == 0) & np.signbit(d)),
        lambda d: np.any((d == 0) & ~np.signbit(d)),
        lambda d: np.any((d != 0) & (abs(d) < np.finfo(np.float32).tiny)),
        lambda d: np.any(abs(d) == np.finfo(np.float32).max),
        lambda d: d.size > 3 and np.unique(abs(d[d != 0])).size == 1 and d.min() == -d.max(),
        lambda d: np.unique(abs(d)).size > 7,
    ],
    ids=["16", "32", "128", "-0", "+0", "denormal", "largest", "both signs", "distinct"],
)
def test_errors_reach(wanted, some_errors):
    assert any(wanted(delta) for delta in some_errors)


def test_errors_reach_what_is_not_finite_if_asked():
    values = np.concatenate(some(strategies.errors(allow_nonfinite=True), 100))
    assert np.isnan(values).any() and np.isposinf(values).any() and np.isneginf(values).any()


@pytest.mark.parametrize("low, high", [(0, 4), (5, 4)])
def test_sizes_out_of_order_are_refused(low, high):
    with pytest.raises(InputError, match="sizes"):
        some(strategies.errors(low, high))


@pytest.mark.parametrize("size", [1, 5, 6])
def test_one_size_alone_is_possible(size):
    assert {delta.size for delta in some(strategies.errors(size, size), 10)} == {size}


@QUICK
@given(strategies.topk_problems())
def test_topk_problems_keep_between_1_and_n(problem):
    delta, k = problem
    assert 1 <= k <= delta.size


@QUICK
@given(strategies.rule_problems())
def test_rule_problems_are_exact_in_float32(problem):
    delta, y_max = problem
    assert float(np.float32(y_max)) == y_max >= 0
    assert float(np.abs(delta).sum(dtype=np.float32)) == np.abs(delta.astype(np.float64)).sum()


@QUICK
@given(strategies.sparse_update_problems())
def test_sparse_update_problems_fit_together(problem):
    outputs, inputs = problem.w.shape
    assert 1 <= outputs <= 33 and 1 <= inputs <= 33
    assert (problem.b.shape, problem.x.shape, problem.delta.shape) == ((outputs,), (inputs,), (outputs,))
    assert problem.kept.dtype == np.uint16
    assert sorted(set(problem.kept.tolist())) == problem.kept.tolist()
    assert np.all(problem.kept < outputs) and np.all(problem.delta != 0)
    for values in (problem.w, problem.b, problem.x, problem.delta):
        assert values.dtype == np.float32 and np.all(abs(values) <= 1)


@QUICK
@given(strategies.plan_problems())
def test_plan_problems_are_lifetimes(lifetimes):
    assert 1 <= len(lifetimes) <= 12
    assert all(1 <= size <= 4096 and 0 <= first <= last for size, first, last in lifetimes)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda a, b: a[1:] == b[1:],
        lambda a, b: a[1] < b[1] <= b[2] < a[2],
        lambda a, b: a[1] < a[2] == b[1] < b[2],
        lambda a, b: a[2] + 1 == b[1],
    ],
    ids=["identical", "nested", "touching", "no gap"],
)
def test_plan_problems_reach(wanted, some_plans):
    assert any(wanted(a, b) for lifetimes in some_plans for a, b in itertools.combinations(lifetimes, 2))


# networks and programs of mcuref itself


@pytest.fixture(scope="module")
def some_networks():
    return some(networks(), 100) + some(networks(convolutional=True), 300)


@pytest.fixture(scope="module")
def some_programs():
    return some(programs(), 200)


def kinds(network):
    return [layer.kind for layer in network.layers]


def fed(network, i):
    """How many layers layer i feeds."""
    return sum(i in sources for sources in network.sources)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("residual", "softmax")] + ["add"])
def test_networks_reach_every_kind_of_layer(kind, some_networks):
    assert sum(kind in kinds(network) for network in some_networks) >= 10


def test_programs_end_with_a_softmax_where_nothing_is_trained():
    drawn = some(programs(wrt=("parameters",)), 200)
    assert {kinds(p.network)[-1] == "softmax" for p in drawn if not p.trainable} == {True, False}
    assert not any(kinds(p.network)[-1] == "softmax" for p in drawn if p.trainable)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda n: "conv" not in kinds(n) and "depthwise" not in kinds(n) and "add" not in kinds(n),
        lambda n: any(len(s) == 2 and n.layers[s[1]].kind == "conv" and n.sources[s[1]] != s[:1] for s in n.sources),
        lambda n: any(len(s) == 2 and s[1] < s[0] for s in n.sources),
        lambda n: any(fed(n, i) > 2 for i in range(len(n.layers))),
        lambda n: any(fed(n, i) > 1 for i in n.parametric),
        lambda n: fed(n, 0) > 1,
        lambda n: any(layer.kind == "conv" and layer.padding == "same" and layer.stride != 1 for layer in n.layers),
        lambda n: any(
            layer.kind == "conv" and layer.kernel[0] != layer.kernel[1]
            for layer in n.layers
            if layer.kind == "conv" and isinstance(layer.kernel, tuple)
        ),
        lambda n: n.input.shape[0] == 1 or len(n.input.shape) == 2 and "reshape" in kinds(n),
        lambda n: "maxpool" in kinds(n) and kinds(n).index("maxpool") > n.parametric[0],
    ],
    ids=[
        "dense",
        "projection",
        "identity",
        "three",
        "parametric twice",
        "input twice",
        "strided same",
        "rectangular",
        "signal",
        "maximum with error",
    ],
)
def test_networks_reach(wanted, some_networks):
    assert sum(map(wanted, some_networks)) >= 3


def test_networks_of_one_kind_if_asked():
    assert all("conv" not in kinds(n) and "add" not in kinds(n) for n in some(networks(convolutional=False), 60))
    assert all(len(n.input.shape) > 1 for n in some(networks(convolutional=True), 60))


def test_networks_stay_small(some_networks):
    """A training step must take milliseconds even as plain Python, or the property tests take minutes."""
    macs = [sum(n.layers[i].macs(n.input_shape(i)) for i in n.parametric) for n in some_networks]
    assert max(macs) < 20_000 and np.mean(macs) < 1500


@pytest.mark.parametrize(
    "wanted",
    [
        lambda p: p.policy == "accumulate" and p.optimiser.batch == 1,
        lambda p: p.optimiser.batch > 1 and p.trainable,
        lambda p: p.optimiser.momentum and p.policy == "immediate",
        lambda p: p.optimiser.momentum and p.optimiser.batch > 1,
        lambda p: p.wrt == "input",
        lambda p: not p.trainable and p.wrt == "parameters",
        lambda p: getattr(p.rule, "bias", "") == "dense" and p.trainable,
        lambda p: p.loss == "mean_squared_error",
        lambda p: any(i.name == "add_backward_f32" for i in p.instructions),
        lambda p: any(i.name == "relu_mask_backward_f32" for i in p.instructions) and p.trainable,
    ],
    ids=["batch of 1", "batch", "momentum", "both", "input", "inference", "dense bias", "mse", "sum", "mask"],
)
def test_programs_reach(wanted, some_programs):
    assert sum(bool(wanted(program)) for program in some_programs) >= 3


@QUICK
@given(programs().flatmap(lambda program: samples(program, 3).map(lambda xy: (program, *xy))))
def test_samples_suit_their_program(task):
    program, x, y = task
    assert x.shape == (3, *program.network.input.shape) and x.dtype == program.network.input.dtype
    assert len(y) == 3 and (np.ndim(y) == 1 or y.shape == (3, program.network.outputs))
