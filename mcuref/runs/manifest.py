"""Files by their sha256: what is read later is what was written, or is told apart from it."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from mcuref.errors import InputError


def digests(folder: Path | str, names: Iterable[str]) -> dict[str, str]:
    """{name: sha256} of files in a folder."""
    return {name: _digest(Path(folder) / name) for name in names}


def difference(folder: Path, name: str, digest: str | None) -> str | None:
    """What became of a file since it had that sha256, in a few words; None if it is the same."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        return "does not lie in the folder"
    try:
        if not (folder / path).is_file():
            return "is missing"
        return None if _digest(folder / path) == digest else "differs from what was written"
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}"


def check(folder: Path | str, files: Mapping[str, str | None], what: str) -> None:
    """InputError, naming the first, if one of {name: sha256} is not in a folder as it was; ``what`` the folder is."""
    for name, digest in files.items():
        wrong = difference(Path(folder), name, digest)
        if wrong:
            raise InputError(f"file {name!r} of {what} {str(folder)!r} {wrong}; nothing of it was used")


def read(folder: Path | str, files: Mapping[str, str], name: str, what: str) -> bytes:
    """The bytes of one of them, checked as :func:`check` does."""
    path = Path(folder) / name
    check(folder, {name: files.get(name)}, what)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != files[name]:
        raise InputError(f"file {name!r} of {what} {str(folder)!r} is being changed; nothing of it was used")
    return content


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
