"""What every data script begins and ends with: arguments, announcement, work folder; publish without half a file.

A script is `run(main)`; main raises InputError for anything that a person can put right.
"""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

# A script run from a checkout finds this package even when mcuref is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mcuref.datasets.registry import data_folder  # noqa: E402
from mcuref.errors import InputError, McurefError  # noqa: E402
from mcuref.text import one_line  # noqa: E402


def run(main):
    """Exit status of main(): 0, 2 after printing the sentence of a deliberate error, 130 after Ctrl-C."""
    try:
        main()
    except McurefError as error:
        print(one_line(error), file=sys.stderr)  # names in an archive are anybody's
        return 2
    except KeyboardInterrupt:
        print("stopped; no result was written, and a download will be continued next time", file=sys.stderr)
        return 130
    return 0


def parser(description, name, subset=None):
    """The parser of a script's command line.

    Parameters
    ----------
    name : str, the data set's folder in the data folder of mcuref.
    subset : str, what --subset says of itself; None: there is no such option.
    """
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
    if subset:
        result.add_argument("--subset", action="store_true", help=subset)
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


def watched(iterable, what, total):
    """Iterate with a progress bar on stderr."""
    return track(iterable, what, total, console=Console(stderr=True))


def lists(name):
    """{what a line begins with: words} of subsets/NAME.txt, whose lines are "what: words", or go on with spaces."""
    text = (Path(__file__).parent / "subsets" / f"{name}.txt").read_text(encoding="ascii")
    lines = text.replace("\n    ", " ").splitlines()
    pairs = (line.split(": ") for line in lines if not line.startswith("#"))
    return {what: words.split() for what, words in pairs}


def listed(name):
    """{what a line begins with: tuple of int} of subsets/NAME.txt, whose words are numbers, or spans of them as 5-7."""
    return {what: tuple(n for part in parts for n in _span(part)) for what, parts in lists(name).items()}


def _span(part):
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)


def by_turns(groups):
    """The members of groups, lists of any lengths: the first of each, then the second of each, and so on."""
    absent = object()
    return [member for turn in zip_longest(*groups, fillvalue=absent) for member in turn if member is not absent]


def digest(arrays):
    """SHA-256 of x and y of one file: types, shapes and values, whatever a version of zip makes of them."""
    total = hashlib.sha256()
    for name in ("x", "y"):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return total.hexdigest()


def publish(files, work, out, measured=None):
    """Write each .npz of files, {file name: {array name: array}}, into work, then rename all of them into out.

    measured : str, the data set as it is listed in subsets/sums.txt, if its arrays are to be those that figures are of;
        whether they are is said at the end.
    """
    for name, arrays in files.items():
        with writing(out / name):
            if (out / name).is_dir():
                raise IsADirectoryError(None, "a folder of that name is in the way")
            np.savez_compressed(work / name, **arrays)
    for name in files:  # only now: until everything is complete, nothing old is replaced
        with writing(out / name):
            os.replace(work / name, out / name)
    print(f"wrote {' and '.join(files)} to {one_line(out)}")
    if measured:
        sums = lists("sums")
        same = all([digest(arrays)] == sums[f"{measured} {name}"] for name, arrays in files.items())
        print(f"these are {'' if same else 'not quite '}the arrays that our figures were measured on")
