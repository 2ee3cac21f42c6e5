"""Writing files so that a reader never sees half of one: to a temporary name beside it, then renamed."""

import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

from mcuref.errors import InputError


def check_outputs(*files, folder=None):
    """InputError unless all of these could be written; run before long work, not after. None is left out.

    An existing file is fine, it will be replaced whole; the folder must not exist yet.
    """
    if folder is not None:
        check_new_folder(folder)
    files = [file for file in files if file is not None]
    for file in files:
        check_new_file(file)
    places = [Path(os.path.realpath(path)) for path in (*files, folder) if path is not None]
    for i, place in enumerate(places):
        if any(other.is_relative_to(place) for other in places[i + 1 :]):
            raise InputError(f"{str(place)!r} is named for two results; give each a place of its own")


def check_new_folder(path):
    """InputError unless ``path`` is free and a folder could be made there."""
    if _exists(path, "run folder"):
        raise InputError(
            f"run folder {str(path)!r} exists already; choose another name or remove it (it was not touched)"
        )
    parent = next(parent for parent in Path(os.path.abspath(path)).parents if os.path.lexists(parent))
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"run folder {str(path)!r} cannot be made: {str(parent)!r} is not a folder one may write to")


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
def new_folder(path):
    """A temporary folder to fill; renamed to ``path`` at the end, removed on any error. InputError if it cannot be."""
    path = Path(os.path.abspath(path))
    temporary = _temporary(path)
    made = [parent for parent in path.parents if not parent.exists()]
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in temporary.iterdir():
            _flush(file)
        if os.path.lexists(path):  # os.rename replaces an empty folder silently
            raise InputError(f"run folder {str(path)!r} appeared meanwhile; it was not touched and nothing was written")
        temporary.rename(path)
    except OSError as error:
        raise InputError(f"run folder {str(path)!r} cannot be written: {_reason(error)}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # it holds the run, or was never made
                parent.rmdir()


@contextmanager
def new_file(path):
    """A temporary file to write; renamed to ``path`` at the end, removed on any error. InputError if it cannot be."""
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = _temporary(target)
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
    except OSError as error:
        raise InputError(f"file {str(path)!r} cannot be written: {_reason(error)}") from None
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


def _flush(file):
    with open(file, "rb") as handle:
        os.fsync(handle.fileno())
