import dataclasses

import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.datasets.anomaly import log_magnitudes, windows
from mcuref.datasets.data import Data
from mcuref.datasets.shift import has_shift, shift
from mcuref.errors import InputError
from mcuref.experiments.protocols import TrainingProtocol, find_protocol


def toycar(labels, seed=0):
    """One side of ToyCar with a clip for each label."""
    x = np.random.default_rng(seed).integers(-1000, 200, (len(labels), 200, 128)).astype(np.int16)
    return dict(x=x, y=np.array(labels), machine_id=np.arange(len(labels)) % 2 + 1)


def test_windows_slide_by_one_frame():
    clips = np.arange(2 * 7 * 3).reshape(2, 7, 3)
    found = windows(clips)
    assert found.shape == (2, 3, 5, 3)
    for clip in range(2):
        for first in range(3):
            assert found[clip, first].tolist() == clips[clip, first : first + 5].tolist()


def test_toycar_becomes_windows(place):
    train, test = toycar([0, 0, 0]), toycar([0, 1, 0, 1], seed=1)
    place("dcase2020_toycar", train, test)
    data = load("dcase2020_toycar")
    assert data.x_train.shape == (3 * 196, 5, 128) and data.x_train.dtype == np.int16
    assert data.x_train[196 + 7].tolist() == train["x"][1, 7:12].tolist()
    assert data.x_test[3 * 196 + 195].tolist() == test["x"][3, 195:].tolist()
    assert data.groups.tolist() == np.repeat([0, 1, 2], 196).tolist()
    assert data.clips_test.tolist() == np.repeat([0, 1, 2, 3], 196).tolist()
    assert data.machines_test.tolist() == [1, 2, 1, 2]
    assert data.sessions.tolist() == np.repeat([1, 2, 1], 196).tolist()
    assert not data.y_train.any() and data.y_test.tolist() == np.repeat([0, 1, 0, 1], 196).tolist()
    assert data.class_names == ("normal", "anomaly")


def test_normalisation_is_of_the_frames_of_normal_training_clips(place):
    train = toycar([0, 0, 1])
    train["x"][2] = 30000
    place("dcase2020_toycar", train, toycar([0, 1]) | dict(machine_id=np.array([1, 1])))
    data, frames = load("dcase2020_toycar"), train["x"][:2].reshape(-1, 128).astype(float)
    np.testing.assert_allclose(data.mean, frames.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(data.scale, 1 / frames.std(axis=0), rtol=1e-6)


def test_mimii_takes_logarithms_of_magnitudes(place):
    x = np.full((3, 79, 33), 2**14 - 1, np.int16)
    x[1], x[2] = 0, 32767
    place("mimii_slider_tiny", dict(x=x, y=np.array([0, 0, 1])), dict(x=x, y=np.array([0, 1, 0])))
    data = load("mimii_slider_tiny")
    assert data.x_train.dtype == np.float32 and data.x_train.shape == (2 * 75, 5, 33)
    assert (data.x_train[:75] == 0).all()
    assert (data.x_train[75:] == np.float32(-14 * np.log(2))).all()
    assert (data.x_anomalous == np.float32(np.log(2))).all() and data.x_anomalous.shape == (1, 75, 5, 33)
    assert data.machines_test.tolist() == [0, 0, 0]


@pytest.mark.parametrize("value", [-1, -2])
def test_a_negative_magnitude_is_refused(place, value):
    side = dict(x=np.full((2, 79, 33), value, np.int16), y=np.array([0, 1]))
    place("mimii_slider_tiny", side, side)
    with pytest.raises(InputError, match="x has .* at sample 0.*finite"):
        load("mimii_slider_tiny")


def test_logarithms_are_those_of_the_values():
    x = np.arange(32768, dtype=np.int16)
    np.testing.assert_array_equal(log_magnitudes(x), (np.log((x + 1.0) * 2.0**-14)).astype(np.float32))


def test_no_normal_clip(place):
    place("dcase2020_toycar", toycar([1, 1]), toycar([0, 1]))
    with pytest.raises(InputError, match="has no normal training clip"):
        load("dcase2020_toycar")


@pytest.mark.parametrize("labels, sentence", [([0, 2], "2 at sample 1"), ([0], "1 labels for 2 samples")])
@pytest.mark.parametrize("side", ["train", "test"])
def test_wrong_labels(place, side, labels, sentence):
    sides = {"train": toycar([0, 0]), "test": toycar([0, 1])}
    sides[side]["y"] = np.array(labels)
    place("dcase2020_toycar", **sides)
    with pytest.raises(InputError, match=f"y_{side} has {sentence}"):
        load("dcase2020_toycar")


def test_machines_that_do_not_belong_to_the_clips(place):
    place("dcase2020_toycar", toycar([0]), toycar([0, 1]) | dict(machine_id=np.arange(5)))
    with pytest.raises(InputError, match="clips_test has no window of clip 2"):
        load("dcase2020_toycar")


@pytest.mark.parametrize("side", ["train", "test"])
def test_toycar_without_machines(place, side):
    sides = {"train": toycar([0]), "test": toycar([0, 1])}
    del sides[side]["machine_id"]
    place("dcase2020_toycar", **sides)
    with pytest.raises(InputError, match=f"{side}.npz has no array 'machine_id'"):
        load("dcase2020_toycar")


# -- Data of kind "anomaly" --------------------------------------------------------------------------------------------


@pytest.fixture
def small():
    """12 normal training windows of 4 clips, 6 test windows of 3 clips, 2 anomalous training clips of 3 windows."""
    x = np.arange(24, dtype=np.int16).reshape(12, 2)
    return dict(
        name="small",
        kind="anomaly",
        x_train=x,
        y_train=np.zeros(12, int),
        groups=np.repeat([3, 5, 8, 9], 3),
        x_test=x[:6] + 100,
        y_test=np.array([0, 0, 1, 1, 0, 0]),
        clips_test=np.array([1, 1, 0, 0, 2, 2]),
        machines_test=np.array([7, 7, 7]),
        x_anomalous=x[:6].reshape(2, 3, 2) + 1000,
    )


BAD = {
    "no clips": (dict(clips_test=None), ["clips_test is missing", "groups, clips_test, machines_test"]),
    "no machines": (dict(machines_test=None), ["machines_test is missing"]),
    "no groups": (dict(groups=None), ["groups is missing"]),
    "an anomaly in training": (dict(y_train=np.arange(12) // 11), ["y_train has 1 at sample 11"]),
    "a third class": (dict(y_test=np.full(6, 2), class_names=["a", "b", "c"]), ["y_test has 2 at sample 0"]),
    "clips too short": (dict(clips_test=np.zeros(5, int)), ["clips_test", "(5,)", "(6,)"]),
    "a clip too many": (dict(clips_test=np.array([1, 1, 0, 0, 3, 3])), ["clips_test has 3 at sample 4", "3 clips"]),
    "a negative clip": (dict(clips_test=np.array([1, 1, 0, 0, -1, 2])), ["clips_test has -1 at sample 4"]),
    "a clip without windows": (dict(clips_test=np.array([1, 1, 0, 0, 1, 1])), ["no window of clip 2"]),
    "a clip of two labels": (dict(y_test=np.array([0, 1, 1, 1, 0, 0])), ["clips_test has 1", "the same label"]),
    "machines a table": (dict(machines_test=np.zeros((3, 1), int)), ["machines_test", "(3, 1)"]),
    "two machines": (dict(machines_test=np.array([7, 7, 6])), ["x_anomalous", "2 machines"]),
    "anomalies of another shape": (dict(x_anomalous=np.zeros((2, 3, 3), np.int16)), ["x_anomalous", "(2, 3, 3)"]),
    "anomalies of another type": (dict(x_anomalous=np.zeros((2, 3, 2), np.int8)), ["x_anomalous", "int8", "int16"]),
}  # fmt: skip


@pytest.mark.parametrize("change, fragments", BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_sentence(small, change, fragments):
    with pytest.raises(InputError) as caught:
        Data(**(small | change))
    for fragment in ("data set 'small'", *fragments):
        assert fragment in str(caught.value)


@pytest.mark.parametrize("seed", range(4))
def test_validation_is_of_whole_normal_clips_and_all_anomalous_ones(small, seed):
    data = Data(**small)
    split = data.validation_split(0.5, seed)
    held = sorted(set(data.groups.tolist()) - set(split.groups.tolist()))
    assert len(held) == 2 and len(split.x_train) == 6
    assert split.x_test[:6].tolist() == data.x_train[np.isin(data.groups, held)].tolist()
    assert split.x_test[6:].tolist() == data.x_anomalous.reshape(6, 2).tolist()
    assert split.y_test.tolist() == [0] * 6 + [1] * 6
    assert split.clips_test.tolist() == np.repeat([0, 1, 2, 3], 3).tolist()
    assert split.machines_test.tolist() == [7] * 4


def test_nothing_to_detect_in_a_validation_split(small):
    with pytest.raises(InputError, match="'small' has no anomalous training clips.*test set alone"):
        Data(**(small | dict(x_anomalous=None))).validation_split()


@pytest.fixture
def machines(small):
    """The same clips, of machines 4, 4, 2 and 9; test clips of 4, 9 and 2."""
    sessions, tested = np.repeat([4, 4, 2, 9], 3), np.array([4, 9, 2])
    return Data(**(small | dict(x_anomalous=None, sessions=sessions, machines_test=tested)))


def test_without_anomalous_training_clips_the_last_machine_is_left_out(machines):
    split = machines.validation_split()
    assert split.x_train.tolist() == machines.x_train[:9].tolist() and split.machines == {2, 4}
    assert split.machines_test.tolist() == [4, 2] and split.clips_test.tolist() == [0, 0, 1, 1]
    assert split.x_test.tolist() == machines.x_test[2:].tolist() and split.y_test.tolist() == [1, 1, 0, 0]
    assert "regime 'shift', whose test is of the last machine alone" in split.warnings[0]


def test_two_machines_leave_nothing_to_choose_on(machines):
    """One would be pre-trained on, and none would be left that is new."""
    two = dataclasses.replace(machines, sessions=np.repeat([4, 4, 9, 9], 3))
    with pytest.raises(InputError, match="no anomalous training clips"):
        two.validation_split()


def test_a_machine_that_was_not_heard_before(machines):
    assert has_shift(machines)
    last = machines.training_part(9, 12)
    new = shift(last)
    assert (new.x_train == last.x_train).all() and new.machines == {9}
    assert new.machines_test.tolist() == [9] and new.clips_test.tolist() == [0, 0]
    assert new.x_test.tolist() == machines.x_test[:2].tolist() and not new.y_test.any()
    with pytest.raises(InputError, match="'small' has no domain shift; .* anomalies of several machines"):
        find_protocol("small", None, "shift").check(dataclasses.replace(machines, sessions=np.full(12, 4)))


@pytest.mark.parametrize("part, border", [(0.75, 9), (0.5, 6), (0.6, 9), (0.1, 6), (0.9, 9)])
def test_no_machine_is_on_both_sides(machines, part, border):
    """Where the domain is the machine; else it is clips that stay whole."""
    protocol = TrainingProtocol(1, 0.1, pretrained_part=part, pretrained_epochs=1, shifted=True)
    assert protocol.border(machines) == border
    first, second = protocol.parts(machines)
    assert not first.machines & second.machines and set(second.machines_test.tolist()) <= second.machines


def test_parts_keep_the_test_clips(small):
    part = Data(**small).training_part(3, 7)
    assert part.groups.tolist() == [5, 5, 5, 8] and part.clips_test.tolist() == [1, 1, 0, 0, 2, 2]
    assert dataclasses.replace(part, x_anomalous=None).x_anomalous is None


# -- the real ones ----------------------------------------------------------------------------------------------------


def test_real_toycar(loaded):
    data = loaded("dcase2020_toycar")
    assert sorted(set(data.machines_test.tolist())) == [1, 2, 3, 4]
    assert (data.input_size, data.mean.shape) == (640, (128,))
    assert data.machines == {1, 2, 3, 4} and (np.diff(data.sessions) >= 0).all()
    heard = data.validation_split()
    assert heard.machines == set(heard.machines_test.tolist()) == {1, 2, 3} and len(heard.x_train) == 75 * 196
    (warning,) = heard.warnings
    assert "all machines but the last" in warning and not data.warnings


def test_real_mimii(loaded):
    data = loaded("mimii_slider_tiny")
    normal, anomalous = len(set(data.groups.tolist())), len(data.x_anomalous)
    assert (normal, anomalous, len(data.machines_test)) == (62, 58, 60)
    split = data.validation_split()
    assert len(set(split.groups.tolist())) == 52 and len(split.machines_test) == 10 + 58
