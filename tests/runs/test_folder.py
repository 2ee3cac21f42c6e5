"""What a run leaves on disk, and what is read of it again."""

import csv
import hashlib
import json
import os
import signal
from contextlib import nullcontext

import numpy as np
import pytest

from mcuref import InputError, TinyProp, Trainer, build, compile, load_data, plain
from mcuref.cost.needs import memory_map
from mcuref.files import PRIVATE
from mcuref.report.json import training_report
from mcuref.runs import checkpoints
from mcuref.runs.folder import check_new_run, is_complete, new_run, resume_command, resumed_run
from mcuref.runs.request import read_request
from mcuref.runs.results import complete, read_run, write_csv, write_run

FINGERPRINT = {"mcuref": "1", "data": "2", "program": "3"}


@pytest.fixture
def trainer():
    """A finished run on a few digits."""
    data = load_data("digits").training_part(0, 40)
    trainer = Trainer(compile(build("mlp-64-4-10", data), TinyProp()), data, epochs=2, seed=3)
    trainer.result = trainer.run()
    return trainer


@pytest.fixture
def report(trainer):
    """Its report."""
    return training_report(trainer, trainer.result, "tinyprop", "default", "scratch", "test", 1.5)


def test_report(trainer, report):
    assert (report["schema"], report["seed"], report["epochs"]) == ("mcuref.train/1", 3, 2)
    assert report["timing"] == {"seconds": 1.5} and report["accuracy"] == trainer.result.accuracy
    assert report["trainable_layers"] == ["dense1", "dense2"] and report["budget"] is None
    assert report["memory"] == trainer.program.report() and report["counts"] == trainer.result.counts
    json.dumps(report, allow_nan=False)


def begin(folder, **arguments):
    """A new run folder, as a run that was killed would leave it."""
    with new_run(folder, {"seed": 3} | arguments, FINGERPRINT):
        return folder


def leftover(folder):
    """What a killed attempt to write into a folder leaves there."""
    (folder / f".mcuref-{'0a' * 8}.part").mkdir(PRIVATE)


def names(folder):
    """Everything in a folder."""
    return sorted(os.listdir(folder))


def test_results(trainer, report, tmp_path):
    folder = begin(tmp_path / "run")
    checkpoints.save(folder, {}, {}), checkpoints.save(folder, {}, {})
    assert not is_complete(folder)
    write_run(folder, trainer, report)
    assert names(folder) == ["checkpoint", "history.csv", "memory.csv", "report.json", "run.json", "weights.npz"]
    assert is_complete(folder) and json.loads((folder / "report.json").read_text()) == report
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names(folder)}
    assert read_request(folder).files == {name: digest for name, digest in digests.items() if name != "run.json"}
    weights, expected = np.load(folder / "weights.npz"), trainer.program.parameters()
    assert set(weights) == set(expected) and all((weights[name] == expected[name]).all() for name in expected)
    header, rows = memory_map(trainer.program)
    with open(folder / "memory.csv", newline="") as file:
        assert list(csv.reader(file)) == [list(header), *([str(value) for value in row] for row in rows)]
    with open(folder / "history.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [{k: str(v) for k, v in row.items()} for row in report["history"]]


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_killed_while_results_are_written(trainer, report, tmp_path, monkeypatch, moment):
    """Before any system call: what is there is whole, run.json comes last, and the next attempt ends the same."""
    expected = begin(tmp_path / "expected")
    checkpoints.save(expected, {}, {})
    write_run(expected, trainer, report)
    for step in range(100):
        folder = begin(tmp_path / str(step))
        checkpoints.save(folder, {}, {}), checkpoints.save(folder, {}, {})
        left, original, child = iter(range(step)), getattr(os, moment), os.fork()
        if child == 0:
            killer = lambda *a: next(left, None) is None and os.kill(os.getpid(), signal.SIGKILL) or original(*a)  # noqa: E731
            setattr(os, moment, killer)
            write_run(folder, trainer, report)
            os._exit(0)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        for name in set(names(folder)) - {"checkpoint.previous", *([] if is_complete(folder) else ["run.json"])}:
            assert name.startswith(".") or (folder / name).read_bytes() == (expected / name).read_bytes(), name
        assert is_complete(folder) <= ({name for name in names(folder) if name[0] != "."} == set(names(expected)))
        if not killed:
            break
        with nullcontext() if not is_complete(folder) else pytest.raises(InputError, match="is complete already"):
            with resumed_run(folder) as request:
                assert request == ({"seed": 3}, FINGERPRINT)
                write_run(folder, trainer, report)
        assert names(folder) == names(expected)
        assert (folder / "run.json").read_bytes() == (expected / "run.json").read_bytes()
    assert not killed and step >= 5


def test_a_new_run_is_held(tmp_path):
    with new_run(tmp_path / "run", {}, FINGERPRINT):
        assert names(tmp_path / "run") == ["run.json"]
        with pytest.raises(InputError, match="run' is in use: another process is running it"):
            with resumed_run(tmp_path / "run"):
                pass
    with resumed_run(tmp_path / "run"):
        with pytest.raises(InputError, match="is in use"), resumed_run(tmp_path / "run"):
            pass
    assert names(tmp_path / "run") == ["run.json"]


def test_existing_folder_is_not_touched(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="it was not touched"), new_run(tmp_path / "run", {}, FINGERPRINT):
        pass
    assert names(tmp_path) == ["run"] and names(tmp_path / "run") == []


@pytest.mark.parametrize("error", [InputError("no"), MemoryError(), ZeroDivisionError()], ids=repr)
def test_what_fails_before_its_first_checkpoint_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), new_run(tmp_path / "a/b/run", {}, FINGERPRINT):
        leftover(tmp_path / "a/b/run")
        raise error
    assert names(tmp_path) == []
    with pytest.raises(type(error)), new_run(tmp_path / "a/b/run", {}, FINGERPRINT):
        checkpoints.save(tmp_path / "a/b/run", {}, {})
        raise error
    assert names(tmp_path / "a/b/run") == ["checkpoint", "run.json"], "what can go on stays"


def test_what_fails_leaves_what_is_not_its_own(tmp_path):
    with pytest.raises(ZeroDivisionError), new_run(tmp_path / "run", {}, FINGERPRINT):
        (tmp_path / "run/notes").touch()
        raise ZeroDivisionError
    assert names(tmp_path / "run") == ["notes"]


def test_an_interrupted_run_stays(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_run(tmp_path / "run", {}, FINGERPRINT):
        raise KeyboardInterrupt
    assert names(tmp_path / "run") == ["run.json"]


def test_the_request_comes_back(tmp_path):
    folder = begin(tmp_path / "run", settings=["s_max=0.5"], model=None, checkpoint=0.5)
    leftover(folder), leftover(tmp_path)
    with resumed_run(folder) as request:
        assert request == ({"seed": 3, "settings": ["s_max=0.5"], "model": None, "checkpoint": 0.5}, FINGERPRINT)
        assert names(folder) == ["run.json"] and names(tmp_path) == ["run"], "what a killed attempt left is gone"
    (folder / "report.json").touch(), complete(folder), leftover(folder), leftover(tmp_path)
    with pytest.raises(InputError, match="is complete already"), resumed_run(folder):
        pass
    assert names(folder) == ["report.json", "run.json"] and names(tmp_path) == ["run"]


def test_unfinished_and_complete_runs_are_told_apart(tmp_path):
    check_new_run(tmp_path / "nosuch"), check_new_run(tmp_path)
    folder = begin(tmp_path / "my run")
    with pytest.raises(InputError, match=f"unfinished; go on with: mcuref train --resume '{folder}'"):
        check_new_run(folder)
    (folder / "report.json").touch()
    with pytest.raises(InputError, match="its run is unfinished"):
        check_new_run(folder)
    complete(folder)
    check_new_run(folder)  # what it is to be refused for is said elsewhere
    with pytest.raises(InputError, match="is complete already; there is nothing to resume"), resumed_run(folder):
        pass


@pytest.mark.parametrize("content, words", [
    (b"", "Expecting value"), (b"{", "Expecting property name"), (b"[]", "cannot be used"), (b"3", "cannot be used"),
    (b"\xff", "can't decode byte"), (b'{"schema": ""}', "it has no 'sha256'"), (b'{"sha256": "x"}', "it has no 'schema'"),
    (b'{"schema": "mcuref.run/1", "sha256": "x"}', "its schema is 'mcuref.run/1', not 'mcuref.run/2': another version"),
    (b'{"schema": "mcuref.run/2", "sha256": "x"}', "it was changed or damaged"), (b"[" * 100_000, "nested too deeply"),
    (b'{"schema": "mcuref.run/2", "sha256": "x", "n": NaN}', "NaN"),
])  # fmt: skip
def test_requests_that_are_none(tmp_path, content, words):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError) as error, resumed_run(tmp_path):
        pass
    assert words in str(error.value) and str(error.value).endswith("; begin the run again in another folder")


def resealed(folder, **changes):
    """Change what stands in a run.json, and make its checksum right again."""
    content = json.loads((folder / "run.json").read_text()) | changes
    content["sha256"] = plain.digest({name: value for name, value in content.items() if name != "sha256"})
    (folder / "run.json").write_text(json.dumps(content))


@pytest.mark.parametrize("changes, words", [
    ({"command": "$(reboot)"}, "its command is '$(reboot)'; it may be train or incremental"),
    ({"command": 3}, "it.command is 3"),
    ({"arguments": None}, "it.arguments is None"), ({"fingerprint": {"mcuref": "x"}}, "it.fingerprint has no 'data'"),
    ({"files": []}, "it.files is []"), ({"files": {"a": 3}}, "it.files.a is 3"),
])  # fmt: skip
def test_requests_whose_checksum_is_right(tmp_path, changes, words):
    folder = begin(tmp_path / "run")
    resealed(folder, **changes)
    with pytest.raises(InputError) as error:
        read_run(folder)
    assert words in str(error.value)
    with pytest.raises(InputError, match="exists already") as error:
        check_new_run(folder)
    assert words in str(error.value) and "mcuref train" not in str(error.value), "no command of its own is offered"
    assert resume_command(folder) == f"mcuref train --resume {folder}"


def test_permission_is_permission(tmp_path, monkeypatch):
    """Nobody is told to begin again, or to remove a folder, because a file cannot be read."""
    folder = begin(tmp_path / "run")

    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    for use in (read_run, check_new_run):
        with pytest.raises(InputError, match="run.json' cannot be read: permission denied$"):
            use(folder)


# -- what a run wrote is what is read


@pytest.fixture
def finished(trainer, report, tmp_path):
    """The folder of a finished run."""
    folder = begin(tmp_path / "run")
    checkpoints.save(folder, {}, {})
    write_run(folder, trainer, report)
    return folder


def test_a_finished_run_is_read(finished, report):
    (finished / "notes.txt").write_text("of the user")
    request, found = read_run(finished)
    assert found == report and request.arguments == {"seed": 3} and request.fingerprint == FINGERPRINT


@pytest.mark.parametrize("name", ["checkpoint", "history.csv", "memory.csv", "report.json", "weights.npz"])
@pytest.mark.parametrize(
    "damage, words",
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(b""), "differs from what was written"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "differs"),
        (lambda path: (path.unlink(), path.mkdir()), "is missing"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "is missing"),
    ],
    ids=["removed", "emptied", "longer", "a folder", "a pipe"],
)
def test_a_changed_file_is_named(finished, name, damage, words):
    damage(finished / name)
    for attempt in (read_run, lambda folder: resumed_run(folder).__enter__()):
        with pytest.raises(InputError, match=f"file '{name}' of run folder '{finished}' {words}"):
            attempt(finished)


@pytest.mark.parametrize("name", ["/etc/hostname", "../run/report.json", "a/../../b", "\0"])
def test_no_file_outside_of_the_folder_is_looked_at(finished, name):
    resealed(finished, files={name: "0" * 64})
    with pytest.raises(InputError, match="does not lie in the folder|is missing"):
        read_run(finished)


def test_a_report_that_is_not_listed_is_not_read(finished):
    resealed(finished, files={})
    with pytest.raises(InputError, match="file 'report.json' of run folder .* differs from what was written"):
        read_run(finished)


def test_every_changed_byte_of_a_request_is_refused_or_means_the_same(tmp_path):
    content = (begin(tmp_path / "run") / "run.json").read_bytes()
    for i in range(len(content)):
        changed = bytearray(content)
        changed[i] ^= 1 << i % 7
        (tmp_path / "run/run.json").write_bytes(changed)
        try:
            with resumed_run(tmp_path / "run") as request:
                assert request == ({"seed": 3}, FINGERPRINT)
        except InputError as error:
            assert "run.json' cannot be used: " in str(error)


@pytest.mark.parametrize("name", ["nosuch", "empty", "file"])
def test_no_run_folder(tmp_path, name):
    (tmp_path / "empty").mkdir(), (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is no run folder: it has no run.json"), resumed_run(tmp_path / name):
        pass


def test_names_that_are_no_unicode_in_a_table(tmp_path):
    write_csv(tmp_path / "x.csv", ["layer"], [["bad\udcff"], ["ü"]])
    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == "layer\nbad\\udcff\nü\n"
