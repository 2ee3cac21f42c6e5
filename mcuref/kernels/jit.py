"""How kernels are compiled: flags that keep every bit, and a cache that cannot go stale.

An executor on the disk has in it the code of every kernel it calls. So what is compiled is kept under a hash of everything
that decides its code: the text of its module and of all that this imports, Numba's version and the flags. An edit of one
kernel is none of those that do not import it. What makes a file worth loading stands in :mod:`mcuref.kernels.cache`.
Other users of Numba in this process keep their own settings. This is also where Numba is loaded first: what it cannot read
of its environment is said here.
"""

import hashlib
import itertools
import os
import random
import re
import warnings
from functools import cache, partial
from pathlib import Path
from typing import Any

from mcuref.errors import InputError
from mcuref.sources import PACKAGE, closure, digest

# What Numba's variables may be, where Numba does not say so in one sentence, or where it ends the process
VARIABLES = {
    "NUMBA_NUM_THREADS": ("a whole number from 1", r"0*[1-9]\d{0,8}"),
    "NUMBA_OPT": ("0, 1, 2, 3 or max", r"[0-3]|max"),
    "NUMBA_CPU_FEATURES": ("features that begin with + or -, with commas between them", r"([+-][^\s,]+(,[+-][^\s,]+)*)?"),
}


def _import_numba():
    """Numba itself; InputError for a variable NUMBA_... whose value it cannot use, which it only warns of or stops at."""
    for name, (right, pattern) in VARIABLES.items():
        if name in os.environ and not re.fullmatch(pattern, os.environ[name]):
            raise InputError(f"environment variable {name} is {os.environ[name]!r}; it must be {right}, or not be set")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Environment variable", RuntimeWarning)
        try:
            import numba
        except RuntimeWarning as warning:
            name, value = re.match(r"Environment variable '(.*?)' .*? value '(.*?)' could", str(warning), re.S).groups()
            raise InputError(
                f"environment variable {name} is {value!r}, which Numba cannot read; it must be a number as Numba's manual "
                "says, or not be set"
            ) from None
    return numba


numba = _import_numba()

from numba.core.bytecode import FunctionIdentity  # noqa: E402

from mcuref.kernels.cache import Overloads, Store  # noqa: E402

# No fastmath: no reordering, no fused multiply-add. error_model numpy: x / 0 is inf as on the MCU, no Python exception.
FLAGS = {"fastmath": False, "error_model": "numpy", "nogil": True}


@cache
def sources_digest(path: Path) -> str:
    """Of a module and all that it imports: which texts the code of its kernels was compiled from."""
    return digest(closure(path))


def cache_folder() -> Path:
    """Folder of compiled kernels for this Numba version and these flags."""
    name = hashlib.sha256(f"{numba.__version__} {sorted(FLAGS.items())}".encode()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # stays "~" for a user without home
    return base / "mcuref" / "kernels" / name


STORE = Store(cache_folder())
_KERNELS = []  # all that :func:`kernel` made, in order: callees before what calls them


def kernel(function: Any = None, *, inlined: bool = False) -> Any:
    """Compile ``function`` on first use for the types it is called with; plain Python under NUMBA_DISABLE_JIT=1.

    ``inlined``: written into what calls it before that is compiled; for small functions that take many arrays, whose passing
    would cost more than the work, and each of which would be compiled with all that it calls.
    """
    if function is None:
        return partial(kernel, inlined=inlined)
    compiled = numba.njit(**FLAGS, inline="always" if inlined else "never")(function)
    if compiled is not function:
        path = Path(function.__code__.co_filename).resolve()
        if path.is_relative_to(PACKAGE):  # what others compile is theirs to keep
            compiled._cache = Overloads(function, STORE, sources_digest(path))
        _KERNELS.append(compiled)
    return compiled


def compile_anew() -> None:
    """Compile everything in use once more, from the sources alone; what is on the disk is not read again but replaced."""
    STORE.trusted = False
    # Symbols are numbered, and what was loaded keeps its numbers: of two with one name, either might be called
    FunctionIdentity._unique_ids = itertools.count(random.randrange(1 << 32, 1 << 48))
    for compiled in _KERNELS:
        if compiled.signatures:
            compiled.recompile()


def forget(compiled: Any) -> None:
    """Have a kernel compiled again when it is next used."""
    compiled._reset_overloads()
