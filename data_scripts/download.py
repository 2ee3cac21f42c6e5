"""Downloads: fetch with resume, from several addresses, or take what the user has; check sizes and checksums."""

import hashlib
import http
import http.client
import os
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from common import InputError, reading, writing
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

CHUNK = 1 << 16
TIMEOUT = 30  # seconds without a byte before a connection counts as broken
PAUSE = 1.0  # seconds before a broken connection is continued


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
