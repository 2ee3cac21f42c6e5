"""The kernels as plain Python and as compiled code are the same computation, to the last bit of memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numba

import mcuref

from . import training_bits


def test_plain_python_and_compiled_code_train_to_the_same_bits():
    other = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "0" if numba.config.DISABLE_JIT else "1",
        "PYTHONPATH": str(Path(mcuref.__file__).parent.parent),
    }
    run = subprocess.run([sys.executable, training_bits.__file__], env=other, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    here = training_bits.hashes()
    assert json.loads(run.stdout) == here
    assert len(set(here.values())) == len(here)  # the methods do differ
