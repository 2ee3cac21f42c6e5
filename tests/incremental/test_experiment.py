"""Strategies side by side: all of them on the same terms, and an experiment that was killed ends as one that was not."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from mcuref import Budget, Data, InputError, TinyPropR, TinyPropV2, build, load_data, quantise_to_train
from mcuref.incremental import experiment, scenario
from mcuref.incremental.baselines import Reservoir
from mcuref.incremental.charges import STAGES as CHARGED
from mcuref.incremental.criterion import Criterion
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.experiment import EQUAL_BYTES, Experiment
from mcuref.incremental.keeping import ExperimentCheckpoints, fingerprint
from mcuref.incremental.pieces import SCALARS
from mcuref.incremental.protocols import IncrementalProtocol
from mcuref.incremental.setting import DISTIL, STRATEGIES, Setting
from mcuref.incremental.smallest import smallest_fixed
from mcuref.incremental.storage import Storage
from mcuref.memory.accountant import BudgetExceeded
from mcuref.quantization.nominal import nominal

MODEL = "mlp-64-32-10"
QUICK = IncrementalProtocol(Storage(4), Distillation(embeddings=2, iterations=4, group=3, stream=30), steps=150, share=0.05)
EASY = Criterion(within=0.9)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A protocol of few steps."""
    monkeypatch.setattr(experiment, "find_protocol", lambda name: QUICK)


@pytest.fixture(scope="module")
def digits():
    whole = load_data("digits")
    return Data("digits", "image", whole.x_train[:600], whole.y_train[:600], whole.x_test[:200], whole.y_test[:200])


def setting(**given):
    return Setting(**{"tasks": 3, "criterion": EASY, "seeds": (0, 3)} | given)


def text(rows):
    return json.dumps(rows, sort_keys=True)


@pytest.fixture(scope="module")
def everything(digits):
    """(experiment, rows) of all strategies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "find_protocol", lambda name: QUICK)
        made = Experiment(digits, MODEL, setting(strategies=STRATEGIES))
        made.check()
        return made, made.run()


def raw_pool(made, name, seed):
    """Bytes of what a strategy needs outside at once; every class has more samples than may pass by."""
    arriving, tasks = made.scenario.arriving, made.scenario.tasks(seed)
    kept = {"joint": len(arriving.x_train), "growing": len(arriving.x_test)}
    kept["joint-best"] = kept["joint"] + kept["growing"]
    kept["naive"] = max(len(task.train) for task in tasks)
    kept["herding"] = kept["k-center"] = QUICK.distillation.stream
    return 64 * kept.get(name, 0)


def test_every_strategy_fills_its_row(everything):
    made, rows = everything
    assert sorted(row["name"] for row in rows) == sorted(STRATEGIES) and rows[0]["name"] == "growing"
    for row in rows:
        assert json.loads(json.dumps(row)) == row
        assert all(np.isfinite(row[name]) for name in (*SCALARS, "average_accuracy_std", "forgetting_std"))
        assert np.shape(row["accuracy_matrix"]) == (3, 3)
        for result, seed in zip(row["per_seed"], (0, 3)):
            assert result["seed"] == seed and len(result["tasks"]) == 3
            matrix = np.array(result["accuracy_matrix"])
            assert result["average_accuracy"] == matrix[-1].mean()
            for number, task in enumerate(result["tasks"], 1):
                assert task["task"] == number and task["per_task"] == matrix[number - 1, :number].tolist()
                assert task["accuracy"] == np.mean(task["per_task"]) and 0 <= task["held_out_accuracy"] <= 1
            assert result["inference_macs_final"] == result["tasks"][-1]["inference_macs"]
            charged = {stage: result[f"{stage}_macs"] for stage in CHARGED}
            assert charged == {stage: sum(task["macs"][stage] for task in result["tasks"]) for stage in CHARGED}
            assert result["all_macs"] == sum(charged.values()) == sum(task["macs"]["all"] for task in result["tasks"])
            spent = result["instructions"]
            assert spent["core"] == "m4f" and spent["all"] == sum(spent[stage] for stage in CHARGED) > result["all_macs"]
            assert all((spent[stage] > 0) == (charged[stage] > 0) for stage in CHARGED)
            assert (
                result["raw_pool_bytes"]
                == max(task["raw_pool_bytes"] for task in result["tasks"])
                == raw_pool(made, row["name"], seed)
            )
            assert result["sram_peak"] >= max(task["sram"] for task in result["tasks"])
        means = [result["average_accuracy"] for result in row["per_seed"]]
        assert row["average_accuracy"] == np.mean(means) and row["average_accuracy_std"] == np.std(means, ddof=1)
        assert row["accuracy_matrix"] == np.mean([r["accuracy_matrix"] for r in row["per_seed"]], axis=0).tolist()


def test_all_strategies_are_on_the_same_terms(everything):
    """Same order, same samples, same training steps where none grows."""
    made, rows = everything
    for number in (0, 1):
        results = {row["name"]: row["per_seed"][number] for row in rows if row["name"] != "joint-best"}
        assert len({tuple(result["order"]) for result in results.values()}) == 1
        assert {result["training_steps"] for result in results.values()} == {3 * 150}
        arrived = {tuple(task["samples"] for task in result["tasks"]) for result in results.values()}
        assert len(arrived) == 1
        assert not any(task["growths"] for task in results["growing"]["tasks"])
        levels = [t["criterion"] for t in results["growing"]["tasks"]]
        assert levels == pytest.approx([t["held_out_accuracy"] - 0.9 for t in results["fixed-large"]["tasks"]], abs=1e-6)
    assert rows[0]["per_seed"][0]["order"] != rows[0]["per_seed"][1]["order"]


def test_rests_of_a_strategy(digits):
    names = ("growing", "naive", "random", "reservoir")
    always, rows = (
        Experiment(digits, MODEL, setting(strategies=names, rule=rule, seeds=(0,), per_class=6)).run()
        for rule in (TinyPropV2(threshold=2), TinyPropR(threshold=2))  # all are skipped
    )
    for before, row in zip(always, rows):
        rested = row["per_seed"][0]["samples_rested"]
        assert before["samples_rested"] == 0 and row["samples_rested"] == rested <= row["training_steps"] == 450
        if row["name"] == "naive":
            assert rested == 0 and row["training_macs"] == before["training_macs"]
        else:
            assert rested > 0 and row["training_macs"] < before["training_macs"]


def test_int8_is_calibrated_on_what_arrives_first_and_fills_its_rows(digits):
    made = Experiment(digits, MODEL, setting(strategies=("growing", "joint"), dtype="int8", distil="random", seeds=(3,)))
    made.check()
    first, _ = made.arriving(made.scenario.tasks(3)[0])
    learner = made.learner("fixed-large", 3)
    assert learner.network.dtype == "int8" and learner.network.outputs == 1
    scales = quantise_to_train(made.network(3), first).quantization
    assert learner.network.quantization.outputs == scales.outputs
    rows = {row["name"]: row for row in made.run()}
    assert sorted(rows) == ["fixed-large", "growing", "joint"] and made.settings()["dtype"] == "int8"
    assert all(row["training_macs"] and row["verification_macs"] == 0 for name, row in rows.items() if name != "growing")
    float32 = Experiment(digits, MODEL, setting(strategies=("growing",), distil="random", seeds=(3,)))
    plan = float32.learner("fixed-large", 3).model.plans.memory(float32.network(3), 10).plan
    assert made.learners["fixed-large", 3].memory.plan.sram <= 0.55 * plan.sram


def test_an_int8_model_is_refused(digits, monkeypatch):
    monkeypatch.setattr(experiment, "build", lambda model, data, seed=0: nominal(build(model, data, seed=seed)))
    with pytest.raises(InputError, match="is int8; incremental learning begins from a float32 model"):
        Experiment(digits, MODEL, setting())


def test_stored_bytes_are_within_the_share_and_equal_to_within_a_sample_a_class(everything):
    made, rows = everything
    stored = {row["name"]: row["stored_bytes"] for row in rows}
    share = made.share * made.scenario.raw_bytes
    assert stored["growing"] == stored["fixed-large"] <= share
    assert stored["naive"] == 0
    assert stored["joint"] == stored["joint-best"] == len(made.scenario.arriving.x_train) * 65
    for name in EQUAL_BYTES:
        assert share - 10 * 65 < stored[name] <= share
        assert stored[name] <= stored["growing"] + 10 * 33
    for row in rows:
        assert row["stored_share"] == row["stored_bytes"] / made.scenario.raw_bytes
    assert all(made.learners[name, 0].recipe.storage == Storage(8) for name in EQUAL_BYTES)


@pytest.mark.parametrize("verify, theirs", [("held-out", 5), ("stored", 15)])
def test_samples_a_class_are_bytes_for_the_others(digits, verify, theirs):
    """10 x 33 B are 5 x 65 B; what 20 more samples to verify on take, 20 x 33 B, the others have for training."""
    made = Experiment(
        digits, MODEL, setting(per_class=10, strategies=STRATEGIES, criterion=Criterion(0.5), given=(("verify", verify),))
    )
    learners = {name: made.learner(name, 0) for name in STRATEGIES}
    assert learners["growing"].recipe.per_class == learners["fixed-large"].recipe.per_class == 10
    for name in EQUAL_BYTES:
        assert learners[name].recipe.per_class == theirs
        assert learners[name].samples.stored_bytes <= learners["growing"].samples.stored_bytes


@pytest.mark.parametrize("criterion", (Criterion(0.5), Criterion(learnt=0.5)), ids=("accuracy", "learnt"))
def test_samples_to_verify_on_are_within_the_share(digits, criterion):
    made = Experiment(digits, MODEL, setting(criterion=criterion, share=0.2))
    learner = made.learner("growing", 0)
    plan = {p.buffer.name: p.buffer.size for p in learner.memory.plan.placements}
    verified = plan.get("validation.samples", 0) + plan.get("validation.labels", 0)
    assert verified == (20 * 10 * 33 if criterion.verifies else 0)
    most = 0.2 * made.scenario.raw_bytes
    assert most - 10 * 33 < learner.samples.stored_bytes <= most
    assert learner.recipe.per_class == made.learner("fixed-large", 0).recipe.per_class, "as many samples to train on"


@pytest.mark.parametrize("given, words", [
    ({"resolution": "hlaf"}, "resolution 'hlaf' is not known; did you mean half"),
    ({"strategies": ("growing", "Herding")}, "strategy 'Herding' is not known; did you mean herding"),
])  # fmt: skip
def test_names_that_are_not_known(given, words):
    with pytest.raises(InputError, match=words):
        setting(**given)


def test_a_share_or_count_too_small_for_one_sample_a_class(digits):
    with pytest.raises(InputError, match="less than the [0-9]+ B of one stored sample for each of 10 classes.*--share"):
        Experiment(digits, MODEL, setting(share=0.001))
    made = Experiment(digits, MODEL, setting(per_class=1, strategies=("random",)))
    with pytest.raises(InputError, match="what 1 stored samples a class take.*--per-class"):
        made.check()


def test_a_budget_too_small_is_told_before_anything_is_trained(digits, monkeypatch):
    made = Experiment(digits, MODEL, setting(strategies=("growing", "random")), budget=Budget(3000, None))
    with pytest.raises(BudgetExceeded):
        made.check()


def test_growing_stays_inside_its_budget(digits):
    budget = Budget(24000, 40000, stack=0)
    made = Experiment(digits, MODEL, setting(seeds=(0,), criterion=Criterion(1.0)), budget=budget)
    (row,) = [row for row in made.run() if row["name"] == "growing"]
    assert row["sram_peak"] <= 24000 and row["flash_peak"] <= 40000
    assert any(task["growths"] for task in row["per_seed"][0]["tasks"])
    assert row["per_seed"][0]["tasks"][-1]["stopped"]


@pytest.mark.parametrize(
    "given",
    [
        {"strategies": ("nothing",)}, {"share": 0}, {"share": 1.5}, {"start": 0}, {"start": -1}, {"distil": "x"},
        {"bits": 3}, {"tasks": 11}, {"tasks": "sessions"}, {"given": (("verify", "never"),)},
        {"expansion": (("factor", 1),)},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_cannot_be(digits, given):
    with pytest.raises(InputError):
        Experiment(digits, MODEL, setting(**given)).check()


@pytest.mark.parametrize("distil", DISTIL)
def test_how_samples_are_made_can_be_chosen(digits, distil, monkeypatch):
    monkeypatch.setitem(DISTIL["matching"], "iterations", 3)
    monkeypatch.setitem(DISTIL["published"], "iterations", 3)
    made = Experiment(digits, MODEL, setting(distil=distil, criterion=Criterion(0.0), seeds=(0,), bits=2, resolution="half"))
    (row,) = made.run()
    assert (row["distillation_macs"] > 0) == (distil not in ("random", "reservoir"))
    assert isinstance(made.learners["growing", 0].samples, Reservoir) == (distil == "reservoir")
    assert made.recipe.storage == Storage(2, half=True)
    x, y = made.stored_samples()
    assert x.shape == (10 * made.recipe.per_class, 8, 8, 1) and set(y.tolist()) == set(range(10))


def test_sessions_of_known_classes(digits):
    sessions = np.arange(600) % 3
    data = Data("seen again", "image", digits.x_train, digits.y_train, digits.x_test, digits.y_test, sessions=sessions)
    made = Experiment(data, MODEL, setting(tasks="sessions", strategies=("growing", "reservoir"), seeds=(1,)))
    rows = made.run()
    for row in rows:
        tasks = row["per_seed"][0]["tasks"]
        assert [len(task["new_classes"]) for task in tasks] == [10, 0, 0]
        assert row["per_seed"][0]["training_steps"] == 450


def test_the_smallest_fixed_width_that_would_do(digits):
    made = Experiment(digits, MODEL, setting(seeds=(0,), smallest=True, start=0.25))
    assert smallest_fixed(made, made.run())["widths"] == [[8]], "an easy criterion: the first width meets it"
    hard = Experiment(
        digits, MODEL, setting(seeds=(0,), smallest=True, criterion=Criterion(1.0), expansion=(("growths", 0),))
    )
    assert smallest_fixed(hard, hard.run())["widths"] == [[32]]


def test_the_smallest_fixed_width_that_does_as_growing_where_no_accuracy_is_asked_for(digits):
    given = {"seeds": (0,), "smallest": True, "start": 0.25}
    made = Experiment(digits, MODEL, setting(criterion=Criterion(learnt=0.0), **given))
    rows = made.run()
    assert rows[0]["per_seed"][0]["tasks"][-1]["widths"] == [8]
    assert smallest_fixed(made, rows)["widths"] == [[8]], "it is the same training"
    rows[0]["per_seed"][0]["tasks"][-1]["held_out_accuracy"] = 1.01
    assert smallest_fixed(made, rows)["widths"] == [[32]], "no smaller one is as good"


def test_what_the_budget_would_refuse_does_not_fit(digits):
    """The large network and what it lies in, to the byte, code included; growing stays inside, and has room to begin."""
    names = ("growing", "fixed-large", "naive")
    none = Experiment(digits, MODEL, setting(seeds=(0,), strategies=names))
    assert all(row["fits"] is None for row in none.run())
    large = none.learner("fixed-large", 0)
    most = max(memory.plan.sram for memory in large.model.plans.reserved(large.network))
    for size, fits in ((most, True), (most - 4, False)):
        made = Experiment(digits, MODEL, setting(seeds=(0,), strategies=names, smallest=True), budget=Budget(size, None, 0))
        rows = made.run()
        assert {row["name"]: row["fits"] for row in rows} == {"growing": True, "fixed-large": fits, "naive": True}
        assert smallest_fixed(made, rows)["fits"] == [True]


def test_a_share_without_room_for_one_sample_a_class_is_raised_to_it(digits, monkeypatch):
    """Nobody asked for it; a share that somebody asked for is refused."""
    monkeypatch.setattr(experiment, "find_protocol", lambda name: replace(QUICK, share=1e-4))
    made = Experiment(digits, MODEL, setting(seeds=(0,)))
    assert made.recipe.per_class == 1 and 1e-4 < made.share < 0.05
    with pytest.raises(InputError, match="0.010% of the raw data is less than"):
        Experiment(digits, MODEL, setting(share=1e-4))


@pytest.mark.parametrize("side", ["test", "held-out"])
def test_a_task_without_samples_to_be_judged_by_is_refused(digits, side):
    """Its accuracy would be no number."""
    lacking = Experiment(digits, MODEL, setting(seeds=(3,))).scenario.tasks(3)[0].labels
    if side == "test":
        few = np.flatnonzero(~np.isin(digits.y_test, lacking))
        data = replace(digits, x_test=digits.x_test[few], y_test=digits.y_test[few])
    else:  # one sample of each of these classes cannot be on both sides
        first = [np.flatnonzero(digits.y_train == label)[0] for label in lacking]
        few = np.sort(np.concatenate([first, np.flatnonzero(~np.isin(digits.y_train, lacking))]))
        data = replace(digits, x_train=digits.x_train[few], y_train=digits.y_train[few])
    with pytest.raises(InputError, match=f"has no {side} samples of the classes of task 1 with seed 3"):
        Experiment(data, MODEL, setting(seeds=(3,))).check()
    Experiment(digits, MODEL, setting(seeds=(3,))).check()


@pytest.mark.parametrize("source, count, words", [
    ("held-out", 1, "training"), ("held-out", 2, None), ("arriving", 2, "second training"), ("arriving", 3, None),
    ("stored", 1, None),
])  # fmt: skip
def test_a_class_too_small_to_verify_on_is_refused_before_any_work(digits, source, count, words):
    """Also a class of a later task, whose other classes have enough; and not where "growing" does not run."""
    label = Experiment(digits, MODEL, setting()).scenario.tasks(0)[-1].labels[-1]
    few = np.flatnonzero((digits.y_train != label) | (np.cumsum(digits.y_train == label) <= count))
    data = replace(digits, x_train=digits.x_train[few], y_train=digits.y_train[few])
    for strategies in (("growing",), ("naive",)):
        asked = setting(strategies=strategies, given=(("verify", source),))
        wrong = words if "growing" in strategies else None
        with nullcontext() if wrong is None else pytest.raises(InputError, match=rf"has no {wrong} samples .* \({label}\)"):
            Experiment(data, MODEL, asked).check()


# -- killed and resumed ------------------------------------------------------------------------------------------------

KILLED = {
    "growing": {"strategies": ("growing", "random"), "seeds": (0,), "criterion": Criterion(0.97)},
    "raw": {"strategies": ("joint", "naive", "joint-best"), "seeds": (0,)},
    "selection": {"strategies": ("reservoir", "herding"), "seeds": (0,)},
    "learned": {
        "strategies": ("growing",), "seeds": (0,), "criterion": Criterion(0.97),
        "given": (("features", "learned"), ("momentum", 0.9), ("batch", 4), ("stream_pass", True)),
    },
    "two seeds": {"strategies": ("growing", "k-center"), "seeds": (0, 3)},
}  # fmt: skip
FINGERPRINT = fingerprint("data", {"tasks": 3}, ())


def never(sentence):
    raise AssertionError(sentence)


def keeper(folder, warn=never, mine=FINGERPRINT):
    return ExperimentCheckpoints(folder, mine, warn)


@pytest.mark.parametrize("name", KILLED)
def test_killed_after_any_task_it_ends_as_if_nobody_had_touched_it(digits, name, tmp_path, monkeypatch):
    """Every run goes on one task and is killed: all moments between two tasks."""
    monkeypatch.setattr("mcuref.experiments.spreading.cores", lambda: len(KILLED[name]["seeds"]))
    asked = setting(**KILLED[name])
    whole = text(Experiment(digits, MODEL, asked).run())

    def kill(seed, strategy, rows):
        raise KeyboardInterrupt

    deaths = 0
    while True:
        try:
            again = Experiment(digits, MODEL, asked, keeper=keeper(tmp_path), after_task=kill if deaths < 50 else None)
            rows = again.run()
            break
        except KeyboardInterrupt:
            deaths += 1
    tasks = 3 * len(again.strategies) * len(asked.seeds)
    assert tasks / len(asked.seeds) <= deaths <= tasks
    assert text(rows) == whole


@pytest.mark.parametrize("name", ("growing", "raw"))
def test_killed_in_the_middle_of_a_task(digits, name, tmp_path):
    asked = setting(**KILLED[name])
    whole = text(Experiment(digits, MODEL, asked).run())
    calls = []

    def progress(what, done, total):
        calls.append(what)
        if "task 2: training" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Experiment(digits, MODEL, asked, keeper=keeper(tmp_path), progress=progress).run()
    assert calls and text(Experiment(digits, MODEL, asked, keeper=keeper(tmp_path)).run()) == whole


def test_finished_it_is_read_and_nothing_is_trained(digits, tmp_path, monkeypatch):
    asked = setting(**KILLED["growing"])
    whole = text(Experiment(digits, MODEL, asked, keeper=keeper(tmp_path)).run())
    monkeypatch.setattr("mcuref.program.program.Program.train", never)
    assert text(Experiment(digits, MODEL, asked, keeper=keeper(tmp_path)).run()) == whole


def test_a_damaged_checkpoint_falls_back_to_the_one_before(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("mcuref.experiments.spreading.cores", lambda: 1)  # one strategy after the other
    asked, warnings = setting(**KILLED["growing"]), []
    whole = text(Experiment(digits, MODEL, asked).run())

    def kill(seed, strategy, rows):
        if strategy == "random" and len(rows) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Experiment(digits, MODEL, asked, keeper=keeper(tmp_path), after_task=kill).run()
    path = tmp_path / "checkpoint"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    made = keeper(tmp_path, warnings.append)
    assert len(warnings) == 1 and "damaged" in warnings[0] and len(made.kept(0, "random")[0]) == 1
    assert text(Experiment(digits, MODEL, asked, keeper=made).run()) == whole


def test_held_out_samples_have_every_class(digits):
    """Official validation samples, or whole groups, may lack a class; then others are drawn."""
    wanted = set(digits.y_train.tolist())
    lacking = replace(digits, validation=digits.y_train < max(wanted), groups=digits.y_train)
    for data in (digits, lacking, replace(lacking, validation=None)):
        split = scenario._split(data)
        assert set(split.y_test.tolist()) == wanted == set(split.y_train.tolist())
        assert len(split.y_test) + len(split.y_train) == len(digits.y_train)
