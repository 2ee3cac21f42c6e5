"""Packing: bit order, levels, clamping, half resolution, grids; against block means and np.interp in float64, bits by NumPy.

Levels of uint8 images (0, 255, 85, 17 or 1 apart) and of int8 at 8 bits are whole numbers: sums of four of them,
3 n + m and quarters of both are exact in float32, so there the oracle is met to the last bit.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels import packing
from mcuref.testing.buffers import Guarded

from .bits import EPS, ORDINARY, assert_same_bits, drawn

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
BITS = (1, 2, 4, 8)
SHAPES = [  # images, signals, features; odd and even axes, axes of 1 that are not halved, more or less than whole bytes
    (1, 1, 1), (1, 1, 3), (1, 1, 17), (1, 1, 33), (2, 1, 1), (3, 1, 2), (7, 1, 3), (17, 1, 1), (33, 1, 2), (1, 7, 2),
    (1, 4, 3), (2, 2, 1), (2, 3, 1), (3, 2, 2), (3, 3, 1), (3, 7, 3), (7, 2, 1), (15, 3, 1), (2, 17, 2), (5, 4, 3),
]  # fmt: skip
LIMITS = {name: (True, *map(np.float32, (np.iinfo(name).min, np.iinfo(name).max))) for name in ("uint8", "int8", "int16")}
LIMITS["float32"] = (False, np.float32(0), np.float32(0))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
GRID = (True, True)  # half resolution by the first of each block; False and True are full resolution and means
every_format = pytest.mark.parametrize("half", [False, True, GRID], ids=["full", "half", "grid"])
every_depth = pytest.mark.parametrize("bits", BITS)


def image_levels(bits, channels, dtype="uint8"):
    """low, step of the whole range of a type of 256 values."""
    low, step = LIMITS[dtype][1], np.float32(255 / (2**bits - 1))
    return np.full(channels, low, np.float32), np.full(channels, step, np.float32)


def stored_shape(shape, half):
    """Shape of what is stored."""
    return (*(-(-n // 2) if half else n for n in shape[:2]), shape[2])


def flags(half):
    """half and grid, as kernels take them."""
    return half if half == GRID else (half, False)


def encode(x, low, step, bits, shape, half):
    """packed[N, bytes] of x [N, A, B, C], every array between guards; the bytes were all ones before."""
    size = -(-int(np.prod(stored_shape(shape, half))) * bits // 8)
    packed = Guarded(np.full((len(x), size), 255, np.uint8), 255)
    inputs = [Guarded(v, np.nan) for v in (np.float32(x).reshape(len(x), -1), low, step)]
    packing.encode_samples(packed.values, *(a.values for a in inputs), bits, *shape, *flags(half))
    assert not packed.outside and not any(a.changed for a in inputs)
    return packed.values


def decode(packed, low, step, bits, shape, half, dtype, order=None):
    """x [S, A, B, C] of that type, every array between guards."""
    order = np.arange(len(packed), dtype=np.int32) if order is None else np.array(order, np.int32)
    out = Guarded(np.full((len(order), int(np.prod(shape))), 99, dtype), 99)
    packed, low, step = Guarded(packed, 0xA5), Guarded(low, np.nan), Guarded(step, np.nan)
    arguments = (a.values for a in (packed, Guarded(order, 1 << 20), low, step))
    packing.decode_samples(out.values, *arguments, bits, *shape, *flags(half), *LIMITS[dtype])
    assert not out.outside and not packed.changed
    return out.values.reshape(-1, *shape)


# -- oracles --------------------------------------------------------------------------------------------------------


def block_means(x, half):
    """float64 [A', B', C]: means over blocks, by padding with NaN; of a grid every other row and column."""
    if not half:
        return np.asarray(x, np.float64)
    if half == GRID:
        return np.asarray(x[::2, ::2], np.float64)
    a, b, c = x.shape
    blocks = np.full((-(-a // 2) * 2, -(-b // 2) * 2, c), np.nan)
    blocks[:a, :b] = x
    blocks = blocks.reshape(len(blocks) // 2, 2, -1, 2, c)
    return np.nanmean(blocks, axis=(1, 3))


def positions(x, low, step, bits, half):
    """Where block means lie between the codes, clamped, float64 [A', B', C]."""
    return np.clip((block_means(x, half) - low.astype(np.float64)) / step, 0, 2**bits - 1)


def pack(codes, bits):
    """Bytes of whole numbers, lowest bit first."""
    return np.packbits((codes.reshape(-1, 1) >> np.arange(bits)) & 1, bitorder="little")


def unpack(packed, bits, shape):
    """Whole numbers of bytes."""
    spread = np.unpackbits(packed, count=int(np.prod(shape)) * bits, bitorder="little").reshape(-1, bits)
    return (spread @ (1 << np.arange(bits))).reshape(shape)


def interpolated(values, shape, half):
    """float64 [A, B, C] from what is stored: np.interp between the centres of blocks, 0.5, 2.5, ..., or from 0, 2, 4, ..."""
    if half:
        for axis in (0, 1):
            if shape[axis] > 1:
                centres = 2 * np.arange(values.shape[axis]) + (0 if half == GRID else 0.5)
                values = np.apply_along_axis(lambda v: np.interp(np.arange(shape[axis]), centres, v), axis, values)
    return values


def brought_back(packed, low, step, bits, shape, half):
    """float64 [A, B, C], neither rounded nor clamped."""
    codes = unpack(packed, bits, stored_shape(shape, half))
    return interpolated(low.astype(np.float64) + step.astype(np.float64) * codes, shape, half)


def near_oracle(got, exact, low, step, bits, dtype):
    """Roundings: step q, low + it, 3 n + m twice: 6 of at most half a unit of 16 times the largest level, a sixteenth of it.

    A whole number may also be half a step of the type off, which is what rounding does, and is then clamped.
    """
    bound = 3 * EPS * (np.abs(low) + np.abs(step) * np.float64(2**bits - 1))
    if dtype == "float32":
        return (np.abs(got - exact) <= bound).all()
    exact = np.clip(exact, *LIMITS[dtype][1:])
    return (np.abs(got.astype(np.float64) - exact) <= 0.5 + bound).all()


# -- by hand --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits, codes, packed", [
    (8, [1, 2, 255], [1, 2, 255]),
    (4, [1, 2, 3], [0x21, 0x03]),
    (4, [15, 0, 10, 5], [0x0F, 0x5A]),
    (2, [1, 2, 3, 0, 3], [0b00_11_10_01, 0b11]),
    (1, [1, 0, 0, 1, 1, 0, 0, 0, 1], [0b00011001, 1]),
])  # fmt: skip
def test_value_i_begins_at_bit_i_bits_of_its_byte_lowest_first(bits, codes, packed):
    shape, ones, zeros = (1, 1, len(codes)), np.ones(len(codes), np.float32), np.zeros(len(codes), np.float32)
    assert encode(np.float32([codes]), zeros, ones, bits, shape, False).tolist() == [packed]
    assert decode(np.uint8([packed]), zeros, ones, bits, shape, False, "uint8").reshape(-1).tolist() == codes


def test_codes_are_levels_of_their_channel_nearest_to_the_value():
    # channel 0: 10, 14, 18, 22; channel 1: -1, -0.5, 0, 0.5; ties go to the even code, what lies outside to an end
    low, step = np.float32([10, -1]), np.float32([4, 0.5])
    x = np.float32([[10, -1], [11.9, -0.7], [12, -0.75], [16, -0.25], [20, 0.25], [9, -5], [99, 5]])
    codes = [[0, 0], [0, 1], [0, 0], [2, 2], [2, 2], [0, 0], [3, 3]]
    packed = encode(x[None], low, step, 2, (7, 1, 2), False)
    assert unpack(packed[0], 2, (7, 2)).tolist() == codes
    levels = [[10, -1], [10, -0.5], [10, -1], [18, 0], [18, 0], [10, -1], [22, 0.5]]
    assert decode(packed, low, step, 2, (7, 1, 2), False, "float32").reshape(7, 2).tolist() == levels


def test_half_resolution_by_hand():
    """Blocks of 4, 2, 2 and 1 values; back, corners and borders are repeated."""
    x = np.uint8([[8, 16, 80], [0, 0, 40], [200, 100, 7]]).reshape(1, 3, 3, 1)
    packed = encode(x, *image_levels(8, 1), 8, (3, 3, 1), True)
    assert packed.tolist() == [[6, 60, 150, 7]]
    columns = [[6, (18 + 60) / 4, (180 + 6) / 4], [150, (450 + 7) / 4, (21 + 150) / 4]]
    rows = [columns[0], [(3 * a + b) / 4 for a, b in zip(*columns)], [(3 * b + a) / 4 for a, b in zip(*columns)]]
    exact = decode(packed, *image_levels(8, 1), 8, (3, 3, 1), True, "float32").reshape(3, 3)
    assert exact.tolist() == rows
    whole = decode(packed, *image_levels(8, 1), 8, (3, 3, 1), True, "uint8").reshape(3, 3)
    assert whole.tolist() == [[6, 20, 46], [42, 43, 46], [114, 91, 44]]  # 19.5 and 46.5 to the even one


def test_a_grid_by_hand():
    """The first of each block; back, means of two, and of four; last rows and columns of even axes are repeated."""
    x = np.uint8([[8, 16, 80], [1, 2, 3], [200, 100, 7]]).reshape(1, 3, 3, 1)
    packed = encode(x, *image_levels(8, 1), 8, (3, 3, 1), GRID)
    assert packed.tolist() == [[8, 80, 200, 7]]
    back = decode(packed, *image_levels(8, 1), 8, (3, 3, 1), GRID, "float32").reshape(3, 3)
    assert back.tolist() == [[8, 44, 80], [104, 73.75, 43.5], [200, 103.5, 7]]
    x = np.uint8([5, 99, 7, 98]).reshape(1, 4, 1, 1)
    packed = encode(x, *image_levels(8, 1), 8, (4, 1, 1), GRID)
    assert decode(packed, *image_levels(8, 1), 8, (4, 1, 1), GRID, "uint8").reshape(-1).tolist() == [5, 6, 7, 7]


@every_shape
@every_depth
def test_a_grid_a_second_time_changes_nothing(bits, shape):
    """Stored values come back as they are: encode(decode(p)) == p, which half resolution does not have."""
    levels = image_levels(bits, shape[2])
    packed = encode(np.random.default_rng(bits).integers(0, 256, (3, *shape)), *levels, bits, shape, GRID)
    back = decode(packed, *levels, bits, shape, GRID, "uint8")
    assert (encode(back, *levels, bits, shape, GRID) == packed).all()


def test_an_axis_of_one_is_not_halved():
    for shape, stored in (((1, 1, 3), 3), ((4, 1, 3), 6), ((1, 4, 3), 6), ((1, 5, 1), 3), ((4, 4, 3), 12)):
        x = np.arange(np.prod(shape), dtype=np.uint8).reshape(1, *shape)
        assert encode(x, *image_levels(8, shape[2]), 8, shape, True).shape == (1, stored)
    features = np.uint8([[[[3, 200, 17]]]])
    packed = encode(features, *image_levels(8, 3), 8, (1, 1, 3), True)
    assert (decode(packed, *image_levels(8, 3), 8, (1, 1, 3), True, "uint8") == features).all()


# -- against the oracles --------------------------------------------------------------------------------------------


@every_shape
@every_format
@every_depth
def test_images_are_stored_and_brought_back_exactly_as_defined(bits, half, shape):
    low, step = image_levels(bits, shape[2])
    x = np.random.default_rng(bits).integers(0, 256, (3, *shape), np.uint8)
    x[0].flat[0], x[0].flat[-1], x[2] = 0, 255, x[0, ..., ::-1] // 2
    packed = encode(x, low, step, bits, shape, half)
    for sample, stored in zip(x, packed):
        codes = np.rint(positions(sample, low, step, bits, half)).astype(np.int64)
        assert (stored == pack(codes, bits)).all()  # the padding too: it is 0
    expected = np.array([brought_back(stored, low, step, bits, shape, half) for stored in packed])
    assert (decode(packed, low, step, bits, shape, half, "float32") == expected).all()
    assert (decode(packed, low, step, bits, shape, half, "uint8") == np.rint(expected)).all()


@st.composite
def stored(draw):
    """(x, low, step, bits, shape, half, dtype): any levels of any type; some values outside of them."""
    dtype, bits = draw(st.sampled_from(sorted(LIMITS))), draw(st.sampled_from(BITS))
    shape, half = draw(st.sampled_from(SHAPES)), draw(st.sampled_from([False, True, GRID]))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    if dtype == "float32":
        low, step = random.normal(0, 3, shape[2]), random.uniform(0.01, 2, shape[2])
        x = random.normal(0, 3 + 2**bits / 2, (2, *shape))
    else:
        limits = np.iinfo(dtype)
        span = limits.max - limits.min
        low = limits.min + random.uniform(-0.2, 0.4, shape[2]) * span
        step = random.uniform(0.2, 0.9, shape[2]) * span / 2**bits
        x = random.choice([limits.min, limits.max, *random.integers(limits.min, limits.max, 20)], (2, *shape))
    return x.astype(dtype), low.astype(np.float32), step.astype(np.float32), bits, shape, half, dtype


@RANDOM
@given(stored())
def test_any_levels_are_near_the_oracle(case):
    x, low, step, bits, shape, half, dtype = case
    packed = encode(x, low, step, bits, shape, half)
    for sample, one in zip(x, packed):
        codes, exact = unpack(one, bits, stored_shape(shape, half)), positions(sample, low, step, bits, half)
        # float32: 4 sums and quotients round the mean, then a difference and a quotient; in units of a step
        size = (np.abs(sample.astype(np.float64)).max() + np.abs(low)) / step
        assert (np.abs(codes - exact) <= 0.5 + 6 * EPS * (size + 2**bits)).all()
        assert (one == pack(codes, bits)).all()
    got = decode(packed, low, step, bits, shape, half, dtype)
    for one, sample in zip(packed, got):
        assert near_oracle(sample, brought_back(one, low, step, bits, shape, half), low, step, bits, dtype)


# -- there and back -------------------------------------------------------------------------------------------------


@every_shape
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_whole_types_of_8_bits_survive_8_bits(dtype, shape):
    limits = np.iinfo(dtype)
    x = np.random.default_rng(1).integers(limits.min, limits.max, (5, *shape), dtype, endpoint=True)
    x[0], x[1] = limits.min, limits.max
    levels = image_levels(8, shape[2], dtype)
    back = decode(encode(x, *levels, 8, shape, False), *levels, 8, shape, False, dtype)
    assert back.dtype == x.dtype and (back == x).all()


def test_all_256_values_survive_8_bits():
    x = np.arange(256, dtype=np.uint8).reshape(1, 1, 1, 256)
    packed = encode(x, *image_levels(8, 256), 8, (1, 1, 256), False)
    assert packed.tolist() == [list(range(256))]
    assert (decode(packed, *image_levels(8, 256), 8, (1, 1, 256), False, "uint8") == x).all()


CHANGES_NOTHING = [  # (dtype, low, step): levels at least 1 apart inside the type, or in float32 not too fine for it
    ("uint8", 0, None), ("int8", -128, None), ("int16", -100.3, 1.01), ("int16", -32000, 3.7), ("float32", -1.3, 0.011),
    ("float32", 1000, 0.01),
]  # fmt: skip


@every_depth
@pytest.mark.parametrize("dtype, low, step", CHANGES_NOTHING)
def test_a_second_time_changes_nothing(dtype, low, step, bits):
    """encode(decode(p)) == p at full resolution, where rounding to the type moves no level past half a step."""
    low = np.float32([low, low])
    step = np.full(2, np.float32(255 / (2**bits - 1)) if step is None else np.float32(step))
    shape, largest = (2**bits, 1, 2), 2**bits - 1
    codes = np.stack([np.arange(largest + 1), np.arange(largest, -1, -1)], axis=1)
    packed = pack(codes, bits)[None]
    x = decode(packed, low, step, bits, shape, False, dtype)
    assert (encode(x, low, step, bits, shape, False) == packed).all()
    if dtype == "float32":
        assert len(np.unique(x)) == largest + 1


@pytest.mark.parametrize("dtype, low, step, codes, again", [
    ("int8", 0, 0.25, [1, 2, 3], [0, 0, 4]),  # levels finer than the type: 0.25, 0.5 and 0.75 become 0, 0 and 1
    ("int8", -300, 100, [0, 1, 3], [2, 2, 3]),  # levels -300 and -200 outside of it become -128
    ("uint8", -64, 64, [0, 5, 6], [1, 5, 5]),  # -64 becomes 0, 320 becomes 255
    ("float32", 2**24, 1, [1, 2, 3], [0, 2, 4]),  # float32 has whole numbers no longer: ties to even
])  # fmt: skip
def test_where_a_second_time_does_change_codes(dtype, low, step, codes, again):
    low, step, shape = np.float32([low]), np.float32([step]), (3, 1, 1)
    x = decode(pack(np.array(codes), 4)[None], low, step, 4, shape, False, dtype)
    assert unpack(encode(x, low, step, 4, shape, False)[0], 4, 3).tolist() == again


def test_half_resolution_smooths_a_little_more_each_time():
    """Blocks 0 and 96 come back as 0, 24, 72, 96; their means are 12 and 84: only flat samples stay as they are."""
    levels, shape = image_levels(8, 1), (4, 1, 1)
    x = decode(np.uint8([[0, 96]]), *levels, 8, shape, True, "uint8")
    assert x.reshape(-1).tolist() == [0, 24, 72, 96]
    assert encode(x, *levels, 8, shape, True).tolist() == [[12, 84]]
    flat = np.full((1, 3, 5, 2), 77, np.uint8)
    packed = encode(flat, *image_levels(8, 2), 8, (3, 5, 2), True)
    assert (decode(packed, *image_levels(8, 2), 8, (3, 5, 2), True, "uint8") == flat).all()


# -- clamping and types ---------------------------------------------------------------------------------------------


@every_depth
def test_what_lies_outside_the_levels_becomes_an_end(bits):
    largest = 2**bits - 1
    x = np.float32([-3.4e38, -1000, -2.0001, -2, 2, 2.0001, 1000, 3.4e38]).reshape(1, 8, 1, 1)
    low, step = np.float32([-2]), np.float32([4 / largest])
    packed = encode(x, low, step, bits, (8, 1, 1), False)
    assert unpack(packed[0], bits, 8).tolist() == [0] * 4 + [largest] * 4


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16"])
@every_format
def test_what_lies_outside_the_type_becomes_an_end(half, dtype):
    limits = np.iinfo(dtype)
    span, shape = limits.max - limits.min, (6, 1, 1)
    low, step = np.float32([limits.min - 0.2 * span]), np.float32([1.4 * span / 15])
    x = np.float32([-1e9] * 2 + [limits.min + span / 2] * 2 + [1e9] * 2).reshape(1, *shape)
    packed = encode(x, low, step, 4, shape, half)
    x = decode(packed, low, step, 4, shape, half, dtype).reshape(-1).tolist()
    assert x[0] == limits.min and x[5] == limits.max and limits.min < x[2] < limits.max


def test_float32_is_neither_rounded_nor_clamped():
    low, step, shape = np.float32([-1e6]), np.float32([1e6 + 0.25]), (4, 1, 1)
    got = decode(pack(np.arange(4), 2)[None], low, step, 2, shape, False, "float32").reshape(-1)
    assert_same_bits(got, low + step * np.float32([0, 1, 2, 3]))
    assert got[1] == 0.25 and got[3] > 2e6


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_whole_types_round_to_nearest_ties_to_even(dtype):
    low, step, shape = np.float32([-3.5]), np.float32([0.25]), (16, 1, 1)
    got = decode(pack(np.arange(16), 4)[None], low, step, 4, shape, False, dtype).reshape(-1)
    levels = [-4, -3, -3, -3, -2, -2, -2, -2, -2, -1, -1, -1, 0, 0, 0, 0]  # of -3.5, -3.25, ..., 0.25
    assert got.dtype == dtype and got.tolist() == levels


# -- several samples ------------------------------------------------------------------------------------------------


def test_samples_are_brought_back_in_any_order():
    shape, levels = (3, 2, 3), image_levels(4, 3)
    x = np.random.default_rng(2).integers(0, 256, (7, *shape), np.uint8)
    packed = encode(x, *levels, 4, shape, True)
    every = decode(packed, *levels, 4, shape, True, "uint8")
    assert len(np.unique(every.reshape(7, -1), axis=0)) == 7
    order = [6, 0, 3, 3, 1]
    assert (decode(packed, *levels, 4, shape, True, "uint8", order) == every[order]).all()
    assert decode(packed, *levels, 4, shape, True, "uint8", []).shape == (0, *shape)
    for one, alone in zip(x, packed):
        assert (encode(one[None], *levels, 4, shape, True)[0] == alone).all()


def test_a_mean_adds_rows_first_in_float32():
    """2^24 takes no single 1: (2^24 + 1) + 1 is 2^24, 1 + 1 + 2^24 is two more; then a division."""
    low, step = np.float32([2**22 - 4]), np.float32([0.5])
    for x, mean in (([2**24, 1, 1, 0], 2**22), ([1, 1, 2**24, 0], 2**22 + 0.5), ([1, 2**24, 1, 0], 2**22)):
        packed = encode(np.float32(x).reshape(1, 2, 2, 1), low, step, 8, (2, 2, 1), True)
        assert packed.tolist() == [[int((mean - low[0]) / 0.5)]]
    x = drawn(ORDINARY, (1, 3, 3, 1), 1)
    low, step = np.float32([-2e4]), np.float32([100])
    total = x[0, 0, 0] + x[0, 0, 1]
    total = (total + x[0, 1, 0]) + x[0, 1, 1]
    code = np.rint((total[0] / np.float32(4) - low[0]) / step[0])
    assert encode(x, low, step, 8, (3, 3, 1), True)[0, 0] == code
