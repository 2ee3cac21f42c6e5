"""Integers that bring samples in, against exact rationals: the nearest int8 value, and nothing passes int32."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.load import load_s8
from mcuref.quantization.loading import LARGEST_OFFSET, MULTIPLIER_BITS, loading
from mcuref.quantization.scales import Scale

RANDOM = settings(max_examples=300, deadline=None, database=None, derandomize=True)
DTYPES = ("uint8", "int8", "int16")


def float32(value):
    return float(np.float32(value))


def exact(samples, mean, scale, wanted):
    """(sample - mean) scale in steps of the wanted scale, zero included, as rationals; before it is clamped."""
    factor = Fraction(float32(scale)) / Fraction(float32(wanted.scale))
    return [(int(q) - Fraction(float32(mean))) * factor + wanted.zero for q in samples]


def samples_of(dtype, mean):
    """All samples of 8 bits; of 16 bits the ends, some between, and those around the mean."""
    ends = np.iinfo(dtype)
    if dtype != "int16":
        return np.arange(ends.min, ends.max + 1).astype(dtype)
    near = np.clip(np.arange(-300, 300) + int(mean), ends.min, ends.max)
    return np.concatenate(
        [[ends.min, ends.min + 1, ends.max - 1, ends.max], np.arange(ends.min, ends.max, 97), near]
    ).astype(dtype)


def loaded(samples, mean, scale, wanted):
    """(constants, what the kernel makes of samples), constants within their limits."""
    constants = loading(np.float32([mean]), np.float32([scale]), wanted)
    multiplier, offset, shift = (int(values[0]) for values in constants)
    assert [values.dtype.name for values in constants] == ["int32", "int32", "int8"]
    assert abs(multiplier) < 1 << MULTIPLIER_BITS and abs(offset) < LARGEST_OFFSET and 0 <= shift <= 30
    sums = samples.astype(np.int64) * multiplier + offset
    assert np.abs(samples.astype(np.int64) * multiplier).max() <= 1 << 30 and np.abs(sums).max() < 1 << 31
    x = np.zeros(samples.size, np.int8)
    load_s8(x, samples, *constants)
    np.testing.assert_array_equal(x, np.clip(sums >> shift, -128, 127))
    return constants, x


@st.composite
def tasks(draw):
    """(type, mean, scale, scale wanted): what data sets have, where most samples are inside the range."""
    dtype = draw(st.sampled_from(DTYPES))
    ends = np.iinfo(dtype)
    mean = draw(st.floats(ends.min, ends.max, width=32))
    scale = draw(st.floats(2.0**-20, 2.0**4, width=32))
    # how many int8 steps all samples together are: from less than one to more than there are
    steps = draw(st.floats(0.5, 400))
    wanted = Scale(float32(scale * float(int(ends.max) - int(ends.min)) / steps), draw(st.integers(-128, 127)))
    return dtype, mean, scale, wanted


@RANDOM
@given(tasks())
def test_the_nearest_value_or_its_neighbour(task):
    """The multiplier has 14 bits or more where the offset leaves them, so that only what lies next to a half may be off."""
    dtype, mean, scale, wanted = task
    samples = samples_of(dtype, mean)
    _, x = loaded(samples, mean, scale, wanted)
    values = exact(samples, mean, scale, wanted)
    off = 0
    for value, found in zip(values, x.tolist()):
        nearest = min(max(int(value + Fraction(1, 2) // 1), -128), 127)
        if found != min(max((value + Fraction(1, 2)) // 1, -128), 127):
            off += 1
            assert abs(min(max(value, -128), 127) - found) < 1, (value, found, nearest)
    assert off <= max(2, 0.03 * len(values)), off


@pytest.mark.parametrize(
    "dtype, mean, wanted, expected",
    [
        ("uint8", 128, Scale(1 / 256, 0), lambda q: q.astype(int) - 128),
        ("uint8", 0, Scale(1 / 256, -128), lambda q: q - 128.0),
        ("int8", 0, Scale(1 / 256, 0), lambda q: q),
        ("int8", -7, Scale(1 / 256, 5), lambda q: np.clip(q + 12.0, -128, 127)),
        ("int16", 0, Scale(1.0, 0), lambda q: np.floor(q / 256 + 0.5).clip(-128, 127)),
    ],
)
def test_exact_where_it_can_be(dtype, mean, wanted, expected):
    samples = samples_of(dtype, mean)
    _, x = loaded(samples, mean, 1 / 256, wanted)
    np.testing.assert_array_equal(x, expected(samples))


@RANDOM
@given(
    st.sampled_from(DTYPES),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(2.0**-126, width=32, allow_infinity=False),
    st.integers(-128, 127),
)
def test_nothing_passes_int32_whatever_the_numbers_are(dtype, mean, scale, wanted, zero):
    ends = np.iinfo(dtype)
    samples = np.array([ends.min, -1 if ends.min else 0, 0, 1, ends.max], dtype)
    wanted = Scale(wanted, zero)
    constants, x = loaded(samples, mean, scale, wanted)
    if int(constants[2][0]) == 0:  # so steep, or so far, that a step of a sample is more than one of the range
        return
    for value, found in zip(exact(samples, mean, scale, wanted), x.tolist()):
        # 15 bits of the factor, and what the offset takes of them: at most a step, and 2^-15 of what is added up
        slack = 1 + abs(value - wanted.zero) / 2**14 + abs(Fraction(float32(mean) * float32(scale) / wanted.scale)) / 2**14
        assert abs(min(max(value, -128), 127) - found) <= slack


def test_channels_have_their_own():
    mean, scale = np.float32([0, 100, -3]), np.float32([1, 0.5, 2])
    together = loading(mean, scale, Scale(0.75, -4))
    for c in range(3):
        alone = loading(mean[c : c + 1], scale[c : c + 1], Scale(0.75, -4))
        assert [int(values[c]) for values in together] == [int(values[0]) for values in alone]
