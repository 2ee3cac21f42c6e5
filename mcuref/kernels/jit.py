"""How kernels are compiled: flags that keep every bit, and a cache that cannot go stale.

Numba's on-disk cache watches only the file of the cached function: an executor cached on disk would go on running the
old version of a kernel it calls. So the cache lives in a folder named by a hash of everything that decides the
compiled code: all kernel sources, the executor's, the instruction set's, Numba's version and the flags.
"""

import hashlib
import os
from pathlib import Path

import numba

# No fastmath: no reordering, no fused multiply-add. error_model numpy: x / 0 is inf as on the MCU, no Python exception.
FLAGS = {"fastmath": False, "error_model": "numpy", "nogil": True}


def sources():
    """Files whose text decides the compiled code, sorted."""
    package = Path(__file__).resolve().parent.parent
    return sorted((package / "kernels").glob("*.py")) + [
        package / "program" / f"{n}.py" for n in ("executor", "instructions")
    ]


def cache_folder():
    """Folder of compiled kernels for exactly these sources, flags and Numba version."""
    digest = hashlib.sha256(f"{numba.__version__} {sorted(FLAGS.items())}".encode())
    for path in sources():
        digest.update(path.read_bytes())
    base = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # stays "~" for a user without home
    return base / "mcuref" / "kernels" / digest.hexdigest()[:16]


def _writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK)
    except OSError:
        return False


CACHE = cache_folder()
CACHED = _writable(CACHE)  # a read-only home still works, it only compiles at every start


def kernel(function):
    """Compile ``function`` on first use for the types it is called with; plain Python under NUMBA_DISABLE_JIT=1."""
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)  # read by Numba while it decorates; other users of Numba keep their own
    try:
        return numba.njit(cache=CACHED, **FLAGS)(function)
    finally:
        numba.config.CACHE_DIR = previous
