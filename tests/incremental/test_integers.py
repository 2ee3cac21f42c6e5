"""Int8 networks that grow: what was there keeps its bits and scales, and weights are drawn by whole numbers alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import SGD, Full, InputError, Int8, Network, RandomK, TinyProp, compile
from mcuref.incremental import integers
from mcuref.incremental.deepening import deepen
from mcuref.incremental.growth import add_outputs, hidden_widths, shrink, widen
from mcuref.kernels.random import GROWTH, PARAMETERS, philox
from mcuref.layers import Conv2D, Dense, DepthwiseConv2D, Flatten, Input
from mcuref.quantization.headroom import rescaled
from mcuref.quantization.nominal import nominal
from mcuref.quantization.plain import as_plain

from .networks import IMAGE, RANDOM, bits, chains, dense, labels, learned, old_part, outputs, samples

FEW = settings(RANDOM, max_examples=12)
NARROW = dense(4, 5, 3, 2)
CHANNELS = learned(IMAGE)


def scales(network):
    return as_plain(network, network.quantization)


def wider(network, by=2):
    return widen(network, [width + by for width in hidden_widths(network)], seed=7)


@FEW
@given(float32=chains(), by=st.integers(1, 3))
def test_wider_by_zero_outgoing_old_outputs_weights_and_scales_keep_every_bit(float32, by):
    network = nominal(float32)
    grown, x = wider(network, by).network, samples(network, 6)
    assert outputs(grown, x).tobytes() == outputs(network, x).tobytes()
    for name, old in network.parameters.items():
        assert np.array_equal(old_part(grown.parameters[name], name, network, grown), old), name
    for name, old in network.quantization.weights.items():
        assert grown.quantization.weights[name][: old.size].tobytes() == old.tobytes(), name
    assert grown.quantization.outputs == network.quantization.outputs
    assert grown.quantization.fused == network.quantization.fused


def test_shrinking_takes_out_what_was_added():
    for network in map(nominal, (NARROW, CHANNELS)):
        back = shrink(wider(network).network, list(hidden_widths(network))).network
        assert bits(back.parameters) == bits(network.parameters)
        assert scales(back) == scales(network)


def test_shrinking_keeps_the_units_that_float32_would_keep():
    """Every row's largest weight is 127: what a unit contributes is in the scales."""
    float32 = dense(4, 5, 3, 2)
    sizes = {"dense1": np.float32([4, 0.25, 1, 16, 0.0625]), "dense2": np.float32([1, 16, 0.0625])}
    float32 = float32.with_parameters(
        {n: v * sizes.get(n[:6], np.ones(2))[:, None] if v.ndim == 2 else v for n, v in float32.parameters.items()}
    )
    kept = [shrink(network, [3, 2]).origins for network in (float32, nominal(float32))]
    assert [origin.tolist() for origin in kept[0]] == [origin.tolist() for origin in kept[1]]


@FEW
@given(float32=chains(), more=st.integers(1, 4), seed=st.integers(0, 9))
def test_more_outputs_leave_those_that_are_there_as_they_are(float32, more, seed):
    network = nominal(float32)
    grown, x = add_outputs(network, network.outputs + more, seed=seed).network, samples(network, 6)
    assert outputs(grown, x)[:, : network.outputs].tobytes() == outputs(network, x).tobytes()
    assert grown.quantization.outputs == network.quantization.outputs
    last = grown.parametric[-1]
    scales = grown.quantization.weights[grown.names[last]]
    assert scales[: network.outputs].tobytes() == network.quantization.weights[network.names[last]].tobytes()
    assert scales.tobytes()[4 * network.outputs :] == integers.fresh_scales(grown, last)[network.outputs :].tobytes()


def test_new_rows_have_scales_of_their_own_and_room():
    network = nominal(dense(4, 5, 3, 2))
    grown = wider(network, 4).network
    for i, old in zip(grown.parametric[:-1], (5, 3)):
        name, limit = grown.names[i], float(np.sqrt(6 / grown.input_shape(i)[0]))
        assert grown.quantization.weights[name][old:] == pytest.approx(4 * limit / 127, rel=1e-6)
        new = grown.parameters[f"{name}.weights"][old:]
        assert 16 <= np.abs(new.astype(int)).max() <= 32  # a quarter of 127: the rest is headroom
        assert not grown.parameters[f"{name}.bias"][old:].any()
        into_old = grown.parameters[f"{grown.names[i + 2]}.weights"][: 2 if old == 3 else 3, old:]
        assert not into_old.any()


def test_a_new_channel_of_a_depthwise_layer_is_passed_on():
    network = nominal(CHANNELS)
    grown = wider(network, 1).network
    i = next(i for i, layer in enumerate(grown.layers) if isinstance(layer, DepthwiseConv2D))
    kernel, name = grown.parameters[f"{grown.names[i]}.weights"][..., -1], grown.names[i]
    (at,) = np.argwhere(kernel).tolist()
    assert at == [1, 0] and kernel[1, 0] * grown.quantization.weights[name][-1] == pytest.approx(1, rel=0.02)


def fresh_by_hand(u, limit, scale):
    """One fresh M: Python's whole numbers, floor of (2 v + 1) / 2 for the nearest, halves up."""
    reach = min(round(256 * limit / scale), 127 * 256)
    return (2 * ((u >> 16) - 2**15) * reach + 2**15) // 2**16


def kept_by_hand(m, b, fresh, k):
    """(w, r, b) of one weight and one bias."""
    mixed = (2 * m * k + 256) // 512 + (2 * fresh * (256 - k) + 256) // 512
    assert abs(mixed) <= 127 * 256
    w = (2 * mixed + 256) // 512
    return w, mixed - 256 * w, (2 * b * k + 256) // 512


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(keep=st.one_of(st.sampled_from([0.0, 0.4, 0.5, 1.0]), st.floats(0, 1)), seed=st.integers(0, 2**32 - 1))
def test_perturbing_is_that_of_whole_numbers(keep, seed):
    network = nominal(NARROW)
    generator, state = np.random.default_rng(seed), {}
    for i in network.parametric:
        name, shape = network.names[i], network.parameter_shapes(i)["weights"]
        m = generator.choice([-127 * 256, 127 * 256, -1, 0, 127, 128, *generator.integers(-32512, 32513, 9)], shape)
        w, r = integers.parted(m.astype(np.int32))
        assert (256 * w.astype(int) + r == m).all()
        state |= {f"{name}.weights": w, f"{name}.residual": r}
        state[f"{name}.bias"] = generator.integers(-(2**30), 2**30 + 1, shape[0]).astype(np.int32)
    before = bits(state)
    after, k = integers.perturbed(network, state | {"exponents": np.int8([0, 3])}, keep, seed), round(256 * keep)
    assert bits(state) == before and after["exponents"].tolist() == [0, 3]
    for i in network.parametric:
        name, limit = network.names[i], float(network.start_limit(i))
        rows, columns = network.parameter_shapes(i)["weights"]
        draws = philox(seed, PARAMETERS + i, rows * columns).tolist()
        for row in range(rows):
            scale = float(network.quantization.weights[name][row])
            for column in range(columns):
                w, r = (int(state[f"{name}.{kind}"][row, column]) for kind in ("weights", "residual"))
                fresh = fresh_by_hand(draws[row * columns + column], limit, scale)
                w, r, b = kept_by_hand(256 * w + r, int(state[f"{name}.bias"][row]), fresh, k)
                assert (w, r) == tuple(int(after[f"{name}.{kind}"][row, column]) for kind in ("weights", "residual"))
                assert b == after[f"{name}.bias"][row] and after[f"{name}.weights"].dtype == np.int8


def test_keeping_all_changes_nothing_and_fresh_weights_are_those_of_float32():
    float32 = dense(4, 50, 2).with_seed(1)
    network = rescaled(nominal(float32), float32.parametric, 4.0)  # every row reaches as far as fresh weights
    state = dict(network.parameters)
    state |= {
        f"{network.names[i]}.residual": np.zeros_like(state[f"{network.names[i]}.weights"]) for i in network.parametric
    }
    assert bits(integers.perturbed(network, state, 1.0, 3)) == bits(state)
    fresh, start = integers.perturbed(network, state, 0.0, 3), float32.with_seed(3).parameters
    for i in network.parametric:
        name = network.names[i]
        steps = 256 * fresh[f"{name}.weights"].astype(int) + fresh[f"{name}.residual"]
        real = steps * network.quantization.weights[name].astype(float)[:, None] / 256
        off = np.abs(real - start[f"{name}.weights"]) / network.quantization.weights[name][:, None]
        # half a step of M by rounding, as much by that of the reach, up to one by the 16 bits of a draw
        assert off.max() <= 2 / 256 and not fresh[f"{name}.bias"].any()


def trained(network, rule):
    program = compile(network, rule, SGD(0.05), arithmetic=Int8())
    x = samples(network, 150, 1)
    program.train(4 * x, labels(network, 150))  # beyond what scales were made for: exponents grow
    return program


@pytest.mark.parametrize("rule", (Full(), TinyProp(), RandomK(0.5)))
@pytest.mark.parametrize("change", (wider, lambda n: add_outputs(n, n.outputs + 2, seed=1)))
def test_state_of_an_int8_program_follows_the_origins(rule, change):
    program = trained(nominal(NARROW), rule)
    network = program.network.with_parameters(program.parameters())
    resized, old = change(network), program.state()
    after = compile(resized.network, rule, SGD(0.05), arithmetic=Int8())
    state = resized.state(after, old)
    after.restore(state)
    assert state["exponents"].tobytes() == old["exponents"].tobytes() and state["exponents"].any()
    assert state.get("selections") == old.get("selections")  # how often was drawn so far
    for name in (n for n in old if n.endswith(("residual", "seen_so_far", "y_max"))):
        where = tuple(slice(size) for size in old[name].shape)
        assert np.array_equal(state[name][where], old[name]), name
        if name.endswith("residual"):
            is_new = np.ones(state[name].shape, bool)
            is_new[where] = False
            assert not state[name][is_new].any()
    x = samples(network, 6)
    assert after.outputs(x)[:, : network.outputs].tobytes() == program.outputs(x).tobytes()


def test_state_of_a_program_with_other_exponents_is_refused():
    program = trained(nominal(NARROW), Full())
    resized = wider(program.network.with_parameters(program.parameters()))
    after = compile(resized.network, Full(), SGD(0.05), arithmetic=Int8())
    with pytest.raises(InputError, match="state 'exponents' has shape"):
        resized.state(after, program.state() | {"exponents": np.zeros(9, np.int8)})


@pytest.mark.parametrize("method", ("net2wider", "shrink-and-perturb"))
def test_other_ways_to_be_wider_are_refused(method):
    with pytest.raises(InputError, match=f"method '{method}' is of float32 networks; an int8 network is widened by"):
        widen(nominal(NARROW), [9, 9], method=method)


def test_a_deeper_int8_network_is_refused():
    with pytest.raises(InputError, match="is int8; only float32 networks are deepened"):
        deepen(nominal(NARROW))


def test_several_filters_a_channel_are_refused():
    layers = [Input((3, 3, 2)), Conv2D(2, 1), DepthwiseConv2D(1, multiplier=2), Flatten(), Dense(2)]
    network = nominal(Network(layers))
    for change in (widen, shrink):
        with pytest.raises(InputError, match="'depthwise1' has several filters a channel; widths cannot change around it"):
            change(network, [3 if change is widen else 1])
    x = samples(network)
    assert outputs(add_outputs(network, 3).network, x)[:, :2].tobytes() == outputs(network, x).tobytes()


def test_growing_twice_draws_no_row_twice():
    once = wider(nominal(NARROW), 1).network
    twice = widen(once, [w + 1 for w in hidden_widths(once)], seed=7).network
    rows = twice.parameters["dense1.weights"][-2:]
    assert not np.array_equal(*rows)
    assert GROWTH != PARAMETERS
