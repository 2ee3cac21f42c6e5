"""Data that is no data: train.npz and test.npz of a user's folder or of a named set, damaged in every way, to commands.

Arrays of wrong types, shapes, lengths and values, objects, labels beyond reason; archives that are cut off, have flipped
bits, lie about sizes, hold members twice, encrypted, by other methods or with names that steer a terminal; pipes, folders,
devices and links in the place of files. A few cases are right, or wrong in what nobody reads.
"""

import contextlib
import io
import os
import socket
import struct
import sys
import warnings
import zipfile

import numpy as np
from harness import attack

COMMANDS = (
    *(("estimate", "--data", "DATA"),) * 6,
    ("compare", "--data", "DATA", "--epochs", "1", "--samples", "20", "--method", "full"),
    ("compare", "--data", "DATA", "--epochs", "1", "--method", "topk", "--target", "none", "--evaluate", "validation"),
    ("train", "--data", "DATA", "--epochs", "1", "--out", "run", "--target", "none"),
    ("incremental", "--data", "DATA", "--tasks", "2", "--steps", "40", "--embeddings", "1", "--target", "none"),
    ("datasets",),
)
SHAPES = ((4,), (3,), (8, 8, 1), (6, 2), (1,), (300,))
DTYPES = ("uint8", "int8", "int16", "float32", "float64", "int64")
ODD = (
    "object", "U3", "S3", "U0", "V4", "M8[s]", "m8[s]", "complex64", "bool", "float16", "longdouble", "uint64", "int32",
    ">i2", "i4,f4",
)  # fmt: skip
VALUES = (np.nan, np.inf, -np.inf, -1, 0, 1, 2**31, -(2**40), 1e39, 0.5, 255, 65535, 65536, 2**63, 3e-45)
NAMES = ("x", "y", "class_names", "mean", "scale")
TEXTS = ("\x1b[31mred", "two\nlines", "$5_$10", "", "\ud800", "a" * 5000, "ä", "\x00", "\u202e", "[red]", "1")
WORDS = (
    "mnits", "", "~", "no/where", "digits/", "\x1b[31m", "a\x9b/b", "two\nlines/", "\udcff/x", "é", "/dev/zero",
    "/proc/self", "x" * 5000,
)  # fmt: skip


def case(numbers, folder):
    """(arguments, bytes that they read) of one case."""
    registered = numbers.random() < 0.4
    name = numbers.choice(sorted(CATALOGUE)) if registered else numbers.choice(("mine", "mine", "a b", "[red]", "ä$5_$10"))
    place = folder / "data" / name if registered else folder / name
    os.environ["MCUREF_DATA"] = str(folder / "data")
    place.mkdir(parents=True)
    sides = named_arrays(numbers, CATALOGUE[name]) if registered else own_arrays(numbers)
    for _ in range(numbers.choice((0, 0, 1, 1, 1, 2))):
        spoil_array(numbers, numbers.choice(sides))
    for side, arrays in zip(("train.npz", "test.npz"), sides, strict=True):
        save = np.savez if numbers.random() < 0.5 else np.savez_compressed
        save(place / side, **arrays)
    if numbers.random() < 0.5:
        fault = zeros if numbers.random() < 0.01 else numbers.choice(FILE_FAULTS)
        fault(numbers, place / numbers.choice(("train.npz", "test.npz")))
    if not registered and numbers.random() < 0.03:
        numbers.choice(PLACE_FAULTS)(numbers, place)
    data = numbers.choice(WORDS) if numbers.random() < 0.04 else name if registered else f"{name}/"
    return [data if word == "DATA" else word for word in numbers.choice(COMMANDS)], sizes(place)


def own_arrays(numbers):
    """[training, test arrays] of a user's folder: three classes that can be told apart."""
    random, shape, dtype = np.random.default_rng(numbers.randrange(2**32)), numbers.choice(SHAPES), numbers.choice(DTYPES)
    y = np.arange(99) % 3
    x = (random.uniform(0, 20, (99, *shape)) + 30 * y.reshape(-1, *[1] * len(shape))).astype(dtype)
    sides = [{"x": x[:90], "y": y[:90]}, {"x": x[90:], "y": y[90:]}]
    if numbers.random() < 0.3:
        sides[0] |= {"class_names": np.array(["a", "b", "c"])}
    if numbers.random() < 0.2:
        sides[0] |= {"mean": np.zeros(1), "scale": np.ones(1)}
    return sides


def named_arrays(numbers, entry):
    """[training, test arrays] in the layout of a named data set."""
    shape, dtype = entry.stored or (entry.shape, entry.dtype)
    random, result = np.random.default_rng(numbers.randrange(2**32)), []
    for count in (60, 9):
        x = random.integers(0, 100, (count, *shape)).astype(dtype)
        y = np.arange(count) % 2 if entry.kind == "anomaly" else np.arange(count) % 3
        further = {
            "session": np.arange(count) % 3,
            "subject": np.arange(count) % 4,
            "scale_log2": np.full(9, 14, np.int8),
            "speaker": np.arange(count, dtype=np.uint16) % 5,
            "validation": (np.arange(count) % 4 == 1).astype(np.uint8),
            "scale": np.float32(SCALE),
            "zero_point": np.int8(ZERO_POINT),
            "machine_id": np.ones(count, np.uint8),
        }
        result.append({entry.x: x, "y": y, **{name: further[name] for name in entry.arrays}})
    return result


def spoil_array(numbers, arrays):
    """Change, add or remove an array."""
    name = numbers.choice((*arrays, *NAMES))
    array = arrays.get(name, np.arange(3))
    how = numbers.randrange(9)
    if how == 0:
        arrays.pop(name, None)
    elif how == 1:
        arrays[name] = converted(array, numbers.choice(ODD))
    elif how == 2:
        arrays[name] = np.zeros(numbers.choice(((), (0,), (3, 0), (1,) * 20, (2, 3), (100_000,), (0, 2**40))))
    elif how == 3 and array.size:
        array = converted(array, numbers.choice(("float64", "float32", "int64")))
        array.flat[numbers.randrange(array.size)] = converted(np.array(numbers.choice(VALUES)), array.dtype)
        arrays[name] = array
    elif how == 4:
        arrays[name] = array[: numbers.randrange(3)] if array.ndim else array[None]
    elif how == 5:
        arrays["class_names"] = np.array([numbers.choice(TEXTS) for _ in range(numbers.choice((1, 2, 3, 4)))])
    elif how == 6:
        arrays[name] = np.asfortranarray(array[..., None] if numbers.random() < 0.5 else array)
    elif how == 7:
        arrays["y"] = numbers.choice((np.arange(90), np.arange(90) % 3 + 1, np.full(90, 65535), np.full(60, 7), np.zeros(9)))
    else:
        arrays[numbers.choice(("y.npy", "a\x1b[31m", "b\nb", "ä", "../x", "x.npy.npy"))] = array


def converted(array, dtype):
    """The array as another type, whatever becomes of its values."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return array.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        return np.zeros(array.shape, dtype)


def cut(numbers, path):
    content = path.read_bytes()
    path.write_bytes(content[: numbers.randrange(len(content))])


def flip(numbers, path):
    content = bytearray(path.read_bytes())
    for _ in range(numbers.choice((1, 1, 2, 8, 100))):
        content[numbers.randrange(len(content))] ^= 1 << numbers.randrange(8)
    path.write_bytes(content)


def flip_directory(numbers, path):
    """Flip bits where the archive's list of members is, or in the header of a member or array."""
    content = bytearray(path.read_bytes())
    starts = [content.find(mark) for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"\x93NUMPY", b"shape", b"descr")]
    start = numbers.choice([start for start in starts if start >= 0])
    for _ in range(numbers.choice((1, 2, 3))):
        content[min(start + numbers.randrange(60), len(content) - 1)] ^= 1 << numbers.randrange(8)
    path.write_bytes(content)


def insert(numbers, path):
    content = path.read_bytes()
    at = numbers.randrange(len(content))
    path.write_bytes(content[:at] + numbers.randbytes(numbers.choice((1, 10, 70_000))) + content[at:])


def junk(numbers, path):
    contents = b"", b"PK", b"PK\5\6" + bytes(18), numbers.randbytes(3000), b"\x93NUMPY\1\0", b"\x80\4."
    path.write_bytes(numbers.choice(contents))


def huge(numbers, path):
    """A member whose headers declare far more than it holds."""
    shape = numbers.choice(((2**31,), (2**55,), (2**20, 2**20), (10**30,), (200 << 20,), (-5,), (2**62, 0), ()))
    descr = numbers.choice(("<f4", "|u1", "<U0", "<U1000000000", "|O", [("a", "<f4")] * 3, "nonsense"))
    header = repr({"descr": descr, "fortran_order": numbers.random() < 0.3, "shape": shape}).encode() + b"\n"
    version = numbers.choice((1, 1, 2, 3, 9))
    length = struct.pack("<H" if version == 1 else "<I", numbers.choice((len(header), 9999, 65535)))
    member(path, numbers.choice(("x.npy", "y.npy")), b"\x93NUMPY" + bytes((version, 0)) + length + header + bytes(100))


def deep_header(numbers, path):
    """A header that is no dictionary of plain values."""
    texts = b"(" * 9000, b"[" * 60_000, b"{'descr': __import__('os')}", b"9" * 9000, b"-" * 9999, bytes(500)
    text = numbers.choice(texts)
    member(path, "x.npy", b"\x93NUMPY\2\0" + struct.pack("<I", len(text)) + text)


def member(path, name, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)


def declare(numbers, path):
    """Another size of a member in the archive's list."""
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\1\2") + numbers.choice((20, 24, 42))
    content[at : at + 4] = struct.pack("<I", numbers.choice((0, 1, 1 << 30, (1 << 32) - 1, len(content))))
    path.write_bytes(content)


def repack(numbers, path):
    """The same members by another method, twice, encrypted in name, or with further members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    method = numbers.choice((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            shown = numbers.choice((name, name, name, name.removesuffix(".npy"), f"{name}\x1b]0;t\7"))
            archive.writestr(shown, content)
        for i in range(numbers.choice((0, 1, 50, 3000))):
            archive.writestr(f"{i}\x9b{i}.npy", b"")
        if members and numbers.random() < 0.3:
            twice = next(iter(members))
            with warnings.catch_warnings(action="ignore"):
                archive.writestr(numbers.choice((twice, twice.removesuffix(".npy"))), members[twice])
    content = bytearray(packed.getvalue())
    if numbers.random() < 0.3:
        for mark, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
            content[content.find(mark) + offset] |= numbers.choice((1, 8, 32, 64))
    if numbers.random() < 0.2:
        content = content.replace(b"x.npy", b"\xff\xfe.np"[: len(b"x.npy")])
    path.write_bytes(content)


def zeros(numbers, path):
    """A few kilobytes that inflate to megabytes, or to more than is allowed."""
    size = numbers.choice((1 << 20, 8 << 20, 300 << 20))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, shape in (("x", (size // 64, 64)), ("y", (size // 64,))):
            with archive.open(f"{name}.npy", "w") as writing:
                np.lib.format.write_array_header_1_0(writing, {"descr": "|u1", "fortran_order": False, "shape": shape})
                for first in range(0, shape[0] * (64 if name == "x" else 1), 1 << 20):
                    writing.write(bytes(min(1 << 20, shape[0] * (64 if name == "x" else 1) - first)))


def instead(numbers, path):
    """Something else in the place of the file."""
    path.unlink()
    what = numbers.randrange(7)
    if what == 0:
        os.mkfifo(path)
    elif what == 1:
        path.mkdir()
    elif what == 2:
        path.symlink_to(
            numbers.choice(("/dev/zero", "/dev/null", "/dev/tty", "nowhere", path.name, "\x1b[31m", "/proc/self/mem"))
        )
    elif what == 3:
        with socket.socket(socket.AF_UNIX) as listening:
            here = os.open(".", os.O_RDONLY)
            os.chdir(path.parent)  # the address of a socket is short
            listening.bind(path.name)
            os.fchdir(here), os.close(here)
    elif what == 4:
        path.with_name("real").write_bytes(b"junk")
        path.symlink_to("real")
    elif what == 5:
        path.with_name(path.name.upper()).touch()


def place_pipe(_, place):
    place.rename(place.with_name("other"))
    os.mkfifo(place)


def place_link(numbers, place):
    place.rename(place.with_name("other"))
    place.symlink_to(numbers.choice(("other", "nowhere", place.name, "/dev/zero")))


FILE_FAULTS = (
    cut, flip, flip, flip_directory, flip_directory, flip_directory, insert, junk, huge, huge, deep_header, declare, declare,
    repack, repack, repack, instead,
)  # fmt: skip
PLACE_FAULTS = (place_pipe, place_link)


def sizes(place):
    """Bytes of the ordinary files in a folder, and of the arrays in them that may be read."""
    total = 0
    for path in place.glob("*.npz") if place.is_dir() else ():
        if path.is_file():  # a pipe would be waited for
            total += path.stat().st_size
            with contextlib.suppress(Exception), zipfile.ZipFile(path) as archive:
                total += sum(info.file_size for info in archive.infolist() if info.file_size <= 8 << 20)
    return total


def prepare():
    """What the harness puts on the path."""
    global CATALOGUE, SCALE, ZERO_POINT
    from mcuref.datasets.catalogue import CATALOGUE
    from mcuref.datasets.semantics import SCALE, ZERO_POINT


def main(argv=None):
    """The command."""
    return attack(__doc__, case, 3000, prepare=prepare, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
