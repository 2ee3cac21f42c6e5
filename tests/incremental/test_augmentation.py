"""Augmentation: what a step draws, that it is drawn evenly and by (seed, step) alone, and how it reaches a sample."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import Input, InputError
from mcuref.incremental.augmentation import BANDS, BY_KIND, FLIP, Augmentation
from mcuref.kernels.random import AUGMENT, philox

RANDOM = settings(max_examples=50, deadline=None, database=None, derandomize=True)
SHAPES = ((1,), (7,), (3, 2), (17, 1), (33, 2), (1, 5, 1), (2, 3, 2), (7, 3, 1), (15, 17, 2))
OLD = ("c95e695aeed91612", "2bf41e2c5b07cc32")
KINDS = {"uint8": (0.0, 1 / 255), "int8": (0.0, 1 / 64), "int16": (100.0, 1e-3), "float32": (0.5, 2.0)}


def layer(shape, dtype="uint8"):
    return Input(shape, dtype, *KINDS[dtype])


def samples(shape, dtype, count, seed=0):
    """No value is 0: what moved in shows."""
    random = np.random.default_rng(seed)
    if dtype == "float32":
        return random.uniform(0.5, 2, (count, *shape)).astype(dtype)
    return random.integers(1, np.iinfo(dtype).max, (count, *shape), dtype, endpoint=True)


def drawn(seed, word, step):
    """Number of one word of one step, as a whole number below 2^32."""
    return int(philox(seed, AUGMENT + word, 1, step)[0])


def defined(augmentation, layer, sample, seed, step):
    """One sample as it is shown at a step: whole-number arithmetic, np.roll, float64."""
    a, b = {1: (1, 1), 2: (*layer.shape[:1], 1), 3: layer.shape[:2]}[len(layer.shape)]
    c = layer.shape[-1]
    x, s = sample.reshape(a, b, c), augmentation.shift
    dy, dx = (((2 * s + 1) * drawn(seed, word, step) // 2**32 - s) * (n > 1) for word, n in enumerate((a, b)))
    if augmentation.gain:
        unit = np.array([drawn(seed, 2 + k, step) // 2**8 / 2**23 - 1 for k in range(c)])
        mean = np.tile(layer.mean, c // layer.mean.size).astype(np.float64)
        x = (x - mean) * (1 + np.float64(np.float32(augmentation.gain)) * unit) + mean
        if layer.dtype != "float32":
            x = np.clip(x, np.iinfo(layer.dtype).min, np.iinfo(layer.dtype).max)
    if augmentation.flip and drawn(seed, FLIP, step) >= 2**31:
        x = x[:, ::-1]
    moved = np.roll(x, (dy, dx), (0, 1)).astype(np.float64)
    if not augmentation.wrap:
        rows, columns = np.arange(a) - dy, np.arange(b) - dx
        moved[(rows < 0) | (rows >= a)] = 0
        moved[:, (columns < 0) | (columns >= b)] = 0
    moved = moved.reshape(sample.shape)
    mean = np.broadcast_to(np.tile(layer.mean, c // layer.mean.size), sample.shape).astype(np.float64)
    if layer.dtype != "float32":
        mean = np.clip(np.rint(mean), np.iinfo(layer.dtype).min, np.iinfo(layer.dtype).max)
    for number, most in enumerate(augmentation.mask[: 2 * (len(layer.shape) > 1)]):
        length = layer.shape[number]
        width = (min(most, length) + 1) * drawn(seed, BANDS + 2 * number, step) // 2**32
        begin = (length - width + 1) * drawn(seed, BANDS + 2 * number + 1, step) // 2**32
        place = (slice(None),) * number + (slice(begin, begin + width),)
        moved[place] = mean[place]
    return moved


@st.composite
def shown(draw):
    """(augmentation, layer, x, seed, first step)."""
    augmentation = Augmentation(
        draw(st.integers(0, 4)),
        draw(st.booleans()),
        draw(st.sampled_from([0.0, 0.1, 0.5])),
        draw(st.booleans()),
        (draw(st.integers(0, 9)), draw(st.integers(0, 3))),
    )
    shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(sorted(KINDS)))
    x = samples(shape, dtype, draw(st.sampled_from([0, 1, 2, 7])), draw(st.integers(0, 99)))
    return augmentation, layer(shape, dtype), x, draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**20))


@RANDOM
@given(shown())
def test_a_step_is_what_is_defined(case):
    augmentation, layer, x, seed, first = case
    before = x.tobytes()
    got = augmentation.apply(layer, x, seed, first)
    assert got.shape == x.shape and got.dtype == x.dtype and x.tobytes() == before
    assert got is not x or not augmentation.active
    for j, sample in enumerate(x):
        exact = defined(augmentation, layer, sample, seed, first + j)
        if not augmentation.gain:
            assert (got[j] == exact).all()
            continue
        # gain: two roundings near 1; a difference, a product and a sum; half a unit of a whole type
        size = np.abs(exact) + 3 * (np.abs(x[j].astype(np.float64)).max() + np.abs(layer.mean).max())
        assert (np.abs(got[j] - exact) <= 4 * 2.0**-24 * size + 0.5 * (x.dtype != np.float32)).all()


@RANDOM
@given(shown(), st.data())
def test_steps_do_not_depend_on_how_they_are_cut_into_calls(case, data):
    augmentation, layer, x, seed, first = case
    whole = augmentation.apply(layer, x, seed, first)
    cut = data.draw(st.integers(0, len(x)))
    parts = [augmentation.apply(layer, x[:cut], seed, first), augmentation.apply(layer, x[cut:], seed, first + cut)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    for j in range(len(x)):
        assert augmentation.apply(layer, x[j : j + 1], seed, first + j).tobytes() == whole[j].tobytes()


def shifts(augmentation, count, seed=3, first=0, shape=(9, 9, 1)):
    """[(down, right)] of so many steps: where the one value in the middle went."""
    x = np.zeros((count, *shape), np.uint8)
    x[:, shape[0] // 2, shape[1] // 2] = 1
    _, rows, columns, _ = np.nonzero(augmentation.apply(layer(shape), x, seed, first))
    assert len(rows) == count
    return np.stack([rows - shape[0] // 2, columns - shape[1] // 2], axis=1)


@pytest.mark.parametrize("shift", [1, 2, 4])
@pytest.mark.parametrize("wrap", [False, True])
def test_every_shift_is_as_likely(wrap, shift):
    moves = shifts(Augmentation(shift, wrap), 4000)
    for axis in (0, 1):
        numbers, counts = np.unique(moves[:, axis], return_counts=True)
        assert numbers.tolist() == list(range(-shift, shift + 1))  # both ends, nothing beyond
        expected = 4000 / len(numbers)
        assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()  # 4 standard deviations
    pairs, counts = np.unique(moves, axis=0, return_counts=True)
    assert len(pairs) == (2 * shift + 1) ** 2  # rows and columns do not go together
    assert (np.abs(counts - 4000 / len(pairs)) < 4.5 * np.sqrt(4000 / len(pairs))).all()
    assert (shifts(Augmentation(shift, wrap), 50, first=100) == moves[100:150]).all()
    assert (shifts(Augmentation(shift, wrap), 50, seed=4) != moves[:50]).any(axis=1).mean() > 0.5


def test_an_axis_of_one_stays_where_it_is():
    """A signal moves along time alone; features do not move."""
    x = samples((15, 3), "int16", 200)
    got = Augmentation(4, wrap=True).apply(layer((15, 3), "int16"), x, 1, 0)
    rolled = np.array([np.roll(x, shift, axis=1) for shift in range(-4, 5)])
    found = (got == rolled).all(axis=(2, 3))
    assert (found.sum(axis=0) == 1).all() and found.any(axis=1).all()  # each is one of nine, and each of nine is there
    features = samples((7,), "float32", 50)
    assert (Augmentation(4).apply(layer((7,), "float32"), features, 1, 0) == features).all()
    rows = samples((1, 9, 1), "uint8", 50)
    got = Augmentation(2).apply(layer((1, 9, 1)), rows, 1, 0)
    assert got.any(axis=(1, 2, 3)).all() and (got != rows).any()


def test_half_of_all_samples_are_mirrored_whatever_else_is_drawn():
    x = np.zeros((4000, 1, 5, 1), np.uint8)
    x[:, 0, 1] = 1
    columns = np.nonzero(Augmentation(flip=True).apply(layer((1, 5, 1)), x, 3, 0))[2]
    assert set(columns) == {1, 3} and abs((columns == 3).sum() - 2000) < 4 * np.sqrt(1000)  # 4 standard deviations
    moved = np.nonzero(Augmentation(1, flip=True).apply(layer((1, 5, 1)), x, 3, 0))[2]
    only = np.nonzero(Augmentation(1).apply(layer((1, 5, 1)), x, 3, 0))[2]
    assert (moved - columns == only - 1).all(), "a mirror changes no move"


def test_every_width_of_a_band_is_as_likely_and_every_place_where_it_fits():
    x = np.full((6000, 7, 3), 9, np.uint8)
    got = Augmentation(mask=(2, 1)).apply(layer((7, 3)), x, 3, 0) == 0
    times, channels = got.all(axis=2), got.all(axis=1)
    assert (got == (times[:, :, None] | channels[:, None])).all()  # two bands, nothing else
    widths, begins = times.sum(axis=1), times.argmax(axis=1)
    for width in (0, 1, 2):
        mine = widths == width
        assert abs(mine.sum() - 2000) < 4 * np.sqrt(2000 * 2 / 3)
        if width:
            places = 7 - width + 1
            counts = np.bincount(begins[mine], minlength=places)
            assert len(counts) == places and (np.abs(counts - mine.sum() / places) < 4 * np.sqrt(2000 / places)).all()
            assert (times[mine].sum(axis=1) == width).all()
    assert widths.max() == 2 and set(channels.sum(axis=1)) == {0, 1}
    assert abs(np.corrcoef(widths, channels.sum(axis=1))[0, 1]) < 4 / np.sqrt(6000)
    everything = Augmentation(mask=(99, 0)).apply(layer((7, 3)), x, 3, 0) == 0
    assert set(everything.all(axis=2).sum(axis=1)) == set(range(8))  # no wider than the axis
    assert (Augmentation(mask=(9, 9)).apply(layer((4,)), x[:, :4, 0], 3, 0) == 9).all(), "features have no bands"


@pytest.mark.parametrize("gain", [0.1, 0.5, 0.999])
def test_gains_fill_their_range(gain):
    x = np.full((4000, 1, 3), 3.0, np.float32)
    signal = Input((1, 3), "float32", 1.0, 1.0)
    gains = (Augmentation(gain=gain).apply(signal, x, 7, 0)[:, 0] - 1.0) / 2  # of what is 2 above the mean
    distance = (gains - 1) / gain
    assert np.abs(distance).max() <= 1 + 1e-5 / gain  # float32 near 1
    for channel in distance.T:
        # 4000 of them come within 1/400 of an end with a probability of 1 - e^-5; thirds hold 1333 +- 4 deviations
        assert channel.min() < -1 + 1 / 400 and channel.max() > 1 - 1 / 400
        counts = np.histogram(channel, 3, (-1.01, 1.01))[0]
        assert (np.abs(counts - 4000 / 3) < 4 * np.sqrt(4000 * 2 / 9)).all()
    correlation = np.corrcoef(distance.T)[np.triu_indices(3, 1)]
    assert (np.abs(correlation) < 4 / np.sqrt(4000)).all()  # every channel has a gain of its own


def test_seeds_and_steps_draw_anew():
    x = samples((7, 7, 1), "uint8", 1)[[0] * 64]
    augmentation = Augmentation(2, gain=0.5)
    first = augmentation.apply(layer((7, 7, 1)), x, 5, 0)
    assert (augmentation.apply(layer((7, 7, 1)), x, 5, 0) == first).all()
    assert len(np.unique(first.reshape(64, -1), axis=0)) > 60
    for seed, step in ((6, 0), (5, 64)):
        other = augmentation.apply(layer((7, 7, 1)), x, seed, step)
        assert (other != first).any(axis=(1, 2, 3)).mean() > 0.9


def test_nothing_to_do_is_nothing_done():
    x = samples((3, 3, 1), "uint8", 2)
    for augmentation in (Augmentation(), Augmentation(0, True), Augmentation(gain=0)):
        assert not augmentation.active and augmentation.apply(layer((3, 3, 1)), x, 1, 0) is x
        assert augmentation.work(layer((3, 3, 1))) == {"moves": 0, "multiplications": 0}
    assert Augmentation(1).work(layer((3, 3, 2))) == {"moves": 18, "multiplications": 0}
    assert Augmentation(gain=0.1).work(layer((3, 3, 2))) == {"moves": 18, "multiplications": 18}
    assert Augmentation(1).active and Augmentation(gain=0.1).active
    for augmentation in (Augmentation(flip=True), Augmentation(mask=(0, 1))):
        assert augmentation.active and augmentation.work(layer((3, 3, 2))) == {"moves": 18, "multiplications": 0}


def test_what_is_new_changes_nothing_where_it_is_off():
    """Digests of what was shown before there were mirrors and bands."""
    x = samples((7, 5, 2), "int16", 64)
    for augmentation, digest in ((Augmentation(2), OLD[0]), (Augmentation(3, True, 0.3), OLD[1])):
        shown = augmentation.apply(layer((7, 5, 2), "int16"), x, 11, 1000)
        assert hashlib.sha256(shown.tobytes()).hexdigest()[:16] == digest


def test_gains_need_a_mean_of_each_channel():
    each = Input((2, 2, 1), "float32", np.float32([1, 2, 3, 4]), np.ones(4, np.float32))
    x = np.ones((1, 2, 2, 1), np.float32)
    with pytest.raises(InputError, match="a normalisation of 4 values cannot be given to 1 channels"):
        Augmentation(gain=0.5).apply(each, x, 0, 0)
    with pytest.raises(InputError, match="a normalisation of 4 values"):
        Augmentation(mask=(1, 0)).apply(each, x, 0, 0)
    assert Augmentation(1, wrap=True, flip=True).apply(each, x, 0, 0).all()  # shifts and mirrors need none


@pytest.mark.parametrize("arguments, words", [
    ((-1,), "shift -1 is not a whole number from 0"), ((1.5,), "shift 1.5"), ((True,), "shift True"),
    ((1 << 16,), "shift 65536"), ((0, 1), "wrap 1 is not True or False"), ((0, False, 1), "gain 1 is not a number"),
    ((0, False, -0.1), "gain -0.1"), ((0, False, float("nan")), "gain nan"), ((0, False, "0.1"), "gain '0.1'"),
    ((0, False, 0, 1), "flip 1 is not True or False"), ((0, False, 0, False, 3), "mask 3 is not two whole numbers"),
    ((0, False, 0, False, (1,)), "mask (1,)"), ((0, False, 0, False, (1, -1)), "mask -1"),
    ((0, False, 0, False, [1, 2]), "mask [1, 2]"), ((0, False, 0, False, (1.5, 0)), "mask 1.5"),
])  # fmt: skip
def test_refused(arguments, words):
    with pytest.raises(InputError) as refused:
        Augmentation(*arguments)
    assert words in str(refused.value)


def test_what_suits_a_kind_of_data():
    assert set(BY_KIND) == {"image", "signal", "mfcc", "features"}
    assert not BY_KIND["features"].active and BY_KIND["signal"].gain and not BY_KIND["image"].wrap
