"""Whether anything was learned is known by what takes no learning: one answer for every sample."""

import numpy as np

from mcuref.report.learned import nothing_learned

LABELS = np.array([0, 1, 1, 2, 2, 2] * 5)


def test_as_good_as_the_most_common_class_is_not_learned():
    (sentence,) = nothing_learned({"full": 0.5, "topk": 0.51, "tinyprop": 0.1}, "accuracy", [[LABELS]])
    assert sentence.startswith("full, tinyprop: no better than always answering the most common class (50.00 %): nothing")
    assert "smaller learning rate" in sentence
    assert nothing_learned({"topk": 0.51}, "accuracy", [[LABELS]]) == []


def test_one_answer_for_all_tasks_and_seeds():
    """Class 2 is right in half of one task and in all of the other; of the second seed in none but one."""
    parts = [[LABELS, np.array([2, 2])], [np.array([0, 0] * 15), np.array([1, 2])]]
    assert nothing_learned({"growing": (0.75 + 0.5) / 2}, "accuracy", parts)
    assert not nothing_learned({"growing": (0.75 + 0.5) / 2 + 1e-9}, "accuracy", parts)


def test_an_auc_is_compared_with_chance():
    (sentence,) = nothing_learned({"full": 0.5, "topk": 0.6}, "auc", [[LABELS]])
    assert sentence.startswith("full: no better than chance (an AUC of 0.5)")


def test_where_there_is_nothing_to_tell_there_is_nothing_to_warn_of():
    assert nothing_learned({"full": 1.0}, "accuracy", [[np.zeros(5, np.int32)]]) == []
    assert nothing_learned({"full": 0.1}, "mean_squared_error", [[LABELS]]) == []


def test_a_few_samples_say_nothing():
    assert nothing_learned({"full": 0.1}, "accuracy", [[LABELS[:15], LABELS[15:]]])
    assert nothing_learned({"full": 0.1}, "accuracy", [[LABELS[:15], LABELS[16:]]]) == []
