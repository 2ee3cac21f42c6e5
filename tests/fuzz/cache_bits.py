"""Damaged files of the kernel cache: each must be refused, never loaded, and never lead to a wrong result.

A private copy of the cache is damaged, one file a case: a flipped bit, at times a cut file, a page of zeros, two files
that are exchanged. Then a process that has loaded no kernel yet loads that file's and the executor, and trains. It stops
where something would be compiled, which is the right end of a case; some cases are whole runs of ``mcuref doctor``, which
compile anew and overwrite what is damaged.
"""

import argparse
import importlib
import os
import pickle
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = 4096
METHOD = "tinypropv2"  # what is trained


def main(argv=None):
    """Run the cases, print what is wrong; returns the exit status, 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=1000, help="default 1000")
    parser.add_argument("--seed", type=int, default=0, help="of the first case, the others follow; default 0")
    parser.add_argument("--whole", type=int, default=40, help="so often, a case that compiles anew; default 40, 0: never")
    asked = parser.parse_args(argv)
    sys.path.insert(0, str(TOP))
    from mcuref.kernels import jit
    from mcuref.program.executor import execute

    if execute.signatures:
        sys.exit("kernels are loaded already: what is forked from this process would load none")

    execute.targetctx.refresh()
    with tempfile.TemporaryDirectory(prefix="mcuref-cache-bits-") as base:
        _fill(Path(base), jit.STORE)
        began, ends, faults = time.monotonic(), Counter(), 0
        there = {path.name: path.read_bytes() for path in jit.STORE.folder.iterdir()}
        signatures = _apart(lambda: _signatures(there))
        good = {name: there[name] for name in signatures}
        for seed in range(asked.seed, asked.seed + asked.tries):
            numbers = random.Random(seed)
            whole = asked.whole and seed % asked.whole == asked.whole - 1
            damaged = _damage(good, numbers, whole)
            _write(jit.STORE.folder, damaged)
            end, fault = _whole_run(base, damaged) if whole else _case(good, damaged, signatures)
            _write(jit.STORE.folder, {name: good[name] for name in damaged})
            ends[end] += 1
            if fault:
                faults += 1
                print(f"--seed {seed} --tries 1: {', '.join(damaged)}: {fault}", flush=True)
    counted = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    print(f"{asked.tries:,} cases from seed {asked.seed} in {time.monotonic() - began:.0f} s: {counted}; faults: {faults}")
    return 1 if faults else 0


def _fill(base, store):
    """Let a store lie in a folder of its own, with what was compiled already, or compiled now."""
    theirs, store.folder = store.folder, base / "mcuref" / "kernels" / store.folder.name
    if theirs.is_dir():
        shutil.copytree(theirs, store.folder)
    use = f"from mcuref.selfcheck import fingerprint; fingerprint({METHOD!r})"
    subprocess.run([sys.executable, "-c", use], env=_environment(base), check=True)


def _environment(base):
    return os.environ | {"XDG_CACHE_HOME": str(base), "PYTHONPATH": str(TOP)}


def _signatures(files):
    """{file: (module, function, types of the arguments)} of the kernels in the files, but for those of other processors
    and of other sources."""
    from mcuref.kernels.cache import MAGIC, _checksum

    found, header = {}, len(MAGIC + _checksum(b"", b""))
    for name, data in files.items():
        try:
            _, description, _, signature, *_ = pickle.loads(data[header:])
            compiled = getattr(importlib.import_module(description.modname), description.qualname)
            own = compiled._cache._names(signature.args, compiled.targetctx.codegen())[0]
        except (ImportError, AttributeError):  # of a kernel that is no more, or takes what is no more
            continue
        if name == own:
            found[name] = description.modname, description.qualname, signature.args
    return found


def _damage(good, numbers, whole):
    """{file: what it holds now}: one damaged file, or two exchanged ones; in a whole run the executor's among them."""
    names = [name for name in sorted(good) if not whole or name.startswith("program.executor.execute-")]
    name, kind = numbers.choice(names), numbers.choices(("flip", "cut", "zeros", "exchange"), (20, 1, 1, 1))[0]
    if kind == "exchange":
        other = numbers.choice(sorted(good.keys() - {name}))
        return {name: good[other], other: good[name]}
    data = bytearray(good[name])
    place = numbers.randrange(len(data))
    if kind == "flip":
        data[place] ^= 1 << numbers.randrange(8)
    elif kind == "cut":
        del data[place:]
    else:
        place -= place % PAGE
        data[place : place + PAGE] = bytes(len(data[place : place + PAGE]))
    return {name: bytes(data)}


def _write(folder, files):
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _case(good, damaged, signatures):
    """(end, fault or None) of loading and training, in a process of its own."""
    names = [name for name, data in damaged.items() if data != good[name]]
    outcome = _apart(lambda: _load_and_train([signatures[name] for name in names]))
    if not isinstance(outcome, tuple):
        return "crashed", f"status {outcome}"
    end, detail = outcome
    if end == "refused":
        return end, None if detail in [signatures[name][1] for name in names] else f"{detail} was whole, and is compiled"
    if end == "trained" and not names:
        return "unchanged", None
    return end, f"not refused: {end} {detail}".strip()


def _load_and_train(wanted):
    """("refused", the kernel that would be compiled), or ("trained", ""), or ("wrong", "") for wrong results."""
    from numba.core.dispatcher import _FunctionCompiler

    from mcuref.program.compiler import prepare_executor
    from mcuref.selfcheck import GOLDEN, LOSSES, fingerprint

    def stop(compiler, arguments, return_type):
        raise _Refused(compiler.py_func.__qualname__)

    _FunctionCompiler.compile = stop
    try:
        for module, name, types in wanted:
            getattr(importlib.import_module(module), name).compile(types)
        prepare_executor()
        return ("trained" if fingerprint(METHOD) == (GOLDEN[METHOD], LOSSES[METHOD]) else "wrong"), ""
    except _Refused as refused:
        return "refused", str(refused)
    except Exception as error:
        return "raised", repr(error)


class _Refused(BaseException):
    """Nothing on the disk is good enough to be loaded as that kernel."""


def _whole_run(base, damaged):
    """(end, fault or None) of a whole command, and of another one after it, which finds good files."""
    first, second = (
        subprocess.run(
            [sys.executable, "-m", "mcuref", "doctor"], env=_environment(base), capture_output=True, text=True, timeout=600
        )
        for _ in range(2)
    )
    for run in (first, second):
        if run.returncode or "Traceback" in run.stderr:
            return "failed", f"status {run.returncode}: {run.stdout[-300:]} {run.stderr[-300:]}"
    if "compiling" in second.stderr or "compiling" not in first.stderr:
        return "failed", f"stderr: {first.stderr!r}, then {second.stderr!r}"
    return "compiled anew", None


def _apart(function):
    """What a function returns in a fork of this process, or the status if it ends without returning."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with open(writing, "wb") as pipe:
                pickle.dump(function(), pipe)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return pickle.loads(answer) if status == 0 and answer else status


if __name__ == "__main__":
    sys.exit(main())
