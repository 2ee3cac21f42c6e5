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

from mcuref.cli import COMMANDS, console
from mcuref.report import tables

COMMAND = [sys.executable, "-m", "mcuref"]


def start(*arguments, **keywords):
    """``python -m mcuref ...`` with its output in pipes."""
    keywords = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | keywords
    return subprocess.Popen([*COMMAND, *arguments], **keywords)


def run(*arguments, **keywords):
    """The same, to its end: (status, stdout, stderr)."""
    process = start(*arguments, **keywords)
    out, err = process.communicate(timeout=60)
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


def test_interrupt(here, save):
    """Ctrl-C while it trains: status 130, one line, no folder."""
    x = np.random.default_rng(0).normal(size=(2000, 100)).astype(np.float32)
    y = np.arange(2000) % 5
    data = save({"train": {"x": x, "y": y}, "test": {"x": x[:100], "y": y[:100]}})
    code = """if True:
        import sys
        from mcuref.cli import main
        from mcuref.training import Trainer
        epoch = Trainer._epoch
        Trainer._epoch = lambda *arguments: (print(".", flush=True), epoch(*arguments))[1]
        sys.exit(main())"""
    options = ("train", "--data", data, "--epochs", "100000", "--out", "new/run")
    process = subprocess.Popen([sys.executable, "-c", code, *options], stdout=-1, stderr=-1, text=True)
    assert process.stdout.readline() == ".\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "mcuref: interrupted; nothing half-written is left\n")
    assert os.listdir(here) == ["small"]


@pytest.mark.parametrize("options", [("--out", "new/run"), ("--json", "old.json")], ids=" ".join)
def test_disk_full(here, small, options):
    """A limit on the size of files is met as a full disk is: in the middle of writing."""
    (here / "old.json").write_text("mine")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    code, out, err = run("train", "--data", small, "--epochs", "1", *options, preexec_fn=limit)
    assert code == 2 and "accuracy" in out, "the result is shown before it is written"
    assert re.fullmatch(r"mcuref: (run folder|file) '.*' cannot be written: file too large\n", err)
    assert sorted(os.listdir(here)) == ["old.json", "small"] and (here / "old.json").read_text() == "mine"


# run as somebody else: status and sentence of each command line; the interpreter may lie where only root can read
AS_NOBODY = """
import json, os, sys
import mcuref.comparison, mcuref.datasets.digits, mcuref.report.runs, mcuref.report.tables, mcuref.cli as cli
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
        here.chmod(0o777), (here / "mine.json").chmod(0o444)
        cases = {
            "locked' is not a folder one may write to": ["train", "--out", f"{here}/locked/run"],
            "/a/b' cannot be made": ["train", "--out", f"{here}/locked/a/b"],
            "no permission to write in": ["targets", "--json", f"{here}/locked/x.json"],
            "it is protected from writing": ["targets", "--json", f"{here}/mine.json"],
            "may not be read by this user": ["train", "--data", f"{here}/secret"],
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
    table = tables._table("layer", "<note", "bytes", "accuracy ± deviation")
    table.add_row("dense1", "some words that may wrap", "1,234,567", "91.23 ± 0.45 %")
    monkeypatch.setattr(console, "WIDTH", width)
    console.show(table, "and [text] as it is: :smile:")
    out = capsys.readouterr().out
    assert all(cell in out for cell in ("dense1", "1,234,567", "91.23 ± 0.45 %", "accuracy ± deviation"))
    assert "[text]" in out and ":smile:" in out
