"""What int8 kernels do value by value, against the oracles: loading, scales, addition, tables, softmax; in place, too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.add import add_forward_s8
from mcuref.kernels.int8.load import copy_s8, load_s8
from mcuref.kernels.int8.lookup import lookup_s8
from mcuref.kernels.int8.relu import rescale_s8
from mcuref.kernels.int8.softmax import reciprocal, softmax_forward_s8
from mcuref.quantization.tables import exponentials
from mcuref.testing import oracles_int8 as oracles

from .problems import EDGES, NONE, SIZES, as_stored, clamps, drawn, one_factor, run, seeds, zeros

ALL = np.arange(-128, 128).astype(np.int8)
below_one = st.tuples(st.integers(1 << 30, (1 << 31) - 1), st.integers(-31, 0))


def in_place(kernel, x, *operands):
    """What is left of x when it is the output, too."""
    y = x.copy()
    kernel(y, y, *operands)
    return y


# -- loading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype, multiplier, offset", [("uint8", 2**22, -(2**30)), ("int8", -(2**22), 2**30), ("int16", 2**14, 2**30)]
)
@pytest.mark.parametrize("channels", [1, 3, 7])
def test_samples_of_every_type_and_channel(dtype, multiplier, offset, channels):
    random = np.random.default_rng(channels)
    ends = np.iinfo(dtype)
    samples = random.integers(ends.min, ends.max + 1, (43, channels)).astype(dtype)
    samples[:2, 0] = ends.min, ends.max
    for shift in (0, 1, 15, 22, 31):
        factor = [
            (random.integers(-abs(multiplier), abs(multiplier), channels)).astype(np.int32),
            random.integers(-abs(offset), abs(offset), channels).astype(np.int32),
            np.full(channels, shift, np.int8),
        ]
        factor[0][0], factor[1][0] = multiplier, offset  # as large as they may be
        got = run(load_s8, [samples.shape], [samples, *factor], ())
        np.testing.assert_array_equal(got, oracles.load(samples, *factor))


def test_samples_in_the_inputs_own_scale_come_as_they_are():
    np.testing.assert_array_equal(run(copy_s8, [256], [ALL], ()), ALL)


# -- other scales ---------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(zeros, zeros, one_factor, clamps)
def test_every_value_in_another_scale(x_zero, y_zero, factor, limits):
    arguments = (x_zero, y_zero, *factor, *limits)
    expected = oracles.rescale(ALL, *arguments)
    behind = *arguments, 0, 0
    np.testing.assert_array_equal(run(rescale_s8, [256], [ALL, NONE], behind), expected)
    np.testing.assert_array_equal(in_place(rescale_s8, ALL, NONE, *map(as_stored, behind)), expected)


@settings(max_examples=100, deadline=None)
@given(seeds, st.tuples(zeros, zeros, zeros), st.tuples(below_one, below_one, below_one), clamps)
def test_additions(seed, offsets, factor, limits):
    a, b = np.append(EDGES, drawn(33, seed)), np.append(EDGES[::-1], drawn(33, seed + 1))
    arguments = [value for i in range(3) for value in (offsets[i], *factor[i])]
    expected = oracles.add_forward(a, b, offsets, *zip(*factor), *limits)
    np.testing.assert_array_equal(run(add_forward_s8, [a.shape], [a, b, NONE], (*arguments, *limits, 0, 0, 0)), expected)
    numbers = [NONE, *map(as_stored, (*arguments, *limits, 0, 0, 0))]
    np.testing.assert_array_equal(in_place(add_forward_s8, a, b, *numbers), expected)
    other = b.copy()
    add_forward_s8(other, a, other, *numbers)
    np.testing.assert_array_equal(other, expected)


def test_an_addition_by_hand():
    # scales 1 and 1/2 to 1/4: 3 + 5/2 = 22/4; the terms' factors are 1/2 and 1/4, the sum's 2^-20 times 8
    arguments = 0, 1 << 30, 0, 0, 1 << 30, -1, 0, 1 << 30, -16, -128, 127, 0, 0, 0
    y = run(add_forward_s8, [1], [np.int8([3]), np.int8([5]), NONE], arguments)
    assert y.tolist() == [22]


# -- tables ---------------------------------------------------------------------------------------------------------


def test_every_entry_of_a_table_is_found():
    table = drawn(256, 1)
    np.testing.assert_array_equal(run(lookup_s8, [256], [ALL, table], ()), oracles.lookup(ALL, table))
    np.testing.assert_array_equal(in_place(lookup_s8, ALL, table), table)


# -- softmax --------------------------------------------------------------------------------------------------------


def agree(x, table):
    expected = oracles.softmax_forward(x, table)
    np.testing.assert_array_equal(run(softmax_forward_s8, [x.shape], [x, table], ()), expected)
    np.testing.assert_array_equal(in_place(softmax_forward_s8, x, table), expected)
    return expected


@pytest.mark.parametrize("n", [*SIZES, 255])
@pytest.mark.parametrize("scale", [2.0**-9, 0.0625, 0.3, 1.7, 40.0])
def test_softmax(n, scale):
    table = exponentials(scale)
    for pool in (None, EDGES, np.int8([7])):
        agree(drawn(n, n, pool), table)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-128, 127), min_size=1, max_size=40), st.floats(2.0**-10, 100), st.sampled_from([0.5, 1.0, 3.0]))
def test_drawn_softmaxes_are_near_the_real_ones(x, scale, beta):
    y = agree(np.int8(x), exponentials(scale, beta))
    real = np.exp((np.float64(x) - max(x)) * float(np.float32(scale)) * beta)
    # rounded to 1/256, of which 255 are the most; the reciprocal and the exponentials err by less than 2^-15
    assert np.abs(np.minimum(256 * real / real.sum(), 255) - (y + 128.0)).max() <= 0.5 + 2.0**-7


def test_as_many_values_as_a_sum_has_place_for():
    agree(np.full(4095, 7, np.int8), exponentials(0.3))


def test_two_equal_values_share():
    assert agree(np.int8([5, 5]), exponentials(0.1)).tolist() == [0, 0] and agree(np.int8([-128]), exponentials(1)) == [127]


@pytest.mark.parametrize("x", [0, 1, 2**10, 2**20 + 7, 2**30, 2**31 - 2**20, 2**31 - 1])
def test_a_reciprocal_is_exact_to_27_bits(x):
    # three steps square the error of the line, 1/17, three times; 29 bits behind the point hold no more than this
    assert abs(int(reciprocal(np.int64(x))) - 2**62 / (2**31 + x)) <= 2**4
