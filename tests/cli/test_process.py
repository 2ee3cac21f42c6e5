"""The command as a process: what only shows with real streams, signals and limits."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from mcuref import InputError
from mcuref.cli import COMMANDS, console, main
from mcuref.files import held
from mcuref.report.tables import Column, Table
from mcuref.runs import checkpoints
from mcuref.runs.folder import new_run

COMMAND = [sys.executable, "-m", "mcuref"]
STARTED = []  # processes of the test that is running


@pytest.fixture(autouse=True)
def none_left_running():
    """A test that fails leaves no process behind that would slow the others."""
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill(), process.wait()


def start(*arguments, **keywords):
    """``python -m mcuref ...`` with its output in pipes; it hears Ctrl-C even where these tests run in the background."""
    keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": hear_ctrl_c} | keywords
    STARTED.append(subprocess.Popen([*COMMAND, *arguments], **keywords))
    return STARTED[-1]


def hear_ctrl_c():
    """What is started in the background is told to ignore it, and so is what that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*arguments, **keywords):
    """The same, to its end: (status, stdout, stderr)."""
    process = start(*arguments, **keywords)
    out, err = process.communicate(timeout=60)
    assert "not foreseen" not in err, err
    return process.returncode, out, err


@pytest.mark.parametrize("arguments, status", [
    (["targets"], 0), (["estimate", "--sram", "3k"], 1), (["train", "--sram", "3k"], 2), ([], 2),
])  # fmt: skip
def test_exit_status(arguments, status):
    code, _, err = run(*arguments)
    assert code == status and "Traceback" not in err and err.count("\n") == (status == 2)


def test_help(mcuref):
    assert all(name in mcuref("--help").out for name in COMMANDS)
    for name in COMMANDS:
        outcome = mcuref(name, "--help")
        assert outcome.status == 0 and outcome.out.startswith(f"usage: mcuref {name}")


def test_reader_of_the_pipe_goes_away(here, small):
    """As in ``mcuref train ... | head``: no traceback, no lost run."""
    reading, writing = os.pipe()
    os.close(reading)
    code, _, err = run("train", "--data", small, "--epochs", "1", "--out", "run", stdout=writing)
    os.close(writing)
    assert (code, err) == (0, "") and (here / "run/weights.npz").exists()


def test_closed_streams(here):
    command = " ".join([*COMMAND, "targets", "--json", "x.json"])
    assert subprocess.run(command + " >&- 2>&-", shell=True).returncode == 0
    assert (here / "x.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("targets",),
        ("models", "mlp-4-5-3"),
        ("datasets",),
        ("estimate", "--model", "mlp-4-5-3"),
        ("train", "--epochs", "1"),
        ("compare", "--epochs", "1", "--method", "full"),
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("stdout", ["-", "/dev/stdout"])
def test_json_has_stdout_alone(capfd, here, small, monkeypatch, arguments, stdout):
    """A program reads it from a pipe; people read the tables on stderr."""
    monkeypatch.delenv("MCUREF_DATA", raising=False)
    data = ("--data", small) if arguments[0] in ("train", "compare") else ()
    assert main([*arguments, *data, "--json", stdout]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["schema"] == f"mcuref.{arguments[0]}/1" and "──" in err
    assert os.listdir(here) == ["small"]


def test_pictures_and_json_may_not_both_be_stdout(capfd, here):
    assert main(["estimate", "--map", "-", "--json", "-"]) == 2
    assert capfd.readouterr() == ("", "mcuref: '/dev/fd/1' is named for two results; give each a place of its own\n")


def test_a_full_stdout_is_told(here):
    with open("/dev/full", "wb") as full:
        code, _, err = run("targets", "--json", "-", stdout=full)
    assert code == 2 and err.endswith("\nmcuref: file '-' cannot be written: no space left on device\n")


def test_terminal_without_unicode(small):
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    options = ("--data", small, "--epochs", "1", "--seeds", "2", "--set", "zeta=0.9")
    code, out, err = run("compare", *options, env=environment)
    assert (code, err) == (0, "") and out.isascii() and "tinypropv2" in out


def test_nothing_coloured_in_a_pipe():
    assert "\x1b" not in run("targets")[1]


def test_home_that_cannot_be_written(tmp_path, small):
    """The kernels compile anew at every start, and that is said; here NUMBA_DISABLE_JIT spares the wait."""
    (tmp_path / "home").write_text("a file, not a folder")
    environment = {k: v for k, v in os.environ.items() if k != "XDG_CACHE_HOME"}
    environment |= {"HOME": str(tmp_path / "home"), "NUMBA_DISABLE_JIT": "1"}
    code, out, _ = run("compare", "--data", small, "--epochs", "1", "--method", "full", env=environment)
    assert code == 0 and "full" in out


def interrupted(*arguments, happened):
    """Ctrl-C once that has happened: (status, stdout, stderr)."""
    process = start(*arguments)
    while not happened():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_interrupt(here, small):
    """Ctrl-C while it trains: status 130, one line; the folder stays, and the line says how to go on."""
    options = ("--data", small, "--epochs", "1000000", "--checkpoint", "0.05")
    happened = (here / "new/run/checkpoint").exists
    outcome = interrupted("train", *options, "--out", "new/run", happened=happened)
    assert outcome == (130, "", "mcuref: interrupted; go on with: mcuref train --resume new/run\n")
    assert set(os.listdir(here / "new/run")) <= {"run.json", "checkpoint", "checkpoint.previous"}
    before = checkpoints.load(here / "new/run", pytest.fail)[0]["history"]

    def further():
        try:
            return len(checkpoints.load(here / "new/run", lambda _: None)[0]["history"]) > len(before)
        except InputError:  # read while it was being replaced
            return False

    outcome = interrupted("train", "--resume", "new/run", happened=further)
    assert outcome == (130, "", "mcuref: interrupted; go on with: mcuref train --resume new/run\n")
    after = checkpoints.load(here / "new/run", pytest.fail)[0]["history"]
    assert after[: len(before)] == before


@pytest.mark.parametrize("command", ["train", pytest.param("compare", marks=pytest.mark.slow)])
def test_interrupt_without_a_folder(here, small, command):
    process = start(command, "--data", small, "--epochs", "1000000", "--json", "x.json")
    time.sleep(3)  # most likely it trains by then; whatever it does, the end is the same
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err == "mcuref: interrupted; nothing half-written is left\n" and os.listdir(here) == ["small"]


def test_two_processes_do_not_run_one_folder(here, small):
    process = start("train", "--data", small, "--epochs", "1000000", "--out", "run")
    while not (here / "run/run.json").exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    sentence = "mcuref: run folder 'run' is in use: another process is running it (it was not touched)\n"
    assert run("train", "--resume", "run") == (2, "", sentence)
    code, _, err = run("train", "--data", small, "--out", "run")
    assert code == 2 and "go on with: mcuref train --resume run" in err
    process.kill(), process.communicate()
    with held(here / "run/run.json", "still held"):
        pass


def limited(size):
    """A limit on the size of files is met as a full disk is: in the middle of writing."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_disk_full(here, small):
    (here / "old.json").write_text("mine")
    code, out, err = run("train", "--data", small, "--epochs", "1", "--json", "old.json", preexec_fn=limited(1000))
    assert code == 2 and "accuracy" in out, "the result is shown before it is written"
    assert err == "mcuref: file 'old.json' cannot be written: file too large\n"
    assert sorted(os.listdir(here)) == ["old.json", "small"] and (here / "old.json").read_text() == "mine"


@pytest.mark.parametrize("size, words", [
    pytest.param(100, "run.json' cannot be written", marks=pytest.mark.slow), (1500, "checkpoint' cannot be written"),
])  # fmt: skip
def test_disk_full_before_anything_is_worth_keeping(here, small, size, words):
    code, out, err = run("train", "--data", small, "--epochs", "1", "--out", "new/run", preexec_fn=limited(size))
    assert (code, out) == (2, "") and re.fullmatch(rf"mcuref: file '.*{words}: file too large\n", err)
    assert os.listdir(here) == ["small"]


def test_disk_full_at_the_end(mcuref, here, small):
    """The result is shown, the checkpoint is good, and with more room the run can be finished."""
    options = ("train", "--data", small, "--epochs", "40")
    assert mcuref(*options, "--out", "expected").status == 0
    size = (here / "expected/checkpoint").stat().st_size
    assert size < (here / "expected/report.json").stat().st_size
    code, out, err = run(*options, "--out", "run", preexec_fn=limited(size))
    assert code == 2 and "accuracy" in out
    assert re.fullmatch(
        r"mcuref: file '.*report.json' cannot be written: file too large; when it can be, go on with: "
        r"mcuref train --resume run\n",
        err,
    )
    assert "checkpoint" in os.listdir("run") and not any(name.endswith(".part") for name in os.listdir("run"))
    assert mcuref("train", "--resume", "run").status == 0
    assert (here / "run/weights.npz").read_bytes() == (here / "expected/weights.npz").read_bytes()


# run as somebody else: status and sentence of each command line; the interpreter may lie where only root can read
AS_NOBODY = """
import json, os, sys
import mcuref.experiments.comparison, mcuref.datasets.digits, mcuref.report.json, mcuref.report.lists, mcuref.cli as cli
import mcuref.runs.folder, mcuref.runs.results
parser = cli._parser()
cli._parser = lambda: parser
os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
print([cli.main(arguments) for arguments in json.loads(sys.argv[1])])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_no_permission():
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, which is closed to others
        here = Path(folder)
        for name in ("locked", "secret"):
            (here / name).mkdir()
        (here / "mine.json").write_text("mine")
        for side in ("train", "test"):
            np.savez(here / f"secret/{side}.npz", x=np.zeros((3, 2)), y=np.arange(3))
            (here / f"secret/{side}.npz").chmod(0)
        for name, mode in (("closed", 0o666), ("sealed", 0o444), ("hidden", 0)):
            with new_run(here / name, {}, dict.fromkeys(("mcuref", "data", "program"), "")):
                (here / name / "run.json").chmod(mode)
        here.chmod(0o777), (here / "mine.json").chmod(0o444)
        cases = {
            "locked' is not a folder one may write to": ["train", "--out", f"{here}/locked/run"],
            "/a/b' cannot be made": ["train", "--out", f"{here}/locked/a/b"],
            "no permission to write in": ["targets", "--json", f"{here}/locked/x.json"],
            "it is protected from writing": ["targets", "--json", f"{here}/mine.json"],
            "may not be read by this user": ["train", "--data", f"{here}/secret"],
            "no permission to write in it": ["train", "--resume", f"{here}/closed"],
            "run.json' cannot be used: permission denied": ["train", "--resume", f"{here}/sealed"],
            "run.json' cannot be read: permission denied": ["train", "--resume", f"{here}/hidden"],
        }
        arguments = [sys.executable, "-c", AS_NOBODY, json.dumps(list(cases.values()))]
        outcome = subprocess.run(arguments, capture_output=True, text=True)
        assert outcome.stdout == f"{[2] * len(cases)}\n", outcome
        for fragment, sentence in zip(cases, outcome.stderr.splitlines(), strict=True):
            assert sentence.startswith("mcuref: ") and fragment in sentence
        assert list((here / "locked").iterdir()) == [] and (here / "mine.json").read_text() == "mine"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_narrow_terminals_cut_no_number(capsys, monkeypatch, width):
    """Rich would cut cells that may not wrap; a cut number is a wrong number."""
    table = Table(*map(Column, ("layer", "<note", "bytes", "accuracy ± deviation")))
    table.add_row("dense1", "some words that may wrap", "1,234,567", "91.23 ± 0.45 %")
    monkeypatch.setenv("COLUMNS", str(width))
    console.show(table, "and [text] as it is: :smile:")
    out = capsys.readouterr().out
    assert all(cell in out for cell in ("dense1", "1,234,567", "91.23 ± 0.45 %", "accuracy ± deviation"))
    assert "[text]" in out and ":smile:" in out
