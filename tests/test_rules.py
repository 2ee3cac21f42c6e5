"""Update rules: every defect of earlier implementations by name, and their properties through compiled programs.

The numbers in names like ``test_defect_3`` are those of the table in the notes on TinyProp's published Python code; the
section after it is about the published C code. k is recomputed from the errors as they lie in the arena.
"""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Dense, Full, Input, Network, NonFiniteError, ReLU, TinyProp, TinyPropV2, TopK
from mcuref.errors import InputError
from mcuref.program import effort
from mcuref.program.compiler import compile
from mcuref.program.effort import counts_by_kind
from mcuref.rules import COMPARED, METHODS, PRESETS, make, setting_names
from mcuref.testing import oracles

F = np.float32
MSE = {"loss": "mean_squared_error"}
SOFTMAX = {"loss": "softmax_cross_entropy"}
EPS = 2.0**-23
SPARSE = [TopK(0.3, output="rule"), TinyProp(0.1, 0.6, 0.8, output="rule"), TinyPropV2(0.2, 0.4, output="rule")]


def network(sizes=(6, 16, 12, 5), seed=1):
    """Dense layers with ReLU between them; biases are not 0, so that an update of them cannot hide below 1e-30."""
    layers = [Input((sizes[0],))]
    for size in sizes[1:]:
        layers += [Dense(size), ReLU()]
    start = Network(layers[:-1], seed=seed)
    random = np.random.default_rng(seed)
    return start.with_parameters(
        {name: value if value.ndim > 1 else random.uniform(0.1, 1, value.shape) for name, value in start.parameters.items()}
    )


def samples(count, inputs=6, classes=5, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, inputs)).astype(F), random.integers(0, classes, count)


def trained(rule, count=40, rate=0.1, net=None, options=SOFTMAX, **more):
    """(program after training, what it showed)."""
    program = compile(net or network(), rule, SGD(rate), **{**options, **more})
    return program, program.train(*samples(count))


def assert_same_state(one, other):
    """Bit for bit; of two programs' states, what both have (a rule's own state apart)."""
    shared = one.keys() & other.keys()
    assert any(name.endswith("weights") for name in shared)
    for name in shared:
        assert one[name].tobytes() == other[name].tobytes(), name


def selections(program, x, y):
    """Train sample by sample, row by row; yields (instruction, delta, kept, k, comparisons) of every selection."""
    for position in range(len(x)):
        step, row = program.step(x, y, [position], position, len(x)), 0
        while row < len(program.instructions):
            instruction, before = program.instructions[row], program.counts[row].copy()
            delta = program.arena.view(instruction.inputs[0]).copy()
            following = step.run(row, row + 1)
            if instruction.phase == "selection":
                kept, count = (program.arena.view(b) for b in instruction.outputs[:2])
                spent = program.counts[row] - before
                assert spent[effort.KEPT] == count[0]
                yield instruction, delta, kept[: count[0]].tolist(), spent[effort.CHOSEN], spent[effort.COMPARISONS]
            row = following


# -- defects of TinyProp's published Python code ----------------------------------------------------------------------


def test_defect_1_k_is_at_least_1():
    program, _ = trained(TinyProp(0, 1e-6, output="rule"), options=MSE)
    for row in program.counts[[i.phase == "selection" for i in program.instructions]]:
        assert row[effort.CHOSEN] == row[effort.RUNS] == 40


@pytest.mark.parametrize("rule", [TinyProp(1, 3), TinyProp(0.9, 1, zeta=2), TinyProp(2, 100, zeta=50, output="rule")])
def test_defect_2_a_ratio_above_1_is_full_training(rule):
    program, _ = trained(rule)
    assert_same_state(program.state(), trained(Full())[0].state())
    for instruction, row in zip(program.instructions, program.counts):
        if instruction.phase == "selection":
            assert row[effort.CHOSEN] == 40 * instruction["n"]


@pytest.mark.parametrize("rule", SPARSE)
def test_defect_3_biases_of_kept_rows_are_trained(rule):
    net, (x, y) = network(), samples(1)
    program = compile(net, rule, SGD(0.25, "constant"), **MSE)
    for instruction, delta, kept, _, _ in list(selections(program, x, y)):  # all updates done
        start = net.parameters[f"{instruction.layer}.bias"]
        expected = start.copy()
        expected[kept] -= F(0.25) * delta[kept]
        assert kept and (expected[kept] != start[kept]).all()
        assert program.parameters()[f"{instruction.layer}.bias"].tobytes() == expected.tobytes()


def test_defect_4_layers_with_more_than_32767_kept_entries():
    x, y = samples(2, 3, 40_000)
    states = []
    for rule in (TinyProp(1, 1, output="rule"), Full()):
        program = compile(Network([Input((3,)), Dense(40_000)], seed=4), rule, SGD(0.5))
        program.train(x, y)
        assert (program.counts[[i.phase == "selection" for i in program.instructions], effort.CHOSEN] == 80_000).all()
        states.append(program.state())
    assert_same_state(*states)
    start = Network([Input((3,)), Dense(40_000)], seed=4).parameters["dense1.weights"]
    assert (states[0]["dense1.weights"] != start).any(axis=1).all()  # row 39,999 as well as row 0


@pytest.mark.parametrize("rule", [*SPARSE, TinyProp(0, 1, decay=0.5, output="rule"), Full()])
def test_defect_5_an_all_zero_error_trains_nothing_and_is_not_nan(rule):
    # the target is what the network says: delta = 0, and Y_max = 0 as long as no other sample came
    program = compile(network((6, 8, 5)), rule, SGD(0.1), **MSE)
    x, _ = samples(3)
    start, answers = program.state(), program.outputs(x)
    program.train(x, answers)
    assert_same_state(start, program.state())
    assert all(value.tolist() == [0] for name, value in program.state().items() if "y_max" in name)
    backward = [i.phase in ("propagate", "update") for i in program.instructions]
    assert not program.counts[backward, effort.KEPT].any() and counts_by_kind(program)["weight_gradient"] == 0
    if isinstance(rule, TinyProp):  # k is 0 and not what 0 / 0 becomes
        assert not program.counts[[i.phase == "selection" for i in program.instructions], effort.CHOSEN].any()
    program.train(x, answers + 1)  # and the next sample is trained as ever
    assert not any(np.isnan(value).any() for value in program.state().values())
    assert (program.state()["dense2.weights"] != start["dense2.weights"]).any()


@pytest.mark.parametrize("rule", [TopK, TinyProp, TinyPropV2])
def test_defect_9_the_bias_policy_has_a_name(rule):
    net, (x, y) = network(), samples(1)
    for bias in ("masked", "dense"):
        program = compile(net, make(rule.method, bias=bias, output="rule"), SGD(0.25, "constant"), **MSE)
        seen = {i.layer: (delta, kept) for i, delta, kept, _, _ in selections(program, x, y)}
        for layer, (delta, kept) in seen.items():
            trains = kept if bias == "masked" else np.arange(delta.size)
            expected = net.parameters[f"{layer}.bias"].copy()
            expected[trains] -= F(0.25) * delta[trains]
            assert len(kept) < delta.size
            assert program.parameters()[f"{layer}.bias"].tobytes() == expected.tobytes()


@pytest.mark.parametrize("count", [1, 7])
def test_defect_10_means_are_over_all_samples_even_over_a_single_one(count):
    program, chosen = compile(network(), TinyProp(output="rule"), SGD(0.1), **MSE), {}
    for instruction, _, _, k, _ in selections(program, *samples(count)):
        chosen.setdefault(instruction.layer, []).append(k / instruction["n"])
    rows = effort.ratio_per_layer(program)
    assert [row["layer"] for row in rows] == ["dense1", "dense2", "dense3"]
    for row in rows:
        assert len(chosen[row["layer"]]) == count
        assert row["ratio"] == pytest.approx(np.mean(chosen[row["layer"]]), rel=1e-12)


# -- defects of TinyProp's published C code ---------------------------------------------------------------------------


def test_truncation_is_an_option_and_nearest_the_default():
    # S is 0.5 for every sample and n is 5: 2.5 rounds to 2 either way; 0.75 n = 3.75 to 4, or down to 3
    for ratio, rounding, k in ((0.5, "nearest", 2), (0.5, "floor", 2), (0.75, "nearest", 4), (0.75, "floor", 3)):
        rule = TinyProp(ratio, ratio, output="rule", rounding=rounding)
        program, _ = trained(rule, 3, net=network((6, 5)), options=MSE)
        assert program.counts[3, effort.CHOSEN] == 3 * k
    assert TinyProp().rounding == "nearest"


def test_swapped_bounds_are_refused():
    with pytest.raises(InputError, match="s_min 0.5 is larger than s_max 0.05"):
        TinyProp(0.5, 0.05)
    with pytest.raises(InputError, match="d_min 1 is larger than d_max 0.5"):
        TinyPropV2(d_min=1, d_max=0.5)


@pytest.mark.parametrize("target, k, kept", [
    ([3, 3, 5], 2, [0, 2]),  # their heap gives {1, 2}
    ([3, 3, 3, 3, 7], 4, [0, 1, 2, 4]),  # their heap gives {1, 2, 3, 4}
    ([9, 1, 2, 3, 4, 8], 1, [0]),
    ([-3, 3, 0, 0], 3, [0, 1]),
])  # fmt: skip
def test_ties_go_to_the_lowest_index_in_every_sample(target, k, kept):
    # weights and biases are 0, so delta = -2 target / n. Their heap reads the first row of a batch for every row: here
    # the second sample follows one with other values (and zeros in the same places, so that those biases stay 0)
    n = len(target)
    net = Network([Input((1,)), Dense(n)], parameters={"dense1.weights": np.zeros((n, 1)), "dense1.bias": np.zeros(n)})
    program = compile(net, TopK(k / n, output="rule"), SGD(1e-30), **MSE)
    targets = np.array([np.arange(n, 0, -1) * np.abs(target), target], F)
    found = [kept for _, _, kept, _, _ in selections(program, np.zeros((2, 1), F), targets)]
    assert found[1] == kept


@pytest.mark.parametrize("trainable, propagating", [(3, ["dense3", "dense2"]), (2, ["dense3"]), (1, [])])
def test_the_lowest_trained_layer_computes_no_input_error(trainable, propagating):
    program = compile(network(), TinyProp(), SGD(0.1), trainable=trainable)
    assert [i.layer for i in program.instructions if i.name == "dense_backward_input_f32"] == propagating


# -- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [SOFTMAX, MSE])
@pytest.mark.parametrize("rule", [
    TopK(1.0, output="rule"), TinyProp(1, 1, output="rule"), TinyPropV2(1, 1, threshold=0),
])  # fmt: skip
def test_k_equal_to_n_is_full_training_bit_for_bit(rule, options):
    sparse, full = trained(rule, options=options), trained(Full(), options=options)
    assert_same_state(sparse[0].state(), full[0].state())
    assert sparse[1].losses.tobytes() == full[1].losses.tobytes()
    assert effort.counts_by_kind(sparse[0]) == effort.counts_by_kind(full[0])  # comparisons too: k = n makes none


def oracle_loss(parameters, x, label, loss):
    """Loss of the network in float64."""
    for layer in ("dense1", "dense2", "dense3"):
        z = oracles.dense_forward(x, parameters[f"{layer}.weights"], parameters[f"{layer}.bias"])
        x = oracles.relu_forward(z)
    if loss == SOFTMAX["loss"]:
        return oracles.softmax_cross_entropy(z, label)[0]
    return oracles.mean_squared_error(z, np.eye(5)[label])[0]


@pytest.mark.parametrize("options", [SOFTMAX, MSE])
@pytest.mark.parametrize("seed", [0, 1])
def test_full_training_goes_down_the_finite_differences(options, seed):
    # a large rate: an error propagated through weights already updated would be far off
    net, (x, y) = network(seed=seed), samples(1, seed=seed)
    program = compile(net, Full(), SGD(0.5, "constant"), **options)
    program.train(x, y)
    for name, start in net.parameters.items():
        gradient = oracles.finite_difference(
            lambda value: oracle_loss({**net.parameters, name: value}, x[0], y[0], options["loss"]), start
        )
        np.testing.assert_allclose((start - program.parameters()[name]) / 0.5, gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", SPARSE)
def test_only_kept_rows_change_their_bits(rule):
    program = compile(network(), rule, SGD(0.1), **MSE)
    x, y = samples(12)
    for sample in range(len(x)):
        before = program.parameters()
        seen = {i.layer: (delta, kept) for i, delta, kept, _, _ in selections(program, x[[sample]], y[[sample]])}
        after = program.parameters()
        for layer in ("dense1", "dense2", "dense3"):
            rest = np.delete(np.arange(len(before[f"{layer}.bias"])), seen[layer][1] if layer in seen else [])
            assert rest.size
            for kind in ("weights", "bias"):
                assert after[f"{layer}.{kind}"][rest].tobytes() == before[f"{layer}.{kind}"][rest].tobytes()


def bounds_of_k(rule, delta, y_max, position):
    """(lowest, highest) k that the oracle allows: S may err by a rounding or two an operation."""
    y = float(np.abs(delta.astype(np.float64)).sum())
    ratio = oracles.back_propagation_ratio(y, max(y_max, y), rule.s_min, rule.s_max, rule.zeta, position)
    slack = (delta.size + position + 8) * EPS
    return [oracles.kept_count(ratio * (1 + side * slack), delta.size) for side in (-1, 1)], max(y_max, y)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from([0.0, 0.1, 0.5]), st.sampled_from([0.5, 1.0]), st.sampled_from([0.5, 1.0, 1.3]), st.integers(0, 99))
def test_k_and_counts_follow_the_formula(s_min, s_max, zeta, seed):
    rule = TinyProp(s_min, s_max, zeta, output="rule")
    net = network(seed=seed)
    program = compile(net, rule, SGD(0.1), **MSE)
    y_max, work = {}, dict.fromkeys(("propagate", "weight_gradient", "update", "comparisons"), 0)
    for instruction, delta, kept, k, comparisons in selections(program, *samples(10, seed=seed)):
        layer, position = instruction.layer, 3 - int(instruction.layer[-1])
        (low, high), y_max[layer] = bounds_of_k(rule, delta, y_max.get(layer, 0), position)
        assert low <= k <= high
        assert kept == oracles.top_k(delta, k).tolist()
        macs = len(kept) * net.parameters[f"{layer}.weights"].shape[1]
        work["weight_gradient"] += macs
        work["propagate"] += macs if layer != "dense1" else 0
        work["update"] += macs + len(kept)
        work["comparisons"] += comparisons
    counts = effort.counts_by_kind(program)
    assert counts == {"forward": 10 * (6 * 16 + 16 * 12 + 12 * 5), **work}


@pytest.mark.parametrize("loss, dense", [(SOFTMAX, True), (MSE, False)])
@pytest.mark.parametrize("output", ["auto", "dense", "rule"])
def test_output_layer_is_dense_under_softmax_unless_told_otherwise(loss, dense, output):
    for rule in (TopK(0.2, output=output), TinyProp(output=output), TinyPropV2(output=output)):
        program = compile(network(), rule, SGD(0.1), **loss)
        (name,) = [i.name for i in program.instructions if i.phase == "selection" and i.layer == "dense3"]
        assert (name == "select_full_f32") == (dense if output == "auto" else output == "dense")


# -- TinyPropv2 -------------------------------------------------------------------------------------------------------


THRESHOLDS = st.sampled_from([0.1, 0.25, 0.4, 0.5, 0.7, 0.9, 0.99])


def v2(threshold, **settings):
    return TinyPropV2(0.1, 0.9, output="rule", threshold=threshold, **settings)


@pytest.mark.parametrize("decay", [1.0, 0.9])
def test_threshold_0_is_tinyprop_bit_for_bit(decay):
    one = trained(v2(0, decay=decay))
    other = trained(TinyProp(0.1, 0.9, output="rule", decay=decay))
    assert one[0].arena.bytes.tobytes() == other[0].arena.bytes.tobytes()
    assert (one[0].counts == other[0].counts).all() and one[1].trained.all()


def hash_of_flash(program):
    return hashlib.sha256(program.arena.flash.tobytes()).hexdigest()


@pytest.mark.parametrize("options", [SOFTMAX, MSE])
def test_a_skipped_sample_changes_nothing_but_y_max(options):
    program = compile(network(), v2(0.6), SGD(0.1), **options)
    (x, y), skipped = samples(30), 0
    flash = hash_of_flash(program)
    for position in range(30):
        before, counts = program.state(), program.counts.copy()
        shown = program.train(x[[position]], y[[position]])
        if not shown.trained[0]:
            skipped += 1
            after = program.state()
            assert after["dense3.y_max"] >= before.pop("dense3.y_max")
            assert before and all(after[name].tobytes() == value.tobytes() for name, value in before.items())
            after_decision = [i.phase in ("selection", "propagate", "update") for i in program.instructions]
            assert not (program.counts - counts)[after_decision].any()
    assert 0 < skipped < 30 and effort.skipped(program) == skipped
    assert hash_of_flash(program) == flash


@settings(max_examples=15, deadline=None)
@given(THRESHOLDS, THRESHOLDS, st.sampled_from([1.0, 0.8]), st.integers(0, 99))
def test_a_higher_threshold_trains_a_subset_of_the_same_errors(one, other, decay, seed):
    # at this rate no weight moves: the stream of errors is the same for both
    low, high = (compile(network(), v2(t, decay=decay), SGD(1e-30)) for t in sorted((one, other)))
    start = low.parameters()
    by_low, by_high = (program.train(*samples(40, seed=seed)).trained for program in (low, high))
    assert_same_state(low.parameters(), start)
    assert not (by_high & ~by_low).any()
    assert by_high[0]


@pytest.mark.parametrize("threshold, d_max, beta, first", [
    (0.999, 1, 1, True), (1, 1, 1, False), (1.5, 1, 1, False), (1.5, 2, 1, True),
    (0.5, 1, 0.5, False), (0.49, 1, 0.5, True), (0.89, 1, "ratio", True), (0.91, 1, "ratio", False),
])  # fmt: skip
def test_the_first_sample_is_trained_if_any_can_be(threshold, d_max, beta, first):
    # the first error is the largest so far: D = D_max beta, the largest D there is ("ratio": beta = S = 0.9 then)
    program, shown = trained(v2(threshold, d_max=d_max, beta=beta))
    assert shown.trained[0] == first
    if not first:
        assert not shown.trained.any()
        start = program.network.parameters
        assert all(value.tobytes() == start[name].tobytes() for name, value in program.parameters().items())


@pytest.mark.parametrize("decay", [1.0, 0.5])
def test_y_max_follows_skipped_samples_and_ages_once_a_sample(decay):
    for threshold in (5, 1e-6):  # no sample is trained; all are, and the selection must not age it a second time
        program = compile(network(), v2(threshold, decay=decay), SGD(1e-30), **MSE)
        (x, y), y_max = samples(20), 0.0
        for position in range(20):
            trained_now = program.train(x[[position]], y[[position]]).trained[0]
            delta = 2 / 5 * (program.outputs(x[[position]])[0].astype(np.float64) - np.eye(5)[y[position]])
            y_max = max(decay * y_max, np.abs(delta).sum())
            assert program.state()["dense3.y_max"][0] == pytest.approx(y_max, rel=1e-5)
            assert trained_now == (threshold < 1)


def test_decision_is_that_of_the_oracle():
    program = compile(network(), v2(0.5, d_min=0.2, d_max=0.9, beta=0.8), SGD(1e-30), **MSE)
    x, y = samples(40)
    found, y_max = program.train(x, y).trained, 0.0
    for position, delta in enumerate(2 / 5 * (program.outputs(x).astype(np.float64) - np.eye(5)[y])):
        total = np.abs(delta).sum()
        y_max = max(y_max, total)
        d = oracles.decision(total, y_max, 0.2, 0.9, 0.8)
        assert abs(d - 0.5) > 1e-5  # no sample so near the threshold that float32 could decide otherwise
        assert found[position] == (d > 0.5)


# -- errors that are not finite ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [*SPARSE, Full()])
def test_a_nonfinite_output_error_stops_before_anything_is_changed(rule):
    program = compile(network(), rule, SGD(1e-30), **MSE)
    x, y = samples(6)
    x[4] *= F(3e38)  # overflows in the forward pass
    with pytest.raises(NonFiniteError) as stopped:
        program.train(x, y)
    assert (stopped.value.layer, stopped.value.sample) == ("dense3", 4)
    reference = compile(network(), rule, SGD(1e-30), **MSE)
    reference.step(x, y, np.arange(4), 0, 6).run(0, len(reference.instructions))
    assert_same_state(program.state(), reference.state())
    assert not any(np.isnan(value).any() for value in program.state().values())


@pytest.mark.parametrize("rule", [*SPARSE, Full()])
def test_a_nonfinite_error_further_down_leaves_that_layer_and_those_below(rule):
    # the third sample's output error is finite (1e25), but times weights of 1e25 it is not
    net = network((2, 3, 3, 2))
    parameters = {name: np.abs(value) for name, value in net.parameters.items()}
    parameters["dense3.weights"][:] = 1e25
    program = compile(net.with_parameters(parameters), rule, SGD(1e-30), **MSE)
    x, y = np.zeros((3, 2), F), np.full((3, 2), 1, F)
    y[:2] = program.outputs(x[:2])  # errors of 0
    before = program.state()
    with pytest.raises(NonFiniteError, match="dense2.*sample 2") as stopped:
        program.train(x, y)
    assert (stopped.value.layer, stopped.value.sample) == ("dense2", 2)
    for name, value in program.state().items():
        if name.startswith(("dense1", "dense2")):
            assert value.tobytes() == before[name].tobytes()


# -- settings ---------------------------------------------------------------------------------------------------------


def test_presets_and_settings_by_name():
    assert COMPARED == ("full", "topk", "tinyprop", "tinypropv2", "tinypropr")
    assert list(METHODS) == [*COMPARED, "randomk", "biases", "channels"]
    for preset in PRESETS.values():
        assert [rule.method for rule in preset.values()] == list(METHODS)
        assert all(isinstance(rule, METHODS[name]) for name, rule in preset.items())
    paper = make("tinypropv2", "paper")
    assert (paper.s_min, paper.s_max, paper.zeta, paper.threshold, paper.output) == (0, 1, 1, 0.5, "rule")
    assert make("tinyprop") == TinyProp() and make("full", "paper") == Full()
    assert make("topk", ratio=0.25) == TopK(0.25)
    assert make("tinyprop", "paper", s_max=0.5) == TinyProp(0, 0.5, 1, output="rule")
    assert setting_names("full") == [] and "threshold" in setting_names("tinypropv2")
    whole, with_point = make("tinypropr", rests=2.0, stored=100.0), make("tinypropr", threshold=1.0)  # as --set gives them
    assert [type(value) for value in (whole.rests, whole.stored, with_point.threshold)] == [int, int, float]
    with pytest.raises(InputError, match="rests 2.5 is not a whole number"):
        make("tinypropr", rests=2.5)


@pytest.mark.parametrize("arguments, settings, words", [
    (("sgd",), {}, ["method 'sgd'", "tinypropv2"]),
    ((["full"],), {}, ["method"]),
    (("topk", "best"), {}, ["preset 'best'", "paper"]),
    (("topk",), {"s_min": 0.1}, ["'topk' has no setting 's_min'", "ratio"]),
    (("full",), {"ratio": 0.1}, ["'full' has no setting 'ratio'", "none"]),
    (("tinyprop",), {"threshold": 0.1}, ["'tinyprop' has no setting 'threshold'"]),
    (("tinyprop",), {"zeta": -1}, ["zeta -1"]),
])  # fmt: skip
def test_make_refuses_by_name(arguments, settings, words):
    with pytest.raises(InputError) as refused:
        make(*arguments, **settings)
    assert all(word in str(refused.value) for word in words)


NAN, INF = float("nan"), float("inf")
BAD = {  # of each setting: values that are out of range, and in every case None, True and a word
    (TopK, "ratio"): [0, -0.5, 1.5, NAN, 1e-50],
    (TinyProp, "s_min"): [-0.1, NAN, INF],
    (TinyProp, "s_max"): [0, -1, NAN, INF],
    (TinyProp, "zeta"): [0, -1, NAN, INF, 1e39],
    (TinyProp, "decay"): [0, -1, 1.5, NAN],
    (TinyPropV2, "threshold"): [-0.1, NAN, INF],
    (TinyPropV2, "d_min"): [-1, NAN],
    (TinyPropV2, "d_max"): [0, -1, INF],
    (TinyPropV2, "beta"): [0, -1, NAN, INF],
    **{(rule, name): ["sometimes"] for rule in (TopK, TinyProp, TinyPropV2) for name in ("output", "bias")},
    (TinyProp, "rounding"): ["up"],
}


@pytest.mark.parametrize(
    "rule, name, value",
    [(rule, name, value) for (rule, name), values in BAD.items() for value in [*values, None, True, "a word"]],
)
def test_bad_settings_are_refused_by_name_and_value(rule, name, value):
    with pytest.raises(InputError) as refused:
        rule(**{name: value})
    assert str(refused.value).startswith(f"{name} {value!r} ")


@pytest.mark.parametrize("rule, name", [(TopK, "ratio"), (TinyPropV2, "beta")])
@pytest.mark.parametrize("value", [10**400, np.complex64(1), np.ones(2)], ids=["beyond float", "complex", "array"])
def test_numbers_of_another_kind_are_refused_like_words(rule, name, value):
    with pytest.raises(InputError, match=name):
        rule(**{name: value})
