"""Bring MNIST: download the four original files (or take them from a folder), check them, convert to .npz."""

import argparse
import sys
from pathlib import Path

import numpy as np
from common import InputError, Remote, download, publish, run, unpacked, work_folder

from mcuref.datasets.registry import data_folder

ABOUT = """\
MNIST, handwritten digits 28x28, 60,000 training and 10,000 test images; download 11.6 MB.
Y. LeCun, C. Cortes, C. J. C. Burges, http://yann.lecun.com/exdb/mnist/ ; cite LeCun, Bottou, Bengio, Haffner,
"Gradient-based learning applied to document recognition", Proc. IEEE 86(11), 1998.
Licence: none stated by the authors; commonly listed as CC BY-SA 3.0."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)

# Result file and array: where it comes from, and its shape. bytes and sha256 as pinned by TensorFlow Datasets.
FILES = {
    ("train.npz", "x"): (
        Remote(
            "train-images-idx3-ubyte.gz",
            9912422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "6bbc9ace898e44ae57da46a324031adb",
        ),
        (60000, 28, 28),
    ),
    ("train.npz", "y"): (
        Remote(
            "train-labels-idx1-ubyte.gz",
            28881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "a25bea736e30d166cdddb491f175f624",
        ),
        (60000,),
    ),
    ("test.npz", "x"): (
        Remote(
            "t10k-images-idx3-ubyte.gz",
            1648877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "2646ac647ad5339dbf082846283269ea",
        ),
        (10000, 28, 28),
    ),
    ("test.npz", "y"): (
        Remote(
            "t10k-labels-idx1-ubyte.gz",
            4542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "27ae3e4e09519cfbb04c329615203637",
        ),
        (10000,),
    ),
}


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
    for (file_name, array_name), (remote, shape) in files.items():
        array = parse_idx(unpacked(folder, remote), shape, remote.name)
        result.setdefault(file_name, {})[array_name] = array if array_name == "y" else array[..., np.newaxis]
    for arrays in result.values():
        arrays["class_names"] = np.array([str(digit) for digit in range(10)])
    return result


def main(arguments=None, files=FILES, mirrors=MIRRORS):
    """The command; files and mirrors are arguments so that its tests need no network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FOLDER",
        help="take the four files (.gz or decompressed) from this folder instead of the network",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where train.npz and test.npz go (default: mnist in the data folder of mcuref)",
    )
    options = parser.parse_args(arguments)
    out = options.out or data_folder() / "mnist"
    print(ABOUT)
    with work_folder(out) as work:
        if options.source is None:
            download([remote for remote, _ in files.values()], mirrors, work)
        publish(convert(options.source or work, files), work, out)
    print(f"wrote train.npz and test.npz to {out}")


if __name__ == "__main__":
    sys.exit(run(main))
