"""Update rules of int8 programs: the defects of earlier implementations that tests/test_rules.py names, where they occur.

The numbers are those there. What is kept is seen in the biases that change: each has fine steps, and its rate is large.
"""

import numpy as np
import pytest

from mcuref import SGD, Dense, Full, Input, InputError, Network, ReLU, TinyProp, TinyPropV2, TopK, compile
from mcuref.operators.columns import CHOSEN, KEPT, RUNS
from mcuref.program import effort
from mcuref.quantization.nominal import nominal

MSE = {"loss": "mean_squared_error"}
SPARSE = [TopK(0.3, output="rule"), TinyProp(0.1, 0.6, 0.8, output="rule"), TinyPropV2(0.2, 0.4, output="rule")]


def network(sizes=(6, 16, 12, 5), seed=1):
    """Dense layers with ReLU between them, int8."""
    layers = [Input((sizes[0],))]
    for size in sizes[1:]:
        layers += [Dense(size), ReLU()]
    return nominal(Network(layers[:-1], seed=seed))


def samples(count, inputs=6, classes=5, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, inputs)).astype(np.float32), random.integers(0, classes, count)


def trained(rule, count=40, rate=0.1, net=None, **options):
    """The program after training."""
    program = compile(net or network(), rule, SGD(rate, "constant"), **options)
    program.train(*samples(count))
    return program


def counts(program, phase="selection"):
    """[(instruction, counts)] of a phase."""
    return [(i, row) for i, row in zip(program.instructions, program.counts.tolist()) if i.phase == phase]


def assert_same_state(one, other):
    """Bit for bit; of two programs' states, what both have (a rule's own state apart)."""
    shared = one.keys() & other.keys()
    assert any(name.endswith("weights") for name in shared)
    for name in shared:
        assert one[name].tobytes() == other[name].tobytes(), name


def test_defect_1_k_is_at_least_1():
    program = trained(TinyProp(0, 1e-6, output="rule"), **MSE)
    (_, last), *below = counts(program)
    assert last[CHOSEN] == last[RUNS] == 40
    assert all(0 < row[CHOSEN] <= row[RUNS] == 40 for _, row in below), "0 where no error came that far"


@pytest.mark.parametrize("rule", [TinyProp(1, 3), TinyProp(0.9, 1, zeta=2), TinyProp(2, 100, zeta=50, output="rule")])
def test_defect_2_a_ratio_above_1_is_full_training(rule):
    program, full = trained(rule), trained(Full())
    if rule.s_min < 1:  # only below the output, where zeta is in it
        assert all(row[CHOSEN] <= 40 * i["n"] for i, row in counts(program))
    else:
        assert_same_state(program.state(), full.state())
        assert [row[KEPT] for _, row in counts(program)] == [row[KEPT] for _, row in counts(full)]


@pytest.mark.parametrize("rule", SPARSE)
def test_defect_3_biases_of_kept_rows_are_trained_and_no_others(rule):
    net, (x, y) = network(), samples(1)
    program = compile(net, rule, SGD(1.0, "constant"), **MSE)
    program.train(x, y)
    after = program.parameters()
    for instruction, row in counts(program):
        moved = after[f"{instruction.layer}.bias"] != net.parameters[f"{instruction.layer}.bias"]
        state = program.state()
        weights = (after[f"{instruction.layer}.weights"] != net.parameters[f"{instruction.layer}.weights"]).any(axis=1)
        weights |= state[f"{instruction.layer}.residual"].any(axis=1)
        assert moved.sum() == row[KEPT] > 0 and not (weights & ~moved).any()


def test_defect_4_layers_with_more_than_32767_kept_entries():
    x, y = samples(2, 3, 40_000)
    states, start = [], nominal(Network([Input((3,)), Dense(40_000)], seed=4))
    for rule in (TinyProp(1, 1, output="rule"), Full()):
        program = compile(start, rule, SGD(64.0), **MSE)
        program.train(x, np.tile(np.float32([[3.0]]), (2, 40_000)))
        assert all(row[CHOSEN] == 80_000 for _, row in counts(program))
        states.append(program.state())
    assert_same_state(*states)
    moved = states[0]["dense1.bias"] != start.parameters["dense1.bias"]
    assert moved[32_766:].mean() > 0.99 and moved[-1]


@pytest.mark.parametrize("rule", [*SPARSE, TinyProp(0, 1, decay=0.5, output="rule"), Full()])
def test_defect_5_an_all_zero_error_trains_nothing(rule):
    net = network((6, 8, 5))
    program, (x, _) = compile(net, rule, SGD(1.0), **MSE), samples(3)
    start, answers = program.state(), net.real(program.outputs(x))
    program.train(x, answers)
    after = program.state()
    kept = {name for name in start if not name.endswith("seen_so_far")}
    assert_same_state({n: start[n] for n in kept}, {n: after[n] for n in kept})
    assert not any(row[KEPT] for phase in ("propagate", "update") for _, row in counts(program, phase))
    program.train(x, answers + 1)  # and the next sample is trained as ever
    assert (program.state()["dense2.bias"] != start["dense2.bias"]).any()


@pytest.mark.parametrize("rule", [TopK, TinyProp, TinyPropV2])
def test_defect_9_dense_biases_are_refused_in_words(rule):
    with pytest.raises(InputError, match="layer 'dense3': bias 'dense' needs the whole error"):
        compile(network(), rule(bias="dense", output="rule"), **MSE)


@pytest.mark.parametrize("count", [1, 7])
def test_defect_10_means_are_over_all_samples_even_over_a_single_one(count):
    program = trained(TinyProp(output="rule"), count, **MSE)
    for row in effort.ratio_per_layer(program):
        ((instruction, counted),) = [(i, c) for i, c in counts(program) if i.layer == row["layer"]]
        assert row["ratio"] == pytest.approx(counted[CHOSEN] / (count * instruction["n"]), rel=1e-12)


def test_truncation_is_an_option_and_nearest_the_default():
    """S is the same for every sample and n is 5: 2.5 rounds up to 3, where float32 has ties to even; 3.75 to 4, or to 3."""
    for ratio, rounding, k in ((0.5, "nearest", 3), (0.5, "floor", 2), (0.75, "nearest", 4), (0.75, "floor", 3)):
        program = trained(TinyProp(ratio, ratio, output="rule", rounding=rounding), 3, net=network((6, 5)), **MSE)
        ((_, row),) = counts(program)
        assert row[CHOSEN] == 3 * k


@pytest.mark.parametrize("target, k, kept", [
    ([3, 3, 5], 2, [0, 2]),  # the heap of TinyProp's C code gives {1, 2}
    ([3, 3, 3, 3, 7], 4, [0, 1, 2, 4]),  # it gives {1, 2, 3, 4}
    ([7, 1, 2, 3, 4, 6], 1, [0]),
    ([-3, 3, 0, 0], 3, [0, 1]),
])  # fmt: skip
def test_ties_go_to_the_lowest_index_in_every_sample(target, k, kept):
    """Outputs are 0, so that the error is the target: its biases are those that move."""
    n = len(target)
    plain = Network([Input((1,)), Dense(n)], parameters={"dense1.weights": np.zeros((n, 1)), "dense1.bias": np.zeros(n)})
    program = compile(nominal(plain), TopK(k / n, output="rule"), SGD(1.0, "constant"), **MSE)
    assert not program.network.real(program.outputs(np.zeros((1, 1), np.float32))).any()
    program.train(np.zeros((1, 1), np.float32), np.float32([target]))
    assert np.flatnonzero(program.parameters()["dense1.bias"]).tolist() == kept


@pytest.mark.parametrize("trainable, propagating", [(3, ["dense3", "dense2"]), (2, ["dense3"]), (1, [])])
def test_the_lowest_trained_layer_computes_no_input_error(trainable, propagating):
    program = compile(network(), TinyProp(), SGD(0.1), trainable=trainable)
    assert [i.layer for i in program.instructions if i.name == "dense_backward_input_s8"] == propagating
