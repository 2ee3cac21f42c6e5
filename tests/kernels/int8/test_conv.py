"""Convolutions of int8 values, both kinds, against the oracles: every geometry of the float32 tests, factors of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.conv import conv_forward_s8
from mcuref.kernels.int8.depthwise import depthwise_forward_s8
from mcuref.testing import oracles_int8 as oracles

from ..windows import GEOMETRIES, geometries, geometry, label
from .problems import EXPONENTS, ZEROS, biases, clamps, drawn, exponents_at, factors, run, seeds, two_exponents, zeros

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33)
WIDE = [geometry((3, 4, c), 9, (2, 3), padding="same") for c in CHANNELS]
SMALL = [g for g in GEOMETRIES if g[3] * g[4] * g[5] * g[6] * g[7] * g[2] < 60_000]


def agree(kind, g, seed, x_zero, z_zero, limits=(-128, 127), exponents=(0, 0)):
    h, width, c, ho, wo, outputs, kh, kw, *_ = g
    x, b, factor = drawn((h, width, c), seed), biases(outputs, seed + 2), factors(outputs, seed + 3)
    slots = (3, 1)
    arguments = (x_zero, z_zero, *limits, *slots, tuple(map(int, g)))
    if kind == "conv":
        kernel, oracle = conv_forward_s8, oracles.conv_forward
        shape, scratch = (outputs, kh, kw, c), [(kh, kw, c)]
    else:
        kernel, oracle = depthwise_forward_s8, oracles.depthwise_forward
        shape, scratch = (kh, kw, outputs), []
    w = drawn(shape, seed + 1)
    for values in (exponents_at(slots, exponents), *([np.int8([])] if exponents == (0, 0) else [])):
        got = run(kernel, [(ho, wo, outputs), *scratch], [x, w, b, *factor, values], arguments)
        np.testing.assert_array_equal(got, oracle(x, w, b, *factor, x_zero, z_zero, g, *limits, *exponents))


@pytest.mark.parametrize("g", [*SMALL, *WIDE], ids=label)
def test_convolutions_of_every_geometry(g):
    for seed, zero in enumerate(ZEROS[:: 4 if g[5] > 9 else 1]):
        agree("conv", g, seed, zero, -zero - 1)


@pytest.mark.parametrize("copies", [1, 2, 3, 8])
@pytest.mark.parametrize("g", [*GEOMETRIES, *WIDE], ids=label)
def test_depthwise_convolutions_of_every_geometry(g, copies):
    g = (*g[:5], g[2] * copies, *g[6:])
    for seed, zero in enumerate(ZEROS[:: 2 if copies > 1 else 1]):
        agree("depthwise", g, seed, zero, -zero - 1)


@pytest.mark.parametrize("exponents", EXPONENTS)
@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_convolutions_of_values_with_exponents(kind, exponents):
    for channels in (1, 8, 17):
        agree(kind, geometry((3, 4, channels), channels, (2, 3), padding="same"), channels, 5, -7, exponents=exponents)


@pytest.mark.parametrize("x_zero", [-128, 127])
def test_padding_is_the_zero_and_not_0(x_zero):
    g = geometry((1, 1, 1), 1, (3, 3), padding="same")
    x, w, b = np.int8([x_zero]), np.full(9, 127, np.int8), np.int32([3])
    one = np.int32([1 << 30]), np.int8([1])  # a factor of 1
    for kernel, outputs in ((conv_forward_s8, [1, 9]), (depthwise_forward_s8, [1])):
        assert run(
            kernel, outputs, [x, w, b, *one, np.int8([])], (x_zero, 0, -128, 127, 0, 0, tuple(map(int, g)))
        ).tolist() == [3]


def test_a_patch_that_is_one_run_of_the_input_needs_no_scratch():
    g = geometry((4, 5, 3), 9, (1, 2))
    x, w, b, factor = drawn((4, 5, 3), 1), drawn((9, 1, 2, 3), 2), biases(9, 3), factors(9, 4)
    got = run(conv_forward_s8, [g[3:6], 0], [x, w, b, *factor, np.int8([])], (5, -3, -128, 127, 0, 0, tuple(map(int, g))))
    np.testing.assert_array_equal(got, oracles.conv_forward(x, w, b, *factor, 5, -3, g))


@settings(max_examples=60, deadline=None)
@given(geometries(), seeds, zeros, zeros, clamps, two_exponents)
def test_drawn_convolutions(g, seed, x_zero, z_zero, limits, exponents):
    agree("conv", g, seed, x_zero, z_zero, limits, exponents)


@settings(max_examples=60, deadline=None)
@given(geometries(channelwise=True), st.integers(1, 4), seeds, zeros, zeros, clamps, two_exponents)
def test_drawn_depthwise_convolutions(g, copies, seed, x_zero, z_zero, limits, exponents):
    agree("depthwise", (*g[:5], g[2] * copies, *g[6:]), seed, x_zero, z_zero, limits, exponents)
