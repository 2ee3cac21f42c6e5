"""The frontier of ways to keep samples: which points are on it, what a way is, and that a point is what an experiment is."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import Data, InputError, load_data
from mcuref.incremental import experiment
from mcuref.incremental.baselines import Reservoir
from mcuref.incremental.criterion import Criterion
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.frontier import COSTS, USUAL, Frontier, Way, on_frontier
from mcuref.incremental.protocols import IncrementalProtocol
from mcuref.incremental.setting import DISTIL, Setting
from mcuref.incremental.storage import BITS, Storage
from mcuref.program.arithmetic import FLOAT32
from mcuref.program.arithmetic.int8 import INT8
from mcuref.report.incremental_frontier import draw_ways, frontier_tables, heading

MODEL = "mlp-64-8-10"
POLICIES = tuple(name for name in DISTIL if name != "published")
QUICK = IncrementalProtocol(Storage(4), Distillation(embeddings=1, iterations=2, group=4, stream=20), steps=60, share=0.05)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A protocol of few steps, and short distilling."""
    monkeypatch.setitem(DISTIL["matching"], "iterations", 2)
    monkeypatch.setattr(experiment, "find_protocol", lambda name: QUICK)


@pytest.fixture(scope="module")
def digits():
    whole = load_data("digits")
    return Data("digits", "image", whole.x_train[:300], whole.y_train[:300], whole.x_test[:100], whole.y_test[:100])


@pytest.fixture(scope="module")
def found(digits):
    """(table, its points): every policy but a second way to distil, at 2 bits on a grid, with two seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "find_protocol", lambda name: QUICK)
        patch.setitem(DISTIL["matching"], "iterations", 2)
        made = Frontier(digits, MODEL, Setting(bits=2, resolution="grid", seeds=(0, 3)), POLICIES)
        made.check()
        return made, made.run()


def test_features_in_a_row_have_full_resolution_and_the_heading_says_what_is_stored(digits):
    made = Frontier(digits, MODEL, Setting(latent=1), ("random",))
    assert [(way.bits, way.resolution) for way in made.ways] == [(bits, "full") for bits in BITS]
    words = heading(made.report([], "test", 0.0))
    assert f"{MODEL}, features of all but its last 1 layers with parameters: all" in words
    integer = Frontier(digits, MODEL, Setting(dtype="int8", bits=8, resolution="full"), ("random",))
    assert integer.arithmetics == (FLOAT32, INT8) and f"{MODEL} in int8: all" in heading(integer.report([], "test", 0.0))


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=7))
def test_what_is_on_the_frontier_is_beaten_by_nothing_and_beats_all_else(pairs):
    points = [{"accuracy": accuracy, "cost": cost} for accuracy, cost in pairs]
    on = [on_frontier(point, points, "cost") for point in points]
    assert any(on)
    for (accuracy, cost), marked in zip(pairs, on):
        beaten = any(a >= accuracy and c <= cost and (a, c) != (accuracy, cost) for a, c in pairs)
        assert marked != beaten
        assert marked or any(a >= accuracy and c <= cost for (a, c), best in zip(pairs, on) if best)


def test_a_tie_is_on_the_frontier_and_what_costs_more_for_the_same_is_not():
    points = [{"accuracy": a, "all_macs": m} for a, m in ((0.9, 10), (0.9, 10), (0.9, 11), (0.8, 10), (0.8, 9))]
    assert [on_frontier(point, points, "all_macs") for point in points] == [True, True, False, False, True]


def test_a_point_is_what_the_experiment_of_its_way_comes_to(digits, found):
    _, points = found
    for point in points:
        asked = Setting(
            tasks=1, strategies=("fixed-large",), seeds=(0, 3), bits=2, resolution="grid", distil=point["policy"],
            criterion=Criterion(learnt=0.0),
        )  # fmt: skip
        (row,) = experiment.Experiment(digits, MODEL, asked).run()
        assert point["accuracy"] == row["average_accuracy"] and point["accuracy_std"] == row["average_accuracy_std"]
        assert point["stored_bytes"] == row["stored_bytes"]
        for name in ("training_macs", "distillation_macs"):
            assert point[name] == row[name]
        assert point["all_macs"] == row["training_macs"] + row["distillation_macs"]


def test_points_say_what_they_cost(found):
    made, points = found
    assert [point["policy"] for point in points] == list(POLICIES)
    by_name = {point["policy"]: point for point in points}
    selecting = {name: point["distillation_macs"] for name, point in by_name.items()}
    assert selecting["random"] == selecting["reservoir"] == 0 < selecting["mixed"] < selecting["swap-herding"]
    assert selecting["swap-herding"] < selecting["matching"]
    for name, point in by_name.items():
        largest = int(np.unique(made.experiment(made.ways[0]).arriving(_task(made))[1], return_counts=True)[1].max())
        needed = min(largest, max(20, 2 * point["per_class"])) * 64
        assert point["raw_pool_bytes"] == (needed if name in ("herding", "k-center") else 0)
        assert point["frontier"] == {kind: on_frontier(point, points, cost) for kind, cost in COSTS.items()}


def _task(made):
    return made.experiment(made.ways[0]).scenario.tasks(0)[0]


def test_points_depend_on_no_executor_and_other_processes_make_the_same_table(digits, found):
    made, points = found
    again = pickle.loads(pickle.dumps(made.maker()))(digits)
    assert again.ways == made.ways
    with ThreadPoolExecutor(1) as pool:
        assert again.run(pool) == points


def test_ways(digits):
    every = Frontier(digits, MODEL, Setting()).ways
    assert every[:2] == [Way("random", 1, "full"), Way("random", 1, "half")] and len(every) == len(USUAL) * 12
    some = Frontier(digits, MODEL, Setting(bits=1, resolution="half"), ("reservoir",))
    assert some.ways == [Way("reservoir", 1, "half")]
    assert isinstance(some.experiment(some.ways[0]).learner("fixed-large", 0).samples, Reservoir)
    flat = Data(
        "flat", "features", digits.x_train.reshape(300, 64), digits.y_train, digits.x_test.reshape(100, 64), digits.y_test
    )
    assert {way.resolution for way in Frontier(flat, MODEL, Setting()).ways} == {"full"}


def test_refused(digits):
    with pytest.raises(InputError, match="policy 'herdin' is not known"):
        Frontier(digits, MODEL, Setting(), ("random", "herdin"))
    with pytest.raises(InputError, match="of the raw data is less than the"):
        Frontier(digits, MODEL, Setting(share=0.0001), ("random",)).check()


def test_one_that_fails_stops_the_others(digits, monkeypatch):
    made = Frontier(digits, MODEL, Setting(bits=1, resolution="full", seeds=(0, 1)), ("random", "mixed"))
    monkeypatch.setattr(experiment.Experiment, "arriving", lambda self, task: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made.run()
    assert made.stopped


def test_table_report_and_picture(found, tmp_path):
    made, points = found
    report = made.report(points, "validation", 1.5)
    assert json.loads(json.dumps(report))["points"] == points and report["schema"] == "mcuref.frontier/1"
    heading, table, legend = frontier_tables(report)
    assert heading.plain == (
        "digits, mlp-64-8-10: all classes at once, 5.0 % of the raw bytes, 60 steps of tinypropr, seeds 0, 3; validation set"
    )
    assert [row[0].plain for row in table.rows] == list(POLICIES) and len(table.rows[0]) == len(table.columns)
    marks = [row[-1].plain for row in table.rows]
    assert marks == [", ".join(word for word in ("bytes", "MACs") if point["frontier"][word.lower()]) for point in points]
    pytest.importorskip("matplotlib")
    draw_ways(report, tmp_path / "ways.png")
    assert (tmp_path / "ways.png").read_bytes().startswith(b"\x89PNG")
