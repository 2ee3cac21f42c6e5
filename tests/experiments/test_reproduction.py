"""Rows of the papers' tables: figures of runs, equal efforts, fair candidates, claims, and the committed digits again."""

import pickle
from concurrent.futures import Executor, Future
from dataclasses import replace

import pytest

from mcuref import InputError
from mcuref.datasets import find
from mcuref.experiments.claims import Judged, judged, missing
from mcuref.experiments.committed import chosen_for, results, tuning_of
from mcuref.experiments.equal_effort import WITHIN
from mcuref.experiments.figures import beside, factor, summary
from mcuref.experiments.measures import Measure
from mcuref.experiments.papers import PAPERS, Claim, rows_of
from mcuref.experiments.reproduction import METHODS, ROWS, SAME, RowRun, check_methods
from mcuref.experiments.tuning import candidates, choice, cost, joined, tune


def method(scores, backward=0.5, preset="default", total=0.8):
    """A method of a result with these accuracies."""
    runs = [
        {"seed": i, "accuracy": score, "backward_effort": backward, "total_effort": total} for i, score in enumerate(scores)
    ]
    rest = {"skipped": 0.0, "rested": 0.0, "instructions": 100.0}
    return {"metric": "accuracy", "preset": preset, "per_seed": [run | rest for run in runs]}


@pytest.fixture
def result():
    """A row of two seeds."""
    sweep = {"topk 0.1": method([0.8, 0.8], 0.1, "sweep"), "topk 1": method([0.9, 0.9], 0.5, "sweep")}
    methods = {"full": method([0.9, 0.92]), "tinyprop": method([0.85, 0.91], 0.05, total=0.4), **sweep}
    return {"row": "mnist", "data": "mnist", "methods": methods}


def test_figures_are_of_pairs_of_seeds(result):
    line = {line["name"]: line for line in summary(result)}["tinyprop"]
    assert line["drop"] == pytest.approx((0.05 + 0.01) / 2) and line["drop_std"] == pytest.approx(0.04 / 2**0.5)
    assert line["total_of_full"] == pytest.approx(0.5) and line["backward_of_full"] == pytest.approx(0.1)
    found = beside(result, "tinyprop", "full")
    assert found["points"] == pytest.approx(-3) and found["error"] == pytest.approx(2)


def test_a_factor_has_a_value_and_a_bound_for_each_seed(result):
    found = factor(result, "tinyprop")
    assert found["per_seed"] == pytest.approx([0.3 / 0.05, 0.5 / 0.05]) and found["bounds"] == ["", "at least"]
    assert factor(result, "tinypropv2") is None
    assert factor({**result, "methods": {"tinyprop": result["methods"]["tinyprop"]}}, "tinyprop") is None


@pytest.mark.parametrize(
    "least, found, held, shown",
    [
        (False, 1.0, True, "1.00"),
        (False, 1.0000001, False, "1.01"),
        (True, 0.9999999, False, "0.99"),
        (True, 1.0, True, "1.00"),
        (True, None, None, "-"),
    ],
)
def test_claims_are_held_by_what_is_not_rounded_and_shown_rounded_against_us(least, found, held, shown):
    one = Judged(Claim("it", "abstract", ()), Measure("it", 1.0, least, lambda _: found), found)
    assert (one.held, one.shown) == (held, shown)


def test_a_claim_is_measured_on_the_papers_data_and_data_sets_count_alike(result):
    other = {**result, "data": "cifar10", "methods": result["methods"] | {"tinyprop": method([0.9, 0.92])}}
    digits = {**result, "data": "digits", "methods": result["methods"] | {"tinyprop": method([0.0, 0.0])}}
    every = {one.claim.text: one.found for one in judged(PAPERS["tinyprop"], [result, result, other, digits])}
    assert every["at an accuracy loss of 1 % on average"] == pytest.approx(3 / 2)
    assert missing(PAPERS["tinyprop"], [result]) == ["dcase2020_toycar", "cifar10"]


def test_rows_and_methods_that_are_not_there_are_refused():
    with pytest.raises(InputError, match="row 'digts'"):
        rows_of(PAPERS["tinyprop"], ["digts"])
    with pytest.raises(InputError, match="row 'har'"):
        rows_of(PAPERS["tinyprop"], ["har"])
    with pytest.raises(InputError, match="beside 'full'"):
        check_methods(["topk"])
    with pytest.raises(InputError, match="beside 'tinypropv2'"):
        check_methods(["full = v2 by samples", "full"])
    assert check_methods(["tinyprop", "full"]) == ["full", "tinyprop"]


def test_every_method_has_as_many_candidates():
    counts = {name: len(candidates(one, ROWS["digits"].protocol())) for name, one in METHODS.items()}
    assert set(counts.values()) == {12}, counts


def test_what_is_chosen():
    def tried(setting, rate, accuracy, effort):
        return {"settings": {"s": setting}, "learning_rate": rate, "accuracy": accuracy, "total_effort": effort}

    cheap, best, worse = tried(1, 2, 0.898, 0.3), tried(2, 1, 0.9, 0.5), tried(1, 1, 0.8, 0.2)
    far, diverged = tried(3, 1, 0.896, 0.1), tried(2, 4, None, None)
    steady = [tried(1, 4, 0.898, 0.3), tried(2, 2, 0.9, 0.5), tried(3, 2, 0.896, 0.1)]  # each at twice the rate
    assert choice([worse, diverged, best, cheap, far, *steady]) is cheap
    assert choice([worse, best, far, *steady[1:]]) is best
    assert choice([diverged, far, steady[2]]) is far


def test_a_rate_that_falls_apart_at_twice_the_height_is_not_chosen():
    def tried(rate, accuracy):
        return {"settings": {}, "learning_rate": rate, "accuracy": accuracy, "total_effort": 0.5}

    low, high, edge, gone = tried(0.01, 0.8), tried(0.02, 0.85), tried(0.04, 0.9), tried(0.08, 0.2)
    assert choice([low, high, edge, gone]) is high, "of .02 and .04 the mean is best"
    assert choice([low, high, edge, tried(0.08, None)]) is high
    assert choice([low, high, edge]) is high, "twice .04 was not tried"
    assert choice([low, tried(0.014, 0.99), tried(0.02, 0.7), tried(0.028, 0.9)]) is not low


def test_tuning_looks_at_no_test_sample(monkeypatch):
    """A candidate that does not stay finite is not chosen; what is chosen is among the candidates."""
    from mcuref.experiments import tuning

    monkeypatch.setattr(tuning, "FINE", (1.0, 2.0, 1e30))
    row = replace(ROWS["digits"], seeds=1)
    run = RowRun(row, {}, [0], evaluate="validation")
    test = RowRun(row, {}, [0]).comparison.data
    assert len(run.comparison.data.x_train) + len(run.comparison.data.x_test) == len(test.x_train)
    found = tune(run, ["full", "head only"])
    assert found["evaluated_on"] == "validation" and cost(found)[0] == 6
    scores = [one["accuracy"] for one in found["methods"]["full"]["candidates"]]
    assert scores[0] > 0.9 and scores[2] is None
    assert found["methods"]["full"]["chosen"] == {"learning_rate": 0.02, "settings": {}}


def test_what_is_tuned_later_is_joined():
    old = {"row": "digits", "methods": {"full": {"seeds": [0]}, "tinyprop": {"seeds": [0]}}}
    new = {"row": "digits", "methods": {"tinyprop": {"seeds": [1]}, "topk": {"seeds": [1]}}}
    found = {name: one["seeds"] for name, one in joined(old, new)["methods"].items()}
    assert list(found.items()) == [("full", [0]), ("topk", [1]), ("tinyprop", [1])]


@pytest.mark.parametrize("name", [name for name in ROWS if tuning_of(name)])
def test_what_was_chosen_is_what_the_rule_chooses(name):
    tuning = tuning_of(name)
    assert tuning["evaluated_on"] == "validation"
    for method, found in tuning["methods"].items():
        chosen = choice(found["candidates"])
        assert found["chosen"] == {key: chosen[key] for key in ("learning_rate", "settings")}, method


def without(runs):
    """Runs without instructions, which follow the tables measured on cores."""
    return [{key: value for key, value in run.items() if key not in ("instructions", *SAME)} for run in runs]


def again(name, seeds):
    """(runs of a committed row's entries with these seeds, computed anew; the committed ones)."""
    kept = results()[name]["methods"]
    run = RowRun(ROWS[name], chosen_for(name), seeds)
    entries = run.sweep()
    for key, one in METHODS.items():
        entry = one.entry(run.protocol, run.choice_for(key))
        entries[key] = replace(entry, epochs=kept[key]["epochs"], share=kept[key]["share"])
    runs = run.runs(entries)
    new = {key: [{"seed": seed} | one for seed, one in zip(seeds, without(runs[key]))] for key in entries}
    return new, {key: without(one for one in kept[key]["per_seed"] if one["seed"] in seeds) for key in entries}


def test_committed_runs_of_digits_come_out_again_to_the_last_digit(compiled_executor):
    new, kept = again("digits", (1, 4))
    assert new == kept


def test_what_full_training_may_spend_comes_out_again(compiled_executor):
    """The committed share of samples and number of epochs, for the effort that other methods have spent."""
    kept, run = results()["digits"]["methods"], RowRun(ROWS["digits"], chosen_for("digits"))
    for name in ("full = v2 by samples", "full = r by epochs"):
        goal = sum(one["total_effort"] for one in kept[METHODS[name].equal]["per_seed"]) / len(run.seeds)
        entry = run.shortened(name, METHODS[name].entry(run.protocol, run.choice_for(name)), goal)
        assert (entry.epochs, entry.share) == (kept[name]["epochs"], kept[name]["share"])


def test_a_method_that_cannot_be_is_left_out_and_named(compiled_executor):
    """One epoch is all there is; a rate that no run survives."""
    row = RowRun(ROWS["digits"], {"topk": {"learning_rate": 1e30, "settings": {}}}, [0])
    row.protocol = row.comparison.protocol = replace(row.protocol, epochs=1)
    found = row.run(["full", "full = v2 by epochs", "full = v2 by samples", "topk", "tinypropv2"])
    assert list(found["methods"]) == ["full", "full = v2 by samples", "tinypropv2"]
    assert list(found["left_out"]) == ["full = v2 by epochs", "topk"]
    of, full = (found["methods"][name]["per_seed"][0]["total_effort"] for name in ("full = v2 by samples", "tinypropv2"))
    assert full - WITHIN <= of <= full
    with pytest.raises(InputError, match="none of the 1 candidates"):
        choice([{"settings": {}, "learning_rate": 1, "accuracy": None, "total_effort": None}])


class Elsewhere(Executor):
    """An executor that is given, and gives back, nothing but bytes, as one of other processes is."""

    def submit(self, function, /, *arguments, **keywords):
        """Done at once."""
        future = Future()
        function, arguments, keywords = pickle.loads(pickle.dumps((function, arguments, keywords)))
        future.set_result(pickle.loads(pickle.dumps(function(*arguments, **keywords))))
        return future


def test_runs_elsewhere_come_to_the_same(compiled_executor):
    here, there = (RowRun(ROWS["digits"], {}, [1], executor=executor) for executor in (None, Elsewhere()))
    entries = here.entries(["full", "tinypropr"])
    assert here.runs(entries) == there.runs(entries)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits-cnn"])
def test_a_committed_row_comes_out_again(name, compiled_executor):
    """With one seed; where its data is here, and it was computed."""
    if name not in results() or not find(ROWS[name].data).present:
        pytest.skip(f"row {name} has no result, or data {ROWS[name].data} is not here")
    new, kept = again(name, (2,))
    assert new == kept


@pytest.mark.slow
def test_the_whole_command_comes_to_what_is_committed(compiled_executor):
    row = RowRun(ROWS["digits"], chosen_for("digits")).run(list(METHODS))
    kept = results()["digits"]
    assert list(row["methods"]) == list(kept["methods"])
    for name, one in row["methods"].items():
        assert without(one.pop("per_seed")) == without(kept["methods"][name].pop("per_seed"))
    assert row == kept
