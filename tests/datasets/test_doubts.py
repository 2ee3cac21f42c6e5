"""Warnings: where data was probably meant otherwise, and nowhere else."""

import numpy as np
import pytest

from mcuref.datasets import load
from mcuref.datasets.data import Data
from mcuref.datasets.registry import NAMES

RNG = np.random.default_rng(11)


def labelled(y, **changes):
    y = np.array(y)
    arrays = dict(x_train=np.arange(2 * len(y), dtype=np.float32).reshape(-1, 2), y_train=y)
    return Data(**(dict(name="mine", kind="features", x_test=np.ones((2, 2), np.float32), y_test=y[:2]) | arrays | changes))


def signals(x, **changes):
    return Data(
        name="mine",
        kind="features",
        x_train=x,
        y_train=np.arange(len(x)) % 2,
        x_test=x[:2],
        y_test=np.array([0, 1]),
        **changes,
    )


def swinging(samples, steps, level=0):
    """int16 oscillations of many frequencies and phases, as a microphone gives them, about a level."""
    time, rate = np.arange(steps), RNG.uniform(0.01, 0.5, (samples, 1))
    return (level + 3000 * np.sin(rate * time + RNG.uniform(0, 7, (samples, 1)))).astype(np.int16)


def features(samples, count):
    """int16 feature vectors as of UCI HAR: means of their own, and alike among neighbours."""
    common = RNG.normal(size=(samples, 8)) @ np.cumsum(RNG.normal(size=(8, count)), axis=1)
    return (1000 * RNG.normal(size=count) + 100 * common).astype(np.int16)


@pytest.mark.parametrize("y, words", [
    ([1, 2, 3, 1], "label 0; labels run from 0, so it is trained as 4 classes, 1 of them without samples"),
    ([0, 5, 0, 5], "label 1, 2, 3, 4; labels run from 0, so it is trained as 6 classes, 4 of them"),
    ([0, 900, 0, 1], "label 2, 3, 4, 5, 6, ...; labels run from 0, so it is trained as 901 classes, 898 of them"),
])  # fmt: skip
def test_classes_without_samples(y, words):
    (sentence,) = labelled(y).warnings
    assert sentence.startswith("data set 'mine': no training sample has ") and words in sentence


def test_named_classes_may_be_empty():
    assert labelled([1, 2, 3, 1], class_names=["a", "b", "c", "d"]).warnings == ()
    assert labelled([0, 1, 2, 1]).warnings == ()


def test_a_part_has_the_warnings_of_the_whole_and_no_others():
    whole = labelled([0, 1, 2, 0, 1, 2, 0, 1])
    assert whole.training_part(0, 1).warnings == () and whole.validation_split(0.8).warnings == ()
    doubtful = labelled([3, 1, 2, 3, 1, 2, 3, 1])
    assert doubtful.training_part(0, 1).warnings == doubtful.validation_split().warnings == doubtful.warnings != ()


@pytest.mark.parametrize("samples", [30, 400])
def test_waveforms(samples):
    (sentence,) = signals(swinging(samples, 1000)).warnings
    assert "samples of shape (1000,) look like waveforms" in sentence and "x[..., None]" in sentence
    assert signals(swinging(samples, 1000)[:, None]).warnings  # PyTorch's order, [N, 1, T]


def test_waveforms_with_one_mean_and_scale():
    x = swinging(20, 1000)
    assert signals(x[..., None]).warnings == ()
    assert signals(x, mean=0.0, scale=0.001).warnings == ()


@pytest.mark.parametrize(
    "x",
    [
        features(300, 561),
        features(12, 561),
        swinging(100, 255),
        swinging(100, 1000, level=4000),
        RNG.normal(0, 3000, (100, 600)).astype(np.int16),
        swinging(100, 1000).astype(np.float32),
        RNG.integers(0, 256, (100, 784)).astype(np.int16),
        np.zeros((5, 400), np.int16),
    ],
    ids=["features", "few features", "short", "not about 0", "noise", "float", "pixels", "nothing"],
)
def test_what_is_no_waveform(x):
    assert signals(x).warnings == ()


@pytest.mark.parametrize("name", NAMES)
def test_real_data_is_not_doubted(loaded, name):
    assert loaded(name).warnings == ()


@pytest.mark.parametrize("name", ["uci_har", "mnist", "cifar10", "speech_commands_mfcc10", "mimii_slider_tiny"])
def test_real_data_as_flat_int16_is_not_doubted(loaded, name):
    x = loaded(name).x_train[:2000]
    x = (x * 1000 if x.dtype == np.float32 else x).astype(np.int16)
    assert signals(x.reshape(len(x), -1)).warnings == ()
    assert signals(np.moveaxis(x, -1, 1).reshape(len(x), -1)).warnings == ()


def test_real_speech_is_recognised(tmp_path):
    folder = loaded_folder("speech_commands_kws12")
    with np.load(folder / "train.npz") as sounds:
        x, y = sounds["x"], sounds["y"]
    for side, part in (("train", slice(0, 300)), ("test", slice(300, 400))):
        np.savez(tmp_path / f"{side}.npz", x=x[part], y=y[part])
    (sentence,) = load(tmp_path).warnings
    assert "samples of shape (8000,) look like waveforms" in sentence


def loaded_folder(name):
    from mcuref.datasets.registry import data_folder

    folder = data_folder() / name
    if not (folder / "train.npz").is_file():
        pytest.skip(f"data set {name} is absent")
    return folder
