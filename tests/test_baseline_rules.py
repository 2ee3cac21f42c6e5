"""Rules to compare others with: what they train and leave as it is, what they need, and where their draws come from."""

import numpy as np
import pytest

from mcuref import SGD, Biases, Channels, Full, InputError, RandomK, TopK, compile, load_data, rules
from mcuref.calibration import quantise_to_train
from mcuref.layers import Conv2D, Dense, DepthwiseConv2D, Flatten, Input, MaxPool2D, ReLU
from mcuref.network import Network
from mcuref.operators.columns import KEPT, RUNS
from mcuref.program.effort import counts_by_kind, effort
from mcuref.selections import kept_entries
from mcuref.testing.oracles_random import drawn

IMAGE = [Input((8, 8, 1), "uint8", 0, 1 / 16), Conv2D(5, 3), ReLU(), DepthwiseConv2D(2), ReLU(), MaxPool2D(2), Flatten()]


@pytest.fixture(scope="module")
def digits():
    data = load_data("digits")
    return data.x_train[:40], data.y_train[:40]


def image(seed=0):
    return Network([*IMAGE, Dense(9), ReLU(), Dense(10)], seed=seed)


def in_int8(plain, digits):
    return quantise_to_train(plain, digits[0])


# -- entries at random -----------------------------------------------------------------------------------------------------


def test_where_k_is_all_of_them_they_are_full_training_to_the_bit(digits):
    states = []
    for rule in (Full(), RandomK(1.0, "rule")):
        program = compile(image(), rule, SGD(0.02))
        program.train(*digits)
        states.append(program.state())
    assert states[0].keys() == states[1].keys()  # so there is no counter, either
    assert all(states[0][name].tobytes() == states[1][name].tobytes() for name in states[0])


def test_seeds_of_the_network_draw_others_and_the_same_seed_the_same(digits):
    """From equal parameters, so that nothing but the draws differs."""
    start = image().parameters
    found = []
    for seed in (0, 0, 1, 2**32 - 1):
        program = compile(image(seed).with_parameters(start), RandomK(0.3), SGD(0.02))
        program.train(*digits)
        found.append(program.state()["conv1.weights"].tobytes())
    assert found[0] == found[1] and len(set(found)) == 3


@pytest.mark.parametrize("int8", [False, True])
def test_the_counter_is_state_that_training_goes_on_from(digits, int8):
    x, y = digits
    plain = in_int8(image(), digits) if int8 else image()
    whole, first, second = (compile(plain, RandomK(0.2, "rule"), SGD(0.02)) for _ in range(3))
    whole.train(x, y)
    first.train(x[:15], y[:15], total=40)
    assert first.state()["selections"].tolist() == [15 * 4] and first.state()["selections"].dtype == np.int32
    second.restore(first.state())
    second.train(x[15:], y[15:], first=15, total=40)
    assert all((second.state()[name] == value).all() for name, value in whole.state().items())


def test_as_many_entries_are_drawn_as_topk_keeps_and_each_look_counts(digits):
    drawn, largest = (compile(image(), rule(0.1, "rule"), SGD(0.01)) for rule in (RandomK, TopK))
    for program in (drawn, largest):
        program.train(*digits)
    for instruction, counts, other in zip(drawn.instructions, drawn.counts, largest.counts):
        if instruction.phase == "selection":
            k, n, runs = instruction["k"], instruction["n"], counts[RUNS]
            assert counts[1] == other[1] == k * runs and 0 < counts[KEPT] <= counts[1]
            assert k * runs <= counts[3] <= n * runs
    assert counts_by_kind(drawn)["comparisons"] == drawn.counts[:, 3].sum()


def test_a_ratio_and_the_choices_are_checked():
    for settings, words in (({"ratio": 0.0}, "ratio 0"), ({"output": "some"}, "output 'some'"), ({"bias": "all"}, "'all'")):
        with pytest.raises(InputError, match=words):
            RandomK(**settings)
    assert rules.make("randomk", "paper", ratio=0.5) == RandomK(0.5, output="rule")


# -- biases alone ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("trainable", [None, 2])
def test_biases_become_what_full_training_makes_of_them_and_weights_stay(digits, int8, trainable):
    """Of one sample: behind it weights would differ."""
    x, y = digits
    plain = in_int8(image(), digits) if int8 else image()
    full, biases = (compile(plain, rule, SGD(0.5), trainable=trainable) for rule in (Full(), Biases()))
    flash = biases.arena.bytes[biases.plan.sram :].copy()
    for program in (full, biases):
        program.train(x[:1], y[:1])
    for name, value in biases.parameters().items():
        expected = full.parameters()[name] if name.endswith("bias") else plain.parameters[name]
        assert value.tobytes() == expected.tobytes(), name
    changed = [name for name, value in biases.parameters().items() if (value != plain.parameters[name]).any()]
    assert len(changed) == (4 if trainable is None else trainable)
    assert (biases.arena.bytes[biases.plan.sram :] == flash).all()
    biases.train(x, y)
    assert (biases.arena.bytes[biases.plan.sram :] == flash).all()


@pytest.mark.parametrize("int8", [False, True])
def test_weights_lie_in_flash_and_no_activation_is_kept_for_them(digits, int8):
    plain = in_int8(image(), digits) if int8 else image()
    full, biases, inference = (
        compile(plain, rule, trainable=count) for rule, count in ((Full(), None), (Biases(), None), (Full(), 0))
    )
    in_sram = [b for b in biases.state_buffers if b.category == "weights"]
    assert sorted(b.name for b in in_sram) == ["conv1.bias", "dense1.bias", "dense2.bias", "depthwise1.bias"]
    images = sum(b.size for b in in_sram)
    assert biases.plan.sram < full.plan.sram - sum(v.nbytes for n, v in plain.parameters.items() if n.endswith("weights"))
    assert biases.plan.flash <= full.plan.flash
    lives = {p.buffer.name: p for p in biases.plan.placements}
    assert lives["conv1.weights"].buffer.region == "flash" and "conv1.weights.image" not in lives
    assert inference.plan.sram < biases.plan.sram and images < 4 * 64
    # what the first layer takes is dead behind it: its bytes are there for others
    load = next(i for i in biases.instructions if i.phase == "input")["x"]
    assert lives[load.name].last == 1 < next(p.last for p in full.plan.placements if p.buffer.name == load.name)


def test_no_weight_gradient_is_counted(digits):
    full, biases = (compile(image(), rule, SGD(0.0001)) for rule in (Full(), Biases()))
    for program in (full, biases):
        program.train(*digits)
    counts, dense = counts_by_kind(biases), counts_by_kind(full)
    assert counts["weight_gradient"] == 0 < counts["update"] < dense["update"] / 5
    kept = sum(int(c[KEPT]) for c, i in zip(biases.counts, biases.instructions) if i.phase == "selection")
    assert counts["update"] == kept and counts["forward"] == dense["forward"]
    assert 0.9 < counts["propagate"] / dense["propagate"] < 1.1  # errors differ a little, as parameters do
    assert effort(biases)["backward_effort"] < effort(full)["backward_effort"]


@pytest.mark.parametrize("optimiser, policy", [(SGD(momentum=0.5), None), (SGD(batch=2), None), (SGD(), "accumulate")])
def test_biases_alone_need_updates_on_the_spot(optimiser, policy):
    with pytest.raises(InputError, match="biases alone need policy 'immediate' without momentum"):
        compile(image(), Biases(), optimiser, policy=policy)


def test_a_rule_of_ones_own_can_leave_weights_alone(digits):
    class Own:
        method, bias, weights = "own", "masked", False
        decide, select = TopK.decide, TopK.select
        ratio = 0.5

    program = compile(image(), Own(), SGD(0.5))
    program.train(*digits)
    changed = {name for name, value in program.parameters().items() if (value != image().parameters[name]).any()}
    assert changed and all(name.endswith("bias") for name in changed)
    Own.weights = "none"
    with pytest.raises(InputError, match="weights 'none' of rule 'Own' must be True or False"):
        compile(image(), Own())


# -- some channels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("int8", [False, True])
def test_channels_that_are_drawn_are_trained_as_in_full_training_and_no_others(digits, int8):
    """Of one sample; the error is propagated in full."""
    x, y = digits
    plain = in_int8(image(3), digits) if int8 else image(3)
    full, some = (compile(plain, rule, SGD(0.5)) for rule in (Full(), Channels(0.4, 7, "rule")))
    for program in (full, some):
        program.train(x[:1], y[:1])
    number = 0
    for i in reversed(plain.parametric):  # from the outputs on
        name, outputs = plain.names[i], plain.shapes[i][-1]
        chosen = drawn(outputs, kept_entries(0.4, outputs), 3, number)
        bits = np.unpackbits(some.state()[f"{name}.channels"], count=outputs, bitorder="little")
        assert np.flatnonzero(bits).tolist() == chosen and some.state()[f"{name}.channels_left"] == [6]
        for kind in ("weights", "bias"):
            parameter = f"{name}.{kind}"
            start, found, whole = (of[parameter] for of in (plain.parameters, some.parameters(), full.parameters()))
            if not name.startswith("depthwise"):  # whose last axis is that of channels
                start, found, whole = (np.moveaxis(array, 0, -1) for array in (start, found, whole))
            assert np.where(bits, whole, start).tobytes() == found.tobytes(), parameter
        number += 1
    counts, dense = counts_by_kind(some), counts_by_kind(full)
    assert counts["propagate"] == dense["propagate"] and 0 < counts["weight_gradient"] < dense["weight_gradient"]
    assert some.state()["selections"] == [number]


def test_others_are_drawn_after_a_number_of_trained_samples(digits):
    x, y = digits
    program, seen = compile(image(), Channels(0.4, 5), SGD(0.02)), []
    for n in range(15):
        program.train(x[n : n + 1], y[n : n + 1])
        seen.append(program.state()["dense1.channels"].tobytes())
    assert len(set(seen)) == 3 and all(len(set(seen[n : n + 5])) == 1 for n in (0, 5, 10))
    again = compile(image(), Channels(0.4, 5), SGD(0.02))
    again.restore(program.state())
    again.train(x[15:], y[15:])
    program.train(x[15:], y[15:])
    assert all((again.state()[name] == value).all() for name, value in program.state().items())


def test_all_channels_are_full_training_to_the_bit(digits):
    states = []
    for rule in (Full(), Channels(1.0, output="rule")):
        program = compile(image(), rule, SGD(0.02))
        program.train(*digits)
        states.append(program.state())
    assert states[0].keys() == states[1].keys()
    assert all(states[0][name].tobytes() == states[1][name].tobytes() for name in states[0])


def test_settings_of_channels_are_checked():
    for settings, words in (({"ratio": 1.5}, "ratio 1.5"), ({"every": 0}, "every 0"), ({"output": "some"}, "output 'some'")):
        with pytest.raises(InputError, match=words):
            Channels(**settings)


# -- the head alone --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("int8", [False, True])
def test_with_one_layer_trained_the_head_alone_changes_and_nothing_is_propagated(digits, int8):
    plain = in_int8(image(), digits) if int8 else image()
    program = compile(plain, Full(), SGD(0.5), trainable=1)
    program.train(*digits)
    changed = {name for name, value in program.parameters().items() if (value != plain.parameters[name]).any()}
    assert changed == {"dense2.weights", "dense2.bias"}
    assert not [i for i in program.instructions if i.phase == "propagate"]
    counts = counts_by_kind(program)
    assert counts["propagate"] == 0 < counts["weight_gradient"] <= 40 * 9 * 10
    assert {b.layer for b in program.state_buffers if b.category == "weights"} == {"dense2"}
