"""mcuref train: the run folder; the same bytes every time, also of a run that was stopped and resumed."""

import csv
import json
import os
import sys

import numpy as np
import pytest

from mcuref.files import held
from mcuref.memory.buffers import aligned
from mcuref.program.arithmetic.int8 import INT8, Int8
from mcuref.program.arithmetic.mixed import MIXED
from mcuref.program.compiler import prepare_executor
from mcuref.runs import checkpoints
from mcuref.runs.folder import is_complete
from mcuref.training import Trainer

FILES = ["checkpoint", "history.csv", "memory.csv", "report.json", "run.json", "weights.npz"]
BOTH = ["checkpoint", "checkpoint.previous"]
NET = """
    input = [4]
    layers = [{kind = "dense", outputs = 8}, {kind = "relu"}, {kind = "dense", outputs = "classes"}]
"""
READERS = []  # called with the name of every file that open() opens
SAME = ["history.csv", "memory.csv", "weights.npz"]  # to the byte; the report but for timing


def heard(event, values):
    """Tell the readers; os.open(), which may be what open() uses, has no mode."""
    if event == "open" and values[1] is not None:
        for reader in READERS:
            reader(values[0])


sys.addaudithook(heard)


def rows(file):
    """A CSV file as dictionaries."""
    with open(file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module", autouse=True)
def kernels_of_all_types():
    """Compiled before, so that no run says that they are."""
    for arithmetic in (INT8, Int8("master"), MIXED):
        prepare_executor(arithmetic=arithmetic)


@pytest.fixture
def trained(mcuref, small, here):
    """Train into a folder; returns it."""

    def run(name, *options):
        outcome = mcuref("train", "--data", small, "--epochs", "3", "--out", name, *options)
        assert outcome.status == 0 and outcome.err == "", outcome
        assert f"run kept in {name}" in outcome.out
        return here / name

    return run


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--method", "full", "--trainable", "1"),
        ("--regime", "continue", "--evaluate", "validation"),
        ("--method", "topk", "--preset", "paper", "--seed", "7"),
        ("--method", "tinyprop", "--target", "stm32f746"),
        ("--momentum", "0.9", "--batch", "4"),
        ("--batch", "1", "--policy", "accumulate"),
        ("--model", "mlp-4-8-3@0.5"),
        ("--model", "mlp-4-8-3", "--dtype", "int8", "--train-dtype", "float32", "--trainable", "1", "--regime", "continue"),
    ],
    ids=" ".join,
)
def test_same_bytes_twice(trained, options):
    assert_same(trained("one", *options), trained("deep/er/two", *options))


def assert_same(first, second):
    """Both run folders are complete and the same but for the time it took."""
    assert sorted(os.listdir(first)) == sorted(os.listdir(second)) == FILES
    for name in SAME:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    reports = [json.loads((folder / "report.json").read_text()) for folder in (first, second)]
    assert all(report.pop("timing")["seconds"] > 0 for report in reports)
    assert reports[0] == reports[1]
    requests = [json.loads((folder / "run.json").read_text()) for folder in (first, second)]
    for request in requests:  # in the report stands how long it took
        assert request["files"].pop("report.json") and request.pop("sha256")
    assert requests[0]["files"] == requests[1]["files"]


def test_optimiser_and_policy_arrive(trained):
    report = json.loads((trained("run", "--momentum", "0.5", "--batch", "3") / "report.json").read_text())
    assert (report["optimiser"]["momentum"], report["optimiser"]["batch"]) == (0.5, 3)
    assert report["policy"] == "accumulate" and "gradients summed in velocities" in report["memory"]["policy"]
    report = json.loads((trained("two", "--policy", "accumulate") / "report.json").read_text())
    assert (report["optimiser"]["batch"], report["policy"]) == (1, "accumulate")
    needed = report["memory"]["categories"]["gradients"]
    assert needed["sram"] > 0


def test_another_seed_is_another_run(trained):
    first, second = trained("one"), trained("two", "--seed", "1")
    assert (first / "weights.npz").read_bytes() != (second / "weights.npz").read_bytes()


def test_memory_csv_sums_to_the_plan(trained):
    folder = trained("run", "--method", "tinyprop", "--trainable", "1")
    regions = json.loads((folder / "report.json").read_text())["memory"]["regions"]
    numbers = ("offset", "bytes", "first", "last")
    placed = [row | {name: int(row[name]) for name in numbers} for row in rows(folder / "memory.csv")]
    sram, flash = ([row for row in placed if row["region"] == region] for region in ("sram", "flash"))
    assert max(row["offset"] + aligned(row["bytes"]) for row in sram) == regions["sram"]["planned"]
    assert sum(aligned(row["bytes"]) for row in flash) == regions["flash"]["planned"]
    alive = [
        sum({row["offset"]: aligned(row["bytes"]) for row in sram if row["first"] <= i <= row["last"]}.values())
        for i in range(max(row["last"] for row in sram))
    ]
    assert max(alive) == regions["sram"]["lower_bound"] <= regions["sram"]["planned"]


def test_history_and_report_agree(trained):
    folder = trained("run", "--method", "tinypropv2")
    report, history = json.loads((folder / "report.json").read_text()), rows(folder / "history.csv")
    assert report["schema"] == "mcuref.train/1" and report["method"] == "tinypropv2"
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert [float(row["accuracy"]) for row in history] == [row["accuracy"] for row in report["history"]]
    assert report["accuracy"] == report["history"][-1]["accuracy"]
    assert sum(int(row["skipped"]) for row in history) == report["samples_skipped"]
    assert sum(int(row["samples"]) for row in history) == report["samples_shown"] == 3 * 30


def test_weights_are_the_networks(trained):
    weights = np.load(trained("run", "--model", "mlp-4-5-3") / "weights.npz")
    shapes = {"dense1.weights": (5, 4), "dense1.bias": (5,), "dense2.weights": (3, 5), "dense2.bias": (3,)}
    assert {name: weights[name].shape for name in weights} == shapes
    assert all(weights[name].dtype == np.float32 and np.isfinite(weights[name]).all() for name in weights)


def test_frozen_layers_keep_their_weights(trained):
    whole = np.load(trained("start", "--trainable", "1") / "weights.npz")
    longer = np.load(trained("longer", "--trainable", "1", "--learning-rate", "0.5") / "weights.npz")
    assert (whole["dense1.weights"] == longer["dense1.weights"]).all()
    assert (whole["dense2.weights"] != longer["dense2.weights"]).any()


def test_json_is_the_report(mcuref, small, here):
    mcuref("train", "--data", small, "--epochs", "1", "--out", "run", "--json", "x.json")
    assert (here / "x.json").read_bytes() == (here / "run/report.json").read_bytes()


def test_without_out_nothing_is_written(mcuref, small, here):
    assert mcuref("train", "--data", small, "--epochs", "1").status == 0
    assert os.listdir(here) == ["small"]


@pytest.mark.parametrize(
    "failure", [(), ("--epochs", "1"), ("--learning-rate", "1e30"), ("--sram", "2200"), ("--data", "/nosuch")], ids=" ".join
)
def test_an_existing_run_is_never_touched(mcuref, trained, small, failure):
    folder = trained("run")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    outcome = mcuref("train", "--data", small, "--out", "run", *failure)
    assert outcome.status == 2 and "exists already" in outcome.err
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_folder_that_appears_meanwhile_is_not_touched(mcuref, small, here, monkeypatch):
    """Two runs into one folder at the same time: the second to begin says so."""
    monkeypatch.setattr("mcuref.cli.resumable.prepare_kernels", lambda _: (here / "run").mkdir())
    outcome = mcuref("train", "--data", small, "--epochs", "1", "--out", "run")
    assert outcome.status == 2 and "appeared meanwhile" in outcome.err
    assert list((here / "run").iterdir()) == [] and sorted(os.listdir(here)) == ["run", "small"]


@pytest.mark.parametrize("evaluated", ["test", "validation"])
def test_anomalies(mcuref, here, sounds, evaluated):
    options = ("--data", sounds, "--epochs", "2", "--evaluate", evaluated, "--target", "none")
    outcome = mcuref("train", *options, "--out", "run")
    assert outcome.status == 0, outcome
    report, history = json.loads((here / "run/report.json").read_text()), rows(here / "run/history.csv")
    assert report["metric"] == "auc" and report["auc"] == report["history"][-1]["auc"] == float(history[-1]["auc"])
    assert 0.9 < report["auc"] <= 1 and 0 <= float(history[-1]["pauc"]) <= 1 and "auc" in outcome.out


# interrupted and resumed


@pytest.fixture
def interrupt(mcuref, small, here, monkeypatch):
    """Train, interrupted as by Ctrl-C at the n-th evaluation; returns what was printed on stderr."""

    def run(name, *options, evaluation=2, error=KeyboardInterrupt):
        left = iter(range(evaluation - 1))

        def evaluate(trainer, original=Trainer.evaluate):
            if next(left, None) is None:
                raise error
            return original(trainer)

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "evaluate", evaluate)
            outcome = mcuref("train", "--data", small, "--epochs", "3", "--out", name, *options)
        assert outcome.status == (130 if error is KeyboardInterrupt else 2) and outcome.out == ""
        return outcome.err

    return run


@pytest.mark.parametrize(
    "options, evaluation",
    [
        ((), 1),
        ((), 3),
        (("--regime", "continue"), 4),
        (("--regime", "continue"), 12),
        (("--momentum", "0.9", "--batch", "4", "--method", "tinyprop"), 2),
        (("--evaluate", "validation"), 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("checkpoint", ["0", "1000"], ids=["checkpoints", "none"])
def test_interrupted_and_resumed(mcuref, trained, interrupt, here, options, evaluation, checkpoint):
    expected = trained("expected", *options)
    sentence = interrupt("new/run", "--checkpoint", checkpoint, *options, evaluation=evaluation)
    assert sentence == "mcuref: interrupted; go on with: mcuref train --resume new/run\n"
    assert ("checkpoint" in os.listdir("new/run")) == (checkpoint == "0" or evaluation == 12), "pre-training is kept"
    outcome = mcuref("train", "--resume", "new/run", "--json", "x.json")
    assert outcome.status == 0 and outcome.err == "" and "run kept in new/run" in outcome.out
    assert_same(expected, here / "new/run")
    assert (here / "x.json").read_bytes() == (here / "new/run/report.json").read_bytes()


def test_interrupted_before_anything_is_computed(mcuref, interrupt, monkeypatch):
    interrupt("run", "--checkpoint", "0")

    def stop(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mcuref.cli.resumable.prepare_kernels", stop)
    outcome = mcuref("train", "--resume", "run")
    assert outcome.status == 130 and outcome.err == "mcuref: interrupted; go on with: mcuref train --resume run\n"


def test_the_command_in_the_sentence_can_be_pasted(interrupt):
    assert interrupt("my run; rm").endswith("go on with: mcuref train --resume 'my run; rm'\n")


@pytest.mark.parametrize("moment", [
    "numpy.savez", "mcuref.runs.results.memory_map", "mcuref.runs.results.write_json", "mcuref.runs.results.complete",
    "mcuref.runs.request.write_json",
])  # fmt: skip
def test_interrupted_while_results_are_written(mcuref, trained, small, here, monkeypatch, moment):
    expected = trained("expected")

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mcuref.runs.checkpoints.drop_previous", lambda _: None)
        patch.setattr("mcuref.cli.train.show", lambda *_, **how: patch.setattr(moment, stop))  # when it comes to writing
        outcome = mcuref("train", "--data", small, "--epochs", "3", "--out", "run")
    assert outcome.status == 130 and "mcuref train --resume run" in outcome.err
    assert not is_complete(here / "run")
    assert mcuref("train", "--resume", "run").status == 0
    assert_same(expected, here / "run")


def test_wide_is_how_a_run_is_shown_not_what_it_is(mcuref, trained, interrupt, here, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    expected = trained("expected")
    interrupt("run", "--checkpoint", "0", "--wide")
    assert '"wide"' not in (here / "run/run.json").read_text()
    assert "--wide shows also: k / n dense1" not in mcuref("train", "--resume", "run", "--wide").out
    assert_same(expected, here / "run")
    assert "--wide shows also: k / n dense1" in mcuref("report", "run").out
    assert "--wide" not in mcuref("report", "run", "--wide").out


def test_resumed_elsewhere(mcuref, trained, interrupt, here, monkeypatch):
    """Data and model are found from another folder, and the report does not tell."""
    (here / "net.toml").write_text(NET)
    for model in ("net.toml", "net.toml@0.5"):
        expected = trained(f"expected{model}", "--model", model)
        interrupt(f"run{model}", "--model", model, "--checkpoint", "0")
        (here / "else").mkdir(exist_ok=True)
        monkeypatch.chdir(here / "else")
        assert mcuref("train", "--resume", f"../run{model}").status == 0
        monkeypatch.chdir(here)
        assert_same(expected, here / f"run{model}")


def test_a_folder_named_as_a_data_set_is_not_taken_for_it(mcuref, here, monkeypatch):
    (here / "digits").mkdir()
    assert mcuref("train", "--epochs", "1", "--out", "run", "--method", "full").status == 0
    assert json.loads((here / "run/run.json").read_text())["arguments"]["data"] == "digits"


def test_a_damaged_checkpoint_is_refused_and_the_one_before_used(mcuref, trained, interrupt, here):
    expected = trained("expected")
    interrupt("run", "--checkpoint", "0", evaluation=3)
    (here / "run/checkpoint").write_bytes(b"")
    outcome = mcuref("train", "--resume", "run")
    assert outcome.status == 0 and outcome.err.count("\n") == 1
    assert outcome.err.startswith("mcuref: checkpoint 'run/checkpoint' is damaged")
    assert outcome.err.endswith("the one before it is used\n")
    assert_same(expected, here / "run")


def spoil(folder, change):
    """Change a checkpoint and give it a checksum that is right."""
    plain, arrays = checkpoints.read(folder / "checkpoint")
    change(plain, arrays)
    checkpoints.save(folder, plain, arrays)


@pytest.mark.parametrize(
    "damage, words",
    [
        (lambda run: [(run / name).write_bytes(b"half") for name in BOTH], "no other that is whole"),
        (lambda run: [(run / name).unlink() for name in BOTH] + [(run / "checkpoint").mkdir()], "is a directory"),
        (lambda run: spoil(run, lambda plain, arrays: arrays.popitem()), "is not one of this run"),
        (lambda run: spoil(run, lambda plain, arrays: arrays.update(counts=np.zeros(2))), "is not one of this run"),
        (lambda run: spoil(run, lambda plain, _: plain.update(history="x")), "is not one of this run"),
        (lambda run: spoil(run, lambda plain, _: plain.update(fingerprint=None)), "was begun with another version of"),
        (lambda run: (run / "run.json").write_text((run / "run.json").read_text().replace("mcuref.run/2", "x")), "schema"),
        (lambda run: (run / "run.json").write_text((run / "run.json").read_text().replace("test", "tess")), "was changed"),
        (lambda run: (run / "run.json").unlink(), "is no run folder: it has no run.json"),
    ],
    ids=range(9),
)
def test_what_cannot_be_resumed(refused, interrupt, here, damage, words):
    interrupt("run", "--checkpoint", "0", evaluation=3)
    damage(here / "run")
    before = sorted(os.listdir("run"))
    refused(words, "train", "--resume", "run", "--json", "x.json")
    assert sorted(os.listdir("run")) == before and sorted(os.listdir(here)) == ["run", "small"]


def test_data_that_changed_meanwhile(refused, interrupt, here, arrays):
    """Also where no checkpoint was written yet: run.json knows what it was begun with."""
    for checkpoint in ("0", "1000"):
        interrupt(f"run{checkpoint}", "--checkpoint", checkpoint)
    arrays["test"]["x"][8, 3] += 1
    np.savez(here / "small/test.npz", **arrays["test"])
    for checkpoint in ("0", "1000"):
        refused("was begun with other data; it can only go on with the same", "train", "--resume", f"run{checkpoint}")
    (here / "small/test.npz").unlink()
    refused("has no test.npz", "train", "--resume", "run0")


@pytest.mark.parametrize("file", ["net.toml", "net.toml@0.5"])
@pytest.mark.parametrize("meanwhile", ["as it was", "changed", "no TOML", "gone", "replaced by a folder"])
def test_a_model_in_a_file_goes_with_the_run(mcuref, trained, interrupt, here, file, meanwhile, monkeypatch):
    """Whatever becomes of the file, and wherever the run goes on, it ends as it was begun."""
    path, text = here / "nets/net.toml", NET
    path.parent.mkdir()
    path.write_text(text)
    expected = trained("expected", "--model", f"nets/{file}")
    interrupt("run", "--model", f"nets/{file}", "--checkpoint", "0")
    path.write_text({"changed": text.replace("outputs = 8", "outputs = 9"), "no TOML": "input = [4"}.get(meanwhile, text))
    if meanwhile in ("gone", "replaced by a folder"):
        path.unlink()
    if meanwhile == "replaced by a folder":
        path.mkdir()
    monkeypatch.chdir(here / "nets")
    assert mcuref("train", "--resume", "../run").status == 0
    assert_same(expected, here / "run")
    assert json.loads((here / "run/report.json").read_text())["model"] == file, "without its folder"
    assert str(here) not in (here / "run/report.json").read_text()


def test_a_model_in_a_file_is_read_once(mcuref, small, here):
    """So that no half of a run is of another model."""
    (here / "net.toml").write_text(NET)
    opened = []
    READERS.append(lambda path: opened.append(path) if str(path).endswith("net.toml") else None)
    try:
        assert mcuref("train", "--data", small, "--epochs", "1", "--model", "net.toml", "--out", "run").status == 0
        assert mcuref("compare", "--data", small, "--epochs", "1", "--model", "net.toml", "--seeds", "2").status == 0
    finally:
        READERS.clear()
    assert opened == ["net.toml", "net.toml"]


def test_another_version_of_mcuref(refused, interrupt, monkeypatch):
    interrupt("run", "--checkpoint", "0")
    monkeypatch.setattr("mcuref.runs.training.SOURCES", ("optimisers.py",))
    refused("was begun with another version of mcuref; it can only", "train", "--resume", "run")


@pytest.mark.parametrize(
    "others, named",
    [
        (("--seed", "0"), "--seed"),
        (("--data", "digits"), "--data"),
        (("--set", "s_max=0.5"), "--set"),
        (("--out", "x"), "--out"),
        (("--checkpoint", "30"), "--checkpoint"),
        (("--learning-rate", "0.1"), "--learning-rate"),
        (("--regime", "scratch"), "--regime"),
        (("--target", "none"), "--target"),
        (("--momentum", "0"), "--momentum"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_resumed_as_it_was_begun_or_not_at_all(refused, interrupt, others, named):
    """An option is refused also where it says what is the default."""
    interrupt("run")
    refused(f"goes on with a run as it was begun; {named} cannot be given with it", "train", "--resume", "run", *others)


def test_out_does_not_go_on_with_a_run(refused, interrupt, here):
    interrupt("run", "--checkpoint", "0")
    before = {name: (here / "run" / name).read_bytes() for name in os.listdir("run")}
    refused("is unfinished; go on with: mcuref train --resume run", "train", "--data", "small", "--out", "run")
    assert {name: (here / "run" / name).read_bytes() for name in os.listdir("run")} == before


def test_one_process_at_a_time(refused, interrupt, here):
    interrupt("run", "--checkpoint", "0")
    with held(here / "run/run.json", ""):
        refused("run folder 'run' is in use: another process is running it", "train", "--resume", "run")


@pytest.mark.parametrize("name", ["report.json", "checkpoint", "x/y.json", "."])
def test_results_do_not_go_into_the_folder(mcuref, interrupt, here, name):
    interrupt("run", "--checkpoint", "0")
    (here / "run/x").mkdir()
    outcome = mcuref("train", "--resume", "run", "--json", f"run/{name}")
    assert outcome.status == 2 and "report.json" not in os.listdir("run")
    assert mcuref("train", "--resume", "run").status == 0


def test_diverged_before_a_checkpoint_leaves_nothing(refused, small, here):
    sentence = refused("became NaN or infinite", "train", "--data", small, "--out", "a/b", "--learning-rate", "1e30")
    assert "checkpoint" not in sentence and os.listdir(here) == ["small"]


@pytest.mark.parametrize("regime", ["scratch", "continue"])
def test_diverged_keeps_the_last_checkpoint(mcuref, refused, small, here, monkeypatch, regime):
    """And it is valid: resumed, the run comes to the same end, and says the same."""
    calls = []

    def evaluate(trainer, original=Trainer.evaluate):
        calls.append(trainer)
        if calls.count(trainer) == 2 and trainer.epochs == 3:  # not the pre-training: that has 10 epochs
            return trainer.program.arena.bytes[: trainer.program.plan.sram].fill(0x7F) or original(trainer)
        return original(trainer)

    monkeypatch.setattr(Trainer, "evaluate", evaluate)
    options = ("--data", small, "--out", "run", "--epochs", "3", "--checkpoint", "0", "--regime", regime)
    words = "keeps the last checkpoint before that, but resumed it would end the same"
    sentence = refused(words, "train", *options)
    assert "outputs are NaN or infinite after epoch 2" in sentence
    for name in os.listdir("run"):
        if name.startswith("checkpoint"):
            _, arrays = checkpoints.read(here / "run" / name)
            assert all(np.isfinite(values).all() for values in arrays.values())
    assert "report.json" not in os.listdir("run")


def test_nan_in_the_result_is_refused(mcuref, small, here, monkeypatch):
    """The training is done and its checkpoint stays; nothing that is not JSON is written."""
    monkeypatch.setattr("mcuref.training.Trainer.evaluate", lambda self: {"accuracy": float("nan")})
    outcome = mcuref("train", "--data", small, "--epochs", "1", "--out", "run")
    assert outcome.status == 2 and "NaN or infinite values" in outcome.err and "report.json" not in os.listdir("run")


@pytest.mark.parametrize("moment", ["checkpoints.save", "results.write_run"])
def test_no_room(mcuref, refused, trained, small, here, monkeypatch, moment):
    """At the first checkpoint nothing is worth keeping; later, the run can go on when there is room."""
    from mcuref.files import WriteError

    def full(*_):
        raise WriteError("file 'x' cannot be written: no space left on device")

    expected = trained("expected")
    with monkeypatch.context() as patch:
        patch.setattr(f"mcuref.runs.{moment}", full)
        outcome = mcuref("train", "--data", small, "--epochs", "3", "--out", "run")
    assert outcome.status == 2 and outcome.err.startswith("mcuref: file 'x' cannot be written: no space left on device")
    if moment == "checkpoints.save":
        assert sorted(os.listdir(here)) == ["expected", "small"] and "resume" not in outcome.err
        return
    assert outcome.err.endswith("; when it can be, go on with: mcuref train --resume run\n")
    assert mcuref("train", "--resume", "run").status == 0
    assert_same(expected, here / "run")


@pytest.mark.parametrize("value, words", [
    ("-1", "--checkpoint -1.0 is not a number from 0 to 86400"), ("nan", "--checkpoint nan is not"),
    ("1e9", "--checkpoint 1000000000.0 is not"), ("soon", "'soon' is not a number"),
])  # fmt: skip
def test_bad_intervals(refused, small, here, value, words):
    refused(words, "train", "--data", small, "--out", "run", "--checkpoint", value)
    assert os.listdir(here) == ["small"]


OF_BOTH = ("--model", "mlp-4-8-3", "--dtype", "int8", "--train-dtype", "float32", "--trainable", "1")


def test_the_last_layers_are_trained_in_float32_above_int8_ones(trained, mcuref, refused, small, here):
    folder = trained("run", *OF_BOTH)
    report = json.loads((folder / "report.json").read_text())
    assert (report["dtype"], report["deployed"], report["trainable_layers"]) == ("mixed", "body quantised", ["dense2"])
    with np.load(folder / "weights.npz") as weights:
        types = {name: weights[name].dtype.name for name in weights.files}
    assert types == {"dense1.weights": "int8", "dense1.bias": "int32", "dense2.weights": "float32", "dense2.bias": "float32"}
    outcome = mcuref("train", "--data", small, "--model", "run", "--epochs", "1", "--json", "again.json")
    assert outcome.status == 0 and "; int8, float32 from layer dense2 on" in outcome.out, outcome
    again = json.loads((here / "again.json").read_text())
    assert (again["dtype"], again["deployed"]) == ("mixed", "as it is")
    assert mcuref("export", "run", "--c", "firmware", "--samples", "2").status == 0
    sources = {path.relative_to(here / "firmware").as_posix() for path in (here / "firmware").rglob("*.c")}
    assert {"kernels/int8/dense.c", "kernels/mixed/dequantise.c", "kernels/dense.c", "program/float32.c"} <= sources
    refused("has an int8 body and a float32 head, which has no .tflite yet", "export", "run", "--tflite", "x.tflite")
    refused("is mixed; incremental learning begins from a float32 model", "incremental", "--data", small, "--model", "run")


@pytest.mark.parametrize("options, words", [
    (("--train-dtype", "float32"), "--train-dtype float32 is of --dtype int8; what is asked for here is float32"),
    (OF_BOTH[:-2], "trained in float32 is a float32 network; an int8 body needs one that is not trained, trainable 1 at"),
    ((*OF_BOTH, "--headroom", "2"), "--headroom is of --dtype int8; what is trained here is float32"),
    ((*OF_BOTH, "--update", "master"), "--update is of --dtype int8; what is trained here is float32"),
])  # fmt: skip
def test_what_cannot_be_trained_in_float32(refused, small, options, words):
    refused(words, "train", "--data", small, *options)


def test_a_float32_master_of_int8_weights(trained):
    report = json.loads((trained("run", "--dtype", "int8", "--update", "master") / "report.json").read_text())
    assert (report["dtype"], report["update"]) == ("int8", "master") and 0 <= report["accuracy"] <= 1
