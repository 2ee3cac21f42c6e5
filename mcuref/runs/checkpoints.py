"""Checkpoints: what a run needs to go on after it was killed, in a file that is whole or is not used.

A file is the line ``mcuref checkpoint 1``, a line with the sha256 of everything behind it, and a .npz archive: arrays
by name, and ``header``, JSON text. It is written under a temporary name, flushed, and renamed; the one before it stays
as ``checkpoint.previous``, so that there is a good one at every moment, also between the two renames.
"""

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.files import WriteError, flush, new_file

MAGIC = b"mcuref checkpoint 1\n"
NAME, PREVIOUS = "checkpoint", "checkpoint.previous"
Found = tuple[Any, dict[str, NDArray[Any]]]  # (header, arrays)


class UnreadableError(InputError):
    """A checkpoint is there and cannot be read: it may be a good one, so nothing takes its place."""


def save(folder: Path | str, header: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write folder/checkpoint; the present one becomes checkpoint.previous.

    Parameters
    ----------
    folder : path of an existing folder.
    header : dict, plain data for JSON; NaN is allowed.
    arrays : dict of str to array.
    """
    content = io.BytesIO()
    text = np.frombuffer(json.dumps(header).encode("utf-8"), np.uint8)
    named: dict[str, Any] = {f"array.{name}": values for name, values in arrays.items()}
    np.savez(content, header=text, **named)
    payload = content.getvalue()
    target = Path(folder) / NAME
    with new_file(target) as part:
        part.write_bytes(MAGIC + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
        flush(part)  # before the present one gives up its name
        if target.exists():
            os.replace(target, target.with_name(PREVIOUS))


def load(folder: Path | str, warn: Callable[[str], Any]) -> Found | None:
    """(header, arrays) of the newest checkpoint in ``folder`` that is whole; None if there is none at all.

    If ``checkpoint`` is damaged and the one before it is whole, that one takes its name, so that :func:`save` keeps it,
    and ``warn`` is called with a sentence. InputError if none that is there is whole, or one may not be read.
    """
    folder = Path(folder)
    found = [path for path in (folder / NAME, folder / PREVIOUS) if os.path.lexists(path)]
    refused = None
    for path in found:
        try:
            content = read(path)
        except UnreadableError:
            raise
        except InputError as error:
            refused = refused or error
            continue
        if refused:
            _promote(path, folder / NAME)
            warn(f"{refused}; the one before it is used")
        return content
    if found:
        names = " and ".join(path.name for path in found)
        raise InputError(f"{refused}; there is no other that is whole: remove {names} to begin again from the start")
    return None


def exist(folder: Path | str) -> bool:
    """Whether a folder has a checkpoint, whole or not."""
    return any(os.path.lexists(Path(folder) / name) for name in (NAME, PREVIOUS))


def drop_previous(folder: Path | str) -> None:
    """Keep the last checkpoint alone."""
    path = Path(folder) / PREVIOUS
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"file {str(path)!r} cannot be removed: {(error.strerror or str(error)).lower()}") from None


def read(path: Path | str) -> Found:
    """(header, arrays) of one file; InputError, one sentence, if it is damaged or of another version."""
    try:
        if Path(path).is_fifo():  # reading would wait for a writer
            raise OSError("it is a pipe")
        content = Path(path).read_bytes()
    except OSError as error:
        raise UnreadableError(f"checkpoint {str(path)!r} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not content.startswith(MAGIC):
        known = MAGIC.decode().strip()
        raise InputError(f"checkpoint {str(path)!r} is damaged or of another version: it does not begin with {known!r}")
    digest, newline, payload = content[len(MAGIC) :].partition(b"\n")
    if not newline or hashlib.sha256(payload).hexdigest().encode() != digest:
        raise InputError(f"checkpoint {str(path)!r} is damaged: its checksum does not match its {len(content):,} bytes")
    try:
        if not payload.startswith(b"PK"):  # NumPy's own advice would be to load it unsafely
            raise ValueError("it holds no archive")
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            header = json.loads(archive["header"].tobytes().decode("utf-8"))
            return header, {n.removeprefix("array."): archive[n] for n in archive.files if n.startswith("array.")}
    except Exception as error:  # of many kinds, for an archive that save() did not write
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"checkpoint {str(path)!r} is not one that mcuref wrote: {reason}") from None


def _promote(path, target):
    try:
        os.replace(path, target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise WriteError(f"damaged checkpoint {str(target)!r} cannot be replaced: {reason}") from None
