"""Reading .npz files that may be anything: truncated, not a zip at all, or written by somebody unfriendly.

No memory is filled because a header says so: what it declares must be what the archive's list of members declares, and
values are read in pieces. Arrays of more than LARGEST bytes that are more than MOST_INFLATED times the file are refused
before they are read: real data shrinks to a half or a tenth, zeros to a thousandth.
"""

import io
import os
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.reading import open_ordinary
from mcuref.text import printable

LARGEST = 256 << 20  # bytes of all arrays, however small the file
MOST_INFLATED = 100
LARGEST_HEADER = 1 << 14  # bytes; NumPy itself refuses one of more than 10,000
PIECE = 1 << 20  # bytes that are read at once, so of the list of members too
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those of numpy.savez and numpy.savez_compressed
KINDS = "biufcUSmM"  # of values: numbers, texts, times; no fields, no raw bytes
MOST_NAMES = 10  # in a sentence


def read_npz(path: Path | str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
    """The named arrays of a .npz file; an optional one that is not there is left out.

    zipfile is used directly instead of numpy.load: that never takes a file for a pickle, and reading each member to its
    end has its checksum verified.

    Raises
    ------
    InputError : the file cannot be opened, is damaged or too large, holds pickled objects, or lacks a required array.
    """
    with _opened(path) as (archive, size):
        members = _members(archive)
        wanted = [name for name in (*required, *optional) if name in members]
        _check_sizes({name: members[name] for name in wanted}, size)
        arrays = {name: _read_array(archive, name, members[name]) for name in wanted}
    for name in required:
        if name not in arrays:
            raise InputError(
                f"{path} has no array {name!r} (it holds {_held(members)}); {' and '.join(required)} are needed"
            )
    return arrays


def shapes(path: Path | str) -> dict[str, tuple[int, ...]]:
    """{name: shape} of the arrays of a .npz file, of which only the headers are read; InputError if it is damaged."""
    with _opened(path) as (archive, _):
        return {name: _begin(archive, name, info)[0] for name, info in _members(archive).items()}


@contextmanager
def _opened(path):
    """The archive in a .npz file, and the size of the file; whatever its bytes make fail becomes an InputError."""
    with open_ordinary(path, str(path), "a NumPy .npz file") as file, _InPieces(file.raw) as pieces:
        try:
            with zipfile.ZipFile(pieces) as archive:
                yield archive, os.fstat(file.fileno()).st_size
        except Exception as error:  # damaged bytes surface as nearly any exception of zipfile, zlib, struct and numpy
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(f"{path} cannot be read as a NumPy .npz file ({printable(reason)})") from None


class _InPieces(io.BufferedReader):
    """A file for zipfile, which would read a list of members of any length at once."""

    def read(self, size=-1):
        """Bytes, no more than a piece; ValueError if more are asked for and there."""
        content = super().read(PIECE + 1 if size < 0 else min(size, PIECE + 1))
        if len(content) > PIECE:
            raise ValueError("its list of members is too long")
        return content


def _members(archive):
    """{name of an array: its member}; ValueError if two have the same name."""
    found = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in found:
            raise ValueError(f"it holds two arrays {name!r}")
        found[name] = info
    return found


def _held(members):
    names = [repr(name if len(name) <= 60 else f"{name[:57]}...") for name in members]
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more or "nothing"


def _check_sizes(members, size):
    """ValueError if members, {name: member} of a file of that size, are of no kind that NumPy writes, or too large."""
    for name, info in members.items():
        if info.flag_bits & 1:
            raise ValueError(f"array {name!r} is encrypted")
        if info.compress_type not in METHODS:
            raise ValueError(f"array {name!r} is compressed by a method that NumPy does not use")
    total = sum(info.file_size for info in members.values())
    if total > max(LARGEST, MOST_INFLATED * size):
        raise ValueError(f"its arrays are said to have {total:,} bytes, more than {MOST_INFLATED} times the file's {size:,}")


def _begin(archive, name, info):
    """(shape, dtype, whether in Fortran's order, how many bytes the header takes) of an array; ValueError if wrong."""
    with archive.open(info) as member:
        start = member.read(12)
        length = int.from_bytes(start[8 : 10 if start[6:7] == b"\1" else 12], "little")
        if length > LARGEST_HEADER:
            raise ValueError(f"array {name!r} has a header of {length:,} bytes")
        head = io.BytesIO(start + member.read(length))
    version = np.lib.format.read_magic(head)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        shape, fortran, dtype = read(head)
    if dtype.hasobject:
        raise ValueError(f"array {name!r} holds pickled Python objects, which are not loaded")
    if dtype.kind not in KINDS or not dtype.itemsize:
        raise ValueError(f"array {name!r} holds neither numbers nor texts")
    return shape, dtype, fortran, head.tell()


def _read_array(archive, name, info):
    shape, dtype, fortran, start = _begin(archive, name, info)
    declared = prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or start + declared != info.file_size:
        longer = "longer" if start + declared < info.file_size else "shorter"
        raise ValueError(f"array {name!r} is {longer} than its header says")
    content = np.empty(declared, np.uint8)
    with archive.open(info) as member:
        member.read(start)
        for first in range(0, declared, PIECE):
            piece = content[first : first + PIECE]
            if member.readinto(piece) != len(piece):
                raise ValueError(f"array {name!r} ends early")
        member.read(1)  # at the end zipfile compares the checksum
    return content.view(dtype).reshape(shape, order="F" if fortran else "C")
