"""What holds of the kernels of every activation whose slope follows from its output; ``oracle`` is (forward, backward)."""

import numpy as np

from mcuref.testing import oracles

from .bits import BROKEN, EPS, SIZES, UNDERFLOW, WILD, assert_same_bits, drawn

POINTS = np.float32([-11, -3, -0.7, -0.624, -1e-3, 0, 0.1, 0.6, 0.63, 2, 9])


def apart(forward, x):
    """What a kernel makes of x."""
    x = np.float32(x)
    out = np.full_like(x, 77)
    forward(out, x)
    return out


def assert_in_place_is_apart(forward, backward):
    """The same bits where the results lie over their operands; nothing else is written."""
    for pool in (BROKEN, WILD):
        for n in SIZES:
            x, dy, dx = drawn(pool, n, n), drawn(pool, n, n + 1), np.full(n, 77, np.float32)
            before, y = (x.copy(), dy.copy()), apart(forward, x)
            backward(dx, dy, y)
            assert_same_bits(x, before[0])
            assert_same_bits(dy, before[1])
            forward(x, x)
            backward(dy, dy, y)
            assert_same_bits(x, y)
            assert_same_bits(dy, dx)


def assert_backward_is_the_oracle(backward, oracle, y):
    """To rounding, of outputs y: slopes are at most 1, come of two roundings, and are rounded once more with the error."""
    dy = drawn(np.float32([1, -2, 0.3, 7e-3, -1e-30]), y.size, 0)
    dx = np.full_like(y, 77)
    backward(dx, dy, y)
    assert (np.abs(dx - oracle[1](dy, y)) <= 2 * EPS * np.abs(dy) + UNDERFLOW).all()


def assert_backward_is_the_slope(forward, backward, oracle):
    """Finite differences of the oracle, at points of all parts of the function."""
    dx = np.full_like(POINTS, 77)
    backward(dx, np.ones_like(POINTS), apart(forward, POINTS))
    slope = oracles.finite_difference(lambda v: oracle[0](v).sum(), POINTS)
    np.testing.assert_allclose(dx, slope, rtol=1e-5, atol=1e-6)
