"""A first layer over a sample where it lies: bit for bit what the plain kernel makes of the values that a load writes."""

import numpy as np
import pytest

from mcuref.kernels import conv, dense, depthwise
from mcuref.kernels.load import load_f32
from mcuref.kernels.sample.conv import conv_forward_of, conv_update_of
from mcuref.kernels.sample.dense import dense_forward_of, dense_update_of
from mcuref.kernels.sample.depthwise import depthwise_forward_of, depthwise_update_of
from mcuref.testing.buffers import Guarded

from .bits import BROKEN, ORDINARY, SIZES, WILD, assert_same_bits, drawn, kept_of
from .windows import every_channelwise_geometry, every_geometry, geometry, int32

TYPES = [np.uint8, np.int8, np.int16, np.float32]
RATE = np.float32(0.01)


def samples(dtype, n, pool=ORDINARY):
    """n samples of a type, its extremes among them."""
    if dtype == np.float32:
        return drawn(pool, n, n)
    limits = np.iinfo(dtype)
    x = np.random.default_rng(n).integers(limits.min, limits.max, n, dtype, endpoint=True)
    x[0], x[-1] = limits.min, limits.max
    return x


def pairs(c, pool=ORDINARY):
    """Mean and scale of c pairs, each its own."""
    return drawn(pool, c, c + 1), drawn(pool, c, c + 2)


def loaded(x, mean, scale):
    """What a load writes."""
    values = np.empty(x.size, np.float32)
    load_f32(values, x, mean, scale)
    return values


def compared(plain, in_place, outputs, scratch, inputs, x, mean, scale, *others):
    """Run both kernels on the same outputs and inputs; all bits are compared, what is not written is guarded.

    inputs : (before the sample, behind it); scratch : elements that the kernel in place takes behind its outputs.
    """
    expected = [values.copy() for values in outputs]
    found, patch = [Guarded(values, np.nan) for values in outputs], Guarded(np.full(scratch, np.nan, np.float32), np.nan)
    plain(*expected, *inputs[0], loaded(x, mean, scale), *inputs[1], *others)
    own = [guarded.values for guarded in (*found, *[patch] * bool(scratch))]
    in_place(*own, *inputs[0], x, *inputs[1], mean, scale, *others)
    for guarded, values in zip(found, expected):
        assert_same_bits(guarded.values, values)
        assert not guarded.outside
    assert not patch.outside


def conv_forward(out, x, w, b, g):
    """The plain kernel, with scratch of its own."""
    conv.conv_forward_f32(out, np.empty(g[6] * g[7] * g[2], np.float32), x, w, b, g)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("pool", [ORDINARY, WILD, BROKEN], ids=["ordinary", "wild", "broken"])
@np.errstate(all="ignore")
def test_dense_layers_have_the_bits_of_the_plain_kernels(dtype, pool):
    for outputs in SIZES:
        for n in (1, 2, 6, 7, 8, 9, 15, 16, 21, 33):
            x, (w, b, delta) = (
                samples(dtype, n, pool),
                (drawn(pool, size, size + n) for size in (outputs * n, outputs, outputs)),
            )
            for c in {1, n, *(3 for _ in range(n % 3 == 0)), *(7 for _ in range(n % 7 == 0))}:
                mean, scale = pairs(c)
                out = np.full(outputs, np.nan, np.float32)
                compared(dense.dense_forward_f32, dense_forward_of, [out], 0, ((), (w, b)), x, mean, scale)
                for share, dense_bias in ((0, False), (0.4, True), (1, False)):
                    kept = kept_of(outputs, share, n)
                    inputs = (delta,), (kept,)
                    compared(dense.dense_update_f32, dense_update_of, [w, b], 0, inputs, x, mean, scale, RATE, dense_bias)


@pytest.mark.parametrize("dtype", TYPES)
@every_geometry
@np.errstate(all="ignore")
def test_convolutions_have_the_bits_of_the_plain_kernels(dtype, g):
    size, patch, outputs = g[0] * g[1] * g[2], g[6] * g[7] * g[2], g[3] * g[4] * g[5]
    for pool in (ORDINARY, WILD, BROKEN):
        x, (w, b, delta) = samples(dtype, size, pool), (drawn(pool, n, n) for n in (g[5] * patch, g[5], outputs))
        for c in (1, g[2], size):
            mean, scale = pairs(c)
            out = np.full(outputs, np.nan, np.float32)
            compared(conv_forward, conv_forward_of, [out], patch, ((), (w, b)), x, mean, scale, int32(g))
            for share, dense_bias in ((0, False), (0.3, True), (1, False)):
                inputs = (delta,), (kept_of(outputs, share, size),)
                more = x, mean, scale, RATE, dense_bias, int32(g)
                compared(conv.conv_update_f32, conv_update_of, [w, b], patch, inputs, *more)


@pytest.mark.parametrize("dtype", TYPES)
@every_channelwise_geometry
@np.errstate(all="ignore")
def test_depthwise_layers_have_the_bits_of_the_plain_kernels(dtype, g):
    size, taps, outputs = g[0] * g[1] * g[2], g[6] * g[7] * g[2], g[3] * g[4] * g[2]
    for pool in (ORDINARY, WILD, BROKEN):
        x, (w, b, delta) = samples(dtype, size, pool), (drawn(pool, n, n) for n in (taps, g[2], outputs))
        for c in (1, g[2], size):
            mean, scale = pairs(c)
            out = np.full(outputs, np.nan, np.float32)
            plain, update = depthwise.depthwise_forward_f32, depthwise.depthwise_update_f32
            compared(plain, depthwise_forward_of, [out], 0, ((), (w, b)), x, mean, scale, int32(g))
            for share, dense_bias in ((0, False), (0.3, True), (1, False)):
                inputs = (delta,), (kept_of(outputs, share, size),)
                compared(update, depthwise_update_of, [w, b], 0, inputs, x, mean, scale, RATE, dense_bias, int32(g))


def test_weights_that_meet_only_padding_are_not_touched():
    """Also where they are such that + 0 would change them, or would make NaN of infinity."""
    g = geometry((1, 1, 1), 1, (3, 3), padding="same")
    w, b, patch = np.full(9, -0.0, np.float32), np.zeros(1, np.float32), np.empty(9, np.float32)
    w[1] = np.inf
    delta, kept, one = np.float32([np.inf]), np.uint16([0]), np.ones(1, np.float32)
    conv_update_of(w, b, patch, delta, np.uint8([3]), kept, one, one, RATE, False, int32(g))
    assert_same_bits(w, np.float32([-0.0, np.inf, -0.0, -0.0, -np.inf, -0.0, -0.0, -0.0, -0.0]))


def test_by_hand():
    out = np.empty(2, np.float32)
    mean, scale = np.float32([1, 5]), np.float32([0.5, 2])
    dense_forward_of(
        out, np.int16([3, 6, -1, 5]), np.float32([1, 10, 100, 1000, 1, 1, 1, 1]), np.float32([0, 0.5]), mean, scale
    )
    assert out.tolist() == [-79, 2.5]  # of the values 1, 2, -1, 0
