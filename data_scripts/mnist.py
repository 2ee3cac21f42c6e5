"""Bring MNIST: download the four original files (or take them from a folder), check them, convert to .npz."""

import gzip
import hashlib
import os
import sys
import zlib

import numpy as np
from common import InputError, announce, parser, publish, reading, run, work_folder
from download import Archive, fault_of, obtain

TITLE = "MNIST, handwritten digits 28x28, 60,000 training and 10,000 test images; http://yann.lecun.com/exdb/mnist/"
LICENCE = "none stated by the authors; commonly listed as CC BY-SA 3.0"
CITATION = (
    'LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", '
    "Proc. IEEE 86(11), 1998; the database is by LeCun, Cortes and Burges"
)

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)


def _archive(name, size, sha256):
    return Archive(name, tuple(mirror + name for mirror in MIRRORS), size, sha256)


# Result file and array: where it comes from, the md5 of what is inside, and its shape. bytes and sha256 as pinned by
# TensorFlow Datasets.
FILES = {
    ("train.npz", "x"): (
        _archive("train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        "6bbc9ace898e44ae57da46a324031adb",
        (60000, 28, 28),
    ),
    ("train.npz", "y"): (
        _archive("train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        "a25bea736e30d166cdddb491f175f624",
        (60000,),
    ),
    ("test.npz", "x"): (
        _archive("t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        "2646ac647ad5339dbf082846283269ea",
        (10000, 28, 28),
    ),
    ("test.npz", "y"): (
        _archive("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        "27ae3e4e09519cfbb04c329615203637",
        (10000,),
    ),
}


def unpacked(folder, archive, md5):
    """The content of archive, bytes: from the .gz file in folder, else from the file already decompressed there.

    Raises
    ------
    InputError : neither is there, a size or checksum is wrong, or the gzip stream is damaged.
    """
    packed = folder / archive.name
    plain = packed.with_suffix("")
    if os.path.isfile(packed):
        fault = fault_of(packed, archive)
        if fault:
            raise InputError(f"{packed} is not the expected file: {fault}")
        path, content = packed, _gunzip(packed)
    elif os.path.isfile(plain):
        with reading(plain):
            path, content = plain, plain.read_bytes()
    else:
        raise InputError(f"{folder} has neither {packed.name} nor {plain.name}; one of them is needed")
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if digest != md5:
        raise InputError(f"{path} does not have the expected content: md5 {digest} instead of {md5}")
    return content


def _gunzip(path):
    try:
        return gzip.decompress(path.read_bytes())
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} is not a complete gzip file: {error}") from None


def parse_idx(content, shape, name):
    """The uint8 array of an idx file (bytes) of the given shape; name is for the sentence.

    Raises
    ------
    InputError : the magic number, a dimension or the number of values is not what the shape demands.
    """
    magic = bytes((0, 0, 8, len(shape)))  # 8: unsigned byte
    start = 4 + 4 * len(shape)
    if content[:4] != magic or len(content) < start:
        raise InputError(
            f"{name} starts with {content[:4].hex()}; an idx file of {len(shape)} dimensions starts with {magic.hex()}"
        )
    found = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    if found != shape:
        raise InputError(f"{name} announces the shape {found}; {shape} is needed")
    values = np.frombuffer(content, np.uint8, offset=start)
    if values.size != np.prod(shape):
        raise InputError(f"{name} holds {values.size} values; {np.prod(shape)} are needed")
    return values.reshape(shape)


def convert(folder, files):
    """{file name: {array name: array}} in mcuref's layout: x uint8 (N, 28, 28, 1), y uint8, class_names."""
    result = {}
    for (file_name, array_name), (archive, md5, shape) in files.items():
        array = parse_idx(unpacked(folder, archive, md5), shape, archive.name)
        result.setdefault(file_name, {})[array_name] = array if array_name == "y" else array[..., np.newaxis]
    for arrays in result.values():
        arrays["class_names"] = np.array([str(digit) for digit in range(10)])
    return result


def main(arguments=None, files=FILES):
    """The command; files is an argument so that its tests need no network."""
    options = parser(__doc__, "mnist").parse_args(arguments)
    archives = [archive for archive, _, _ in files.values()]
    announce(TITLE, archives, LICENCE, CITATION)
    with work_folder(options.out) as work:
        folder = options.source  # may hold decompressed files, which obtain does not know
        if folder is None:
            folder = obtain(archives, None, options.out)[archives[0].name].parent
        publish(convert(folder, files), work, options.out, "mnist")


if __name__ == "__main__":
    sys.exit(run(main))
