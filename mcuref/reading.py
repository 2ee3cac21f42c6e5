"""Files that somebody else wrote, opened to be read: ordinary ones only, no pipe to wait for and no endless device."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from mcuref.errors import InputError
from mcuref.names import hint, near_files

MAY_NOT = "may not be read by this user; give this user permission to read it and to enter its folder"
KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def open_ordinary(path: Path | str, where: str, needed: str = "an ordinary file") -> BinaryIO:
    """The ordinary file at path, open to be read as bytes.

    Parameters
    ----------
    where : str, what the sentence of an error begins with, such as "model file 'my_model.toml'".
    needed : str, what should be there.

    Raises
    ------
    InputError : it does not exist, may not be read, or is a folder, pipe, socket or device; it is not waited for.
    """
    try:
        found = KINDS.get(stat.S_IFMT(os.stat(path).st_mode))  # before it is opened: that may be heard at the other end
        file = None if found else open(path, "rb", opener=_without_waiting)
    except FileNotFoundError:
        beside = near_files(path, os.path.splitext(path)[1])
        raise InputError(f"{where} {absence(path)}{hint(beside, f'{needed} is needed there')}") from None
    except IsADirectoryError:
        raise InputError(f"{where} cannot be read: it is a folder; {needed} is needed there") from None
    except PermissionError:
        raise InputError(f"{where} {MAY_NOT}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{where} cannot be read: {(getattr(error, 'strerror', '') or str(error)).lower()}") from None
    if file is None or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise InputError(f"{where} cannot be read: it is {found or 'no ordinary file'}; {needed} is needed there")
    return file


def absence(path: Path | str) -> str:
    """ "does not exist", of a path that does not, or which link leads to nothing."""
    return f"is a link to {os.readlink(path)!r}, which does not exist" if os.path.islink(path) else "does not exist"


def _without_waiting(path, flags):
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
