"""Biases of layers whose weights are frozen, float32 and int8: the oracle, and what an update of weights makes of them."""

import numpy as np
import pytest

from mcuref.kernels.bias import bias_update_f32
from mcuref.kernels.conv import conv_update_f32
from mcuref.kernels.dense import dense_update_f32
from mcuref.kernels.int8.bias import bias_update_s8
from mcuref.kernels.int8.conv import conv_update_s8
from mcuref.kernels.int8.dense import dense_update_s8
from mcuref.testing import oracles_int8_weights as oracles
from mcuref.testing.buffers import Guarded

SHAPES = [(outputs, positions) for outputs in (1, 2, 3, 8, 9, 33) for positions in (1, 2, 7)]


def errors(outputs, positions, seed):
    """float32[positions * outputs] with zeros, runs of them too, and values that round."""
    random = np.random.default_rng(seed)
    delta = random.normal(size=(positions, outputs)).astype(np.float32) * (random.random((positions, outputs)) < 0.6)
    delta[random.random(positions) < 0.3] = 0
    return delta.reshape(-1)


@pytest.mark.parametrize("outputs, positions", SHAPES)
def test_biases_become_what_an_update_of_weights_makes_of_them(outputs, positions):
    delta, rate = errors(outputs, positions, outputs + positions), np.float32(0.3)
    kept = np.flatnonzero(delta).astype(np.uint16)
    start = np.linspace(-1, 1, outputs).astype(np.float32)
    found, expected = Guarded(start, guard=np.float32(9)), start.copy()
    bias_update_f32(found.values, delta, kept, rate)
    g = np.int32([positions, 1, 1, positions, 1, outputs, 1, 1, 1, 1, 0, 0])
    conv_update_f32(np.ones(outputs, np.float32), expected, delta, np.ones(positions, np.float32), kept, rate, False, g)
    assert found.values.tobytes() == expected.tobytes() and not found.outside
    by_hand = start.copy()
    for e in kept.tolist():
        by_hand[e % outputs] = by_hand[e % outputs] - rate * delta[e]
    assert found.values.tobytes() == by_hand.tobytes()


def test_biases_that_no_kept_entry_names_keep_their_bits():
    b = np.array([0x7FC12345, 0xFF800000, 0x80000000, 0x00000001], np.uint32).view(np.float32)
    found = b.copy()
    bias_update_f32(found, np.ones(8, np.float32), np.uint16([]), np.float32(1))
    assert found.tobytes() == b.tobytes()
    bias_update_f32(found, np.ones(8, np.float32), np.uint16([7]), np.float32(1))
    assert found[:3].tobytes() == b[:3].tobytes() and found[3] == b[3] - np.float32(1)
    expected = b.copy()
    dense_update_f32(np.zeros(4, np.float32), expected, np.ones(4, np.float32), np.ones(1, np.float32), np.uint16([2]),
                     np.float32(0.5), False)  # fmt: skip
    found = b.copy()
    bias_update_f32(found, np.ones(4, np.float32), np.uint16([2]), np.float32(0.5))
    assert found.tobytes() == expected.tobytes()


def step(outputs, each, shift, random):
    """(rate, exponent, exponents, sample_rate, x_slot, bias_multiplier, bias_shift) of an int8 update."""
    outputs = outputs if each else 1
    rates = np.uint8([(random.integers(128, 256), random.integers(shift, shift + 12)) for _ in range(outputs)])
    more = np.int32([-7]), np.int8([0, 2, -3]), 3 << 9 | 200, int(random.integers(0, 3)), 233, int(random.integers(-9, 10))
    return (rates.reshape(-1), *more)


@pytest.mark.parametrize("shift", [100, 128, 150, 240])
@pytest.mark.parametrize("outputs, positions", SHAPES)
def test_int8_biases_become_what_an_update_of_weights_makes_of_them(outputs, positions, shift):
    random = np.random.default_rng(outputs * positions + shift)
    delta = (random.integers(-127, 128, (positions, outputs)) * (random.random((positions, outputs)) < 0.5)).astype(np.int8)
    delta[:, random.random(outputs) < 0.3] = 0
    delta, start = delta.reshape(-1), random.integers(-(2**30), 2**30 + 1, outputs).astype(np.int32)
    for each in (True, False):
        rate, exponent, exponents, sample_rate, slot, multiplier, bias_shift = step(outputs, each, shift, random)
        found, expected = Guarded(start, guard=9), start.copy()
        scaled = rate, exponent, exponents, sample_rate
        bias_update_s8(found.values, delta, *scaled, slot, multiplier, bias_shift)
        none, x = np.zeros(0, np.int8), np.full(positions, 1, np.int8)
        nothing = np.zeros(outputs, np.int8), expected, none, none, np.zeros(0, np.int32)
        if positions == 1:
            dense_update_s8(*nothing, delta, x, *scaled, 0, slot, multiplier, bias_shift)
        else:
            g = np.int32([positions, 1, 1, positions, 1, outputs, 1, 1, 1, 1, 0, 0])
            conv_update_s8(*nothing, np.zeros(1, np.int32), delta, x, *scaled, 0, slot, multiplier, bias_shift, g)
        assert found.values.tolist() == expected.tolist() and not found.outside
        known = oracles.Step(rate, -7, int(exponents[slot]) if slot else 0, multiplier, bias_shift)
        gradient = oracles.bias_gradient(delta, outputs)
        weights = oracles.as_weights([], start)
        assert oracles.updated(weights, gradient, oracles.row_places(1, 1), known, sample_rate).b == expected.tolist()
