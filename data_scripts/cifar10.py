"""Bring CIFAR-10: download the original binary archive (or take it from --from), check it, convert to .npz.

Only cifar-10-binary.tar.gz is read: the archives for Python and Matlab hold the same images, but as pickles.
With --subset it is the 12,000 images that our figures are of, array for array.
"""

import sys

import numpy as np
from archives import contents
from common import InputError, announce, by_turns, listed, parser, publish, run, work_folder
from download import Archive, obtain

TITLE = "CIFAR-10, 32x32 colour images, 50,000 training and 10,000 test; https://www.cs.toronto.edu/~kriz/cifar.html"
LICENCE = "none stated by the author, who asks for the citation; drawn from the withdrawn 80 Million Tiny Images"
CITATION = 'A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009'

ARCHIVE = Archive(
    "cifar-10-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    170052171,
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
PARTS = {"train.npz": [f"data_batch_{i}.bin" for i in range(1, 6)], "test.npz": ["test_batch.bin"]}
NAMES = "batches.meta.txt"
IMAGE = (3, 32, 32)  # planes red, green, blue
OF_SUBSET = {"train.npz": 1000, "test.npz": 200}  # of each class
SUBSET = (
    "only the images that our figures are of: the first 1000 and 200 of each class but for 253 that were not at hand "
    "(subsets/cifar10-absent.txt), the classes by turns"
)


def records(content, labels, name):
    """(uint8 labels [n, labels], uint8 images [n, 32, 32, 3]) of a binary CIFAR file; name is for the sentence.

    Raises
    ------
    InputError : the bytes are not a whole number of records of `labels` label bytes and an image.
    """
    length = labels + int(np.prod(IMAGE))
    if not content or len(content) % length:
        raise InputError(f"{name} holds {len(content)} bytes; a multiple of {length} is needed")
    table = np.frombuffer(content, np.uint8).reshape(-1, length)
    return table[:, :labels], table[:, labels:].reshape(-1, *IMAGE).transpose(0, 2, 3, 1)


def names_of(content, count, name):
    """The class names, one a line, of a text file (bytes) of the archive; InputError unless there are count."""
    lines = [line.strip() for line in content.decode("ascii", "replace").splitlines() if line.strip()]
    if len(lines) != count:
        raise InputError(f"{name} holds {len(lines)} names; {count} are needed")
    return np.array(lines)


def checked_labels(labels, count, name):
    """labels, if all of them are below count; InputError otherwise."""
    if labels.max() >= count:
        raise InputError(f"{name} has the label {labels.max()}; there are {count} classes")
    return labels


def rank_in_class(y):
    """For each sample, how many of its class come before it, uint16 [n]."""
    ranks = np.empty(len(y), np.uint16)
    for label in np.unique(y):
        ranks[y == label] = np.arange(np.count_nonzero(y == label))
    return ranks


def convert(path):
    """{file name: {array name: array}}: x uint8 (N, 32, 32, 3) in the original order, y, index_in_class, names."""
    found = contents(path, [NAMES, *(name for parts in PARTS.values() for name in parts)])
    class_names = names_of(found[NAMES], 10, NAMES)
    result = {}
    for file_name, parts in PARTS.items():
        pairs = [records(found[name], 1, name) for name in parts]
        y = checked_labels(np.concatenate([labels[:, 0] for labels, _ in pairs]), 10, ARCHIVE.name)
        result[file_name] = {
            "x": np.concatenate([images for _, images in pairs]),
            "y": y,
            "index_in_class": rank_in_class(y),
            "class_names": class_names,
        }
    return result


def subset(files):
    """Of what convert returns, the images that our figures are of."""
    absent = listed("cifar10-absent")
    result = {}
    for file_name, arrays in files.items():
        y, rank = arrays["y"], arrays["index_in_class"]
        of_class = [np.flatnonzero((y == c) & ~np.isin(rank, absent.get(f"{file_name} {c}", ()))) for c in range(10)]
        chosen = by_turns([numbers[: OF_SUBSET[file_name]] for numbers in of_class])
        result[file_name] = {name: arrays[name][chosen] for name in ("x", "y", "index_in_class")}
        result[file_name]["class_names"] = arrays["class_names"]
    return result


def main(arguments=None, archive=ARCHIVE):
    """The command; archive is an argument so that its tests need no network."""
    options = parser(__doc__, "cifar10", SUBSET).parse_args(arguments)
    announce(TITLE, [archive], LICENCE, CITATION)
    with work_folder(options.out) as work:
        path = obtain([archive], options.source, options.out)[archive.name]
        files, measured = convert(path), "cifar10" if options.subset else None
        publish(subset(files) if options.subset else files, work, options.out, measured)


if __name__ == "__main__":
    sys.exit(run(main))
