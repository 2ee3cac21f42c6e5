"""Writing files so that a reader never sees half of one: in a private folder beside it, then renamed.

The private folder has a random name, and nobody else can look or write into it: a link that somebody planted is never
followed. What this does not help against is a folder in which others may rename what is not theirs (writable to them,
without the sticky bit). A process holds its private folders as long as it lives; what one that was killed left there is
removed by the next that writes beside it. "-" is stdout, and it, pipes and devices are written to as they are.
"""

import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mcuref.errors import InputError
from mcuref.names import hint, near_paths
from mcuref.streams import STDOUT, check_stream, is_stream, place, write_stream

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

PRIVATE = 0o1700  # mode of a private folder; who may rename somebody's folder cannot give it this mode
PRIVATE_NAME = re.compile(r"\.mcuref-[0-9a-f]{16}\.part")


class WriteError(InputError):
    """A file or folder could not be written, though it was promising at first: the disk is full, say."""


def user_cache() -> Path:
    """mcuref's folder in the user's cache folder; it need not be there."""
    return Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")) / "mcuref"


def check_outputs(*files: Path | str | None, folder: Path | str | None = None, present: bool = False) -> None:
    """InputError unless all of these could be written; run before long work, not after. None is left out.

    An existing file is fine, it will be replaced whole; the folder must not exist yet, unless it is ``present``.
    """
    if present:
        _check_present_folder(folder)
    elif folder is not None:
        check_new_folder(folder)
    wanted = [file for file in files if file is not None]
    for file in wanted:
        check_new_file(file)
    check_apart(*wanted, folder)


def check_apart(*paths: Path | str | None) -> None:
    """InputError if one of these paths is another or lies in it; None is left out."""
    places = [place(path) for path in paths if path is not None]
    for i, one in enumerate(places):
        if any(other.is_relative_to(one) or one.is_relative_to(other) for other in places[i + 1 :]):
            raise InputError(f"{str(one)!r} is named for two results; give each a place of its own")


def check_new_folder(path: Path | str, what: str = "run folder") -> None:
    """InputError unless ``path`` is free and a folder could be made there; ``what`` it is called in the sentence."""
    if os.fspath(path) == STDOUT:
        raise InputError(f"{what} '-' would be stdout, which is no folder; one of that name is './-'")
    if _exists(path, what):
        remove_leftovers(Path(os.path.abspath(path)).parent, alone=False)  # whoever made it may have been killed since
        raise InputError(f"{what} {str(path)!r} exists already; choose another name or remove it (it was not touched)")
    parent = next(parent for parent in Path(os.path.abspath(path)).parents if os.path.lexists(parent))
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{what} {str(path)!r} cannot be made: {str(parent)!r} is not a folder one may write to")


def _check_present_folder(path):
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"run folder {str(path)!r} cannot be written: no permission to write in it")


def check_new_file(path: Path | str) -> None:
    """InputError unless a file could be written at ``path``; a pipe is not waited for."""
    if is_stream(path):
        check_stream(path)
        return
    _exists(path, "file")
    target = Path(os.path.realpath(path))
    parent = target.parent
    if target.is_dir():
        raise InputError(f"file {str(path)!r} is a folder; give the name of a file")
    if target.exists() and not target.is_file():  # a disk or a socket would be replaced by a file
        raise InputError(f"file {str(path)!r} is not an ordinary file; give the name of a new or ordinary one")
    if not parent.is_dir():
        near = hint(near_paths(parent, os.path.isdir), "a file needs one that is there")
        raise InputError(f"file {str(path)!r} cannot be written: there is no folder {str(parent)!r}{near}")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"file {str(path)!r} cannot be written: no permission to write in {str(parent)!r}")
    if target.exists() and not os.access(target, os.W_OK):  # it could be replaced, but its owner protected it
        raise InputError(f"file {str(path)!r} cannot be written: it is protected from writing")


def _exists(path, what):
    """Whether something has that name, a dangling link included; InputError if nothing could have it."""
    try:
        os.lstat(os.path.abspath(path))
        return True
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"{what} {str(path)!r} cannot be made: {_reason(error)}") from None


def _reason(error):
    return (getattr(error, "strerror", None) or str(error)).lower()


@contextmanager
def new_folder(path: Path | str, what: str = "run folder") -> Iterator[Path]:
    """A temporary folder to fill; renamed to ``path`` at the end, removed on any error. InputError if it cannot be."""
    path = Path(os.path.abspath(path))
    made = missing_parents(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _private_folder(path.parent) as private:
            part = private / path.name
            part.mkdir()
            yield part
            remove_leftovers(part)  # of files written into it, should one not have been removed
            for file in part.rglob("*"):
                if file.is_file():
                    flush(file)
            if os.path.lexists(path):  # os.rename replaces an empty folder silently
                raise InputError(f"{what} {str(path)!r} appeared meanwhile; it was not touched and nothing was written")
            part.rename(path)
            _flush_names(path.parent)
    except BaseException as error:
        remove_empty(made)
        if isinstance(error, OSError):
            raise WriteError(f"{what} {str(path)!r} cannot be written: {_reason(error)}") from None
        raise


@contextmanager
def _private_folder(beside):
    """A folder that nobody else can look into, in folder ``beside``; held while it is used, then removed."""
    remove_leftovers(beside, alone=False)
    holds = False
    while holds is False:  # another process, which removes what was left, may have taken it for that before it was held
        private = Path(beside) / f".mcuref-{secrets.token_hex(8)}.part"
        private.mkdir(PRIVATE)
        handle, holds = _hold(private)
    made = os.lstat(private)
    try:
        yield private
    finally:
        with suppress(OSError):
            if os.path.samestat(made, os.lstat(private)):  # and nothing that was put in its place
                shutil.rmtree(private, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _hold(folder):
    """(handle, whether it holds a private folder): False if another process does or it is gone, None without locks."""
    if fcntl is None:
        return None, None
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        return None, False if isinstance(error, FileNotFoundError) else None
    holds = _lock(handle)
    with suppress(OSError):
        if holds is not False and os.path.samestat(os.fstat(handle), os.lstat(folder)):
            return handle, holds
    os.close(handle)
    return None, False


def remove_leftovers(folder: Path | str, alone: bool = True) -> None:
    """Remove the private folders that killed attempts of this user left in a folder, and nothing else.

    alone : whether nobody else may be writing into the folder; that decides where there are no locks.
    """
    for left in filter(_is_ours, Path(folder).glob(".mcuref-*.part")):
        handle, holds = _hold(left)
        if holds or holds is None and alone:
            shutil.rmtree(left, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _is_ours(path):
    """Whether this user made a private folder: by its name, its owner, and its mode, which nobody else could give it."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    if not PRIVATE_NAME.fullmatch(path.name) or not stat.S_ISDIR(status.st_mode) or fcntl is None:
        return False
    return status.st_uid == os.geteuid() and status.st_mode & 0o1777 == PRIVATE


def missing_parents(path: Path | str) -> list[Path]:
    """The folders that would have to be made for ``path``, from the innermost on."""
    return [parent for parent in Path(os.path.abspath(path)).parents if not parent.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders that are there and empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def held(file: Path | str, taken: str) -> Iterator[None]:
    """Hold an existing file against other processes for a while; InputError with the sentence ``taken`` if one has it.

    It is the process that holds it: killed, it lets go. Where there are no such locks, nothing is held.
    """
    try:
        handle = open(file, "r+b")
    except OSError as error:
        raise InputError(f"file {str(file)!r} cannot be used: {_reason(error)}") from None
    with handle:
        if _lock(handle) is False:
            raise InputError(taken)
        yield


def _lock(handle):
    """Whether this process alone holds an open file or folder from now on; None where there are no such locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None


@contextmanager
def new_file(path: Path | str) -> Iterator[Path]:
    """A temporary file to write; renamed to ``path`` at the end, removed on any error. InputError if it cannot be.

    A stream gets the content at the end.
    """
    try:
        if is_stream(path):
            with tempfile.TemporaryDirectory(prefix="mcuref-") as private:
                yield (part := Path(private) / "part")
                write_stream(path, part.read_bytes())
            return
        target = Path(os.path.realpath(path))  # a link stays a link
        with _private_folder(target.parent) as private:
            yield (part := private / target.name)
            flush(part)
            part.replace(target)
            _flush_names(target.parent)
    except OSError as error:
        raise _not_written(path, error) from None


def write_json(path: Path | str, value: Any) -> None:
    """Write plain data as JSON, indented, keys in the order given; InputError for NaN, which JSON does not have."""
    try:
        text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    except ValueError:
        raise InputError(f"file {str(path)!r} was not written: the result has NaN or infinite values") from None
    if is_stream(path):  # without a temporary file, for which a full disk has no room
        try:
            write_stream(path, text.encode())
        except OSError as error:
            raise _not_written(path, error) from None
        return
    with new_file(path) as part:
        part.write_text(text, encoding="utf-8")


def _not_written(path, error):
    return WriteError(f"file {str(path)!r} cannot be written: {_reason(error)}")


def flush(file: Path | str) -> None:
    """Wait until the content of a file is on the disk."""
    with open(file, "rb") as handle:
        os.fsync(handle.fileno())


def _flush_names(folder):
    """The same for the names in a folder, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
