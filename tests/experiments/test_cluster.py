"""Pieces on a Dask cluster: the same bytes as on one machine, whatever happens to a worker; errors are one sentence."""

import json
import os
import signal
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import pytest

from mcuref import InputError, load_data
from mcuref.cli import main
from mcuref.experiments import cluster as module
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import named_rules
from mcuref.experiments.spreading import Origin, done_elsewhere
from mcuref.experiments.store import PieceStore

distributed = pytest.importorskip("distributed", reason="pip install 'mcuref[cluster]' brings it")


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


def test_the_command_writes_the_same_bytes(scheduler, tmp_path, capsys):
    written = []
    for number, more in enumerate(([], ["--scheduler", scheduler])):
        file = tmp_path / f"{number}.json"
        command = ["compare", "--model", "mlp-64-8-10", "--regime", "continue", "--epochs", "2", "--seeds", "2"]
        assert main([*command, "--method", "full,tinypropv2", "--json", str(file), *more]) == 0
        result = json.loads(file.read_text())
        written.append(json.dumps(result | {"rows": [row | {"timing": {}} for row in result["rows"]]}))
    assert written[0] == written[1]
    assert capsys.readouterr().out.count("tinypropv2") > 2


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
    with pytest.raises(InputError, match=r"needs the package distributed: pip install 'mcuref\[cluster\]'"):
        module.Cluster("tcp://127.0.0.1:8786")


def test_a_cluster_that_goes_wrong_is_one_sentence(scheduler):
    """Workers that die again and again over a piece, and a scheduler that is gone."""
    state = type("State", (), {"address": "tcp://there"})()
    for error, words in [
        (distributed.KilledWorker("piece", state, 3), "was given up by scheduler .* 4 workers were lost"),
        (CancelledError(), "scheduler .* went away"),
    ]:
        with pytest.raises(InputError, match=words), module.Cluster(scheduler):
            raise error
