"""Which files of the package decide what a module computes: it, and what it imports. Nothing is imported to find out."""

import hashlib
import re
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IMPORT = re.compile(r"^from mcuref\.([\w.]+) import (\([^)]*\)|.*)", re.M)
COMPUTING = ("kernels", "operations", "operators")  # rooms of what is compiled


@cache
def closure(path: Path, rooms: Collection[str] = COMPUTING) -> tuple[Path, ...]:
    """A module's file and those of the rooms that it imports, and so on, sorted; imports inside functions are left out."""
    found, queue = {path}, [path]
    while queue:
        for module, names in IMPORT.findall(queue.pop().read_text(encoding="utf-8")):
            place = PACKAGE.joinpath(*module.split("."))
            for part in (place, *(place / name for name in re.findall(r"\w+", names))):
                for file in (part.with_suffix(".py"), part / "__init__.py"):
                    if file not in found and file.is_file() and file.relative_to(PACKAGE).parts[0] in rooms:
                        found.add(file)
                        queue.append(file)
    return tuple(sorted(found))


def digest(paths: Iterable[Path], text: str = "") -> str:
    """SHA-256 of a text and of the contents of files, hexadecimal."""
    every = hashlib.sha256(text.encode())
    for path in paths:
        every.update(hashlib.sha256(path.read_bytes()).digest())
    return every.hexdigest()
