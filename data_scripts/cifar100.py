"""Bring CIFAR-100: download the original binary archive (or take it from --from), check it, convert to .npz.

Only cifar-100-binary.tar.gz is read: the archives for Python and Matlab hold the same images, but as pickles.
With --subset it is the 8,000 images that our figures are of, array for array; their two sides are not the official ones.
"""

import hashlib
import sys
from collections import Counter

import numpy as np
from archives import contents
from cifar10 import CITATION, LICENCE, checked_labels, names_of, records
from common import announce, by_turns, parser, publish, run, work_folder
from download import Archive, obtain

TITLE = "CIFAR-100, 32x32 colour images, 50,000 training and 10,000 test; https://www.cs.toronto.edu/~kriz/cifar.html"

ARCHIVE = Archive(
    "cifar-100-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
    168513733,
    sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
)
PARTS = {"train.npz": "train.bin", "test.npz": "test.bin"}
FINE, COARSE = "fine_label_names.txt", "coarse_label_names.txt"
OF_SUBSET = {"train.npz": 60, "test.npz": 20}  # of each class
SUBSET = (
    "only 60 and 20 images of each class, from both official sides together: the first by SHA-256 of their pixels, without "
    "those that occur twice, the classes by turns"
)


def convert(path):
    """{file name: {array name: array}}: x uint8 (N, 32, 32, 3) in the original order, y, y_coarse, names of both."""
    found = contents(path, [FINE, COARSE, *PARTS.values()])
    result = {}
    for file_name, part in PARTS.items():
        labels, images = records(found[part], 2, part)  # coarse, then fine
        result[file_name] = {
            "x": images,
            "y": checked_labels(labels[:, 1], 100, part),
            "y_coarse": checked_labels(labels[:, 0], 20, part),
            "class_names": names_of(found[FINE], 100, FINE),
            "coarse_names": names_of(found[COARSE], 20, COARSE),
        }
    return result


def subset(files):
    """Of what convert returns, the images that our figures are of."""
    sides = list(files.values())
    x, y, y_coarse = (np.concatenate([arrays[name] for arrays in sides]) for name in ("x", "y", "y_coarse"))
    digests = [hashlib.sha256(image.tobytes()).digest() for image in x]
    times = Counter(digests)
    single = [i for i in sorted(range(len(x)), key=digests.__getitem__) if times[digests[i]] == 1]
    of_class = [[i for i in single if y[i] == label] for label in range(100)]
    result, first = {}, 0
    for file_name, count in OF_SUBSET.items():
        chosen = by_turns([numbers[first : first + count] for numbers in of_class])
        result[file_name] = {"x": x[chosen], "y": y[chosen], "y_coarse": y_coarse[chosen]}
        result[file_name] |= {name: sides[0][name] for name in ("class_names", "coarse_names")}
        first += count
    return result


def main(arguments=None, archive=ARCHIVE):
    """The command; archive is an argument so that its tests need no network."""
    options = parser(__doc__, "cifar100", SUBSET).parse_args(arguments)
    announce(TITLE, [archive], LICENCE, CITATION)
    with work_folder(options.out) as work:
        path = obtain([archive], options.source, options.out)[archive.name]
        files, measured = convert(path), "cifar100" if options.subset else None
        publish(subset(files) if options.subset else files, work, options.out, measured)


if __name__ == "__main__":
    sys.exit(run(main))
