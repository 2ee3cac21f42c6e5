"""Bad input by the thousand: each case in a forked process of its own, and what is asked of its end.

The commands beside this file make cases from a seed and hand them to :func:`attack`. A case is the arguments of
``mcuref`` and a fresh folder to run them in; whatever it does, mcuref must say one sentence and leave nothing behind.
"""

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60  # that a case may take
MOST = 256 << 20  # bytes of memory, over the size of what it reads


@dataclass(frozen=True)
class Ending:
    """How a case ended.

    Attributes
    ----------
    status : int, exit status; negative: the signal that ended it.
    out, err : str, what it printed.
    memory : int, bytes of its peak beyond those of the process it was forked from.
    left : tuple of str, paths in its folder that were not there before, sorted.
    """

    status: int
    out: str
    err: str
    memory: int
    left: tuple


def ending(arguments, folder, seconds=SECONDS, inside=lambda: None):
    """Run ``mcuref`` with arguments in ``folder``, in a forked process; returns its :class:`Ending`.

    ``inside`` is called in that process before.
    """
    before = _content(folder)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        base = _resident()
        child = os.fork()
        if not child:
            _become(arguments, folder, out, err, inside)
        status, usage = _wait(child, seconds)
        texts = [_text(stream) for stream in (out, err)]
    memory = max(0, usage.ru_maxrss * 1024 - base)
    return Ending(status, *texts, memory, tuple(sorted(_content(folder) - before)))


def fault(ended, allowed=(0, 1, 2), most=MOST):
    """What is wrong with an :class:`Ending`, one line, or None.

    A status that is not allowed, a traceback, a refusal (2) that is not one sentence or that left something, too much
    memory.
    """
    if ended.status not in allowed:
        return f"status {ended.status}; stderr: {ended.err[-300:]!r}"
    for text in (ended.out, ended.err):
        if "Traceback" in text or "foreseen" in text:  # the last handler's sentence is a defect here
            return f"a traceback: {text[-400:]!r}"
    if ended.status == 2 and (ended.err.count("\n") != 1 or not ended.err.startswith("mcuref")):
        return f"not one sentence: {ended.err[:400]!r}"
    if ended.status == 2 and ended.left:
        return f"left behind: {', '.join(ended.left)}"
    if any(ord(c) < 32 and c not in "\n\t" or ord(c) == 127 for c in ended.out + ended.err):
        return f"control characters reach the terminal: {ended.err[:300]!r}"
    if ended.memory > most:
        return f"{ended.memory >> 20} MB of memory, {most >> 20} are allowed"
    return None


def attack(description, case, tries, *, prepare=lambda: None, argv=None):
    """The command line of a fuzzer: runs cases, prints what is wrong; returns its exit status, 1 if anything is.

    Parameters
    ----------
    description : str, for --help.
    case : callable(numbers, folder) -> (arguments, bytes that it reads), writes what the arguments name; ``numbers`` is
        a random.Random of its own, so that a case can be repeated alone; its ``seed_of_case`` says which one it is.
    tries : int, default of --tries.
    prepare : callable(), once, before the first fork: what all cases need.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tries", type=int, default=tries, help=f"default {tries}")
    parser.add_argument("--seed", type=int, default=0, help="of the first case, the others follow; default 0")
    asked = parser.parse_args(argv)
    load_everything()
    prepare()
    began, statuses, faults = time.monotonic(), Counter(), []
    for seed in range(asked.seed, asked.seed + asked.tries):
        folder = Path(tempfile.mkdtemp(prefix="mcuref-fuzz-"))
        try:
            numbers = random.Random(seed)
            numbers.seed_of_case = seed
            arguments, reads = case(numbers, folder)
            ended = ending(arguments, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        statuses[ended.status] += 1
        wrong = fault(ended, most=MOST + reads)
        if wrong:
            faults.append(seed)
            print(f"--seed {seed} --tries 1: mcuref {' '.join(map(repr, arguments))}: {wrong}", flush=True)
    ends = ", ".join(f"{count} with status {status}" for status, count in sorted(statuses.items()))
    print(f"{asked.tries:,} cases from seed {asked.seed} in {time.monotonic() - began:.0f} s: {ends}; faults: {len(faults)}")
    return 1 if faults else 0


def load_everything():
    """Import what commands import when they are used, so that a fork finds it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from importlib import import_module

    from mcuref.cli import COMMANDS

    for name in COMMANDS:
        import_module(f"mcuref.cli.{name}")
    for name in ("experiments.comparison", "runs.results", "runs.training", "program.executor", "incremental.experiment"):
        import_module(f"mcuref.{name}")
    for name in ("comparison_tables", "json", "lists", "memory_tables", "training_tables"):
        import_module(f"mcuref.report.{name}")
    for name in ("checking", "experiments.inference", "experiments.quantising", "export.tflite", "report.checked"):
        import_module(f"mcuref.{name}")
    for name in ("mcuref.importers.parsing", "ai_edge_litert.interpreter"):  # of extras, which may not be there
        with contextlib.suppress(ModuleNotFoundError):
            import_module(name)
    prepare = import_module("mcuref.program.compiler").prepare_executor
    prepare()
    prepare(arithmetic=import_module("mcuref.program.arithmetic.int8").INT8)


def _become(arguments, folder, out, err, inside):
    """Be the process of a case; never returns."""
    status = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
        sys.stdout, sys.stderr = open(1, "w", encoding="utf-8", closefd=False), open(2, "w", encoding="utf-8", closefd=False)
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        from mcuref.cli import main

        inside()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush(), sys.stderr.flush()
        os._exit(status)


def _wait(child, seconds):
    """(exit status, resource usage) of a process, which is ended when its time is over."""
    end = time.monotonic() + seconds
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), usage
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)


def _text(stream):
    stream.seek(0)
    return stream.read().decode("utf-8", "backslashreplace")


def _content(folder):
    """All paths in a folder, hidden ones too."""
    return {os.path.relpath(os.path.join(at, name), folder) for at, *names in os.walk(folder) for name in sum(names, [])}


def _resident():
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
