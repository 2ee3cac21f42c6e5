"""Killed, or without space, at every file operation; then gone on with: the same bytes, and nothing left behind.

Each command is run once to count its operations: what opens to write, writes, flushes, renames, makes, removes. Then,
for every one of them, it is run again, in a process of its own, and

kill : killed before the operation, or half-way through a write
fail : that operation fails for want of space, one that removes something too
full : from that operation on, all fail that need space

Then the run is resumed, or begun again if nothing is there; all files must be those of an undisturbed run, to the byte.

  python tests/fuzz/file_faults.py                             all operations of all commands: half an hour
  python tests/fuzz/file_faults.py --commands train --every 5
"""

import argparse
import builtins
import errno
import io
import os
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import harness  # noqa: E402

LEARN = ("--model", "mlp-4-6-3", "--tasks", "2", "--per-class", "2", "--steps", "9", "--target", "none")
COMMANDS = {  # the folder of the run that it makes, if it can be resumed, and what is run
    "train": ("runs/one", (
        "train", "--data", "small", "--model", "mlp-4-6-3", "--epochs", "2", "--checkpoint", "0", "--target", "none",
        "--regime", "continue", "--out", "runs/one",
    )),
    "incremental": ("runs/two", (
        "incremental", "--data", "small", *LEARN, "--seeds", "2", "--within", "0.5", "--out", "runs/two",
    )),
    "export": (None, ("export", "trained", "--samples", "9", "--c", "new/project")),
    "library": (None, ("export", "trained", "--samples", "2", "--library", "arduino", "--c", "new/kws")),
    "vectors": (None, ("export", "trained", "--samples", "3", "--vectors", "vectors")),
    "report": (None, ("report", "learned", "--pictures", "new/pictures")),
    "estimate": (None, ("estimate", "--model", "mlp-4-6-3", "--json", "x.json", "--map", "map.png")),
}  # fmt: skip
KINDS = ("kill", "fail", "full")
REMOVING = ("remove", "rmdir")
WRITING = os.O_WRONLY | os.O_RDWR
LEFT = ".mcuref-"  # how names of what a killed process leaves begin


class Faults:
    """Counts the operations of this process in a folder; does harm at one of them.

    Parameters
    ----------
    folder : str, where operations count.
    log : number of an open file, which gets a line an operation.
    kind : of :data:`KINDS`.
    number : int, of the operation; None to only count.
    """

    def __init__(self, folder, log, kind=None, number=None):
        self.folder, self.log, self.kind, self.number = folder, log, kind, number
        self.done, self._lock = 0, threading.RLock()

    def install(self):
        """From now on; there is no way back."""
        sys.addaudithook(self._hook)
        self._fsync, self._sendfile, self._open = os.fsync, os.sendfile, io.open
        os.fsync = lambda handle: (self.at("fsync", _path(handle)), self._fsync(handle))[1]
        os.sendfile = lambda out, *others: (self.at("write", _path(out)), self._sendfile(out, *others))[1]
        builtins.open = io.open = self._opened
        time.perf_counter = lambda: 0.0  # durations are all that two runs may differ in

    def at(self, what, path, half=lambda: None):
        """An operation is about to happen; ``half`` does half of it."""
        if not str(path).startswith(self.folder + os.sep):
            return
        with self._lock:
            number, self.done = self.done, self.done + 1
            os.write(self.log, f"{what}\n".encode())
            if self.number is None or number < self.number or number > self.number and self.kind != "full":
                return
            if self.kind == "kill":
                half()
                os.kill(os.getpid(), signal.SIGKILL)
            if self.kind == "fail" or what not in REMOVING:
                half()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def _hook(self, event, given):
        if event == "open" and isinstance(given[0], (str, bytes, os.PathLike)) and given[2] & WRITING:
            new = given[2] & os.O_CREAT
            self.at("open", os.path.abspath(os.fsdecode(given[0]))) if new else None
        elif event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink"):
            self.at(event.removeprefix("os."), _resolved(given[0], given[-2] if event == "os.rename" else given[-1]))

    def _opened(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        """open(), whose files count what is written."""
        if not set(mode) & set("wax+") or isinstance(file, int) or opener:
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _Raw(file, mode.replace("b", "").replace("t", ""))
        raw.faults = self
        buffer = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, encoding, errors, newline)


class _Raw(io.FileIO):
    """An open file that tells of what is written."""

    def write(self, data):
        self.faults.at("write", os.path.abspath(self.name), lambda: super(_Raw, self).write(bytes(data)[: len(data) // 2]))
        return super().write(data)


def _path(handle):
    return os.readlink(f"/proc/self/fd/{handle}")


def _resolved(path, folder):
    """Absolute path of a name in an open folder, which is -1 if there is none."""
    return os.path.abspath(os.path.join(os.getcwd() if folder == -1 else _path(folder), os.fsdecode(os.fspath(path))))


class Case:
    """A command in a folder that is made anew for every fault.

    Parameters
    ----------
    command : str, of :data:`COMMANDS`.
    base : path of a folder to work in, which has a template of the case's folder.
    """

    def __init__(self, command, base):
        self.command, self.base, self.folder = command, Path(base), Path(base) / "case"
        self.run_folder, self.arguments = COMMANDS[command]
        self.operations = self.attempt()[1]
        self.before, self.expected = content(self.base / "template"), content(self.folder)
        if self.attempt()[0].status or content(self.folder) != self.expected:
            raise SystemExit(f"{command}: two undisturbed runs differ in {difference(content(self.folder), self.expected)}")

    def attempt(self, *fault):
        """(:class:`harness.Ending`, operations) of the command in a fresh folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.base / "template", self.folder, symlinks=True)
        return self._run(self.arguments, *fault)

    def again(self):
        """The same of what a person would do next: resume, or begin again if nothing is there."""
        begun = self.run_folder and (self.folder / self.run_folder / "run.json").exists()
        return self._run((self.command, "--resume", self.run_folder) if begun else self.arguments)

    def _run(self, arguments, *fault):
        with tempfile.TemporaryFile() as log:
            faults = Faults(str(self.folder), log.fileno(), *fault)
            ended = harness.ending(arguments, self.folder, inside=faults.install)
            log.seek(0)
            return ended, log.read().decode().split()

    def wrong(self, kind, number):
        """What is wrong after a fault at an operation, or None."""
        ended, operations = self.attempt(kind, number)
        found, what = content(self.folder), operations[number] if number < len(operations) else "nothing"
        if kind != "kill":
            wrong = self._told(ended, found, what)
            if wrong:
                return wrong
        elif ended.status not in (-signal.SIGKILL, 0):
            return f"status {ended.status}: {ended.err!r}"
        if found == self.expected:
            return None
        ended, _ = self.again()
        whole = "is complete already" in ended.err or "exists already" in ended.err
        if "Traceback" in ended.err or ended.status != (2 if whole else 0):
            return f"then status {ended.status}: {ended.err!r}"
        found = content(self.folder)
        return None if found == self.expected else f"then other files: {difference(found, self.expected)}"

    def _told(self, ended, found, what):
        """What is wrong with the end of a run that had no space."""
        if ended.status == 0:
            visible = {path: value for path, value in found.items() if LEFT not in path}
            if visible != self.expected or found != visible and what not in REMOVING:
                return f"status 0, but {difference(found, self.expected)}"
        elif ended.status != 2 or ended.err.count("\n") != 1 or not ended.err.startswith("mcuref: "):
            return f"status {ended.status}: {ended.err!r}"
        elif what not in REMOVING and any(LEFT in path for path in found):
            return f"left behind: {difference(found, self.before)}"
        elif self.run_folder and f"{self.run_folder}/run.json" in found:
            complete = f"{self.run_folder}/report.json" in found
            return None if complete or "go on with: " in ended.err else f"the run is kept and nobody says so: {ended.err!r}"
        elif self.run_folder and found != self.before:
            return f"left behind: {difference(found, self.before)}"
        return None


def content(folder):
    """{path: (mode, content)} of everything in a folder, hidden files too; content is None for folders."""
    found = {}
    for path in Path(folder).rglob("*"):
        status = path.lstat()
        whole = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[str(path.relative_to(folder))] = oct(status.st_mode), whole
    return found


def difference(found, expected):
    """Paths in which two contents differ."""
    paths = (path for path in sorted(found | expected) if found.get(path) != expected.get(path))
    return ", ".join(f"{'+' if path not in expected else '-' if path not in found else ''}{path}" for path in paths)


def make_template(folder, commands):
    """What the commands need: data, and finished runs."""
    import numpy as np

    x = np.random.default_rng(1).normal(size=(39, 4)).astype(np.float32)
    y = np.arange(39) % 3
    x[np.arange(39), y] += 2
    (folder / "small").mkdir(parents=True)
    for side, part in (("train", slice(0, 30)), ("test", slice(30, 39))):
        np.savez(folder / "small" / f"{side}.npz", x=x[part], y=y[part])
    if {"export", "library", "vectors"} & set(commands):
        _, arguments = COMMANDS["train"]
        harness.ending((*arguments[:-1], "trained"), folder)
    if "report" in commands:
        harness.ending(("incremental", "--data", "small", *LEARN, "--out", "learned"), folder)


def main(argv=None):
    """Every operation, or every few; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", default=",".join(COMMANDS), help="with commas; default all")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of faults, with commas; default all")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only every Kth operation; default all")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="number of the first of them; default 0")
    asked = parser.parse_args(argv)
    harness.load_everything()
    import mcuref.report.incremental_plots  # noqa: F401
    from mcuref.report.plots import new_figure

    new_figure(1, 1).savefig(io.BytesIO())  # what matplotlib loads when it draws
    faults, commands = 0, asked.commands.split(",")
    with tempfile.TemporaryDirectory(prefix="mcuref-fuzz-") as base:
        base = os.path.realpath(base)
        make_template(Path(base) / "template", commands)
        for command in commands:
            faults += _all_faults(Case(command, base), asked)
    return 1 if faults else 0


def _all_faults(case, asked):
    """How many faults of a command went wrong."""
    began, cases, faults = time.monotonic(), Counter(), 0
    for number in range(asked.seed, len(case.operations), asked.every):
        for kind in asked.kinds.split(","):
            cases[kind] += 1
            wrong = case.wrong(kind, number)
            if wrong:
                faults += 1
                again = f"--commands {case.command} --kinds {kind} --seed {number} --every 999999"
                print(f"{again}: {case.operations[number]}: {wrong}", flush=True)
    kinds = ", ".join(f"{count} {kind}" for kind, count in cases.items())
    names = ", ".join(f"{count} {name}" for name, count in Counter(case.operations).most_common())
    print(
        f"{case.command}: {len(case.operations)} operations ({names}); {cases.total()} faults ({kinds}) in "
        f"{time.monotonic() - began:.0f} s; wrong: {faults}",
        flush=True,
    )
    return faults


if __name__ == "__main__":
    sys.exit(main())
