import dataclasses

import numpy as np
import pytest

from mcuref.datasets.data import Data
from mcuref.errors import InputError


def with_value(array, index, value):
    array = array.copy()
    array[index] = value
    return array


X = np.arange(24, dtype=np.float32).reshape(6, 4)
Y = np.array([0, 1, 2, 0, 1, 2])

# What is wrong, and what the sentence must name: the thing, its value, and what would be right.
BAD = {
    "x a list": (dict(x_train=X.tolist()), ["x_train", "list", "NumPy array"]),
    "x one dimension": (dict(x_train=X[0]), ["x_train", "(4,)", "dimension"]),
    "x no samples": (dict(x_train=X[:0], y_train=Y[:0]), ["x_train", "(0, 4)", "at least one"]),
    "x_test no samples": (dict(x_test=X[:0], y_test=Y[:0]), ["x_test", "(0, 4)", "at least one"]),
    "x empty samples": (dict(x_train=X[:, :0]), ["x_train", "(6, 0)", "at least one"]),
    "x object": (dict(x_train=X.astype(object)), ["x_train", "object", "float32"]),
    "x complex": (dict(x_train=X.astype(complex)), ["x_train", "complex128", "float32"]),
    "x bool": (dict(x_train=X > 3), ["x_train", "bool", "float32"]),
    "x strings": (dict(x_test=X[:3].astype(str)), ["x_test", "<U", "float32"]),
    "x dates": (dict(x_train=X.astype("M8[s]")), ["x_train", "datetime64", "float32"]),
    "x structured": (dict(x_train=np.zeros((6, 4), "i2,i2")), ["x_train", "i2", "float32"]),
    "x NaN": (dict(x_train=with_value(X, (2, 1), np.nan)), ["x_train", "nan", "sample 2", "(1,)", "finite"]),
    "x_test inf": (dict(x_test=with_value(X[:3], (1, 3), -np.inf)), ["x_test", "-inf", "sample 1", "(3,)", "finite"]),
    "x NaN in float64": (dict(x_train=with_value(X.astype(float), (5, 0), np.nan)), ["nan", "sample 5", "(0,)"]),
    "x beyond float32": (dict(x_train=with_value(X.astype(float), (0, 2), 1e300)), ["1e+300", "sample 0", "float32"]),
    "x beyond int16": (dict(x_train=with_value(X.astype(int), (4, 1), 32768)), ["32768", "sample 4", "int16"]),
    "x below int16": (dict(x_train=with_value(X.astype(int), (4, 1), -32769)), ["-32769", "sample 4", "int16"]),
    "x uint64 huge": (dict(x_train=np.full((6, 4), 2**64 - 1, np.uint64)), [str(2**64 - 1), "int16"]),
    "shapes differ": (dict(x_test=X[:3, :2]), ["x_test", "(2,)", "(4,)", "same shape"]),
    "dtypes differ": (dict(x_test=X[:3].astype(np.uint8)), ["x_test", "uint8", "float32", "same dtype"]),
    "y a list": (dict(y_train=Y.tolist()), ["y_train", "list", "NumPy array"]),
    "y one-hot": (dict(y_train=np.eye(6)), ["y_train", "(6, 6)", "(6,)"]),
    "y too short": (dict(y_train=Y[:5]), ["y_train", "5 labels", "6 samples"]),
    "y_test too long": (dict(y_test=Y[:4]), ["y_test", "4 labels", "3 samples"]),
    "y strings": (dict(y_train=Y.astype(str)), ["y_train", "<U", "integer"]),
    "y bool": (dict(y_train=Y > 0), ["y_train", "bool", "integer"]),
    "y object": (dict(y_train=Y.astype(object)), ["y_train", "object", "integer"]),
    "y fraction": (dict(y_train=with_value(Y.astype(float), 3, 0.5)), ["y_train", "0.5", "sample 3", "whole"]),
    "y NaN": (dict(y_train=with_value(Y.astype(float), 3, np.nan)), ["y_train", "nan", "sample 3", "whole"]),
    "y inf": (dict(y_train=with_value(Y.astype(float), 3, np.inf)), ["y_train", "inf", "sample 3", "65535"]),
    "y negative": (dict(y_train=with_value(Y, 4, -1)), ["y_train", "-1", "sample 4", "from 0"]),
    "y_test negative": (dict(y_test=np.array([0, -2, 0])), ["y_test", "-2", "sample 1", "from 0"]),
    "y an identifier": (dict(y_train=with_value(Y, 0, 2_000_000_000)), ["y_train", "2000000000", "65535"]),
    "y_test new class": (dict(y_test=np.array([0, 3, 0])), ["y_test", "3 at sample 1", "0 to 2"]),
    "more labels than names": (dict(class_names=("a", "b")), ["y_train", "2 at sample 2", "0 to 1"]),
    "names one string": (dict(class_names="abc"), ["class_names", "'abc'", "sequence"]),
    "names a number": (dict(class_names=3), ["class_names", "int", "sequence"]),
    "no names": (dict(class_names=()), ["class_names", "empty"]),
    "names not strings": (dict(class_names=("a", 2, "c")), ["class_names", "2 at position 1", "string"]),
    "mean alone": (dict(mean=np.zeros(1)), ["mean", "alone", "scale"]),
    "mean does not divide": (dict(mean=np.zeros(3), scale=np.ones(3)), ["mean", "(3,)", "divides 4"]),
    "mean two dimensions": (dict(mean=np.zeros((2, 2)), scale=np.ones(4)), ["mean", "(2, 2)", "one dimension"]),
    "mean empty": (dict(mean=np.zeros(0), scale=np.ones(1)), ["mean", "(0,)", "divides 4"]),
    "mean NaN": (dict(mean=np.full(1, np.nan), scale=np.ones(1)), ["mean", "nan", "finite"]),
    "scale beyond float32": (dict(mean=np.zeros(1), scale=np.full(1, 1e99)), ["scale", "1e+99", "finite float32"]),
    "mean strings": (dict(mean=np.array(["a"]), scale=np.ones(1)), ["mean", "<U1", "real numbers"]),
    "lengths differ": (dict(mean=np.zeros(1), scale=np.ones(2)), ["scale", "2 values", "mean 1"]),
    "scale 0": (dict(mean=np.zeros(2), scale=np.array([1, 0])), ["scale", "0 at position 1"]),
    "scale underflows": (dict(mean=np.zeros(1), scale=np.array([1e-99])), ["scale", "0 at position 0"]),
    "kind": (dict(kind="sound"), ["kind", "'sound'; one of image, signal, mfcc, features, anomaly is needed"]),
    "nearly a kind": (dict(kind="Images"), ["kind", "'Images'; did you mean image? one of image, signal"]),
    "name": (dict(name=""), ["name", "''", "non-empty"]),
    "groups a list": (dict(groups=[1] * 6), ["groups", "list", "NumPy array"]),
    "groups too short": (dict(groups=np.ones(5, int)), ["groups", "(5,)", "(6,)"]),
    "groups floats": (dict(groups=np.ones(6)), ["groups", "float64", "integer"]),
    "groups too large": (dict(groups=np.full(6, 2**40)), ["groups", str(2**40), "int32"]),
    "test sessions too short": (dict(sessions_test=np.ones(9, int)), ["sessions_test", "(9,)"]),
    "sessions too short": (dict(sessions=np.ones(5, int)), ["sessions", "(5,)", "(6,)"]),
    "validation too short": (dict(validation=np.ones(5, bool)), ["validation", "(5,)", "(6,)"]),
    "validation 2": (dict(validation=np.array([0, 1, 2, 0, 0, 0])), ["validation", "2 at sample 2", "0 or 1"]),
    "validation floats": (dict(validation=np.ones(6)), ["validation", "float64", "integer"]),
    "clips of images": (dict(clips_test=np.zeros(3, int)), ["clips_test", "'features'", "'anomaly'"]),
    "machines of images": (dict(machines_test=np.zeros(1, int)), ["machines_test", "'features'", "'anomaly'"]),
    "anomaly alone": (
        dict(kind="anomaly", y_train=0 * Y, y_test=0 * Y[:3]),
        ["groups", "missing", "groups, clips_test, machines_test"],
    ),
}


@pytest.mark.parametrize("change, fragments", BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_sentence(arrays, change, fragments):
    with pytest.raises(InputError) as caught:
        Data(**(arrays | change))
    sentence = str(caught.value)
    assert "\n" not in sentence
    for fragment in fragments:
        assert fragment in sentence


@pytest.mark.parametrize(
    "given, kept",
    [
        ("uint8", "uint8"),
        ("int8", "int8"),
        ("int16", "int16"),
        ("float32", "float32"),
        ("float64", "float32"),
        ("float16", "float32"),
        ("longdouble", "float32"),
        ("int32", "int16"),
        ("int64", "int16"),
        ("uint16", "int16"),
        (">i2", "int16"),
        (">f4", "float32"),
        (">f8", "float32"),
        (">i8", "int16"),
    ],
)
def test_dtypes_are_kept_or_converted_without_changing_a_value(arrays, given, kept):
    x = np.array([[0, 1], [2, 127], [5, 5]]).astype(given)
    data = Data(**(arrays | dict(x_train=x, y_train=np.array([0, 1, 2]), x_test=x, y_test=np.array([0, 0, 0]))))
    assert data.x_train.dtype == data.x_test.dtype == np.dtype(kept)
    assert data.x_train.dtype.isnative
    assert data.x_train.tolist() == [[0, 1], [2, 127], [5, 5]]


def test_extreme_int16_values_survive_the_conversion(arrays):
    x = np.full((6, 4), -32768)
    x[0] = 32767
    assert Data(**(arrays | dict(x_train=x, x_test=x[:3]))).x_train.tolist() == x.tolist()


def test_arrays_become_contiguous_and_labels_int32(arrays):
    strided = np.zeros((4, 12), np.float32).T[::2]
    data = Data(**(arrays | dict(x_train=strided, y_train=np.array([0.0, 1, 2, 0, 1, 2]))))
    assert data.x_train.flags.c_contiguous
    assert data.y_train.dtype == data.y_test.dtype == np.int32
    assert data.y_train.tolist() == [0, 1, 2, 0, 1, 2]


def test_properties_and_default_names(arrays):
    data = Data(**arrays)
    assert (data.input_shape, data.input_size, data.classes) == ((4,), 4, 3)
    assert data.class_names == ("0", "1", "2")
    image = Data(**(arrays | dict(kind="image", x_train=X.reshape(6, 2, 2, 1), x_test=X[:3].reshape(3, 2, 2, 1))))
    assert (image.input_shape, image.input_size) == ((2, 2, 1), 4)


def test_a_class_that_is_only_in_the_test_set_is_fine_when_it_has_a_name(arrays):
    change = dict(y_test=np.array([0, 3, 0]), class_names=np.array(["a", "b", "c", "d"]))
    data = Data(**(arrays | change))
    assert data.class_names == ("a", "b", "c", "d")
    assert all(type(name) is str for name in data.class_names)


def test_given_normalisation_is_kept_as_float32(arrays):
    data = Data(**(arrays | dict(mean=np.array([1.0, 2.0]), scale=np.array([3, 4]))))
    assert data.mean.dtype == data.scale.dtype == np.float32
    assert (data.mean.tolist(), data.scale.tolist()) == ([1, 2], [3, 4])
    single = Data(**(arrays | dict(mean=np.float64(1), scale=2)))
    assert (single.mean.tolist(), single.scale.tolist()) == ([1], [2])


def test_data_cannot_be_reassigned(arrays):
    with pytest.raises(dataclasses.FrozenInstanceError):
        Data(**arrays).name = "other"


def test_training_part_slices_training_alone(arrays):
    whole = Data(**arrays, groups=np.arange(6))
    part = whole.training_part(2, 4)
    assert part.x_train.tolist() == arrays["x_train"][2:4].tolist()
    assert part.y_train.tolist() == [2, 0]
    assert part.groups.tolist() == [2, 3]
    assert part.x_test.tolist() == arrays["x_test"].tolist() and part.y_test.tolist() == arrays["y_test"].tolist()
    assert part.class_names == whole.class_names  # though class 1 does not occur
    assert part.mean.tolist() == whole.mean.tolist() and part.scale.tolist() == whole.scale.tolist()


@pytest.mark.parametrize("first, last", [(-1, 3), (3, 3), (4, 2), (0, 7), (0.5, 3), ("0", 3), (0, None)])
def test_training_part_refuses(arrays, first, last):
    with pytest.raises(InputError, match="the training part .* needs"):
        Data(**arrays).training_part(first, last)


@pytest.fixture
def numbered():
    """60 samples whose single feature is their position, in 3 classes, and a test sample that is 1000."""
    x = np.arange(60, dtype=np.int16)[:, None]
    y = np.arange(60) % 3
    return Data("numbered", "features", x, y, np.full((1, 1), 1000, np.int16), np.array([0]))


def test_validation_split_parts_the_training_set(numbered):
    split = numbered.validation_split()
    train, held = split.x_train.ravel().tolist(), split.x_test.ravel().tolist()
    assert len(held) == 10
    assert sorted(train + held) == list(range(60))  # the test sample, 1000, is nowhere
    assert train == sorted(train) and held == sorted(held)
    assert split.y_train.tolist() == [i % 3 for i in train] and split.y_test.tolist() == [i % 3 for i in held]
    assert split.mean.tolist() == numbered.mean.tolist()


def test_validation_split_is_shuffled_and_decided_by_the_seed(numbered):
    held = [numbered.validation_split(seed=seed).x_test.ravel().tolist() for seed in (0, 0, 1)]
    assert held[0] == held[1] != held[2]
    assert held[0] not in (list(range(10)), list(range(50, 60)))


def test_validation_split_is_the_same_for_ever():
    x = np.arange(12, dtype=np.int16)[:, None]
    data = Data("twelve", "features", x, np.zeros(12, int), x, np.zeros(12, int))
    assert data.validation_split(0.25).x_test.ravel().tolist() == [5, 6, 9]


@pytest.mark.parametrize("fraction, held", [(0.001, 1), (0.999, 59), (0.5, 30)])
def test_validation_split_leaves_something_on_both_sides(numbered, fraction, held):
    split = numbered.validation_split(fraction)
    assert (len(split.x_train), len(split.x_test)) == (60 - held, held)


@pytest.mark.parametrize("seed", range(5))
def test_validation_split_holds_out_whole_groups(numbered, seed):
    groups = np.array([7, 3, 3, 9, -1, 7] * 10)
    split = dataclasses.replace(numbered, groups=groups).validation_split(0.5, seed)
    held = set(groups[split.x_test.ravel()].tolist())
    assert len(held) == 2
    assert held.isdisjoint(split.groups.tolist())
    assert split.groups.tolist() == groups[split.x_train.ravel()].tolist()
    assert len(split.x_train) + len(split.x_test) == 60


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_validation_split_refuses_a_fraction(numbered, fraction):
    with pytest.raises(InputError, match="more than 0 and less than 1"):
        numbered.validation_split(fraction)


def test_validation_split_needs_two_of_what_it_splits(numbered):
    with pytest.raises(InputError, match="has 1 training samples"):
        numbered.training_part(0, 1).validation_split()
    with pytest.raises(InputError, match="has 1 groups"):
        dataclasses.replace(numbered, groups=np.full(60, 4)).validation_split()


def test_the_official_validation_samples_are_the_validation_split(numbered):
    official = np.arange(60) % 7 == 3
    data = dataclasses.replace(numbered, validation=official.astype(np.uint8), sessions=np.arange(60) // 10)
    for fraction, seed in ((0.5, 0), (0.1, 9)):
        split = data.validation_split(fraction, seed)
        assert split.x_test.ravel().tolist() == np.flatnonzero(official).tolist()
        assert split.x_train.ravel().tolist() == np.flatnonzero(~official).tolist()
        assert split.sessions.tolist() == (np.flatnonzero(~official) // 10).tolist()
        assert split.sessions_test.tolist() == (np.flatnonzero(official) // 10).tolist()
    assert len(split.validation_split().x_test) == round(len(split.x_train) / 6)  # and then drawn ones


def test_a_part_keeps_its_sessions_and_validation_samples(numbered):
    data = dataclasses.replace(numbered, validation=np.arange(60) == 12, sessions=np.arange(60))
    part = data.training_part(10, 20)
    assert part.sessions.tolist() == list(range(10, 20)) and part.sessions.dtype == np.int32
    assert part.validation_split().x_test.ravel().tolist() == [12]
    for first, last in ((0, 10), (12, 13)):
        with pytest.raises(InputError, match="official validation samples among its"):
            data.training_part(first, last).validation_split()
