"""Pieces on a Dask cluster: the same bytes as on one machine, whatever happens to a worker; errors are one sentence."""

import json
import os
import signal
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mcuref import InputError, load_data
from mcuref.cli import main
from mcuref.experiments import cluster as module
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import named_rules
from mcuref.experiments.spreading import Origin, done_elsewhere
from mcuref.experiments.store import PieceStore
from mcuref.runs import checkpoints

distributed = pytest.importorskip("distributed", reason="pip install '.[cluster]' brings it")


@pytest.fixture(scope="module")
def scheduler(compiled_executor):
    """The address of a scheduler with two workers, each a process of one thread."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local:
        yield local.scheduler_address


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


def bare(rows):
    return json.dumps([row | {"timing": {}} for row in rows])


@pytest.fixture
def folder(digits, tmp_path, monkeypatch):
    """Data of one's own in a folder, named as it is seen from here."""
    (tmp_path / "mine").mkdir()
    for part, x, y in (("train", digits.x_train[:300], digits.y_train), ("test", digits.x_test[:100], digits.y_test)):
        np.savez(tmp_path / "mine" / f"{part}.npz", x=x, y=y[: len(x)])
    monkeypatch.chdir(tmp_path)
    return "mine"


def written(*command):
    """What a command writes as JSON, as text without its durations."""
    assert main([*command, "--json", "result.json"]) == 0
    with open("result.json", encoding="utf-8") as file:
        result = json.load(file, object_hook=lambda part: {name: v for name, v in part.items() if name != "timing"})
    return json.dumps(result)


def test_compare_writes_the_same_bytes(scheduler, folder, capsys):
    command = [
        "compare",
        "--data",
        folder,
        "--model",
        "mlp-64-8-10",
        "--regime",
        "continue",
        "--epochs",
        "2",
        "--seeds",
        "2",
    ]
    command += ["--method", "full,tinypropv2", "--equal-effort"]
    assert written(*command, "--scheduler", scheduler) == written(*command)
    assert capsys.readouterr().out.count("tinypropv2") > 2


def test_incremental_writes_the_same_bytes(scheduler, folder, monkeypatch, capsys):
    """The run folder too, with its checkpoint."""
    monkeypatch.setattr("mcuref.report.incremental_runs._draw", lambda *arguments: None)  # pictures take most of the time
    command = [
        "incremental",
        "--data",
        folder,
        "--model",
        "mlp-64-8-10",
        "--tasks",
        "2",
        "--per-class",
        "2",
        "--steps",
        "40",
    ]
    command += ["--seeds", "2", "--compare", "random"]
    assert written(*command, "--out", "there", "--scheduler", scheduler) == written(*command, "--out", "here")
    there, here = (checkpoints.read(f"{name}/checkpoint") for name in ("there", "here"))
    assert there[0] == here[0] and there[1].keys() == here[1].keys()
    assert all(np.array_equal(there[1][name], here[1][name]) for name in here[1])
    for name in ("accuracy.csv", "memory.csv", "stored.npz"):
        with open(f"there/{name}", "rb") as one, open(f"here/{name}", "rb") as other:
            assert one.read() == other.read()


@pytest.mark.parametrize("own", [False, True], ids=["loaded there", "sent"])
def test_a_worker_that_is_killed_loses_nothing(scheduler, digits, own, tmp_path):
    """It dies with what it does, and with the data; what was done before it is not done again."""
    entries, seeds = named_rules(["full", "topk"]), (0, 1, 2)
    keywords = {"seeds": seeds, "epochs": 4, "regime": "continue"}
    with module.Cluster(scheduler) as cluster:
        cluster._client.wait_for_workers(2, timeout=30)
        origin = None if own else Origin("digits")
        comparison, killed = Comparison(digits, "mlp-64-32-10", origin=origin, **keywords), []

        def progress(what, done, total):
            if done and not killed:
                killed.append(next(iter(cluster._client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        comparison.progress = progress
        rows = comparison.run(entries, cluster, PieceStore(tmp_path))
    assert killed and bare(rows) == bare(Comparison(digits, "mlp-64-32-10", **keywords).run(entries))
    assert len(list(tmp_path.iterdir())) == len(seeds) + len(entries) * len(seeds)


@pytest.mark.parametrize("make", [ProcessPoolExecutor, ThreadPoolExecutor])
def test_any_executor_does(digits, make):
    """Rows are the same; the executor is still there afterwards."""
    keywords = {"seeds": (3, 4), "epochs": 1}
    entries = named_rules(["tinyprop"])
    with make(2) as executor:
        rows = Comparison(digits, "mlp-64-8-10", **keywords).run(entries, executor)
        assert executor.submit(int, "7").result() == 7
    assert bare(rows) == bare(Comparison(digits, "mlp-64-8-10", **keywords).run(entries))


def test_an_error_of_a_piece_is_its_own(scheduler, digits):
    comparison = Comparison(digits, "mlp-64-8-10", epochs=1, learning_rate=1e30, origin=Origin("digits"))
    with module.Cluster(scheduler) as cluster, pytest.raises(ArithmeticError, match="became NaN or infinite") as raised:
        comparison.run(named_rules(["full"]), cluster)
    assert raised.value.layer == "dense2" and raised.value.sample >= 0


def test_data_that_a_worker_does_not_have(scheduler, digits):
    """Not there, or another one under that name: one sentence that says where."""
    other = replace(digits, x_train=digits.x_train + 1)
    for data, origin, words in [
        (digits, Origin("/nowhere/at/all"), r"worker \d+ on .* cannot load the data: .*/nowhere/at/all"),
        (other, Origin("digits"), r"worker \d+ on .* has other data under the name 'digits'"),
    ]:
        comparison = Comparison(data, "mlp-64-8-10", epochs=1, origin=origin)
        with module.Cluster(scheduler) as cluster, pytest.raises(InputError, match=words):
            comparison.run(named_rules(["full"]), cluster)


def test_workers_with_another_mcuref_are_refused(scheduler, monkeypatch):
    """At once, and by those that join later."""
    own = module.same_sources()
    for found, words in [(("9.9", own[1]), f"is {own[0]}, here it is 9.9"), ((own[0], "0"), "has other sources than here")]:
        monkeypatch.setattr(module, "same_sources", lambda found=found: found)
        monkeypatch.setattr(module, "__version__", found[0])
        with pytest.raises(InputError, match=f"the mcuref of worker tcp://.* {words}; all must have the same"):
            module.Cluster(scheduler)
    with pytest.raises(InputError, match=r"the mcuref of worker \d+ on .* has other sources than here"):
        done_elsewhere(b"", None, (own[0], "0"))


def test_no_scheduler(monkeypatch, capsys):
    monkeypatch.setattr(module, "SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        with pytest.raises(InputError, match=f"no scheduler answers at '{address}' within 0.5 s; `dask scheduler`"):
            module.Cluster(address)
    assert main(["compare", "--epochs", "1", "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "no scheduler answers" in capsys.readouterr().err


def test_no_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError, match=r"needs the package distributed: pip install '.\[cluster\]'"):
        module.Cluster("tcp://127.0.0.1:8786")


def test_a_cluster_that_goes_wrong_is_one_sentence():
    """Workers that die again and again over a piece, and a scheduler that is gone."""
    state = type("State", (), {"address": "tcp://there"})()
    for error, words in [
        (distributed.KilledWorker("piece", state, 3), "was given up by scheduler .* 4 workers were lost"),
        (CancelledError(), "scheduler .* went away"),
    ]:
        cluster = object.__new__(module.Cluster)  # as it is when it is left: nothing has to answer
        cluster.address, cluster._client = "tcp://there", SimpleNamespace(close=lambda: None)
        with pytest.raises(InputError, match=words), cluster:
            raise error
