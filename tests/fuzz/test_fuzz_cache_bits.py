"""The fuzzer of the kernel cache finds nothing in a few cases, and finds what is planted."""

import subprocess
import sys
from pathlib import Path

import numba
import pytest

from mcuref.program.compiler import prepare_executor

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

FUZZER = Path(__file__).with_name("cache_bits.py")
# The checksum is not looked at
PLANTED = f"""
import runpy, sys
from mcuref.kernels.cache import MAGIC, Store
Store.read = lambda store, name, identity: (store.folder / name).read_bytes()[len(MAGIC) + 32 :]
sys.exit(runpy.run_path({str(FUZZER)!r})["main"](sys.argv[1:]))
"""


def fuzz(*command, said=""):
    """Run it in a process that has loaded no kernel; returns its exit status and the last line it prints.

    said : what the lines that others write to stderr may begin with.
    """
    prepare_executor()  # which it copies
    run = subprocess.run([sys.executable, *command, "--whole", "0"], capture_output=True, text=True)
    assert all(said and line.startswith(said) for line in run.stderr.splitlines() if line), run.stderr
    return run.returncode, run.stdout.splitlines()[-1]


def test_damaged_files_are_refused():
    status, last = fuzz(FUZZER, "--tries", "6")
    assert status == 0 and last.startswith("6 cases from seed 0 in") and last.endswith(": 6 refused; faults: 0")


@pytest.mark.slow
def test_a_cache_that_looks_at_no_checksum_is_seen():
    status, last = fuzz("-c", PLANTED, "--tries", "12", said="LLVM ERROR")  # which takes damaged code, and stops the process
    assert status == 1 and " trained" in last and not last.endswith("faults: 0")
