"""Methods side by side: the same start for all, figures that mean what their names say, refusal before any work."""

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from mcuref import (
    SGD,
    Budget,
    BudgetExceeded,
    Data,
    Full,
    InputError,
    NonFiniteError,
    TinyProp,
    TopK,
    build,
    compile,
    load_data,
)
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import METHODS, SWEEP, Entry, named_rules, sweep_rules
from mcuref.experiments.kinds import kinds
from mcuref.experiments.protocols import find_protocol
from mcuref.experiments.relations import advantage
from mcuref.report.json import comparison_json
from mcuref.rules import PRESETS
from mcuref.runs.training import Run
from mcuref.training import Trainer


@pytest.fixture
def data():
    """30 training and 9 test samples of 4 features, 3 classes."""
    x = np.random.default_rng(0).normal(size=(39, 4)).astype(np.float32)
    y = np.arange(39) % 3
    x[np.arange(39), y] += 1
    return Data("small", "features", x[:30], y[:30], x[30:], y[30:])


class Watched(Comparison):
    """A comparison that notes the start weights of every program that is trained."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.starts = []

    def compiled(self, entry, network=None, kind=None):
        if network is not None:
            self.starts.append((network.seed, {name: value.tobytes() for name, value in network.parameters.items()}))
        return super().compiled(entry, network, kind)


@pytest.mark.parametrize("regime", ["scratch", "continue"])
def test_all_methods_start_from_the_same_weights(data, regime):
    comparison = Watched(data, "mlp-4-5-3", seeds=(3, 5), regime=regime, epochs=1)
    comparison.run(named_rules())
    assert sorted(seed for seed, _ in comparison.starts) == [3] * len(METHODS) + [5] * len(METHODS)
    for seed in (3, 5):
        starts = [start for s, start in comparison.starts if s == seed]
        assert all(start == starts[0] for start in starts)
    assert len({tuple(start.items()) for _, start in comparison.starts}) == 2


def test_a_row_is_what_a_run_alone_would_give(data):
    """No method sees what another one left."""
    together = Comparison(data, "mlp-4-5-3", seeds=(1, 2), epochs=2).run(named_rules())
    for row in together:
        (alone,) = Comparison(data, "mlp-4-5-3", seeds=(1, 2), epochs=2).run(named_rules([row["method"]]))
        assert {"per_seed", "counts", "backward_effort", "settings", "sram_bytes"} <= row.keys()
        assert all(alone[k] == row[k] for k in ("per_seed", "counts", "backward_effort", "settings", "sram_bytes"))


def test_figures_over_seeds(data):
    rows = Comparison(data, "mlp-4-5-3", seeds=(0, 1, 2), epochs=2).run(named_rules())
    full = rows[0]
    for row in rows:
        assert len(row["per_seed"]) == 3
        assert row["accuracy"] == pytest.approx(sum(row["per_seed"]) / 3)
        assert row["accuracy_std"] == pytest.approx(np.std(row["per_seed"], ddof=1))
        assert row["accuracy_drop"] == full["accuracy"] - row["accuracy"]
        drops = np.subtract(full["per_seed"], row["per_seed"])
        assert row["accuracy_drop_std"] == pytest.approx(np.std(drops, ddof=1))
        spent, all_of_it = (r["counts"]["weight_gradient"] + r["counts"]["propagate"] for r in (row, full))
        assert row["backward_effort_nonzero"] == spent / all_of_it
        assert row["backward_effort"] == pytest.approx(spent / (3 * 2 * 30 * (20 + 15 + 15)))
        assert row["counts"]["forward"] == round((1 - row["samples_rested"]) * 3 * 2 * 30) * 35
    assert full["accuracy_drop"] == full["accuracy_drop_std"] == 0 and full["backward_effort_nonzero"] == 1


def test_a_drop_is_what_a_method_loses(data):
    """A method that skips every sample stays at the start weights: full training is better, so the drop is positive."""
    chosen = named_rules(["full", "tinypropv2"], threshold=1, d_max=1, beta=1)
    full, untrained = Comparison(data, "mlp-4-5-3", seeds=(0, 1), epochs=30).run(chosen)
    assert untrained["samples_skipped"] == 1 and full["accuracy"] > untrained["accuracy"]
    assert untrained["accuracy_drop"] == full["accuracy"] - untrained["accuracy"] > 0


def test_one_seed_has_no_deviation(data):
    (row,) = Comparison(data, "mlp-4-5-3", epochs=1).run(named_rules(["full"]))
    assert row["accuracy_std"] == row["accuracy_drop_std"] == 0.0 and row["per_seed"] == [row["accuracy"]]


def test_without_full_there_is_no_drop_and_no_deviation_of_it(data):
    (row,) = Comparison(data, "mlp-4-5-3", seeds=(0, 1), epochs=1).run(named_rules(["topk"]))
    assert row["accuracy_drop"] is row["accuracy_drop_std"] is None


def test_bytes_are_those_of_the_plan(data):
    comparison = Comparison(data, "mlp-4-5-3", epochs=1)
    for row, entry in zip(comparison.run(named_rules()), named_rules().values(), strict=True):
        plan = comparison.compiled(entry).plan
        assert (row["sram_bytes"], row["flash_bytes"]) == (plan.sram, plan.flash)


def test_progress_names_method_and_seed(data):
    calls = []
    Comparison(data, "mlp-4-5-3", seeds=(4,), regime="continue", epochs=1, progress=lambda *c: calls.append(c)).run(
        named_rules(["full", "topk"])
    )
    names = list(dict.fromkeys(what for what, _, _ in calls))
    assert names[0] == "pre-training, seed 4" and set(names[1:]) == {"full, seed 4", "topk, seed 4"}


# several at a time


def without_timing(rows):
    """All figures but the durations, as text."""
    return json.dumps([{name: value for name, value in row.items() if name != "timing"} for row in rows])


@pytest.mark.parametrize(
    "keywords",
    [{}, {"regime": "continue"}, {"momentum": 0.5, "batch": 4}, {"policy": "accumulate", "trainable": 1}],
    ids=str,
)
def test_rows_do_not_depend_on_how_many_run_at_a_time(data, monkeypatch, keywords):
    rows = {}
    for cores in (1, 2, 5):
        monkeypatch.setattr("mcuref.experiments.spreading.cores", lambda n=cores: n)
        comparison = Comparison(data, "mlp-4-5-3", seeds=(0, 1, 2), epochs=2, **keywords)
        rows[cores] = without_timing(comparison.run(named_rules() | sweep_rules()))
    assert rows[1] == rows[2] == rows[5]


def test_several_run_at_a_time(data, monkeypatch):
    monkeypatch.setattr("mcuref.experiments.spreading.cores", lambda: 2)
    monkeypatch.setattr(Trainer, "run", lambda trainer, original=Trainer.run: (meeting.wait(), original(trainer))[1])
    meeting = threading.Barrier(2, timeout=20)  # breaks unless two runs are under way at once
    assert len(Comparison(data, "mlp-4-5-3", epochs=1).run(named_rules(["full", "topk"]))) == 2


class Endless(Exception):
    """A run went on although another one had failed."""


@pytest.fixture
def long(monkeypatch):
    """Full training takes 20 seconds, unless it is stopped."""

    def run(trainer, original=Trainer.run):
        if isinstance(trainer.program.rule, Full):
            for _ in range(2000):
                time.sleep(0.01)
                trainer.progress(0, 1)
            raise Endless
        return original(trainer)

    monkeypatch.setattr("mcuref.experiments.spreading.cores", lambda: 2)
    monkeypatch.setattr(Trainer, "run", run)


@pytest.mark.parametrize("methods", [("full", "topk"), ("topk", "full"), ("full", "topk", "tinyprop")])
def test_a_run_that_fails_stops_the_others(data, long, methods):
    """It need not be the first; the error that surfaces is its own."""
    began = time.monotonic()
    comparison = Comparison(data, "mlp-4-5-3", epochs=2, learning_rate=1e30)
    with pytest.raises(NonFiniteError, match="became NaN or infinite"):
        comparison.run(named_rules(methods))
    assert time.monotonic() - began < 10


def test_pre_training_that_fails(data, monkeypatch):
    monkeypatch.setattr("mcuref.experiments.spreading.cores", lambda: 2)
    with pytest.raises(NonFiniteError):
        Comparison(data, "mlp-4-5-3", seeds=(0, 1, 2), regime="continue", learning_rate=1e30).run(named_rules())


def test_interrupted(data, long, monkeypatch):
    """Ctrl-C reaches the thread that waits; the others stop."""
    began, before = time.monotonic(), set(threading.enumerate())

    def interrupt(*_, **__):
        time.sleep(0.1)
        raise KeyboardInterrupt

    comparison = Comparison(data, "mlp-4-5-3", epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr("mcuref.experiments.spreading.wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            comparison.run(named_rules())
    assert time.monotonic() - began < 10 and set(threading.enumerate()) <= before
    monkeypatch.undo()
    again = comparison.run(named_rules())
    assert without_timing(again) == without_timing(Comparison(data, "mlp-4-5-3", epochs=1).run(named_rules()))


# what a run is made of


def test_a_row_is_that_of_a_run(data):
    """Comparison and train go the same way: a run with the same protocol comes to the same figures."""
    given = {"momentum": 0.5, "batch": 4, "epochs": 2, "schedule": "constant"}
    comparison = Comparison(data, "mlp-4-5-3", seeds=(3,), regime="continue", trainable=1, **given)
    chosen = named_rules(["tinyprop"])
    (row,) = comparison.run(chosen)
    rule, protocol = chosen["tinyprop"].rule, find_protocol("small", None, "continue", **given)

    def compiled(network):
        return compile(network, rule, SGD(protocol.learning_rate, "constant", 0.5, 4), trainable=1)

    result = Run(protocol, build("mlp-4-5-3", data, seed=3), data, comparison.loss, 3, compiled).finish()
    assert (row["accuracy"], row["counts"], row["backward_effort"]) == (result.score, result.counts, result.backward_effort)


def test_momentum_batch_and_policy_need_memory(data):
    def sram(**keywords):
        comparison = Comparison(data, "mlp-4-5-3", epochs=1, **keywords)
        return comparison.run(named_rules(["full"]))[0]["sram_bytes"]

    weights = 4 * (5 * 4 + 5 + 3 * 5 + 3)
    assert sram() + weights <= sram(momentum=0.5) <= sram(batch=4) <= sram(momentum=0.5, batch=4)
    assert sram(policy="accumulate") == sram(batch=4) and sram(policy="immediate") == sram()
    with pytest.raises(InputError, match="a batch of 4 needs 'accumulate'"):
        Comparison(data, "mlp-4-5-3", batch=4, policy="immediate").check(named_rules())


def test_shift():
    """Methods start from one network, pre-trained before the shift; they are measured behind it."""
    data = load_data("digits")
    comparison = Comparison(data, "mlp-64-16-10", seeds=(0, 1), regime="shift", epochs=2)
    full, untrained = comparison.run(named_rules(["full", "tinypropv2"], threshold=1, d_max=1, beta=1))
    assert untrained["samples_skipped"] == 1 and full["accuracy"] > untrained["accuracy"] + 0.05
    assert comparison_json(comparison, "test", [full], [], [])["protocol"]["shifted"] is True


def test_no_shift_is_refused_before_any_work(data, monkeypatch):
    monkeypatch.setattr("mcuref.training.Trainer.run", None)
    with pytest.raises(InputError, match="'small' has no domain shift"):
        Comparison(data, "mlp-4-5-3", regime="shift").run(named_rules())


# anomalies


@pytest.fixture
def sounds():
    """Anomaly data: 12 normal training clips of 6 windows of 2 x 4 values, 8 test clips, 4 anomalous training clips.

    Normal windows repeat a frame; those of anomalies do not.
    """
    random = np.random.default_rng(3)

    def windows(clips, normal):
        frames = random.normal(size=(clips, 6, 1, 4))
        other = frames if normal else random.normal(size=(clips, 6, 1, 4))
        return np.concatenate([frames, other], axis=2).astype(np.float32)

    test = np.concatenate([windows(4, True), windows(4, False)])
    return Data(
        "sounds",
        "anomaly",
        windows(12, True).reshape(-1, 2, 4),
        np.zeros(72, int),
        test.reshape(-1, 2, 4),
        np.repeat([0, 1], 24),
        groups=np.repeat(np.arange(12), 6),
        clips_test=np.repeat(np.arange(8), 6),
        machines_test=np.array([0, 1] * 4),
        x_anomalous=None,
    )


def test_anomalies_are_measured_by_auc(sounds):
    """An autoencoder that was trained finds them; one that skipped every sample does not; the drop is in AUC."""
    chosen = named_rules(["full", "tinypropv2"], threshold=1, d_max=1, beta=1)
    comparison = Comparison(sounds, "autoencoder-8-4-8", seeds=(0, 1), epochs=150, learning_rate=0.02)
    full, untrained = comparison.run(chosen)
    assert {row["metric"] for row in (full, untrained)} == {"auc"}
    assert full["accuracy"] > 0.95 and full["accuracy"] > untrained["accuracy"]
    assert untrained["accuracy_drop"] == full["accuracy"] - untrained["accuracy"] > 0
    assert full["per_seed"] == [pytest.approx(score) for score in full["per_seed"]] and len(full["per_seed"]) == 2
    json.dumps(comparison_json(comparison, "test", [full, untrained], [], []), allow_nan=False)


def test_anomalies_of_a_validation_split(sounds):
    """Held-out normal clips against the anomalous training clips, of one machine."""
    anomalous = np.random.default_rng(4).normal(size=(4, 6, 2, 4)).astype(np.float32)
    data = replace(sounds, x_anomalous=anomalous, machines_test=np.zeros(8, int)).validation_split()
    comparison = Comparison(data, "autoencoder-8-4-8", epochs=150, learning_rate=0.02)
    (full,) = comparison.run(named_rules(["full"]))
    assert full["metric"] == "auc" and full["accuracy"] > 0.9
    with pytest.raises(InputError, match="no anomalous training clips"):
        sounds.validation_split()


# refusals


@pytest.mark.parametrize("regime", ["scratch", "continue"])
def test_the_budget_of_every_method_is_checked_before_any_epoch(data, monkeypatch, regime):
    """The first method fits, the last does not: nothing is trained, the dense pre-training included."""
    monkeypatch.setattr("mcuref.training.Trainer.run", None)
    chosen = {
        "small": Entry("topk", "", TopK(0.1, output="rule")),
        "large": Entry("tinyprop", "", TinyProp(0, 1, output="rule")),
    }
    free = Comparison(data, "mlp-4-5-3", regime=regime, epochs=1)
    small, large = (free.compiled(entry).plan.sram for entry in chosen.values())
    assert small < large
    comparison = Comparison(data, "mlp-4-5-3", regime=regime, epochs=1, budget=Budget(large - 1, None, 0))
    with pytest.raises(BudgetExceeded, match="1 B too many"):
        comparison.run(chosen)


@pytest.mark.parametrize("keywords, fragment", [
    ({"model": "autoencoder"}, "trained without labels"), ({"model": "nosuch"}, "model 'nosuch' is not known"),
    ({"trainable": 0}, "leaves nothing to train"), ({"seeds": ()}, "at least one"),
    ({"seeds": (1, 1)}, "all different"), ({"regime": "nosuch"}, "regime 'nosuch' is not known"),
])  # fmt: skip
def test_bad_arguments(data, keywords, fragment):
    with pytest.raises(InputError, match=fragment):
        Comparison(data, **({"model": "mlp-4-5-3"} | keywords))


# rules by name


def test_named_rules_are_the_presets():
    for preset, rules in PRESETS.items():
        assert named_rules(METHODS, preset) == {method: Entry(method, preset, rules[method]) for method in METHODS}


def test_a_setting_goes_to_every_method_that_has_it():
    chosen = named_rules(METHODS, output="dense", threshold=0.25)
    assert chosen["full"].rule == Full()
    assert all(chosen[method].rule.output == "dense" for method in METHODS[1:])
    assert chosen["tinypropv2"].rule.threshold == 0.25
    with pytest.raises(InputError, match="'threshold' belongs to none of the methods full, topk"):
        named_rules(["full", "topk"], threshold=0.25)


def test_sweep_is_static_top_k_with_a_dense_output_layer():
    rules = [entry.rule for entry in sweep_rules().values()]
    assert [rule.ratio for rule in rules] == list(SWEEP) and {(type(r), r.output) for r in rules} == {(TopK, "dense")}


# advantage, by hand


def point(effort, accuracy):
    """A row as far as the advantage looks at it."""
    return {"backward_effort": effort, "accuracy": accuracy}


STAIRS = [point(0.1, 0.80), point(0.2, 0.90), point(0.4, 0.94), point(0.8, 0.95)]


@pytest.mark.parametrize("row, topk_effort, bound", [
    (point(0.05, 0.85), 0.15, ""),  # half way from 0.80 to 0.90
    (point(0.05, 0.92), 0.30, ""),
    (point(0.05, 0.90), 0.20, ""),  # on a point
    (point(0.05, 0.9475), 0.70, ""),  # three quarters of the way
    (point(0.05, 0.95), 0.80, "at least"),  # as good as the best
    (point(0.05, 0.99), 0.80, "at least"),
    (point(0.05, 0.80), 0.10, "at most"),  # as bad as the cheapest
    (point(0.05, 0.50), 0.10, "at most"),
    (point(0.90, 0.85), 0.15, ""),  # worse than static: a factor below 1
])  # fmt: skip
@pytest.mark.parametrize("sweep", [STAIRS, STAIRS[::-1]], ids=["rising", "falling"])
def test_advantage(row, topk_effort, bound, sweep):
    gain = advantage(row, sweep)
    assert gain["topk_effort"] == pytest.approx(topk_effort) and gain["bound"] == bound
    assert gain["factor"] == pytest.approx(topk_effort / row["backward_effort"])


def test_advantage_where_more_effort_is_not_always_better():
    """The least effort at which top-k is as good counts: that is fair to top-k."""
    bumpy = [point(0.1, 0.80), point(0.2, 0.92), point(0.4, 0.88), point(0.8, 0.95)]
    assert advantage(point(0.1, 0.90), bumpy)["topk_effort"] == pytest.approx(0.1 + 0.1 * 10 / 12)
    assert advantage(point(0.1, 0.93), bumpy)["topk_effort"] == pytest.approx(0.4 + 0.4 * 5 / 7)
    level = [point(0.1, 0.80), point(0.2, 0.90), point(0.4, 0.90), point(0.8, 0.95)]
    assert advantage(point(0.1, 0.90), level)["topk_effort"] == pytest.approx(0.2)
    early = [point(0.1, 0.80), point(0.2, 0.95), point(0.4, 0.90), point(0.8, 0.95)]
    assert advantage(point(0.1, 0.96), early) == {"factor": pytest.approx(2), "topk_effort": 0.2, "bound": "at least"}


def test_advantage_over_a_single_ratio():
    assert advantage(point(0.1, 0.9), [point(0.4, 0.9)])["bound"] == "at least"
    assert advantage(point(0.1, 0.8), [point(0.4, 0.9)]) == {"factor": 4.0, "topk_effort": 0.4, "bound": "at most"}


# does it learn


def test_accuracy_on_the_embedded_digits():
    """Coarse on purpose. By the protocol, seeds 0..7 gave 0.900 .. 0.919 for full (mean 0.912) and 0.900 .. 0.925 for
    TinyPropv2 (mean 0.911), at 6.5 % backward effort; one seed's deviation is 0.7 points."""
    comparison = Comparison(load_data("digits"), "mlp-64-32-10", seeds=(0, 1, 2))
    full, tinypropv2 = comparison.run(named_rules(["full", "tinypropv2"]))
    assert full["accuracy"] >= 0.88
    assert abs(tinypropv2["accuracy_drop"]) <= 0.03
    assert 0 < tinypropv2["backward_effort"] < 0.15 < full["backward_effort"] <= 1


def test_compile_and_comparison_need_the_same(data):
    """Whichever door a network comes through, the plan is the same."""
    comparison = Comparison(data, "mlp-4-5-3", trainable=1)
    plan = compile(build("mlp-4-5-3", data), TinyProp(), SGD(1.0), trainable=1).plan
    assert comparison.compiled(Entry("tinyprop", "", TinyProp())).plan.sram == plan.sram


def test_what_is_suggested_fits_every_method(data):
    """Which method needs most changes with the variant: Y_max and smaller selections weigh against each other."""
    comparison = Comparison(data, "mlp-4-33-17-3", epochs=1)
    needed = {e.method: comparison.compiled(e).plan.sram for e in named_rules().values()}
    for sram in range(max(needed.values()) // 2, max(needed.values()), 36):
        with pytest.raises(BudgetExceeded) as refused:
            Comparison(data, "mlp-4-33-17-3", epochs=1, budget=Budget(sram, None, 0)).check(named_rules())
        for suggestion in refused.value.suggestions:
            kind, value = suggestion["change"].split()
            named = {
                "--trainable": lambda: {"trainable": int(value)},
                "--dtype": lambda: {"kinds": kinds([value])},
                "--input": lambda: {"kinds": kinds(["float32"], input=value)},
            }.get(kind, dict)()
            model = value if kind == "--model" else "mlp-4-33-17-3"
            if kind != "--target":
                again = Comparison(data, model, epochs=1, budget=Budget(sram, None, 0), **named)
                again.check(named_rules())
        assert refused.value.method == max(needed, key=needed.get) and refused.value.method in str(refused.value)


def test_instructions_are_of_the_core_of_the_budget(data):
    rules = named_rules(["full", "tinyprop"])
    known = Comparison(data, "mlp-4-5-3", budget=Budget(None, None, core="m4f"), epochs=2).run(rules)
    full, sparse = (row["instructions_per_step"] for row in known)
    assert 0 < sparse and 0 < full < 20_000
    for budget in (None, Budget(None, None)):
        assert all(
            row["instructions_per_step"] is None for row in Comparison(data, "mlp-4-5-3", budget=budget, epochs=1).run(rules)
        )
