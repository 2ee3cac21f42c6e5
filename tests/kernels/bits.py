"""Comparing float32 arrays bit by bit: signed zeros differ, all NaN are one class (their sign is not portable)."""

import numba
import numpy as np

STRIDE = 997 if not numba.config.DISABLE_JIT else 499_979  # every 997th float32; far fewer as plain Python
EPS = 2.0**-23  # distance from 1 to the next float32; one rounding errs by at most half of it
UNDERFLOW = 2.0**-149  # the smallest float32: one operation on denormals errs by at most half of it
SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 33)  # 8 lanes, 8 rows and 4 rows a pass: both sides of every edge

ORDINARY = np.float32([1, -1, 0.5, 3, -7, 0.1, -1 / 3, 100.7, 1e-3, -2e4])
WILD = np.float32([0, -0.0, 1, -1, 1e-45, -3e-45, 1e-38, -1.1754942e-38, 3.4028235e38, -3.4028235e38, 1e30, 1 + EPS])
BROKEN = np.float32([np.nan, np.inf, -np.inf, 0, -0.0, 1, 2])
WHOLE = np.float32([1, -1, 2, -2, 3, -3])  # sums of a few thousand of their products are exact: no bound is needed
POOLS = {"ordinary": ORDINARY, "wild": WILD, "broken": BROKEN}


def drawn(pool, shape, seed):
    """float32 array of that shape with entries of ``pool``."""
    return np.random.default_rng(seed).choice(pool, shape)


def floats(low, high):
    """Every STRIDE-th float32 from ``low`` to ``high``, both >= 0."""
    return np.arange(np.float32(low).view(np.int32), np.float32(high).view(np.int32), STRIDE, np.int32).view(np.float32)


def worst_ulps(got, exact):
    """Largest error in units of the last place of the float32 next to the exact result."""
    return np.max(np.abs(got - exact) / np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64))


def kept_of(entries, share, seed, dtype=np.uint16):
    """Ascending indices, about that share of all."""
    return np.flatnonzero(np.random.default_rng(seed).random(entries) < share).astype(dtype)


def lane_sum(terms):
    """Sum over the first axis, float32: eight lanes one term after the other, then the tree; in plain loops."""
    lanes = [np.zeros(terms.shape[1:], np.float32)] * 8
    for i, term in enumerate(terms):
        lanes[i % 8] = lanes[i % 8] + term
    for half in (4, 2, 1):
        lanes = [lanes[lane] + lanes[lane + half] for lane in range(half)]
    return lanes[0]


def rounding_bound(roundings, terms, operations):
    """How far float32 may be off: each term is rounded that often, ``terms`` sums up their magnitudes (Higham 3.1).

    ``operations`` is how many may underflow.
    """
    return roundings * EPS / 2 * (1 + EPS * roundings) * terms + operations * UNDERFLOW


def bits(values):
    """uint32 bits of float32 values, all NaN made one."""
    values = np.array(values, np.float32)
    values[np.isnan(values)] = np.nan
    return values.view(np.uint32)


def assert_same_bits(got, expected):
    """Both float32, same shape, same bits; NaN as a class."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype == np.float32
    differing = np.flatnonzero(bits(got) != bits(expected))
    assert got.shape == expected.shape and not differing.size, (
        f"entries {differing[:5].tolist()}: got {got.flat[differing[:5]]}, expected {expected.flat[differing[:5]]}"
    )
