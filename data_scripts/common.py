"""What the data scripts share: announce, download with resume, check, read archives, publish without half a file.

A script is `run(main)`; main raises InputError for anything that a person can put right.
"""

import argparse
import gzip
import hashlib
import http
import http.client
import io
import os
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn, track

# A script run from a checkout finds this package even when mcuref is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mcuref.datasets.registry import data_folder  # noqa: E402
from mcuref.errors import InputError, McurefError  # noqa: E402

CHUNK = 1 << 16
TIMEOUT = 30  # seconds without a byte before a connection counts as broken
PAUSE = 1.0  # seconds before a broken connection is continued
MEMBER_LIMIT = 1 << 28  # bytes; no file inside any of the archives is nearly as large


@dataclass(frozen=True)
class Archive:
    """A file to download: its name here, complete addresses (tried in order), and what a true copy must be.

    bytes and the checksums are None where none is published.
    """

    name: str
    urls: tuple[str, ...]
    bytes: int | None
    sha256: str | None = None
    md5: str | None = None


class MirrorError(Exception):
    """One address did not give the file; the text is the reason, and the next address is tried."""


def run(main):
    """Exit status of main(): 0, 2 after printing the sentence of a deliberate error, 130 after Ctrl-C."""
    try:
        main()
    except McurefError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; no result was written, and a download will be continued next time", file=sys.stderr)
        return 130
    return 0


def parser(description, name):
    """The parser of a script's command line; name is the data set's folder in the data folder of mcuref."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="PATH",
        help="take the original files from this folder (or, if there is only one, this file), not from the network",
    )
    result.add_argument(
        "--out",
        type=Path,
        default=data_folder() / name,
        metavar="FOLDER",
        help=f"where train.npz and test.npz go (default: {name} in the data folder of mcuref)",
    )
    return result


def announce(title, archives, licence, citation):
    """Print what is about to be downloaded: files, sizes, licence, what to cite."""
    print(title)
    for archive in archives:
        unchecked = "" if archive.sha256 or archive.md5 else "; no checksum is published, so it cannot be checked"
        print(f"  {archive.name}: {_amount(archive.bytes)}{unchecked}")
    known = sum(archive.bytes or 0 for archive in archives)
    more = " and files of unknown size" if any(archive.bytes is None for archive in archives) else ""
    print(f"Download: {_amount(known)}{more}" if known else "Download: size unknown")
    print(f"Licence: {licence}")
    print(f"Cite: {citation}", flush=True)


def _amount(size):
    """A number of bytes (None: unknown) for people, in decimal units."""
    if size is None:
        return "size unknown"
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def optional(module):
    """The module of that name, of a package that only some scripts need; InputError says how to install it."""
    try:
        return import_module(module)
    except ImportError:
        raise InputError(f'Python lacks the module {module}; pip install "mcuref[data]" brings it') from None


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


def obtain(archives, source, out):
    """{name: Path} of all archives, checked: from source (--from), or downloaded if that is None.

    Downloads go to, and stay in, downloads/<name of out> beside out: a second run needs no network.

    Raises
    ------
    InputError : a file is missing, cannot be downloaded, or is not the expected one.
    """
    if source is not None:
        return {archive.name: _given(archive, source, len(archives) == 1) for archive in archives}
    place = Path(os.path.abspath(out))
    folder = place.parent / "downloads" / place.name
    try:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return {archive.name: fetch(archive, folder) for archive in archives}
    finally:
        for empty in (folder, folder.parent):
            with suppress(OSError):  # refused, as intended, for a folder that holds a download
                empty.rmdir()


def _given(archive, source, only):
    """Where archive is in what the user has: a folder, or the file itself if it is the only one needed."""
    if os.path.isdir(source):
        path = source / archive.name
    elif only:
        path = source
    else:
        raise InputError(f"{source} is not a folder; several files are needed, so give the folder that holds them")
    if not os.path.isfile(path):
        raise InputError(f"{path} is not there; the file {archive.name} is needed")
    fault = fault_of(path, archive)
    if fault:
        raise InputError(f"{path} is not the expected file: {fault}")
    return path


def fetch(archive, folder):
    """The Path of archive in folder, downloaded unless a true copy is there already; progress goes to stderr.

    What has arrived is kept in NAME.part, so that a broken download is continued, here or by the next run.

    Raises
    ------
    InputError : no address gave a file that passes its checks (the sentence has a reason each), or writing failed.
    """
    target, part = folder / archive.name, folder / f"{archive.name}.part"
    if target.is_file() and fault_of(target, archive) is None:
        return target
    reasons = []
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(archive.name, total=archive.bytes)
        for url in archive.urls:
            try:
                _complete(part, archive, url, lambda done, total: progress.update(task, completed=done, total=total))
            except MirrorError as error:
                reasons.append(f"{url} ({error})")
                continue
            with writing(target):
                os.replace(part, target)
            return target
    raise InputError(f"{archive.name} could not be downloaded (give files you have with --from): {'; '.join(reasons)}")


def _complete(part, archive, url, report):
    """Bring part to a true copy of archive from url, continuing as long as every attempt brings it further.

    A complete file that fails its checks is removed; if it began with bytes of an earlier run, these may be to blame,
    and it is fetched once more from the start.
    """
    reached = _size(part)
    inherited = reached > 0
    while True:
        try:
            _transfer(url, part, archive.bytes, report)
        except MirrorError:
            if _size(part) <= reached:
                raise
            reached = _size(part)
            time.sleep(PAUSE)
            continue
        fault = fault_of(part, archive)
        if fault is None:
            return
        with writing(part):
            part.unlink()
        if not inherited:
            raise MirrorError(fault)
        inherited, reached = False, 0


def _size(path):
    return path.stat().st_size if path.is_file() else 0


def _transfer(url, part, expected, report):
    """Append to part what it lacks of url, or write it anew where the server cannot continue.

    expected is the number of bytes (None: unknown); a file that grows beyond it is left for the check to refuse.

    Raises
    ------
    MirrorError : the server refused, offers something else, or the connection broke; part keeps what has arrived.
    """
    start = _size(part)
    if expected is not None and start >= expected:
        return
    response = _open(url, start)
    if response is None:
        return
    with response:
        start, total = _offered(response, start)
        if None not in (expected, total) and total != expected:  # an error page, perhaps: what is there stays
            raise MirrorError(f"offers {total} bytes instead of {expected}")
        total, done = expected or total, start
        with writing(part), open(part, "ab" if start else "wb") as file:
            while (total is None or done <= total) and (chunk := _read(response)):
                file.write(chunk)
                done += len(chunk)
                report(done, total)
    if total is not None and done < total:
        raise MirrorError(f"the connection ended after {done} of {total} bytes")


def _open(url, start):
    """The response from byte start on; None if the server says that nothing follows."""
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        raise MirrorError(_reason(error)) from None
    except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
        raise MirrorError(_reason(error)) from None


def _offered(response, start):
    """Where the response starts in the file, and the size of the whole file, None if it does not say."""
    if start and response.status == http.HTTPStatus.PARTIAL_CONTENT:
        span, _, total = response.headers.get("Content-Range", "").partition("/")
        if not span.startswith(f"bytes {start}-"):
            raise MirrorError(f"answers with {span or 'an unknown part'} when asked for bytes {start}-")
        return start, int(total) if total.isdecimal() else None
    return 0, response.length  # the Content-Length; the server sends everything


def _read(response):
    """The next bytes; apart from writing, so that a broken connection is not taken for a full disk."""
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise MirrorError(_reason(error)) from None


def _reason(error):
    """What a network error says, without urllib's wrapping."""
    return str(error).removeprefix("<urlopen error ").removesuffix(">") or type(error).__name__


def fault_of(path, archive):
    """What is wrong with the file at path as a copy of archive, a str; None if its size and checksums are right."""
    with reading(path), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if archive.bytes is not None and size != archive.bytes:
            return f"{size} bytes instead of {archive.bytes}"
        for kind in ("sha256", "md5"):
            wanted = getattr(archive, kind)
            file.seek(0)
            if wanted and (found := hashlib.file_digest(file, kind).hexdigest()) != wanted:
                return f"{kind} {found} instead of {wanted}"
    return None


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


def square_image(content, name, side):
    """The uint8 array (side, side, 3) of an image file (bytes): centre square crop, then average over boxes.

    Raises
    ------
    InputError : Pillow is missing, or cannot read the image, which name is for.
    """
    pillow = optional("PIL.Image")
    try:
        with pillow.open(io.BytesIO(content)) as image:
            image = image.convert("RGB")  # a few are grey or CMYK
    except Exception as error:  # damaged bytes surface as nearly any exception of Pillow's decoders
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{name} is not an image that can be read: {reason}") from None
    edge = min(image.size)
    left, top = ((extent - edge) // 2 for extent in image.size)
    box = (left, top, left + edge, top + edge)
    return np.asarray(image.resize((side, side), pillow.Resampling.BOX, box))


def watched(iterable, what, total):
    """Iterate with a progress bar on stderr."""
    return track(iterable, what, total, console=Console(stderr=True))


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
    print(f"wrote {' and '.join(files)} to {out}")
