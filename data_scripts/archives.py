"""Archives: the files in a .zip, .tar or .tar.gz, read without being extracted to disk."""

import gzip
import io
import tarfile
import zipfile
from contextlib import contextmanager, nullcontext
from pathlib import PurePosixPath

from common import InputError, McurefError, reading

MEMBER_LIMIT = 1 << 28  # bytes; no file inside any of the archives is nearly as large


def members(path, content=None):
    """Iterate over the ordinary files of a .zip, .tar or .tar.gz: (name, read), nothing is extracted to disk.

    read() gives the file's bytes and must be called, if at all, before the next member is asked for: a tar archive is
    streamed. content, bytes, is the archive itself where it lies in another one; path then only names it.

    Raises
    ------
    InputError : the archive is damaged, or has a member whose name leads outside or whose size is absurd.
    """
    with reading(path), open(path, "rb") if content is None else io.BytesIO(content) as file:
        start = file.read(2)
        file.seek(0)
        with _intact(path):
            yield from (_zip_members if start == b"PK" else _tar_members)(path, file, start == b"\x1f\x8b")


@contextmanager
def _intact(path):
    """Turn what the readers of archives raise into an InputError."""
    try:
        yield
    except McurefError:
        raise
    except Exception as error:  # damaged bytes surface as nearly any exception of zipfile, tarfile, gzip and zlib
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} is not a complete archive: {reason}") from None


def _zip_members(path, file, _):
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield _member(path, info.filename, info.file_size, lambda info=info: archive.read(info))


def _tar_members(path, file, packed):
    """gzip is undone here, not by tarfile, which takes a cut-off stream for the end of the archive."""
    with gzip.GzipFile(fileobj=file) if packed else nullcontext(file) as plain:
        with tarfile.open(fileobj=plain, mode="r|") as archive:
            while (info := archive.next()) is not None:
                if info.isreg():
                    yield _member(path, info.name, info.size, lambda info=info: archive.extractfile(info).read())
                archive.members.clear()  # tarfile would keep every header


def _member(path, name, size, read):
    """(name, read with errors as InputError); refuses what no true archive has."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
        raise InputError(f"{path} has a member named {name!r}, which leads outside; it is not the expected archive")

    def checked():
        if size > MEMBER_LIMIT:
            raise InputError(f"{path} has a member {name!r} of {size} bytes; at most {MEMBER_LIMIT} are expected")
        with _intact(path):
            return read()

    return name, checked


def contents(path, names, content=None):
    """{name: bytes} of the members of an archive whose last path component is one of names; content as in members.

    Raises
    ------
    InputError : one of them is not in the archive, or the archive is damaged.
    """
    result = {}
    for name, read in members(path, content):
        if (last := PurePosixPath(name).name) in names:
            result[last] = read()
    for name in names:
        if name not in result:
            raise InputError(f"{path} has no member {name}; it is not the expected archive")
    return result
