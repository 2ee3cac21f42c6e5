"""Writing into what is there and stays: stdout, which "-" stands for, other open files, pipes, devices."""

import os
import re
import stat
import sys
from pathlib import Path

from mcuref.errors import InputError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

STDOUT = "-"


def is_stdout(path: Path | str) -> bool:
    """Whether a path stands for stdout: "-", /dev/stdout, /dev/fd/1."""
    return _open_file(path) == 1


def is_stream(path: Path | str) -> bool:
    """Whether what is written to a path goes into something that stays: an open file, a pipe, a device but a disk."""
    try:
        return _open_file(path) is not None or _is_pipe_or_device(os.stat(path))
    except (OSError, ValueError):
        return False


def place(path: Path | str) -> Path:
    """Where a path leads, to compare it with others."""
    number = _open_file(path)
    return Path(os.path.realpath(path) if number is None else f"/dev/fd/{number}")


def check_stream(path: Path | str) -> None:
    """InputError unless a stream may be written to; it is not opened, which would wait for the reader of a pipe."""
    number = _open_file(path)
    try:
        writable = os.access(path, os.W_OK) if number is None else _is_writable(number)
    except OSError:
        raise InputError(f"file {str(path)!r} cannot be written: it is not open") from None
    if not writable:
        raise InputError(f"file {str(path)!r} cannot be written: it is protected from writing")


def write_stream(path: Path | str, content: bytes) -> None:
    """Write bytes into a stream; OSError if it does not take them."""
    number = _open_file(path)
    if number is None:
        handle = os.open(path, os.O_WRONLY)
    else:
        sys.stdout.flush()
        sys.stderr.flush()
        handle = os.dup(number)
    with open(handle, "wb") as stream:
        if number is None and not _is_pipe_or_device(os.fstat(handle)):
            raise OSError("it is no pipe or device any more")
        stream.write(content)


def _is_pipe_or_device(status):
    return stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)


def _is_writable(number):
    os.fstat(number)
    return fcntl is None or fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY


def _open_file(path):
    """The number of the open file of this process that a path stands for, such as 3 for /dev/fd/3; None for another path."""
    if os.fspath(path) == STDOUT:
        return 1
    link = os.path.abspath(path)
    for _ in range(8):
        found = re.fullmatch(rf"/(?:dev|proc/(?:self|{os.getpid()}))/fd/([0-9]{{1,6}})", link)
        if found:
            return int(found[1])
        try:
            link = os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))
        except (OSError, ValueError):  # it is none
            break
    return None
