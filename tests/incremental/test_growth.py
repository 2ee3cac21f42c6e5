"""Wider, narrower, more outputs: what stays, what is new, what is refused."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcuref import (
    SGD,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    Full,
    GlobalAveragePool,
    Input,
    InputError,
    MaxPool2D,
    Network,
    ReLU,
    ReLU6,
    TinyProp,
    compile,
)
from mcuref.incremental.deepening import deepen
from mcuref.incremental.growth import METHODS, add_outputs, hidden_widths, shrink, widen

from .networks import (
    BLOCKS,
    IMAGE,
    MOMENTUM,
    PADDED,
    RANDOM,
    SHAPED,
    SIZES,
    TWO,
    bits,
    chains,
    dense,
    labels,
    learned,
    old_part,
    outputs,
    samples,
)


@st.composite
def widenings(draw):
    """(network, widths): a chain and larger widths of its hidden layers."""
    network = draw(chains())
    widths = [width + draw(st.integers(0, 9)) for width in hidden_widths(network)]
    widths[draw(st.integers(0, len(widths) - 1))] += 1
    return network, widths


def sums_in_order(network):
    """Whether channels behind the old ones only follow in every sum: no layer sees a channel in several places."""
    places = [prod(network.input_shape(i)[:-1]) for i, layer in enumerate(network.layers) if layer.kind == "flatten"]
    later = [i for i in network.parametric[1:] if network.layers[i].kind == "conv"]
    return set(places) | {prod(network.layers[i].kernel) for i in later} <= {1}


def rounding(network, x):
    """Bound of what another order of the float32 sums changes in the outputs.

    A sum of n products is off by at most n 2^-24 of the sum of their magnitudes, in either order; ReLU and pooling make
    no error larger. So the outputs of the network of all magnitudes, times the terms of all layers, times 2^-23; a few
    terms more a layer for the rounding of means and of divided weights.
    """
    layers = [ReLU() if isinstance(layer, ReLU6) else layer for layer in network.layers]
    magnitudes = Network(layers, parameters={n: np.abs(v) for n, v in network.parameters.items()})
    terms = sum(network.layers[i].macs_of_entry(network.input_shape(i)) for i in network.parametric)
    return outputs(magnitudes, np.abs(x)) * np.float32((terms + 8 * len(layers)) * 2.0**-23)


def into_old(value, name, old, new):
    """What units that are new give to those that are old: weights [O, positions or taps, C - old C]."""
    i = old.names.index(name.partition(".")[0])
    flat = old.layers[i - 1].kind == "flatten"
    before, after = ((net.input_shape(i - 1) if flat else net.input_shape(i))[-1] for net in (old, new))
    rows = old.parameters[name].shape[0]
    return value[:rows].reshape(rows, -1, after)[:, :, before:]


def test_hidden_widths():
    assert hidden_widths(dense(4, 7, 3, 2)) == (7, 3) and hidden_widths(dense(4, 2)) == ()
    assert hidden_widths(learned(IMAGE)) == (3, 7)
    assert hidden_widths(learned(BLOCKS)) == (2, 2, 2, 2)


@RANDOM
@given(widenings(), st.integers(0, 3))
def test_zero_outgoing_keeps_outputs_and_old_weights(case, seed):
    old, widths = case
    new, x = widen(old, widths, seed=seed).network, samples(old)
    assert hidden_widths(new) == tuple(widths) and new.name == old.name and new.outputs == old.outputs
    if sums_in_order(old):
        assert outputs(new, x).tobytes() == outputs(old, x).tobytes()
    else:
        assert (np.abs(outputs(new, x) - outputs(old, x)) <= rounding(old, x)).all()
    for name, value in old.parameters.items():
        assert old_part(new.parameters[name], name, old, new).tobytes() == value.tobytes(), name
        if name.startswith("depthwise"):
            added = new.parameters[name][..., value.shape[-1] :]
            assert (added.sum(axis=(0, 1)) == 1).all() if name.endswith("weights") else not added.any()
        elif name.endswith("bias"):
            assert not new.parameters[name][value.size :].any()
        else:
            assert not into_old(new.parameters[name], name, old, new).any(), name
            drawn = new.parameters[name][value.shape[0] :]
            fan_in = prod(drawn.shape[1:])
            assert drawn.all() and (np.abs(drawn) <= np.sqrt(6 / fan_in) * 1.000001).all()
    assert all(value.dtype == np.float32 for value in new.parameters.values())


def test_drawn_weights_fill_their_bounds():
    weights = widen(dense(33, 1, 2), [301]).network.parameters["dense1.weights"][1:]
    assert np.abs(weights).max() > 0.999 * np.sqrt(6 / 33) and abs(weights.mean()) < 5 * weights.std() / 99


def test_a_new_depthwise_channel_hands_its_input_on():
    """Padding "same", stride 1: the kernel's centre is where an output's own input lies."""
    for kernel in ((3, 3), (2, 4), (1, 5)):
        layers = [Input((3, 5, 2)), Conv2D(1, 1), DepthwiseConv2D(kernel, 1, "same"), Flatten(), Dense(2)]
        new = widen(learned(layers), [3]).network
        conv = Network([*new.layers[:2], Flatten(), Dense(45)])
        eye = {"dense1.weights": np.eye(45), "dense1.bias": np.zeros(45)}
        first = {name: new.parameters[name] for name in ("conv1.weights", "conv1.bias")}
        second = {name: new.parameters[name] for name in ("depthwise1.weights", "depthwise1.bias")}
        both = Network([*new.layers[:3], Flatten(), Dense(45)], parameters={**first, **second, **eye})
        x = samples(new)
        before, after = outputs(conv.with_parameters({**first, **eye}), x), outputs(both, x)
        assert (before.reshape(-1, 15, 3)[..., 1:] == after.reshape(-1, 15, 3)[..., 1:]).all(), kernel


@RANDOM
@given(widenings(), st.integers(0, 3))
def test_exact_copies_keep_outputs(case, seed):
    old, widths = case
    new, x = widen(old, widths, method="net2wider", noise=0.0, seed=seed).network, samples(old)
    assert hidden_widths(new) == tuple(widths)
    assert (np.abs(outputs(new, x) - outputs(old, x)) <= rounding(old, x)).all()


def test_copies_share_what_leaves_a_unit():
    """One unit becomes three: all alike, a third each; in a Flatten's order, [position, channel]."""
    old = learned([Input((3, 5, 1)), Conv2D(1, 2), ReLU(), Flatten(), Dense(2)])
    new = widen(old, [3], method="net2wider", noise=0).network.parameters
    for kind in ("weights", "bias"):
        assert (new[f"conv1.{kind}"] == old.parameters[f"conv1.{kind}"]).all()
    third = old.parameters["dense1.weights"] / np.float32(3)
    assert (new["dense1.weights"] == np.repeat(third, 3, axis=1)).all()
    assert (new["dense1.bias"] == old.parameters["dense1.bias"]).all()


def test_every_unit_is_copied_at_some_time():
    old = dense(3, 7, 2)
    new = widen(old, [107], method="net2wider", noise=0).network.parameters["dense1.weights"]
    chosen = [int(np.flatnonzero((old.parameters["dense1.weights"] == row).all(axis=1))[0]) for row in new[7:]]
    assert set(chosen) == set(range(7)) and max(np.bincount(chosen)) < 35
    other = widen(old, [107], method="net2wider", noise=0, seed=1).network.parameters["dense1.weights"]
    assert other.tobytes() != new.tobytes()


def test_noise_is_relative_to_each_weight_and_on_copies_alone():
    old = dense(17, 3, 33, 2)
    exact, noisy = (widen(old, [7, 35], method="net2wider", noise=noise).network.parameters for noise in (0, 0.25))
    ratio = noisy["dense2.weights"] / exact["dense2.weights"]
    assert (ratio[:33] == 1).all() and (ratio[33:] != 1).any(axis=1).all()
    assert 0.2 < np.abs(ratio - 1).max() <= 0.250001
    assert {name for name in exact if exact[name].tobytes() != noisy[name].tobytes()} == {"dense1.weights", "dense2.weights"}
    default = widen(old, [7, 35], method="net2wider").network.parameters["dense2.weights"] / exact["dense2.weights"]
    assert 0.08 < np.abs(default - 1).max() <= 0.100001


def test_shrink_and_perturb_is_between_what_was_learned_and_a_fresh_start():
    old = learned(IMAGE)
    learned_part, fresh, half, default = (
        widen(old, [7, 9], method="shrink-and-perturb", seed=5, **options).network.parameters
        for options in ({"keep": 1.0}, {"keep": 0.0}, {"keep": 0.5}, {})
    )
    assert bits(learned_part) == bits(widen(old, [7, 9], seed=5).network.parameters)
    for name, value in fresh.items():
        limit = np.abs(Network(widen(old, [7, 9]).network.layers).parameters[name]).max() * 1.5
        assert value.any() == name.endswith("weights") and (np.abs(value) <= limit).all()
        assert (half[name] == learned_part[name] / 2 + value / 2).all()
        assert default[name] == pytest.approx(0.4 * learned_part[name] + 0.6 * value, rel=1e-5, abs=1e-6)
    assert (default["dense2.bias"] == np.float32(0.4) * old.parameters["dense2.bias"]).all()


def test_fresh_is_no_start_of_the_network_itself():
    """Also with the network's seed: what a network started from does not perturb it."""
    start = Network([Input((7,)), Dense(3), ReLU(), Dense(2)], seed=0)
    fresh = widen(start, [4], method="shrink-and-perturb", seed=0, keep=0).network.parameters["dense1.weights"]
    assert not np.isin(fresh, start.parameters["dense1.weights"]).any()


@RANDOM
@given(chains(), st.sampled_from(SIZES), st.integers(0, 3))
def test_more_outputs_keep_the_old_ones_to_the_bit(old, more, seed):
    new, x = add_outputs(old, old.outputs + more, seed=seed).network, samples(old)
    assert new.outputs == old.outputs + more and new.name == old.name and new.layers[:-1] == old.layers[:-1]
    assert np.ascontiguousarray(outputs(new, x)[:, : old.outputs]).tobytes() == outputs(old, x).tobytes()
    last = old.names[-1]
    for name, value in old.parameters.items():
        assert new.parameters[name][: value.shape[0]].tobytes() == value.tobytes()
        assert name.startswith(last) or new.parameters[name].shape == value.shape
    drawn = Network(new.layers, seed=seed).parameters[f"{last}.weights"][old.outputs :]
    assert new.parameters[f"{last}.weights"][old.outputs :].tobytes() == drawn.tobytes() and drawn.any()
    assert not new.parameters[f"{last}.bias"][old.outputs :].any()


def test_a_network_with_blocks_can_get_outputs():
    old, x = learned(BLOCKS), samples(Network(BLOCKS))
    assert (outputs(add_outputs(old, 9).network, x)[:, :3] == outputs(old, x)).all()


@RANDOM
@given(widenings(), st.integers(0, 3))
def test_narrower_undoes_zero_outgoing(case, seed):
    old, widths = case
    program = compile(old, TinyProp(), MOMENTUM)
    program.train(samples(old, 6), labels(old, 6))
    old, state = old.with_parameters(program.parameters()), program.state()
    wider = widen(old, widths, seed=seed)
    back = shrink(wider.network, list(hidden_widths(old)))
    assert back.network.layers[1:] == old.layers[1:] and back.network.names == old.names
    assert bits(back.network.parameters) == bits(old.parameters)
    there, here = (compile(each.network, TinyProp(), MOMENTUM) for each in (wider, back))
    assert bits(back.state(here, wider.state(there, state))) == bits(state)


def by_hand(incoming, bias, outgoing):
    """One input, as many hidden units as given, one output."""
    layers = [Input((1,)), Dense(len(bias)), ReLU(), Dense(1)]
    return Network(
        layers,
        parameters={
            "dense1.weights": np.array(incoming, float)[:, None],
            "dense1.bias": bias,
            "dense2.weights": np.array([outgoing], float),
            "dense2.bias": [0.5],
        },
    )


@pytest.mark.parametrize("incoming, bias, outgoing, width, kept", [
    ([1, 2, 3, 4], [0, 0, 0, 0], [1, 1, 1, 1], 2, [2, 3]),
    ([4, 1, 3, 2], [0, 0, 0, 0], [1, 1, 1, 1], 2, [0, 2]),  # they keep their order
    ([1, 1, 1, 1], [0, 0, 0, 0], [1, -2, 1, 2], 2, [1, 3]),
    ([1, 0, 1, 1], [0, -3, 0, 2], [1, 1, 1, 1], 2, [1, 3]),  # a bias counts
    ([3, 4, 1, 1], [4, 0, 0, 0], [1, 1, 4.5, 1], 2, [0, 2]),  # L2: 5, 4, 4.5, 1
    ([1, -1, 1, 1], [0, 0, 0, 0], [1, 1, -1, 1], 3, [0, 1, 2]),  # of equal ones the higher index goes
    ([0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], 1, [0]),
    ([1, 2, 3, 4], [0, 1, 2, 3], [1, 2, 3, 4], 4, [0, 1, 2, 3]),
])  # fmt: skip
def test_units_that_contribute_least_go(incoming, bias, outgoing, width, kept):
    old = by_hand(incoming, bias, outgoing)
    new = shrink(old, [width]).network.parameters
    assert new["dense1.weights"].tobytes() == old.parameters["dense1.weights"][kept].tobytes()
    assert new["dense1.bias"].tobytes() == old.parameters["dense1.bias"][kept].tobytes()
    assert new["dense2.weights"].tobytes() == np.ascontiguousarray(old.parameters["dense2.weights"][:, kept]).tobytes()
    assert new["dense2.bias"].tolist() == [0.5]


def test_channels_that_give_nothing_go_and_outputs_stay():
    """Channel 1 of 3 gives nothing at any position, channel 2 has an empty kernel behind it; 5 units none."""
    old = learned(IMAGE)
    parameters = {name: value.copy() for name, value in old.parameters.items()}
    parameters["dense1.weights"].reshape(7, -1, 3)[:, :, 1] = 0
    parameters["depthwise1.weights"][:, :, 2] = parameters["depthwise1.bias"][2] = 0
    parameters["conv1.weights"][2] *= 64
    parameters["dense2.weights"][:, [0, 2, 3, 5, 6]] = 0
    old = old.with_parameters(parameters)
    new, x = shrink(old, [1, 2]).network, samples(old)
    assert (new.parameters["conv1.weights"] == parameters["conv1.weights"][:1]).all()
    assert (new.parameters["dense1.bias"] == parameters["dense1.bias"][[1, 4]]).all()
    assert (np.abs(outputs(new, x) - outputs(old, x)) <= rounding(old, x)).all()


def test_what_leaves_for_a_unit_that_goes_does_not_count():
    """Unit 0 of the first layer only feeds unit 0 of the second, which feeds nothing."""
    old = dense(2, 2, 2, 2)
    parameters = {name: np.ones_like(value) for name, value in old.parameters.items()}
    parameters["dense2.weights"][:] = [[9, 1], [0, 1]]
    parameters["dense3.weights"][:] = [[0, 1], [0, 1]]
    parameters["dense1.bias"][:] = [3, 2]
    assert shrink(old.with_parameters(parameters), [1, 1]).network.parameters["dense1.bias"].tolist() == [2]
    assert shrink(old.with_parameters(parameters), [1, 2]).network.parameters["dense1.bias"].tolist() == [3]


@pytest.mark.parametrize("layers, old, new, outgoing", [
    ([Input((7,)), Dense(3), ReLU(), Dense(4)], 3, [17], "dense1"),
    ([Input((3, 5, 2)), Conv2D(2, 2), ReLU(), MaxPool2D((1, 2)), Flatten(), Dense(4)], 2, [7], "conv1"),
    ([*PADDED, GlobalAveragePool(), Dense(4)], 3, [7], "conv1"),
])  # fmt: skip
def test_new_units_learn(layers, old, new, outgoing):
    """First what leaves them, as the error arrives there; then, that no longer being 0, what enters them."""
    network = widen(learned(layers), new, seed=1).network
    program = compile(network, Full(), SGD(0.1, "constant"))
    positive = np.abs(samples(network, 2))
    start = network.parameters
    hidden = compile(network.with_parameters(start), trainable=0)
    program.train(positive[:1], [0])
    first = program.parameters()
    moved = (first[f"{network.names[-1]}.weights"] != start[f"{network.names[-1]}.weights"]).reshape(4, -1, new[0])
    active = activity(hidden, positive[:1], old, new[0])
    assert active.any() and (moved[:, :, old:].all(axis=0) == active[:, old:]).all()
    assert (first[f"{outgoing}.weights"][old:] == start[f"{outgoing}.weights"][old:]).all()
    program.train(positive[:1], [0])
    second = program.parameters()
    alive = active[:, old:].any(axis=0)
    entered = (second[f"{outgoing}.weights"] != start[f"{outgoing}.weights"])[old:].reshape(new[0] - old, -1).any(axis=1)
    assert (entered == alive).all() and alive.sum() >= 2


def activity(program, x, old, width):
    """bool[positions, width]: which inputs of the last layer are not 0 for a sample, by its gradient of the weights."""
    network = program.network
    probe = compile(network, Full(), SGD(1.0, "constant"), loss="mean_squared_error", trainable=1)
    probe.train(x, outputs(network, x) - 1)
    change = probe.parameters()[f"{network.names[-1]}.weights"] - network.parameters[f"{network.names[-1]}.weights"]
    return (change[0] != 0).reshape(-1, width)


def test_exact_copies_stay_alike_and_noisy_ones_part():
    x = np.abs(samples(dense(3, 1, 2), 8))
    for noise, apart in ((0, False), (0.1, True)):
        network = widen(dense(3, 1, 2), [2], method="net2wider", noise=noise).network
        program = compile(network, Full(), SGD(0.1))
        program.train(x, labels(network, 8))
        ratio = program.parameters()["dense2.weights"]
        assert (ratio[:, 0] != ratio[:, 1]).any() == apart


@pytest.mark.parametrize("method", METHODS)
def test_a_function_of_the_seed_alone(method):
    old = learned(IMAGE, name="mine")
    one, again, other = (widen(old, [7, 9], method=method, seed=seed).network for seed in (1, 1, 2))
    assert bits(one.parameters) == bits(again.parameters) != bits(other.parameters)
    assert one.name == "mine" and one.seed == old.seed


def test_growing_twice_with_one_seed_draws_no_row_twice():
    twice = widen(widen(dense(3, 2, 2), [7]).network, [15]).network.parameters["dense1.weights"]
    assert np.unique(twice, axis=0).shape == (15, 3)
    at_once = widen(dense(3, 2, 2), [15]).network.parameters["dense1.weights"]
    assert twice.tobytes() == at_once.tobytes()


BLOCKED, FLAT = learned(BLOCKS), learned([Input((3, 5, 2)), Conv2D(2, 2), Flatten()])


@pytest.mark.parametrize("call, words", [
    (lambda: widen(TWO, [6, 3]), "layer 'dense1' cannot be widened from 7 to 6"),
    (lambda: widen(TWO, [9, 2]), "layer 'dense2' cannot be widened from 3 to 2"),
    (lambda: widen(TWO, [7, 3]), "widths [7, 3] are the network's own; at least one must be larger"),
    (lambda: widen(dense(4, 2), []), "at least one must be larger"),
    (lambda: widen(TWO, [8]), "widths [8] are not a list of 2 whole numbers, as the present widths [7, 3]"),
    (lambda: widen(TWO, 8), "widths 8 are not a list"),
    (lambda: widen(TWO, [8.5, 3]), "width of layer 'dense1': 8.5 is not a whole number from 1"),
    (lambda: widen(TWO, [8, 1 << 40]), "number of outputs 1099511627776 is not a whole number"),
    (lambda: widen(TWO, [8, 3], method="wider"),
     "method 'wider' is not known; did you mean net2wider? it may be zero-outgoing,"),
    (lambda: widen(TWO, [8, 3], seed=-1), "seed -1 is not a whole number"),
    (lambda: widen(TWO, [8, 3], noise=2), "noise 2 is not a number from 0 to 1"),
    (lambda: widen(TWO, [8, 3], keep=-1), "keep -1 is not a number from 0 to 1"),
    (lambda: widen(BLOCKED, [3, 3, 3, 3]), "has residual blocks; widths cannot change there"),
    (lambda: widen(SHAPED, [12, 2]), "the width of layer 'dense1' cannot change: layer 'reshape1' depends on it"),
    (lambda: widen("mlp-4-3-2", [4]), "network 'mlp-4-3-2' is not a mcuref.Network"),
    (lambda: widen(FLAT, [4]), "ends with a flatten layer; only networks that end with a Dense layer"),
    (lambda: shrink(TWO, [8, 3]), "layer 'dense1' cannot be shrunk from 7 to 8"),
    (lambda: shrink(TWO, [7, 0]), "width of layer 'dense2': 0 is not a whole number from 1"),
    (lambda: shrink(TWO, [7, 3, 2]), "are not a list of 2 whole numbers"),
    (lambda: shrink(SHAPED, [3, 2]), "layer 'reshape1' depends on it"),
    (lambda: shrink(BLOCKED, [1, 2, 2, 2]), "has residual blocks; widths cannot change there"),
    (lambda: shrink(None, [1]), "network None is not a mcuref.Network"),
    (lambda: hidden_widths(3), "network 3 is not a mcuref.Network"),
    (lambda: deepen(3), "network 3 is not a mcuref.Network"),
    (lambda: deepen(dense(4, 2)), "cannot be deepened: it has no ReLU or ReLU6 behind a hidden layer"),
    (lambda: deepen(learned([Input((4,)), ReLU(), Dense(2)])), "it has no ReLU or ReLU6 behind a hidden layer"),
    (lambda: deepen(learned([Input((4,)), Dense(3), Dense(2)])), "it has no ReLU or ReLU6 behind a hidden layer"),
    (lambda: deepen(TWO, position=3), "layer 'dense2': its values may be below 0"),
    (lambda: deepen(TWO, position=1), "layer 'dense1', does not lie between the first and the last layer"),
    (lambda: deepen(TWO, position=5), "layer 'dense3', does not lie between the first and the last layer"),
    (lambda: deepen(TWO, position=6), "position 6 is not a whole number from 0 to 5"),
    (lambda: deepen(BLOCKED, position=2), "layer 'relu1', lies inside a residual block"),
    (lambda: deepen(BLOCKED, position=4), "layer 'add1': its values may be below 0"),
    (lambda: add_outputs(TWO, 2), "outputs 2 are not more than the 2 that network 'learned' has"),
    (lambda: add_outputs(TWO, "3"), "outputs '3' is not a whole number from 1"),
    (lambda: add_outputs(TWO, 3, seed=None), "seed None is not a whole number"),
    (lambda: add_outputs(FLAT, 99), "ends with a flatten layer"),
    (lambda: add_outputs(3, 3), "network 3 is not a mcuref.Network"),
])  # fmt: skip
def test_refused(call, words):
    with pytest.raises(InputError) as refused:
        call()
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_widths_in_front_of_a_reshape_may_stay():
    assert hidden_widths(widen(SHAPED, [6, 3]).network) == (6, 3)
    assert hidden_widths(shrink(SHAPED, [6, 1]).network) == (6, 1)
