"""What decides a run, as sha256 by what it is: a run goes on with the same sources, data and program only."""

import hashlib
import inspect
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref import sources
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.operators import run_of
from mcuref.operators.columns import FIRST_OUTSIDE
from mcuref.program.instructions import Instruction
from mcuref.sources import PACKAGE, closure
from mcuref.version import __version__

CLOSED = ("kernels", "operations", "operators", "layers")  # rooms of which a file counts with what it imports there
OTHER = {"mcuref": "another version of mcuref", "data": "other data", "program": "another model or other settings"}


def unusable(folder: Path | str, reason: Any) -> InputError:
    """The error for a checkpoint that is whole, but not of the run in a folder: it may be of use elsewhere."""
    return InputError(
        f"the checkpoint in run folder {str(folder)!r} is not one of this run: {reason}; move it away to begin again "
        "from the start"
    )


def same_run(folder: Path | str, begun: Any, fingerprint: dict[str, str]) -> None:
    """InputError, naming what is different, unless both fingerprints are the same."""
    if begun != fingerprint:
        begun = begun if isinstance(begun, dict) else {}
        parts = [part for part in OTHER if begun.get(part) != fingerprint[part]]
        if "program" in parts and begun.get("program"):  # another program has other sources, whatever the version
            parts = [part for part in parts if part != "mcuref"]
        different = [OTHER[part] for part in parts]
        raise InputError(
            f"run folder {str(folder)!r} was begun with {' and '.join(different)}; it can only go on with the same"
        )


def data_digest(*parts: Data | None) -> str:
    """sha256 of all arrays of data sets, in the order of their fields; parts that are None are left out."""
    given = [getattr(data, f.name) for data in parts if data is not None for f in fields(data)]
    return digest("", [value for value in given if isinstance(value, np.ndarray)])


def digest(text: str, arrays: Iterable[NDArray[Any]]) -> str:
    """sha256 of a text and of arrays with their types and shapes."""
    sha = hashlib.sha256(text.encode())
    for values in arrays:
        sha.update(f"{values.dtype} {values.shape}".encode())
        sha.update(np.ascontiguousarray(values).data)
    return sha.hexdigest()


def sources_digest(names: Iterable[str], instructions: Iterable[Instruction]) -> str:
    """sha256 of the version and of the sources that decide a bit, hexadecimal: an edit of others leaves a run as it is.

    names : of files of the package, also by pattern; of kernels, operations and layers with what they import from these.
    instructions : of the programs that are run, whose operators say which operations and kernels these need.
    """
    operators = {instruction.operator for instruction in instructions}
    modules = {f"operations/{operator.module}.py" for operator in operators}
    paths = {path for name in (*names, *modules) for path in PACKAGE.glob(name)}
    paths |= {part for path in paths if path.relative_to(PACKAGE).parts[0] in CLOSED for part in closure(path, CLOSED)}
    own = {inspect.getsourcefile(run_of(o.number)) or "" for o in operators if o.number >= FIRST_OUTSIDE} - {""}
    return sources.digest([*sorted(paths), *map(Path, sorted(own))], __version__)
