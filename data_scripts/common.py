"""What the data scripts share: download from mirrors, check, unpack, and publish without leaving half a file.

A script is `run(main)`; main raises InputError for anything that a person can put right.
"""

import gzip
import hashlib
import http.client
import os
import shutil
import sys
import tempfile
import urllib.request
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

# A script run from a checkout finds this package even when mcuref is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mcuref.errors import InputError, McurefError  # noqa: E402

CHUNK = 1 << 16
TIMEOUT = 30  # seconds without a byte before the next mirror is tried


@dataclass(frozen=True)
class Remote:
    """A gzip file on a mirror: its name, bytes and sha256 there, and the md5 of what is inside."""

    name: str
    bytes: int
    sha256: str
    md5_unpacked: str


class MirrorError(Exception):
    """One mirror did not give the file; the text is the reason, and the next mirror is tried."""


def run(main):
    """Exit status of main(): 0, 2 after printing the sentence of a deliberate error, 130 after Ctrl-C."""
    try:
        main()
    except McurefError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    return 0


@contextmanager
def writing(path):
    """Turn what the system says against writing path (no permission, full disk) into an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None


@contextmanager
def reading(path):
    """Turn what the system says against reading path into an InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


@contextmanager
def work_folder(out):
    """A temporary folder inside out, created and removed again, and out with it if it was not there and stays empty.

    Made before anything is downloaded, so that a folder without write permission is reported at once; inside out,
    so that what is finished can be renamed into place.
    """
    created = [folder for folder in (out, *out.parents) if not os.path.exists(folder)]
    try:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=".mcuref-", dir=out))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    finally:
        for folder in created:
            with suppress(OSError):  # refused, as intended, for a folder that holds the result
                folder.rmdir()


def download(remotes, mirrors, folder):
    """Bring each Remote into folder, checked; a mirror is an address that ends in a slash, tried in order.

    Raises
    ------
    InputError : no mirror gave a file that passes its checks (the sentence has a reason each), or writing failed.
    """
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for remote in remotes:
            task = progress.add_task(remote.name, total=remote.bytes)
            _download_one(remote, mirrors, folder, lambda done, task=task: progress.update(task, completed=done))


def _download_one(remote, mirrors, folder, report):
    part, reasons = folder / f"{remote.name}.part", []
    for mirror in mirrors:
        try:
            _transfer(mirror + remote.name, part, remote.bytes, report)
            fault = fault_of(part, remote)
            if fault:
                raise MirrorError(fault)
        except MirrorError as error:
            reasons.append(f"{mirror} ({error})")
            continue
        with writing(part):
            os.replace(part, folder / remote.name)
        return
    raise InputError(f"{remote.name} could not be downloaded (give files you have with --from): {'; '.join(reasons)}")


def _transfer(url, path, limit, report):
    """Copy url to path, stopping after more than limit bytes: the size check then refuses it."""
    done = 0
    with _open(url) as response, writing(path), open(path, "wb") as file:
        while done <= limit and (chunk := _read(response)):
            file.write(chunk)
            done += len(chunk)
            report(done)


def _open(url):
    try:
        return urllib.request.urlopen(url, timeout=TIMEOUT)
    except (OSError, http.client.HTTPException) as error:  # URLError, HTTPError and timeouts are OSErrors
        raise MirrorError(_reason(error)) from None


def _read(response):
    """The next bytes; apart from writing, so that a broken connection is not taken for a full disk."""
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise MirrorError(_reason(error)) from None


def _reason(error):
    """What a network error says, without urllib's wrapping."""
    return str(error).removeprefix("<urlopen error ").removesuffix(">") or type(error).__name__


def fault_of(path, remote):
    """What is wrong with the file at path as a copy of remote, a str; None if its size and sha256 are right."""
    with reading(path), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if size != remote.bytes:
        return f"{size} bytes instead of {remote.bytes}"
    return None if digest == remote.sha256 else f"sha256 {digest} instead of {remote.sha256}"


def unpacked(folder, remote):
    """The content of remote from folder, bytes: from the .gz file there, else from the file already decompressed.

    Raises
    ------
    InputError : neither is there, a size or checksum is wrong, or the gzip stream is damaged.
    """
    packed = folder / remote.name
    plain = packed.with_suffix("")
    if os.path.isfile(packed):
        fault = fault_of(packed, remote)
        if fault:
            raise InputError(f"{packed} is not the expected file: {fault}")
        path, content = packed, _gunzip(packed)
    elif os.path.isfile(plain):
        with reading(plain):
            path, content = plain, plain.read_bytes()
    else:
        raise InputError(f"{folder} has neither {packed.name} nor {plain.name}; one of them is needed")
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if digest != remote.md5_unpacked:
        raise InputError(f"{path} does not have the expected content: md5 {digest} instead of {remote.md5_unpacked}")
    return content


def _gunzip(path):
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} is not a complete gzip file: {error}") from None


def publish(files, work, out):
    """Write each .npz of files, {file name: {array name: array}}, into work, then rename all of them into out."""
    for name, arrays in files.items():
        with writing(out / name):
            if (out / name).is_dir():
                raise IsADirectoryError(None, "a folder of that name is in the way")
            np.savez_compressed(work / name, **arrays)
    for name in files:  # only now: until everything is complete, nothing old is replaced
        with writing(out / name):
            os.replace(work / name, out / name)
