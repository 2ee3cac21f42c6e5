"""Reading .npz files that may be anything: truncated, not a zip at all, or written by somebody unfriendly."""

import os
import zipfile

import numpy as np

from mcuref.errors import InputError


def read_npz(path, required, optional=()):
    """The named arrays of a .npz file, a dict of str to array; an optional one that is not there is left out.

    zipfile and NumPy's array format are used directly instead of numpy.load: that never takes a file for a pickle,
    and reading each member to its end has its checksum verified.

    Raises
    ------
    InputError : the file cannot be opened, is damaged, holds pickled objects, or lacks a required array.
    """
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder; a NumPy .npz file is needed there")
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            arrays = {name: _read_array(archive, name) for name in (*required, *optional) if name in names}
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; a NumPy .npz file is needed there") from None
    except PermissionError:
        raise InputError(f"{path} may not be read by this user; give read permission to it") from None
    except Exception as error:  # damaged bytes surface as nearly any exception of zipfile, zlib, struct and numpy
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read as a NumPy .npz file without pickled objects ({reason})") from None
    for name in required:
        if name not in arrays:
            held = ", ".join(names) or "nothing"
            raise InputError(f"{path} has no array {name!r} (it holds {held}); {' and '.join(required)} are needed")
    return arrays


def shapes(path):
    """{name: shape} of the arrays of a .npz file, of which only the headers are read; InputError if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): _shape(archive, name) for name in archive.namelist()}
    except Exception as error:  # as above
        raise InputError(f"{path} cannot be read as a NumPy .npz file ({error})") from None


def _shape(archive, name):
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(member)[0]


def _read_array(archive, name):
    with archive.open(f"{name}.npy") as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):  # at the end of the member zipfile compares the checksum
            raise ValueError(f"array {name!r} is longer than its header says")
    return array
