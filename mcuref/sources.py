"""Which files of the package decide what a module computes: it, and what it imports. Nothing is imported to find out."""

import hashlib
import re
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

from mcuref.version import __version__

PACKAGE = Path(__file__).resolve().parent
IMPORT = re.compile(r"^from mcuref\.([\w.]+) import (\([^)]*\)|.*)", re.M)
COMPUTING = ("kernels", "operations", "operators")  # rooms of what is compiled


@cache
def closure(path: Path, rooms: Collection[str] = COMPUTING) -> tuple[Path, ...]:
    """A module's file and those of the rooms that it imports, and so on, sorted; imports inside functions are left out."""
    found, queue = {path}, [path]
    while queue:
        for file in _imported(queue.pop()):
            if file not in found and file.relative_to(PACKAGE).parts[0] in rooms:
                found.add(file)
                queue.append(file)
    return tuple(sorted(found))


@cache
def _imported(path):
    """Files of the package that a file names in its imports."""
    places = []
    for module, names in IMPORT.findall(path.read_text(encoding="utf-8")):
        place = PACKAGE.joinpath(*module.split("."))
        places += [place, *(place / name for name in re.findall(r"\w+", names))]
    return [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]


def digest(paths: Iterable[Path], text: str = "") -> str:
    """SHA-256 of a text and of the contents of files, hexadecimal; a file counts as it was when it was first looked at."""
    every = hashlib.sha256(text.encode())
    for path in paths:
        every.update(_digest_of(path))
    return every.hexdigest()


def same_sources() -> tuple[str, str]:
    """(version, digest of all sources): of two processes in which it is the same, results are."""
    return __version__, digest(sorted([*PACKAGE.rglob("*.py"), *PACKAGE.glob("cost/measured/*.json")]))


@cache
def _digest_of(path):
    return hashlib.sha256(path.read_bytes()).digest()


def forget() -> None:
    """Look at all files anew."""
    for known in (closure, _imported, _digest_of):
        known.cache_clear()
