"""Every entry by small files of its layout, whatever their number of samples, and by the real ones where they are."""

import warnings

import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.datasets.catalogue import CATALOGUE
from mcuref.datasets.data import KINDS
from mcuref.datasets.semantics import SCALE, ZERO_POINT
from mcuref.errors import InputError

CLASSIFIED = [name for name, entry in CATALOGUE.items() if entry.kind != "anomaly"]


def made(name, samples):
    """Arrays of a side of that data set; every value of x is different as far as its type goes."""
    entry = CATALOGUE[name]
    shape, dtype = entry.stored or (entry.shape, entry.dtype)
    x = np.arange(samples * np.prod(shape)).reshape(samples, *shape).astype(dtype)
    further = {
        "session": np.arange(samples) % 3,
        "subject": np.arange(samples) % 4,
        "scale_log2": np.full(9, 14, np.int8),
        "speaker": np.arange(samples, dtype=np.uint16) % 3,
        "machine_id": np.ones(samples, np.uint8),
        "validation": (np.arange(samples) % 4 == 1).astype(np.uint8),
        "scale": np.float32(SCALE),
        "zero_point": np.int8(ZERO_POINT),
    }
    return {entry.x: x, "y": np.arange(samples) % 3, **{array: further[array] for array in entry.arrays}}


@pytest.mark.parametrize("name", CLASSIFIED)
def test_any_number_of_samples_and_classes(place, name):
    entry = CATALOGUE[name]
    place(name, made(name, 11), made(name, 5))
    data = load(name)
    assert (data.name, data.kind, data.classes) == (name, entry.kind, 3)
    assert data.x_train.shape == (11, *entry.shape) and data.x_test.shape == (5, *entry.shape)
    assert data.x_train.dtype == entry.dtype
    expected = made(name, 11)[entry.x]
    assert (data.x_train == (entry.convert(expected) if entry.convert else expected)).all()


@pytest.mark.parametrize("name", CATALOGUE)
def test_something_else_in_its_folder(place, name):
    entry = CATALOGUE[name]
    arrays = {"y": np.zeros(2, int), "machine_id": np.zeros(2, int)}
    for x in (np.zeros((2, 7, 9), np.float32), np.zeros(2, np.int16), np.zeros((), np.int16)):
        side = made(name, 2) if entry.kind != "anomaly" else arrays
        folder = place(name, side | {entry.x: x}, side | {entry.x: x})
        with pytest.raises(InputError) as caught:
            load(name)
        for fragment in (str(folder), str(x.shape[1:]), str(x.dtype), repr(name)):
            assert fragment in str(caught.value)


@pytest.mark.parametrize("name", CATALOGUE)
def test_without_what_it_needs(place, name):
    place(name, {"z": np.zeros(2)}, {"z": np.zeros(2)})
    with pytest.raises(InputError, match=f"has no array '{CATALOGUE[name].x}' .it holds 'z'.; {CATALOGUE[name].x} and y"):
        load(name)


@pytest.mark.parametrize("name", CATALOGUE)
def test_damaged(place, name):
    (place(name, {}, {}) / "train.npz").write_bytes(b"junk")
    with pytest.raises(InputError, match="train.npz cannot be read"):
        load(name)


WRONG = {
    "text": np.array(["loud"] * 3), "one text": np.array("0.5847029"), "bytes": np.array([b"a", b"b", b"c"]),
    "object": np.array([1, "a", None], object), "date": np.array(["2020-01-01"] * 3, "M8[D]"), "span": np.ones(3, "m8[s]"),
    "complex": np.full(3, 1 + 1j), "one complex": np.complex64(1j), "fields": np.zeros(3, "i4,f4"), "raw": np.zeros(3, "V4"),
    "bool": np.ones(3, bool), "nan": np.full(3, np.nan), "one nan": np.float64(np.nan), "inf": np.full(3, -np.inf),
    "one inf": np.float32(np.inf), "negative": np.full(3, -5), "huge": np.full(3, 2**64 - 1, np.uint64),
    "half": np.full(3, 0.5), "long double": np.full(3, np.longdouble("1e4000")),
    "too long": np.zeros(5000, int), "too short": np.zeros(1, int),
    "empty": np.zeros(0), "no text": np.array([""] * 3), "matrix": np.zeros((3, 3), int), "one": np.int64(1),
    "no character": np.full((3, 2), 0x110000, np.uint32).view("U2")[:, 0], "deep": np.zeros((1,) * 30, int),
    "python 2": np.zeros(3, ">i2"), "no bytes": np.zeros(3, "S0"),
}  # fmt: skip


FIRST_OF_A_KIND = {entry.kind: name for name, entry in reversed(CATALOGUE.items())}


@pytest.mark.parametrize("name", [
    name if name in FIRST_OF_A_KIND.values() else pytest.param(name, marks=pytest.mark.slow) for name in CATALOGUE
])  # fmt: skip
def test_every_array_of_every_wrong_kind_is_one_sentence_or_usable(place, name):
    entry, refused = CATALOGUE[name], 0
    right = [made(name, 3) | {"y": np.zeros(3, int)} for _ in ("train", "test")]
    for array in (*right[0], "class_names"):
        for kind, wrong in WRONG.items():
            for side in (0, 1):
                sides = [dict(arrays) for arrays in right]
                sides[side][array] = wrong
                place(name, *sides)
                with warnings.catch_warnings(action="error"):
                    try:
                        load(name)
                    except InputError as error:
                        refused += 1
                        sentence = str(error)
                        assert name in sentence and len(sentence) < 500 and sentence.isprintable(), (array, kind)
    assert refused > 2 * len(WRONG)  # of x alone, nothing of these is usable; of entry.arrays hardly anything
    assert entry.kind == "anomaly" or refused > (2 + len(entry.arrays) / 2) * len(WRONG)


def test_names_are_folders_and_kinds_are_known():
    assert all(name.replace("_", "").isalnum() and name == entry.name for name, entry in CATALOGUE.items())
    assert {entry.kind for entry in CATALOGUE.values()} <= set(KINDS)


def test_mfcc10_has_frames_first_and_a_normalisation_for_each_coefficient(place):
    side = made("speech_commands_mfcc10", 4)
    place("speech_commands_mfcc10", side, side)
    data = load("speech_commands_mfcc10")
    assert data.x_train[1, 3].tolist() == side["x"][1, :, 3].tolist()
    assert data.mean.shape == (20,)


def test_groups_are_speakers_and_an_unknown_speaker_is_alone(place):
    place("speech_commands_mfcc49x10", made("speech_commands_mfcc49x10", 7), made("speech_commands_mfcc49x10", 2))
    assert load("speech_commands_mfcc49x10").groups.tolist() == [-1, 1, 2, -4, 1, 2, -7]


@pytest.mark.parametrize("change", [{"scale": np.float32(0.5)}, {"zero_point": np.int8(0)}, {"scale": np.ones(2)}])
def test_mfcc_of_another_quantisation(place, change):
    name = "speech_commands_mfcc49x10"
    place(name, made(name, 4) | change, made(name, 4))
    with pytest.raises(InputError, match="has scale .* and zero_point .* are needed"):
        load(name)


def test_sessions(place):
    for name, grouped in (("coil100_32", False), ("core50_tiny", True)):
        place(name, made(name, 7), made(name, 2))
        data = load(name)
        assert data.sessions.tolist() == [0, 1, 2, 0, 1, 2, 0]
        assert (data.groups is not None) == grouped
        assert (data.sessions_test is None) if grouped else data.sessions_test.tolist() == [0, 1]
    assert set(data.validation_split(0.3).sessions.tolist()) < {0, 1, 2}


# -- the real ones ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, names", [
    ("cifar10", ["airplane", "automobile"]),
    ("cifar100", ["apple", "aquarium_fish"]),
    ("food101_32", ["apple_pie", "baby_back_ribs"]),
    ("coil100_32", ["obj1", "obj2"]),
    ("core50_tiny", ["plug_adapter", "mobile_phone"]),
    ("speech_commands_mfcc10", ["bed", "cat"]),
    ("speech_commands_kws12", ["down", "go"]),
    ("speech_commands_mfcc49x10", ["down", "go"]),
    ("dcase2020_toycar", ["normal", "anomaly"]),
    ("mimii_slider_tiny", ["normal", "anomaly"]),
])  # fmt: skip
def test_real_class_names(loaded, name, names):
    assert list(loaded(name).class_names[:2]) == names


@pytest.mark.parametrize("name", CLASSIFIED)
def test_real_inputs_are_of_a_sensible_size(loaded, name):
    data = loaded(name)
    channel = np.arange(data.input_size) % len(data.mean)
    inputs = (data.x_train[::7].reshape(-1, data.input_size) - data.mean[channel]) * data.scale[channel]
    assert np.isfinite(inputs).all() and 0.1 < inputs.std() < 2
    assert len(np.unique(data.y_train)) == data.classes


def test_real_speakers_are_on_one_side(loaded):
    data = loaded("speech_commands_mfcc49x10")
    split = data.validation_split()
    assert len(split.x_test) == np.count_nonzero(data.validation)
    assert set(data.groups[data.validation].tolist()).isdisjoint(split.groups.tolist())
    assert not (split.y_test == data.class_names.index("silence")).any()  # there is none among the official ones


def test_real_keywords_are_the_test_clips_of_the_larger_set(loaded):
    keywords, larger = loaded("speech_commands_kws12"), loaded("speech_commands_mfcc49x10")
    assert keywords.class_names == larger.class_names
    # coefficient 0 over time of both sets: the same units, so the same level
    assert abs(keywords.x_test[..., 0].mean() - larger.x_test[..., 0].mean()) < 5
