"""Errors sent back through int8 layers with weights, against the oracle; sums at the ends of int32."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.testing import oracles_int8_weights as oracles

from ..windows import GEOMETRIES, geometries, geometry, label
from .problems import seeds
from .training import Layer, call

SMALL = [g for g in GEOMETRIES if g[3] * g[4] * g[5] * g[6] * g[7] * g[2] < 60_000]


def send_back(layer, delta, w, share, halvings):
    """The kernel's dx, after a comparison with the oracle's."""
    dx = np.full(layer.inputs, 77, np.int32)
    (found,) = call(layer.kernel("backward_input"), [dx], [delta, w, share], [halvings, *layer.behind])
    oracle = getattr(oracles, f"{layer.kind}_backward_input")
    np.testing.assert_array_equal(found, oracle(delta, w, share, halvings, *layer.behind))
    return found


def agree(layer, seed, zeros=0.5, halvings=0, one_share=False):
    random = np.random.default_rng(seed)
    delta = np.where(random.random(layer.entries) < zeros, 0, random.integers(-127, 128, layer.entries)).astype(np.int8)
    w = random.integers(-127, 128, layer.outputs * layer.elements).astype(np.int8)
    send_back(layer, delta, w, random.integers(1, 129, 1 if one_share else layer.outputs).astype(np.uint8), halvings)


@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5, 7, 8, 9, 17])
@pytest.mark.parametrize("inputs", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256])
def test_dense_layers_of_every_size(inputs, outputs):
    for seed, zeros in enumerate((0, 0.5, 0.9, 1)):
        agree(Layer("dense", (inputs, outputs)), seed, zeros, seed, seed % 2 == 0)


@pytest.mark.parametrize("g", SMALL, ids=label)
def test_convolutions_of_every_geometry(g):
    for seed, zeros in enumerate((0, 0.7, 0.9)):
        agree(Layer("conv", g), seed, zeros, seed)


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("g", GEOMETRIES, ids=label)
def test_depthwise_convolutions_of_every_geometry(g, copies):
    for seed, zeros in enumerate((0, 0.7, 0.9)):
        agree(Layer("depthwise", (*g[:5], g[2] * copies, *g[6:])), seed, zeros, seed)


@pytest.mark.parametrize("halvings, terms", [(0, 1040), (1, 2080), (4, 16640)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_sums_there_may_be(halvings, terms, sign):
    assert terms * 127 * (127 * 128 >> halvings) < 2**31 <= (terms + 2**halvings) * 127 * (127 * 128 >> halvings)
    for layer in (Layer("dense", (17, terms)), Layer("conv", geometry((1, 1, 17), terms, (1, 1))),
                  Layer("depthwise", geometry((1, 1, 1), terms, (1, 1)))):  # fmt: skip
        delta, w = np.full(terms, 127 * sign, np.int8), np.full(terms * layer.elements, 127, np.int8)
        found = send_back(layer, delta, w, np.full(terms, 128, np.uint8), halvings)
        assert set(found) == {sign * terms * 127 * (127 * 128 >> halvings)}


def test_halves_go_up():
    layer = Layer("dense", (1, 1))
    for q, share, halvings, expected in ((1, 1, 1, 1), (-1, 1, 1, 0), (3, 1, 1, 2), (-3, 1, 1, -1), (1, 1, 2, 0)):
        assert send_back(layer, np.int8([q]), np.int8([1]), np.uint8([share]), halvings) == [expected]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 40), seeds, st.floats(0, 1), st.integers(0, 14))
def test_drawn_dense_layers(inputs, outputs, seed, zeros, halvings):
    agree(Layer("dense", (inputs, outputs)), seed, zeros, halvings, seed % 2 == 0)


@settings(max_examples=60, deadline=None)
@given(geometries(), st.integers(1, 3), seeds, st.floats(0, 1), st.integers(0, 14))
def test_drawn_convolutions(g, copies, seed, zeros, halvings):
    agree(Layer("conv", g), seed, zeros, halvings)
    agree(Layer("depthwise", (*g[:5], g[2] * copies, *g[6:])), seed, zeros, halvings)
