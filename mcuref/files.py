"""Writing files so that a reader never sees half of one: to a temporary name beside it, then renamed."""

import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

from mcuref.errors import InputError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None


class WriteError(InputError):
    """A file or folder could not be written, though it was promising at first: the disk is full, say."""


def check_outputs(*files, folder=None, present=False):
    """InputError unless all of these could be written; run before long work, not after. None is left out.

    An existing file is fine, it will be replaced whole; the folder must not exist yet, unless it is ``present``.
    """
    if present:
        _check_present_folder(folder)
    elif folder is not None:
        check_new_folder(folder)
    files = [file for file in files if file is not None]
    for file in files:
        check_new_file(file)
    check_apart(*files, folder)


def check_apart(*paths):
    """InputError if one of these paths is another or lies in it; None is left out."""
    places = [Path(os.path.realpath(path)) for path in paths if path is not None]
    for i, place in enumerate(places):
        if any(other.is_relative_to(place) or place.is_relative_to(other) for other in places[i + 1 :]):
            raise InputError(f"{str(place)!r} is named for two results; give each a place of its own")


def check_new_folder(path, what="run folder"):
    """InputError unless ``path`` is free and a folder could be made there; ``what`` it is called in the sentence."""
    if _exists(path, what):
        raise InputError(f"{what} {str(path)!r} exists already; choose another name or remove it (it was not touched)")
    parent = next(parent for parent in Path(os.path.abspath(path)).parents if os.path.lexists(parent))
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{what} {str(path)!r} cannot be made: {str(parent)!r} is not a folder one may write to")


def _check_present_folder(path):
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError(f"run folder {str(path)!r} cannot be written: no permission to write in it")


def check_new_file(path):
    """InputError unless a file could be written at ``path``."""
    _exists(path, "file")
    target = Path(os.path.realpath(path))
    parent = target.parent
    if target.is_dir():
        raise InputError(f"file {str(path)!r} is a folder; give the name of a file")
    if target.exists() and not target.is_file():  # a device would be replaced by a file
        raise InputError(f"file {str(path)!r} is not an ordinary file; give the name of a new or ordinary one")
    if not parent.is_dir():
        raise InputError(f"file {str(path)!r} cannot be written: there is no folder {str(parent)!r}")
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


def _temporary(path):
    """A hidden name beside ``path``, with its ending, short enough wherever the name itself is."""
    return path.with_name(f".{os.getpid()}.part.{path.name[-40:]}")


@contextmanager
def new_folder(path, what="run folder"):
    """A temporary folder to fill; renamed to ``path`` at the end, removed on any error. InputError if it cannot be."""
    path = Path(os.path.abspath(path))
    temporary = _temporary(path)
    made = missing_parents(path)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                flush(file)
        if os.path.lexists(path):  # os.rename replaces an empty folder silently
            raise InputError(f"{what} {str(path)!r} appeared meanwhile; it was not touched and nothing was written")
        temporary.rename(path)
        _flush_names(path.parent)
    except OSError as error:
        raise WriteError(f"{what} {str(path)!r} cannot be written: {_reason(error)}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        remove_empty(made)


def missing_parents(path):
    """The folders that would have to be made for ``path``, from the innermost on."""
    return [parent for parent in Path(os.path.abspath(path)).parents if not parent.exists()]


def remove_empty(folders):
    """Remove those of the folders that are there and empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def remove_leftovers(folder):
    """Remove temporary files that killed attempts left in a folder; nobody else may be writing into it."""
    for left in Path(folder).glob(".*.part.*"):
        with suppress(OSError):
            left.unlink()


@contextmanager
def held(file, taken):
    """Hold an existing file against other processes for a while; InputError with the sentence ``taken`` if one has it.

    It is the process that holds it: killed, it lets go. Where there are no such locks, nothing is held.
    """
    try:
        handle = open(file, "r+b")
    except OSError as error:
        raise InputError(f"file {str(file)!r} cannot be used: {_reason(error)}") from None
    with handle:
        try:
            if fcntl:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(taken) from None
        except OSError:  # a file system without locks
            pass
        yield


@contextmanager
def new_file(path):
    """A temporary file to write; renamed to ``path`` at the end, removed on any error. InputError if it cannot be."""
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = _temporary(target)
    try:
        yield temporary
        flush(temporary)
        temporary.replace(target)
        _flush_names(target.parent)
    except OSError as error:
        raise WriteError(f"file {str(path)!r} cannot be written: {_reason(error)}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_json(path, value):
    """Write plain data as JSON, indented, keys in the order given; InputError for NaN, which JSON does not have."""
    try:
        text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    except ValueError:
        raise InputError(f"file {str(path)!r} was not written: the result has NaN or infinite values") from None
    with new_file(path) as part:
        part.write_text(text, encoding="utf-8")


def flush(file):
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
