"""Areas under ROC curves by hand, by counting pairs, and machine by machine; the spread over seeds by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcuref import Data, InputError
from mcuref.metrics import anomaly_scores, auc, clip_scores, deviation, partial_auc

SCORES = st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 1)), min_size=2, max_size=40)


def parted(pairs):
    scores, labels = np.array([s for s, _ in pairs], float), np.array([y for _, y in pairs])
    assume(0 < labels.sum() < len(labels))
    return scores, labels


def area_up_to(scores, labels, limit):
    """Exact area under the ROC curve from 0 to limit: corners for each threshold, joined by straight lines."""
    limit, area = Fraction(limit), Fraction(0)
    corners = [(Fraction(0), Fraction(0))]
    for threshold in sorted(set(scores), reverse=True):
        said = scores >= threshold
        false = Fraction(int((said & (labels == 0)).sum()), int((labels == 0).sum()))
        corners.append((false, Fraction(int((said & (labels == 1)).sum()), int((labels == 1).sum()))))
    for (x0, y0), (x1, y1) in zip(corners, corners[1:]):
        end = min(x1, limit)
        if end > x0:
            y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
            area += (end - x0) * (y0 + y_end) / 2
    return area


@pytest.mark.parametrize("scores, labels, expected", [
    ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
    ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
    ([1, 1, 1, 1], [0, 0, 1, 1], 0.5),
    ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),  # the example in scikit-learn's documentation
    ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),
    ([-1e300, 1e300], [True, False], 0.0),
])  # fmt: skip
def test_auc_by_hand(scores, labels, expected):
    assert auc(scores, labels) == expected
    assert partial_auc(scores, labels, max_fpr=1) == expected


@settings(max_examples=200, deadline=None)
@given(pairs=SCORES)
def test_auc_counts_pairs(pairs):
    scores, labels = parted(pairs)
    normal, anomalous = scores[labels == 0], scores[labels == 1]
    wins = sum(Fraction(1 if a > n else 0) + Fraction(int(a == n), 2) for a in anomalous for n in normal)
    assert auc(scores, labels) == float(wins / (len(normal) * len(anomalous)))
    assert auc(-scores, labels) == pytest.approx(1 - auc(scores, labels), abs=1e-15)


@settings(max_examples=200, deadline=None)
@given(pairs=SCORES, limit=st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.05, 1.0]))
def test_partial_auc_is_the_standardised_area(pairs, limit):
    scores, labels = parted(pairs)
    exact = Fraction(limit)
    lowest = exact * exact / 2
    expected = (1 + (area_up_to(scores, labels, limit) - lowest) / (exact - lowest)) / 2
    assert partial_auc(scores, labels, limit) == pytest.approx(float(expected), abs=1e-12)
    assert area_up_to(scores, labels, 1) == pytest.approx(auc(scores, labels), abs=1e-12)


def test_partial_auc_by_hand():
    # of ten normal scores one is above all anomalies: at a false positive rate of up to 0.1 nothing is found
    scores, labels = np.arange(12), np.array([0] * 9 + [1, 1, 0])
    assert partial_auc(scores, labels) == pytest.approx((1 + (0 - 0.005) / (0.1 - 0.005)) / 2)
    assert partial_auc(scores[:-1], labels[:-1]) == 1.0
    assert partial_auc(np.zeros(12), labels) == pytest.approx(0.5)  # chance


@pytest.mark.parametrize("function", [auc, partial_auc])
@pytest.mark.parametrize("scores, labels, sentence", [
    ([1, 2], [1, 1], "labels has 1 only"),
    ([1, 2], [0, 0], "labels has 0 only"),
    ([1, np.nan], [0, 1], "scores has nan at position 1"),
    ([np.inf, 1], [0, 1], "scores has inf at position 0"),
    ([], [], "scores has shape"),
    ([[1, 2]], [[0, 1]], "scores has shape"),
    (["a", "b"], [0, 1], "scores has shape"),
    ([1, 2, 3], [0, 1], "labels has shape"),
    ([1, 2], [0, 2], "0 or 1 for each score"),
    ([1, 2], [0.0, 1.0], "labels has shape"),
])  # fmt: skip
def test_bad_input(function, scores, labels, sentence):
    with pytest.raises(InputError, match=sentence):
        function(scores, labels)


@pytest.mark.parametrize("limit", [0, -0.1, 1.1, float("nan")])
def test_bad_limit(limit):
    with pytest.raises(InputError, match="max_fpr is"):
        partial_auc([1, 2], [0, 1], limit)


def test_clip_scores_are_means():
    found = clip_scores(np.array([1, 2, 6, 10], np.float32), np.array([1, 0, 0, 1]))
    assert found.dtype == np.float64 and found.tolist() == [4, 5.5]


@pytest.mark.parametrize("errors, clips, sentence", [
    ([1, 2], [0], "clips has shape"),
    ([1, 2], [0.0, 1.0], "clips has shape"),
    ([1, 2], [0, -1], "clips has -1"),
    ([1, 2], [0, 2], "no window of clip 1"),
    ([1, np.nan], [0, 1], "errors has nan at position 1"),
])  # fmt: skip
def test_bad_clips(errors, clips, sentence):
    with pytest.raises(InputError, match=sentence):
        clip_scores(errors, clips)


@pytest.fixture
def data():
    """Six test clips of two windows: machine 1 has clips 0, 1, 2 (2 anomalous), machine 2 has 3, 4, 5 (4 normal)."""
    x = np.zeros((12, 3), np.float32)
    labels = np.array([0, 0, 1, 1, 0, 1])
    return Data(
        "small",
        "anomaly",
        x,
        np.zeros(12, int),
        x,
        np.repeat(labels, 2),
        groups=np.zeros(12, int),
        clips_test=np.repeat(np.arange(6), 2),
        machines_test=np.array([1, 1, 1, 2, 2, 2]),
    )


def test_anomaly_scores_are_means_over_machines(data):
    errors = np.repeat([1.0, 2, 3, 50, 60, 70], 2) + np.tile([-0.5, 0.5], 6)
    found = anomaly_scores(errors, data)
    first, second = found["machines"]
    assert (first["machine"], first["auc"], first["pauc"]) == (1, 1.0, 1.0)
    assert (second["machine"], second["auc"]) == (2, 0.5)
    assert found["auc"] == 0.75  # over all clips at once it would be 7 of 9 pairs
    assert found["pauc"] == pytest.approx((first["pauc"] + second["pauc"]) / 2)


def test_a_machine_without_anomalies(data):
    part = Data(
        "part",
        "anomaly",
        data.x_train,
        data.y_train,
        data.x_test[:8],
        data.y_test[:8],
        groups=data.groups,
        clips_test=data.clips_test[:8],
        machines_test=data.machines_test[:4],
    )
    with pytest.raises(InputError, match="'part' has test clips of one class only for machine 2"):
        anomaly_scores(np.ones(8), part)


def test_anomaly_scores_refuse(data):
    with pytest.raises(InputError, match="clips has shape"):
        anomaly_scores(np.ones(11), data)
    x = np.zeros((2, 3), np.float32)
    other = Data("other", "features", x, np.arange(2), x, np.arange(2))
    for wrong in (other, None):
        with pytest.raises(InputError, match="is not a data set of kind 'anomaly'"):
            anomaly_scores(np.ones(2), wrong)


@pytest.mark.parametrize("values, expected", [([0.5], 0), ([1, 3], 2**0.5), ([2, 2, 2], 0), ([1, 2, 4, 5], (10 / 3) ** 0.5)])
def test_deviation_is_that_with_one_less_than_the_number(values, expected):
    assert deviation(values) == pytest.approx(expected, rel=1e-15)
