"""Streams whose samples change: every sample once, the course of each kind of change, and what is changed how far."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.datasets.data import Data
from mcuref.datasets.rotation import angle, rotate
from mcuref.datasets.shift import HELD_OUT, TRAIN, change_of, shift
from mcuref.errors import InputError
from mcuref.incremental.drift import FEWEST, KINDS, PORTIONS, DriftScenario, borders, changes, drifting_scenario, parts

RANDOM = settings(max_examples=60, deadline=None, database=None, derandomize=True)
STREAMS = {"portions": st.integers(FEWEST, 40), "more": st.integers(0, 300), "seed": st.integers(0, 1 << 20)}


def images(count=96, test=24, classes=4, seed=0):
    random = np.random.default_rng(seed)
    x, x_test = (random.integers(0, 256, (n, 5, 5, 1), np.uint8) for n in (count, test))
    return Data("noise", "image", x, np.arange(count) % classes, x_test, np.arange(test) % classes)


@RANDOM
@given(kind=st.sampled_from(KINDS), **STREAMS)
def test_every_course_begins_in_the_old_concept_and_ends_in_the_new_one(kind, portions, more, seed):
    count = portions + more
    part, border = parts(kind, count, portions, seed), borders(count, portions)
    assert part.shape == (count,) and part.min() >= 0 and part.max() == 1 and part[-1] == 1
    begins = changes(kind, portions)
    assert 2 <= begins[0] and begins == sorted(set(begins)) and begins[-1] < portions
    assert not part[: border[begins[0]]].any(), "nothing has changed before the first change"
    if kind in ("sudden", "recurring"):
        for number, (first, last) in enumerate(zip([0, *begins], [*begins, portions])):
            assert (part[border[first] : border[last]] == number % 2).all()
    else:
        assert (part[border[portions - portions // 3] :] == 1).all()
    if kind == "gradual":
        assert set(part.tolist()) <= {0.0, 1.0}
    if kind == "incremental":
        steps = part[border[:-1]]
        assert (np.repeat(steps, np.diff(border)) == part).all(), "a portion is changed alike"
        under_way = steps[(steps > 0) & (steps < 1)]
        assert np.allclose(np.diff([0, *under_way, 1]), 1 / (len(under_way) + 1), atol=1e-12)  # rounding of fractions


def test_the_quarters_of_a_stream():
    assert changes("recurring", 20) == [5, 10, 15] and changes("sudden", 20) == [10]
    assert changes("gradual", 20) == changes("incremental", 20) == [6]
    assert parts("incremental", 20, 20, 0).tolist() == [0] * 6 + [i / 9 for i in range(1, 9)] + [1] * 6


def test_a_gradual_change_becomes_more_and_more_likely():
    """Of 30,000 samples in the middle third as many as the probability says, in each tenth of it, to 5 deviations."""
    part = parts("gradual", 90_000, 9, 5)
    for i, tenth in enumerate(part[30_000:60_000].reshape(10, -1)):
        expected = (i + 0.5) / 10
        assert abs(tenth.mean() - expected) < 5 * np.sqrt(expected * (1 - expected) / 3000)
    assert (parts("gradual", 90_000, 9, 6) != part).any() and (parts("gradual", 90_000, 9, 5) == part).all()


@RANDOM
@given(kind=st.sampled_from(KINDS), count=st.integers(20, 90), seed=st.integers(0, 1 << 20))
def test_every_sample_arrives_once_in_an_order_of_the_seed(kind, count, seed):
    scenario = DriftScenario(images(count), kind)
    tasks = scenario.tasks(seed)
    arrived = np.concatenate([task.train for task in tasks])
    assert sorted(arrived.tolist()) == list(range(count)) and arrived.tolist() == scenario.order(seed)
    assert [len(task.train) for task in tasks] == scenario.counts and max(scenario.counts) - min(scenario.counts) <= 1
    assert scenario.order(seed) != scenario.order(seed + 1) and len(tasks) == scenario.count == PORTIONS
    assert arrived.tolist() == np.concatenate([t.train for t in DriftScenario(images(count), "sudden").tasks(seed)]).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_changed_as_far_as_their_part_says(kind):
    data = images()
    scenario = DriftScenario(data, kind)
    for task in scenario.tasks(3):
        x, y = scenario.samples(task)
        assert (y == data.y_train[task.train]).all()
        for sample, index, part in zip(x, task.train, task.parts):
            whole = data.x_train[index : index + 1]
            expected = whole if part == 0 else rotate(whole, *angle(45 * part))
            assert (sample == expected[0]).all()
    old, new = scenario.concepts
    assert (old == data.x_test).all() and (new == shift(data).x_test).all()


def test_held_out_samples_are_of_the_concepts_of_the_portion():
    data = images(200)
    scenario = drifting_scenario(data, "gradual")
    tasks = scenario.tasks(1)
    held = scenario.arriving
    for number in range(1, PORTIONS + 1):
        x, y = scenario.held_out(tasks[:number])
        assert set(y.tolist()) == set(np.concatenate([held.y_train[t.train] for t in tasks[:number]]).tolist())
        changed = [(a != b).any() for a, b in zip(x, held.x_test[np.isin(held.y_test, y)])]
        share = tasks[number - 1].parts.mean()
        assert abs(np.mean(changed) - share) <= 1 / len(changed) + len(changed) % len(tasks[number - 1].parts) / len(changed)
    assert (scenario.change(held.x_test, HELD_OUT, 0, 1) == rotate(held.x_test, *angle(45))).all()


def mfcc(count=48):
    x = np.random.default_rng(2).integers(-128, 128, (count, 49, 10), np.int8)
    return Data("speech_commands_mfcc49x10", "mfcc", x, np.arange(count) % 4, x[:8], np.arange(8) % 4)


def test_noise_of_a_stream_does_not_depend_on_portions():
    """What arrives is the stream as a whole with noise; of a quieter change less is changed."""
    data = mfcc()
    scenario = DriftScenario(data, "sudden")
    order, change = scenario.order(0), change_of(data)
    arrived = np.concatenate([scenario.samples(task)[0] for task in scenario.tasks(0)])
    whole = change(data.x_train[order], TRAIN, 0, 1)
    half = borders(48, PORTIONS)[10]
    assert (arrived[half:] == whole[half:]).all() and (arrived[:half] == data.x_train[order][:half]).all()
    distance = [np.abs(change(data.x_train, TRAIN, 0, p).astype(int) - data.x_train).sum() for p in (0.1, 0.4, 1)]
    assert distance == sorted(distance) and distance[0] < distance[1] < distance[2]


def test_streams_that_cannot_be():
    data = images()
    x = np.zeros((30, 4), np.float32)
    features = Data("plain", "features", x, np.arange(30) % 3, x, np.arange(30) % 3)
    for wrong, sentence in (
        ({"data": features}, "'plain' has no change of its samples that could come over time; image .* have one"),
        ({"kind": "slow"}, "drift 'slow' is not known"),
        ({"portions": FEWEST - 1}, "portions"),
        ({"data": images(19)}, "'noise' has 19 samples to learn from; a stream of 20 portions needs one for each"),
        ({"data": replace(images(), name="uci_har"), "kind": 3}, "drift 3 is not known"),
    ):
        with pytest.raises(InputError, match=sentence):
            DriftScenario(**{"data": data, "kind": "sudden"} | wrong)
