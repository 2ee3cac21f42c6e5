"""Pooling of int8 values against the oracles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.pooling import average_pool_forward_s8, max_pool_forward_s8, mean_forward_s8
from mcuref.testing import oracles_int8 as oracles

from ..windows import every_channelwise_geometry, geometries
from .problems import EDGES, FACTORS, NO_TAPS, NONE, ZEROS, clamps, drawn, one_factor, run, seeds, zeros

KINDS = (
    (max_pool_forward_s8, [NO_TAPS], oracles.max_pool_forward),
    (average_pool_forward_s8, [], oracles.average_pool_forward),
)


def agree(g, x, limits):
    for kernel, taps, oracle in KINDS:
        got = run(kernel, [g[3:6], *taps], [x], (*limits, tuple(map(int, g))))
        np.testing.assert_array_equal(got, oracle(x, g, *limits))


@every_channelwise_geometry
def test_every_geometry(g):
    for seed, limits in enumerate([(-128, 127), (-128, -100), (0, 60), (127, 127)]):
        agree(g, drawn(g[:3], seed), limits)
        agree(g, drawn(g[:3], seed, EDGES), limits)


@settings(max_examples=60, deadline=None)
@given(geometries(channelwise=True), seeds, clamps)
def test_drawn_windows(g, seed, limits):
    agree(g, drawn(g[:3], seed), limits)


@pytest.mark.parametrize("values, mean", [([1, 2], 2), ([-1, -2], -2), ([1, 0, 0], 0), ([-1, -1, 0], -1), ([127] * 9, 127)])
def test_halves_of_an_average_go_away_from_0(values, mean):
    g = (1, len(values), 1, 1, 1, 1, 1, len(values), 1, 1, 0, 0)
    assert run(average_pool_forward_s8, [1], [np.int8(values)], (-128, 127, g)).tolist() == [mean]


def agree_on_means(shape, seed, x_zero, y_zero, factor, limits=(-128, 127), pool=None):
    x, (h, w, c) = drawn(shape, seed, pool), shape
    got = run(
        mean_forward_s8, [c], [x, NONE, NONE], (x_zero, y_zero, *factor, *limits, (h, w, c, 1, 1, c, h, w, 1, 1, 0, 0))
    )
    np.testing.assert_array_equal(got, oracles.mean_forward(x, c, x_zero, y_zero, *factor, *limits))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 3), (7, 3, 17), (15, 17, 2), (8, 8, 64), (17, 16, 1)])
def test_means(shape):
    for seed, (x_zero, factor) in enumerate([(zero, factor) for zero in ZEROS for factor in FACTORS]):
        agree_on_means(shape, seed, x_zero, -x_zero - 1, factor)


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.integers(1, 9)] * 3), seeds, zeros, zeros, one_factor, clamps, st.booleans())
def test_drawn_means(shape, seed, x_zero, y_zero, factor, limits, edges):
    agree_on_means(shape, seed, x_zero, y_zero, factor, limits, EDGES if edges else None)
