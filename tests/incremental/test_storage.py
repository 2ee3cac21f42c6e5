"""Storage and Codec: what is stored of which type, at which levels, in how many bytes, and what is refused."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import Input, InputError
from mcuref.incremental.storage import SPAN, Storage, sample_axes, spread, type_limits

RANDOM = settings(max_examples=80, deadline=None, database=None, derandomize=True)
BITS = (1, 2, 4, 8)
SHAPES = ((1,), (7,), (17,), (3, 1), (15, 2), (33, 9), (1, 1, 1), (2, 3, 1), (7, 1, 3), (15, 17, 2))
FORMATS = [Storage(bits, *format) for bits in BITS for format in ((), (True,), (True, True))]
EPS = 2.0**-23
every_format = pytest.mark.parametrize("storage", FORMATS, ids=lambda s: f"{s.bits} bits, {s.resolution}")


def image(shape=(3, 5, 2), mean=0.0, scale=1 / 255):
    return Input(shape, "uint8", mean, scale)


def standardised(shape, dtype="float32", mean=1.0, deviation=2.0):
    """An Input of samples with these means and standard deviations."""
    return Input(shape, dtype, np.float32(mean), 1 / np.float32(deviation))


# formats


def test_formats():
    assert Storage() == Storage(8, False) and Storage(np.int64(4), True).bits == 4
    assert len(set(FORMATS)) == 12 and [s.resolution for s in FORMATS[:3]] == ["full", "half", "grid"]


@pytest.mark.parametrize("bits", [0, 3, 5, 16, -1, 8.0, 1.0, True, "8", None, [8], np.float32(8)])
def test_bits_refused(bits):
    with pytest.raises(InputError) as refused:
        Storage(bits)
    assert str(refused.value) == f"bits {bits!r} of a stored value are not known; they may be 1, 2, 4 or 8"


@pytest.mark.parametrize("half", [0, 1, None, "yes", np.True_])
def test_half_refused(half):
    with pytest.raises(InputError, match="half .* is not True or False"):
        Storage(8, half)


@pytest.mark.parametrize("given, words", [
    ((8, False, True), "grid True needs half True"), ((8, True, 1), "grid 1 is not True or False"),
    ((8, True, None), "grid None is not"),
])  # fmt: skip
def test_grid_refused(given, words):
    with pytest.raises(InputError, match=words):
        Storage(*given)


@pytest.mark.parametrize("shape, axes", [
    ((7,), (1, 1, 7)), ((15, 3), (15, 1, 3)), ((2, 3, 4), (2, 3, 4)), ((1, 1), (1, 1, 1)),
])  # fmt: skip
def test_axes(shape, axes):
    assert sample_axes(shape) == axes == Storage().codec(Input(shape)).shape


def test_more_than_three_axes_are_refused():
    with pytest.raises(InputError) as refused:
        Storage().codec(Input((2, 3, 4, 5)))
    assert str(refused.value) == "samples of shape (2, 3, 4, 5) have 4 axes; at most 3 can be stored"


def test_only_an_input_layer_has_a_codec():
    for layer in (None, (3, 3, 1), "uint8", Input):
        with pytest.raises(InputError, match="is not an Input layer"):
            Storage().codec(layer)


# bytes


@pytest.mark.parametrize("shape, storage, size", [
    ((28, 28, 1), Storage(8), 784), ((28, 28, 1), Storage(8, True), 196), ((28, 28, 1), Storage(4), 392),
    ((28, 28, 1), Storage(1), 98), ((28, 28, 1), Storage(1, True), 25),  # 196 bits
    ((3, 5, 3), Storage(2, True), 5),  # 2 x 3 x 3 values of 2 bits
    ((128, 9), Storage(8, True), 576), ((128, 9), Storage(4, True), 288), ((33, 1), Storage(1, True), 3),
    ((561,), Storage(8, True), 561), ((561,), Storage(1), 71), ((1, 1, 1), Storage(1), 1),
])  # fmt: skip
def test_bytes_by_hand(shape, storage, size):
    codec = storage.codec(Input(shape))
    assert codec.bytes == size
    assert codec.encode(np.zeros((3, *shape), np.float32)).shape == (3, size)


@every_format
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bytes_are_those_of_all_values(shape, storage):
    axes = [-(-n // 2) for n in shape[:-1]] if storage.half else shape[:-1]
    bits = prod(axes) * shape[-1] * storage.bits
    size = storage.codec(image(shape)).bytes
    assert 8 * size - 7 <= bits <= 8 * size


@pytest.mark.parametrize("layer, eight, fewer", [
    (image((5, 3)), 0, 0), (image((5, 3), 0.0, 1 / 16), 0, 0),  # from 0 to 1: nothing to remember
    (image((5, 3), 128.0), 0, 24),  # 8 bits hold every byte
    (Input((5, 3), "uint8", 0.0, 1 / 1000), 0, 24),
    (Input((5, 3), "int8", 0.0, 1 / 64), 0, 24), (Input((4, 4, 2), "int8"), 0, 16),
    (standardised((5, 3), "int16"), 24, 24), (standardised((7,)), 56, 56),
])  # fmt: skip
def test_bytes_of_levels(layer, eight, fewer):
    """low and step float32 of each channel, where they do not follow from the type."""
    for bits in BITS:
        for half in (False, True):
            assert Storage(bits, half).codec(layer).scale_bytes == (eight if bits == 8 else fewer)


# levels


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("whole", [255, 16, 4])
def test_levels_of_images_go_from_0_to_what_becomes_1(whole, bits):
    codec = Storage(bits).codec(image((2, 2, 3), 0.0, 1 / whole))
    levels = codec.low[0] + codec.step[0] * np.arange(2**bits)
    # the scale, its inverse and the quotient are rounded
    np.testing.assert_allclose(levels, np.linspace(0, whole, 2**bits), rtol=2 * EPS, atol=0)
    assert codec.low.shape == codec.step.shape == (3,) and codec.low.dtype == codec.step.dtype == np.float32
    assert len(set(codec.low)) == len(set(codec.step)) == 1
    if whole == 255:
        x = np.linspace(0, 255, 2**bits).astype(np.uint8).reshape(-1, 1, 1, 1)
        codec = Storage(bits).codec(image((1, 1, 1)))
        assert (codec.decode(codec.encode(x)) == x).all()


def test_bytes_that_are_not_normalised_are_not_clamped():
    """A scale of 1 says nothing about a range: 8 bits hold the whole type."""
    x = np.array([[0, 3, 100, 255]], np.uint8)
    codec = Storage(8).codec(Input((4,), "uint8"))
    assert (codec.decode(codec.encode(x)) == x).all()


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("mean, scale", [(0.0, 1 / 255), (-3.5, 0.01), (120.0, 1 / 60)])
def test_8_bits_hold_every_value_of_an_8_bit_type(mean, scale, dtype):
    x = np.arange(256).astype(dtype).reshape(2, 128, 1)
    codec = Storage(8).codec(Input((128, 1), dtype, mean, scale))
    assert (codec.decode(codec.encode(x)) == x).all()


@pytest.mark.parametrize("dtype, bits", [("float32", 8), ("float32", 1), ("int16", 4), ("int8", 2), ("uint8", 4)])
def test_other_levels_go_to_both_sides_of_the_mean(dtype, bits):
    mean, deviation = np.float32([10, -3.5, 100]), np.float32([4, 0.25, 31])
    codec = Storage(bits).codec(standardised((6, 3), dtype, mean, deviation))
    ends = mean - SPAN[bits] * deviation, mean + SPAN[bits] * deviation
    # scale, SPAN, quotient and difference are rounded; the sum of all steps too
    bound = 8 * EPS * (np.abs(mean) + SPAN[bits] * deviation)
    assert (np.abs(codec.low - ends[0]) <= bound).all()
    assert (np.abs(codec.low + codec.step.astype(np.float64) * (2**bits - 1) - ends[1]) <= bound).all()
    low, high = codec.bounds
    np.testing.assert_allclose(low, -SPAN[bits], atol=8 * EPS * np.max(np.abs(mean) / deviation + 5), rtol=0)
    np.testing.assert_allclose(high, SPAN[bits], atol=8 * EPS * np.max(np.abs(mean) / deviation + 5), rtol=0)


def normal(count=100_001):
    """Values of a standard normal distribution: those of its density at equal steps, and their shares."""
    x = np.linspace(-8, 8, count)
    density = np.exp(-x * x / 2)
    return x, density / density.sum()


@pytest.mark.parametrize("bits, error", [(1, 0.3634), (2, 0.1188), (4, 0.01154)])
def test_the_span_is_the_best_for_a_normal_distribution(bits, error):
    """Errors of the best uniform quantisers from Max, "Quantizing for minimum distortion", 1960, table II."""
    x, share = normal()

    def mean_square(span):
        step = 2 * span / (2**bits - 1)
        codes = np.clip(np.rint((x + span) / step), 0, 2**bits - 1)
        return float(share @ (codes * step - span - x) ** 2)

    codec = Storage(bits).codec(standardised((1,), mean=0, deviation=1))
    got = codec.decode(codec.encode(np.float32(x)[:, None]))[:, 0]
    measured = float(share @ (got - x) ** 2)
    assert measured == pytest.approx(mean_square(SPAN[bits]), rel=1e-4)  # float32 moves a few values over a threshold
    assert measured == pytest.approx(error, rel=0.003)  # one decimal of the span
    assert measured < min(mean_square(SPAN[bits] * 0.9), mean_square(SPAN[bits] * 1.1))


def test_8_bits_are_hardly_seen():
    x, share = normal()
    codec = Storage(8).codec(standardised((1,), mean=0, deviation=1))
    error = share @ (codec.decode(codec.encode(np.float32(x)[:, None]))[:, 0] - x) ** 2
    # the error of rounding, step^2 / 12, is 1e-4 of the variance; beyond 5 deviations there is next to nothing
    assert error == pytest.approx((10 / 255) ** 2 / 12, rel=0.05)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize(
    "layer",
    [
        image((4, 3)),
        image((4, 3), 128.0),
        standardised((4, 3), mean=[1, -5, 30], deviation=[1, 0.5, 9]),
        Input((4, 3), "float32", [1.0, 2.0, 3.0], [-1.0, 0.5, -0.25]),
        Input((4, 3), "int8", 0.0, -1 / 64),
        standardised((4, 3), "int16", 0, 1000),
    ],
    ids=["image", "uint8", "float32", "negative scales", "int8", "int16"],
)
def test_bounds_are_the_lowest_and_highest_level_in_normalised_units(layer, bits):
    codec = Storage(bits).codec(layer)
    ends = [(codec.low + codec.step * np.float32(q) - layer.mean) * layer.scale for q in (0, 2**bits - 1)]
    low, high = codec.bounds
    assert low.dtype == high.dtype == np.float32 and low.shape == high.shape == (3,)
    assert (low == np.minimum(*ends)).all() and (high == np.maximum(*ends)).all() and (low < high).all()
    assert (codec.step > 0).all()


def test_bounds_of_images_are_0_and_1():
    for whole in (255, 16):
        for bits in BITS:
            low, high = Storage(bits).codec(image((2, 2, 2), 0.0, 1 / whole)).bounds
            np.testing.assert_allclose(low, 0, atol=0)
            np.testing.assert_allclose(high, 1, rtol=3 * EPS)


# there and back


@st.composite
def coded(draw):
    """(codec, raw samples): any type, normalisation, format; values mostly within the levels."""
    shape, storage = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(FORMATS))
    dtype, channels = draw(st.sampled_from(["uint8", "int8", "int16", "float32"])), shape[-1]
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    size = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    if dtype == "uint8" and draw(st.booleans()):
        layer = Input(shape, dtype, np.zeros(size), np.full(size, np.float32(1 / 255)))
    else:
        wide = {"uint8": 30, "int8": 20, "int16": 3000, "float32": 3}[dtype]
        middle = 128 if dtype == "uint8" else 0
        mean = random.normal(middle, wide, size)
        layer = Input(shape, dtype, mean, 1 / random.uniform(wide / 2, wide, size).astype(np.float32))
    channel = np.arange(layer.size) % layer.mean.size
    x = random.normal(size=(3, layer.size)) / layer.scale[channel] + layer.mean[channel]
    if dtype != "float32":
        x = np.clip(np.rint(x), *(np.iinfo(dtype).min, np.iinfo(dtype).max))
    return storage.codec(layer), x.astype(dtype).reshape(3, *shape)


@RANDOM
@given(coded())
def test_a_value_comes_back_within_half_a_step(case):
    codec, x = case
    packed = codec.encode(x)
    back = codec.decode(packed)
    assert packed.dtype == np.uint8 and packed.shape == (3, codec.bytes)
    assert back.dtype == x.dtype and back.shape == x.shape
    assert (codec.encode(x) == packed).all() and (codec.decode(packed[1:2]) == back[1:2]).all()
    if codec.storage.half:
        return
    largest = codec.low + codec.step.astype(np.float64) * (2**codec.storage.bits - 1)
    nearest = np.clip(x.astype(np.float64), codec.low, largest)
    whole, least, most = type_limits(str(x.dtype))
    if whole:
        nearest = np.clip(nearest, least, most)  # clamping again brings nothing further apart
    # half a step, half a unit of a whole type, and a few roundings of numbers of this size
    bound = codec.step / 2 * 1.0001 + whole * 0.5 + 8 * EPS * np.maximum(np.abs(codec.low), np.abs(largest))
    assert (np.abs(back - nearest) <= bound).all()


@RANDOM
@given(coded())
def test_normalised_samples_are_stored_as_raw_ones_are(case):
    """raw = x / scale + mean, up to roundings: a code of a value next to the middle of two may be the other one."""
    codec, x = case
    layer, bits = codec.layer, codec.storage.bits
    channel = np.arange(layer.size) % layer.mean.size
    normalised = (x.reshape(3, -1).astype(np.float32) - layer.mean[channel]) * layer.scale[channel]
    packed = codec.encode_normalised(normalised.reshape(x.shape))
    assert packed.dtype == np.uint8 and packed.shape == (3, codec.bytes)
    ours, theirs = (np.unpackbits(p, axis=1, bitorder="little") for p in (packed, codec.encode(x)))
    count = prod(-(-n // 2) if codec.storage.half else n for n in codec.shape[:2]) * codec.shape[2]
    assert not ours[:, count * bits :].any()
    codes = [v[:, : count * bits].reshape(3, count, bits) @ (1 << np.arange(bits)) for v in (ours, theirs)]
    raw = normalised.astype(np.float64) / layer.scale[channel] + layer.mean[channel]
    step = codec.step[np.arange(layer.size) % codec.shape[2]]
    off = np.abs(raw - x.reshape(3, -1)) + 2 * EPS * np.abs(raw) + 4 * EPS * np.abs(codec.low).max()
    assert np.abs(codes[0] - codes[1]).max() <= np.floor(1 + (off / step).max())
    assert (codes[0] != codes[1]).mean() <= 0.2  # ties are rare but for levels between whole numbers
    assert (codec.encode_normalised(normalised.reshape(3, -1)) == packed).all()


@pytest.mark.parametrize(
    "layer",
    [
        image((3, 5, 1)),
        image((5, 3), [0.0] * 3, [1 / 255, 1 / 100, 1 / 32]),
        Input((5, 3), "int8", [1.0, 2.0, -9.5], [0.01, -0.3, 1 / 64]),
    ],
    ids=["one for all", "one a channel", "int8"],
)
def test_normalised_whole_numbers_are_stored_exactly(layer):
    """8 bits of an 8-bit type: x / scale + mean is a whole number but for roundings, and they are rounded away."""
    top = np.rint(1 / layer.scale) if layer.dtype == "uint8" else np.full(3, 255)  # what becomes 1; any of int8
    x = np.random.default_rng(1).integers(0, 256, (50, layer.size)) % (top[np.arange(layer.size) % top.size] + 1)
    x = x.astype(layer.dtype).reshape(50, *layer.shape)
    channel = np.arange(layer.size) % layer.mean.size
    normalised = (x.reshape(50, -1).astype(np.float32) - layer.mean[channel]) * layer.scale[channel]
    codec = Storage(8).codec(layer)
    assert (codec.decode(codec.encode_normalised(normalised.reshape(x.shape))) == x).all()


def test_normalised_values_are_clamped_at_both_ends():
    codec = Storage(2).codec(standardised((2,), mean=[5, -5], deviation=[1, 10]))
    packed = codec.encode_normalised(np.float32([[-100, 100], [1.4, -1.4], [0.4, -0.6]]))
    assert packed[:, 0].tolist() == [0b11_00, 0b00_11, 0b01_10]
    back = codec.decode(packed)
    np.testing.assert_allclose(back, [[3.5, 10], [6.5, -20], [5.5, -10]], rtol=4 * EPS)


def test_any_order_and_none():
    codec = Storage(4, True).codec(image((3, 3, 1)))
    x = np.random.default_rng(1).integers(0, 256, (5, 3, 3, 1), np.uint8)
    packed, every = codec.encode(x), codec.decode(codec.encode(x))
    order = np.array([4, 0, 0, 3], np.int32)
    assert (codec.decode(packed, order) == every[order]).all()
    nothing = codec.encode(x[:0])
    assert nothing.shape == (0, codec.bytes) and codec.encode_normalised(np.float32(x[:0])).shape == nothing.shape
    assert codec.decode(nothing).shape == codec.decode(packed, order[:0]).shape == (0, 3, 3, 1)


def test_arguments_are_not_changed():
    codec = Storage(4).codec(standardised((3, 2)))
    x = np.random.default_rng(1).normal(size=(2, 3, 2)).astype(np.float32)
    before = x.copy()
    packed = codec.encode(x)
    codec.encode_normalised(x)
    codec.encode(np.asfortranarray(x.astype(np.float64)))
    codec.decode(packed)
    assert x.tobytes() == before.tobytes()


# normalisations


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "float32"])
def test_one_for_all_is_one_for_each_channel(dtype):
    one, each = (Input((3, 5, 2), dtype, mean, scale) for mean, scale in ((3.0, 0.01), ([3.0] * 2, [0.01] * 2)))
    x = np.random.default_rng(1).integers(0, 100, (3, 3, 5, 2)).astype(dtype)
    for storage in FORMATS:
        a, b = storage.codec(one), storage.codec(each)
        assert (a.encode(x) == b.encode(x)).all() and (a.low == b.low).all() and a.low.shape == (2,)
        assert all((u == v).all() for u, v in zip(a.bounds, b.bounds))
        normalised = (x.astype(np.float32) - 3) * np.float32(0.01)
        assert (a.encode_normalised(normalised) == b.encode_normalised(normalised)).all()


def test_fewer_constants_than_channels_go_round():
    values = spread(np.float32([1, 2]), 6)
    assert values.dtype == np.float32 and values.tolist() == [1, 2, 1, 2, 1, 2]
    codec = Storage(8).codec(standardised((5, 4), mean=[10, 20], deviation=[1, 2]))
    np.testing.assert_allclose(codec.low, [5, 10, 5, 10], rtol=4 * EPS)


@every_format
@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
@pytest.mark.parametrize("shape, constants", [((2, 2, 1), 4), ((3, 2), 6), ((3, 2), 3), ((2, 3), 2), ((4, 2, 2), 4)])
def test_a_normalisation_of_every_value_is_refused(shape, constants, dtype, storage):
    layer = Input(shape, dtype, np.arange(constants, dtype=np.float32), np.ones(constants, np.float32))
    with pytest.raises(InputError) as refused:
        storage.codec(layer)
    assert str(refused.value) == (
        f"a normalisation of {constants} values cannot be given to {shape[-1]} channels; one for all, or one a channel is "
        "needed"
    )


def test_of_features_every_value_is_a_channel():
    layer = standardised((5,), mean=np.arange(5), deviation=np.arange(1, 6))
    codec = Storage(8, True).codec(layer)
    np.testing.assert_allclose(codec.low, np.arange(5) - 5.0 * np.arange(1, 6), rtol=4 * EPS)


@pytest.mark.parametrize("layer", [Input((3,), "float32", 0.0, 0.0), image((2, 2), [0.0, 0.0], [1.0, 0.0])])
def test_a_scale_of_0_is_refused(layer):
    with pytest.raises(InputError) as refused:
        Storage().codec(layer)
    assert "with a scale of 0 cannot be stored" in str(refused.value) and "\n" not in str(refused.value)


def test_limits_of_types():
    assert type_limits("uint8") == (True, 0, 255) and type_limits("int8") == (True, -128, 127)
    assert type_limits("int16") == (True, -32768, 32767) and type_limits("float32")[0] is False
    with pytest.raises(InputError, match="dtype 'int32' is not known"):
        type_limits("int32")
