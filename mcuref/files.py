"""Writing files so that a reader never sees half of one: to a temporary name, then renamed."""

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from mcuref.errors import InputError


def _reason(error):
    return (error.strerror or str(error)).lower()


def check_new_folder(path):
    """InputError unless ``path`` is free and a folder could be made there; run before long work, not after."""
    path = Path(path)
    if path.exists() or path.is_symlink():
        raise InputError(f"run folder {str(path)!r} exists already; choose another name or remove it (it was not touched)")
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"run folder {str(path)!r} cannot be made: {str(parent)!r} is not a folder one may write to")


def check_new_file(path):
    """InputError unless a file could be written at ``path``; an existing file is fine, it will be replaced whole."""
    path = Path(path)
    parent = path.absolute().parent
    if path.is_dir():
        raise InputError(f"file {str(path)!r} is a folder; give the name of a file")
    if not parent.is_dir():
        raise InputError(f"file {str(path)!r} cannot be written: there is no folder {str(parent)!r}")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"file {str(path)!r} cannot be written: no permission to write in {str(parent)!r}")


@contextmanager
def new_folder(path):
    """A temporary folder to fill; renamed to ``path`` at the end, removed on any error. InputError if it cannot be."""
    path = Path(path).absolute()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in temporary.iterdir():
            _flush(file)
        if path.exists():  # os.rename replaces an empty folder silently
            raise InputError(f"run folder {str(path)!r} appeared meanwhile; it was not touched and nothing was written")
        temporary.rename(path)
    except OSError as error:
        raise InputError(f"run folder {str(path)!r} cannot be written: {_reason(error)}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path, text):
    """Write a text file whole or not at all; InputError if it cannot be."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        _flush(temporary)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"file {str(path)!r} cannot be written: {_reason(error)}") from None
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path, value):
    """Write plain data as JSON, indented, keys in the order given; NaN is refused, it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def _flush(file):
    with open(file, "rb") as handle:
        os.fsync(handle.fileno())
