"""Compiled kernels on the disk, where a damaged or foreign file is never loaded: it is refused, and compiled anew.

Numba's own cache unpickles and runs whatever lies in its files. Here each compiled signature of a kernel is one file of its
own: a SHA-256, then what it is the checksum of, Numba's pickle of the compiled code. It also covers the name of what was
compiled, so that one kernel's file is not taken for another's. Nothing is unpickled before these have been checked:

- the checksum: against damage and accidental edits. It is no signature: who can write the file can write a checksum;
- so the folder and the file must belong to this user, and nobody else may write to them; neither may be a link.

What cannot be kept, on a full disk or in a folder that is somebody else's, is compiled at every start.
"""

import hashlib
import os
import pickle
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

MAGIC = b"mcuref kernel 1\n"
LEFT = 3600  # seconds after which an unfinished file is one that a killed process left


class Store:
    """A folder of files with checksums.

    Attributes
    ----------
    folder : Path; made, for this user alone, if it is not there.
    failure : str or None, why what was compiled is not kept.
    trusted : bool, whether files are read at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.failure, self.trusted = folder, None, True
        try:
            self._prepare()
        except OSError as error:
            self._failed(error)

    def read(self, name: str, identity: bytes) -> bytes | None:
        """What was written under that name and identity; None on any doubt."""
        try:
            if not self.trusted or not _own(os.lstat(self.folder), stat.S_ISDIR):
                return None
            with open(self.folder / name, "rb", opener=_open_no_link) as file:
                data = file.read() if _own(os.fstat(file.fileno()), stat.S_ISREG) else b""
        except OSError:
            return None
        start = len(MAGIC) + hashlib.sha256().digest_size
        content = data[start:]
        return content if data[:start] == MAGIC + _checksum(identity, content) else None

    def write(self, name: str, identity: bytes, content: bytes) -> None:
        """Keep that, under its name only once it is complete. What cannot be kept is not; `failure` says why."""
        try:
            self._prepare()
            handle, part = tempfile.mkstemp(suffix=".part", dir=self.folder)  # of this user alone
            try:
                with open(handle, "wb") as file:
                    file.write(MAGIC + _checksum(identity, content) + content)
                os.replace(part, self.folder / name)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part)
                raise
        except OSError as error:
            self._failed(error)

    def _prepare(self):
        """Make the folder one's own, without what killed processes left in it; OSError if it cannot be."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = os.lstat(self.folder)
        if not _own(status, stat.S_ISDIR):
            if not _own(status, stat.S_ISDIR, others=0):
                raise PermissionError("it is a link, or belongs to another user")
            os.chmod(self.folder, 0o700)
        if not os.access(self.folder, os.W_OK):
            raise PermissionError("it is protected from writing")
        for part in self.folder.glob("*.part"):
            with suppress(OSError):
                if time.time() - part.lstat().st_mtime > LEFT:
                    part.unlink()

    def _failed(self, error):
        self.failure = f"cannot be written: {(error.strerror or str(error)).lower()}"


class Overloads(NullCache):
    """The compiled signatures of one function in a store: what Numba's dispatcher asks for as its cache.

    ``digest`` : str, of the sources that decide the code; those of others are never loaded.
    """

    def __init__(self, function: Callable[..., Any], store: Store, digest: str) -> None:
        self._function, self._store, self._digest = function, store, digest

    @property
    def cache_path(self) -> str:
        """The folder, for ``function.stats``."""
        return str(self._store.folder)

    def has(self, signature: Any, target_context: Any) -> bool:
        """Whether that signature would be loaded and not compiled."""
        return self._store.read(*self._names(signature, target_context.codegen())) is not None

    def load_overload(self, signature: Any, target_context: Any) -> CompileResult | None:
        """The compiled signature, or None."""
        target_context.refresh()
        content = self._store.read(*self._names(signature, target_context.codegen()))
        if content is None:
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(content))
        except Exception:  # whole and our own, but not of this Numba: as good as none
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a compiled signature, unless its code holds addresses of this process."""
        if not compiled.library.has_dynamic_globals:
            name, identity = self._names(signature, compiled.codegen)
            self._store.write(name, identity, dumps(compiled._reduce()))

    def _names(self, signature, codegen):
        """(file name, identity): all that decides a signature's compiled code."""
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
        identity = repr((self._store.folder.name, self._digest, python, codegen.magic_tuple(), name, signature)).encode()
        return f"{name.removeprefix('mcuref.')}-{hashlib.sha256(identity).hexdigest()[:16]}.kernel", identity


def _checksum(identity, content):
    return hashlib.sha256(hashlib.sha256(identity).digest() + content).digest()


def _own(status, kind, others=stat.S_IWGRP | stat.S_IWOTH):
    """Whether a file is of that kind, belongs to this user, and nobody else has that permission."""
    if os.name != "posix":  # there are other means there, which say nothing in a status
        return kind(status.st_mode)
    return kind(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & others


def _open_no_link(path, flags):
    """Open a file to read it; not through a link, and without waiting for the other end of a FIFO."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
