"""Augmentation: shifts against np.roll and zeros, gains about the mean in float64, ties, clamping, mirrors, bands."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels import augment
from mcuref.testing.buffers import Guarded

from .bits import EPS, WILD, assert_same_bits, drawn

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
SHAPES = [(1, 1, 1), (1, 1, 7), (2, 1, 3), (17, 1, 2), (33, 1, 1), (1, 15, 1), (3, 3, 1), (2, 7, 3), (7, 3, 2), (5, 4, 4)]
LIMITS = {name: (True, *map(np.float32, (np.iinfo(name).min, np.iinfo(name).max))) for name in ("uint8", "int8", "int16")}
LIMITS["float32"] = (False, np.float32(0), np.float32(0))
NO_GAIN, NO_MEAN = np.zeros((1, 0), np.float32), np.zeros(1, np.float32)
every_type = pytest.mark.parametrize("dtype", sorted(LIMITS))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
both_borders = pytest.mark.parametrize("wrap", [False, True], ids=["zeros", "wrapped"])


def shown(x, dy, dx, gains=None, mean=NO_MEAN, wrap=False, flips=0, bands=None):
    """out [S, A, B, C] of x [S, A, B, C], every array between guards."""
    dy, dx, flips = (np.broadcast_to(np.array(d, np.int32), len(x)) for d in (dy, dx, flips))
    bands = np.zeros((len(x), 0), np.int32) if bands is None else np.int32(bands)
    gains = np.zeros((len(x), 0), np.float32) if gains is None else np.float32(gains)
    out = Guarded(np.full((len(x), x[0].size), 99, x.dtype), 99)
    inputs = [Guarded(v, 77) for v in (x.reshape(len(x), -1), dy, dx, flips, bands, gains, np.float32(mean))]
    arguments = (a.values for a in inputs)
    augment.augment_samples(out.values, *arguments, *x.shape[1:], wrap, *LIMITS[str(x.dtype)])
    assert not out.outside and not any(a.changed for a in inputs)
    return out.values.reshape(x.shape)


def moved(x, dy, dx, wrap):
    """One sample, by np.roll, or cut out of itself with zeros all around."""
    if wrap:
        return np.roll(x, (dy, dx), (0, 1))
    a, b, _ = x.shape
    wide = np.pad(x, ((abs(dy), abs(dy)), (abs(dx), abs(dx)), (0, 0)))
    return wide[abs(dy) - dy : abs(dy) - dy + a, abs(dx) - dx : abs(dx) - dx + b]


def values(dtype, shape, seed):
    """Any values of a type, both ends among them; float32 with denormals and zeros of either sign."""
    if dtype == "float32":
        return drawn(WILD, shape, seed)
    limits = np.iinfo(dtype)
    return np.random.default_rng(seed).choice(np.array([limits.min, limits.max, 1, 2, 3, 100], dtype), shape)


def bits_of(x):
    """Bytes: -0 is not 0."""
    return x.tobytes()


# -- shifts ---------------------------------------------------------------------------------------------------------


@every_type
@every_shape
@both_borders
def test_every_shift_in_every_direction(wrap, shape, dtype):
    """All of them up to more than the sample, along one axis and along both; not a bit of a value changes."""
    a, b, _ = shape
    shifts = [
        (dy, dx)
        for dy in sorted({-a - 1, -a, -2, -1, 0, 1, a - 1, a, 2 * a + 1})
        for dx in sorted({-2 * b - 1, -b, -1, 0, 1, 2, b - 1, b, b + 1})
    ]
    shifts = shifts[:: max(1, shape[0] * shape[1] // 12)]  # fewer of large samples
    x = np.broadcast_to(values(dtype, shape, 1), (len(shifts), *shape)).copy()
    got = shown(x, *zip(*shifts), wrap=wrap)
    for (dy, dx), one in zip(shifts, got):
        assert bits_of(one) == bits_of(moved(x[0], dy, dx, wrap)), (dy, dx)


def test_down_and_right_by_hand():
    x = np.arange(1, 13, dtype=np.uint8).reshape(1, 3, 4, 1)
    assert shown(x, 1, 2)[0, ..., 0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 2], [0, 0, 5, 6]]
    assert shown(x, -1, -1)[0, ..., 0].tolist() == [[6, 7, 8, 0], [10, 11, 12, 0], [0, 0, 0, 0]]
    assert shown(x, 1, -1, wrap=True)[0, ..., 0].tolist() == [[10, 11, 12, 9], [2, 3, 4, 1], [6, 7, 8, 5]]


@every_type
def test_a_shift_larger_than_the_sample_leaves_zeros_or_goes_round(dtype):
    x = values(dtype, (1, 3, 2, 2), 2)
    for shift in (3, -3, 7, -32768, 32768):
        assert not shown(x, shift, 0).any() and not shown(x, shift, 1).any()
        assert bits_of(shown(x, shift, 0, wrap=True)[0]) == bits_of(np.roll(x[0], shift, 0))
    assert not shown(x, 0, 2).any() and bits_of(shown(x, 0, 2, wrap=True)) == bits_of(x)


def test_samples_have_their_own_shifts_and_gains():
    x = np.tile(np.float32([1, 2, 3, 4]).reshape(1, 4, 1, 1), (3, 1, 1, 1))
    got = shown(x, [0, 1, -2], 0, [[1], [2], [0.5]])
    assert got.reshape(3, 4).tolist() == [[1, 2, 3, 4], [0, 2, 4, 6], [1.5, 2, 0, 0]]


# -- gains ----------------------------------------------------------------------------------------------------------


@st.composite
def gained(draw):
    """(x, dy, dx, gains, mean, wrap): samples of any type, gains and means of few bits: float32 products are exact."""
    dtype, shape = draw(st.sampled_from(sorted(LIMITS))), draw(st.sampled_from(SHAPES))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    channels = shape[2]
    means = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    x = values(dtype, (3, *shape), 3) if dtype != "float32" else random.integers(-200, 200, (3, *shape)).astype(dtype)
    gains = random.choice(np.float32([0, 0.5, 0.75, 1, 1.25, 1.5]), (3, channels))
    mean = random.choice(np.float32([0, 1, -3, 0.5, 2.25, 100, -50.75]), means)
    shifts = random.integers(-3, 4, (2, 3))
    return x, *shifts, gains, mean, draw(st.booleans())


@RANDOM
@given(gained())
def test_gains_of_few_bits_are_exact(case):
    """(v - mean) gain + mean has at most 24 bits here: the float64 result is the float32 one, ties included."""
    x, dy, dx, gains, mean, wrap = case
    got, channels = shown(x, dy, dx, gains, mean, wrap), x.shape[3]
    middle = mean.astype(np.float64)[np.arange(channels) % mean.size]
    for one, sample, down, right, gain in zip(got, x, dy, dx, gains):
        expected = (sample - middle) * gain + middle
        if x.dtype != np.float32:
            expected = np.clip(np.rint(expected), np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
        assert (one == moved(expected, down, right, wrap)).all()  # what moves in is 0 and has no gain


@RANDOM
@given(st.sampled_from(sorted(LIMITS)), st.sampled_from(SHAPES), st.integers(0, 2**16))
def test_any_gain_is_near_the_oracle(dtype, shape, seed):
    random = np.random.default_rng(seed)
    x = values(dtype, (2, *shape), seed) if dtype != "float32" else random.normal(0, 9, (2, *shape)).astype(dtype)
    gains, mean = (random.uniform(0, 2, (2, shape[2])).astype(np.float32), random.normal(0, 50, shape[2]).astype(np.float32))
    got = shown(x, 0, 0, gains, mean)
    distance = x.astype(np.float64) - mean
    exact = distance * gains[:, None, None] + mean.astype(np.float64)
    # a difference, a product and a sum, each rounded once
    bound = EPS / 2 * (2 * np.abs(distance) * gains[:, None, None] + np.abs(exact)) * (1 + 2 * EPS)
    if dtype != "float32":
        exact = np.clip(exact, np.iinfo(dtype).min, np.iinfo(dtype).max)
        bound = bound + 0.5  # rounded to a whole number
    assert (np.abs(got - exact) <= bound).all()


@pytest.mark.parametrize("dtype, x, gain, mean, out", [
    ("uint8", [1, 3, 5, 7, 255], 0.5, 0, [0, 2, 2, 4, 128]),  # 0.5, 1.5, 2.5, 3.5, 127.5 to the even one
    ("int8", [-1, -3, -5, -127, 127], 0.5, 0, [0, -2, -2, -64, 64]),
    ("uint8", [0, 100, 200, 255], 1.5, 0, [0, 150, 255, 255]),  # clamped above
    ("uint8", [0, 99, 100, 255], 1.5, 100, [0, 98, 100, 255]),  # clamped below: -50; 98.5
    ("int8", [-128, -100, 100, 127], 1.5, 0, [-128, -128, 127, 127]),
    ("int16", [-32768, -30000, 5, 30000, 32767], 1.25, 0, [-32768, -32768, 6, 32767, 32767]),
    ("int16", [-20000, 300, 20000], 1.25, -4, [-24999, 376, 25001]),
    ("float32", [1, 3, -1e6, 3e38], 0.5, 0, [0.5, 1.5, -5e5, float(np.float32(3e38) / 2)]),  # neither
    ("float32", [1, 2, 4], 0, 2.5, [2.5, 2.5, 2.5]),
])  # fmt: skip
def test_gains_by_hand(dtype, x, gain, mean, out):
    got = shown(np.array(x, dtype).reshape(1, -1, 1, 1), 0, 0, [[gain]], np.float32([mean]))
    assert got.dtype == dtype and got.reshape(-1).tolist() == out


def test_each_channel_has_its_gain_and_its_mean():
    x = np.float32([[10, 20, 30, 40], [11, 21, 31, 41]]).reshape(1, 2, 1, 4)
    got = shown(x, 0, 0, [[2, 1, 0.5, 0]], [10, 40])  # means of channels 0 and 2, 1 and 3
    assert got.reshape(2, 4).tolist() == [[10, 20, 20, 40], [12, 21, 20.5, 40]]


@every_type
def test_a_gain_of_one_about_zero_changes_no_bit(dtype):
    x = values(dtype, (2, 3, 5, 2), 5)
    x[x == 0] = 0  # -0 - 0 is 0
    assert bits_of(shown(x, 1, -1, np.ones((2, 2)))) == bits_of(shown(x, 1, -1))


def test_without_gains_the_mean_is_never_used():
    x = values("float32", (1, 3, 3, 2), 6)
    assert_same_bits(shown(x, 0, 0, None, [np.nan, np.inf]), x)


# -- mirrors and bands ----------------------------------------------------------------------------------------------


@st.composite
def hidden(draw):
    """(x, dy, dx, wrap, flips, bands, mean): bands that are empty, whole, at either end; means between whole numbers."""
    dtype, shape = draw(st.sampled_from(sorted(LIMITS))), draw(st.sampled_from(SHAPES))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    ends = np.stack([np.sort(random.integers(0, n + 1, (3, 2)), axis=1) for n in shape], axis=1)
    mean = random.choice(np.float32([0, 0.5, 1.5, -7, 99, 1e6]), shape[2])
    x = values(dtype, (3, *shape), int(random.integers(99)))
    return x, *random.integers(-2, 3, (2, 3)), draw(st.booleans()), random.integers(0, 2, 3), ends.reshape(3, 6), mean


@RANDOM
@given(hidden())
def test_mirrored_then_moved_then_hidden(case):
    """Not a bit of what no band hides changes; what it hides is the mean as the type holds it, ties to even."""
    x, dy, dx, wrap, flips, bands, mean = case
    got = shown(x, dy, dx, None, mean, wrap, flips, bands)
    middle = mean if x.dtype == np.float32 else np.clip(np.rint(mean), np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    for one, sample, down, right, flip, band in zip(got, x, dy, dx, flips, bands):
        expected = moved(sample[:, ::-1] if flip else sample, down, right, wrap).copy()
        for axis, (begin, end) in enumerate(band.reshape(3, 2)):
            place = np.zeros(expected.shape, bool)
            np.moveaxis(place, axis, -1)[..., begin:end] = True
            expected[place] = np.broadcast_to(middle, expected.shape)[place]
        assert bits_of(one) == bits_of(expected)
    nothing = np.zeros_like(bands)
    assert bits_of(shown(x, dy, dx, None, mean, wrap, 0, nothing)) == bits_of(shown(x, dy, dx, None, mean, wrap))


def test_a_mirror_and_bands_by_hand():
    x = np.arange(1, 13, dtype=np.uint8).reshape(1, 3, 4, 1)
    assert shown(x, 0, 1, flips=1)[0, ..., 0].tolist() == [[0, 4, 3, 2], [0, 8, 7, 6], [0, 12, 11, 10]]
    rows = shown(x, 1, 0, mean=[2.5], bands=[[0, 1, 3, 4, 0, 0]])[0, ..., 0]
    assert rows.tolist() == [[2, 2, 2, 2], [1, 2, 3, 2], [5, 6, 7, 2]]
    x = np.float32([[1, 2, 3], [4, 5, 6]]).reshape(1, 2, 1, 3)
    assert shown(x, 0, 0, [[2, 2, 2]], [1, 1, 9], bands=[[0, 0, 0, 0, 1, 3]]).reshape(2, 3).tolist() == [
        [1, 1, 9],
        [7, 1, 9],
    ]
