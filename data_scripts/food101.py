"""Bring Food-101: download the original archive (or take it from --from), check it, reduce to 32x32, to .npz.

The archive is streamed once and never unpacked on disk. Needs Pillow, and about 1 GB of memory. With --subset it is the
2,323 images that our figures are of, but not their pixels: those come from copies that somebody had squeezed to 64x64 and
compressed again.
"""

import re
import sys

import numpy as np
from archives import members
from common import InputError, announce, by_turns, listed, parser, publish, run, watched, work_folder
from download import Archive, obtain
from images import optional, square_image

TITLE = (
    "Food-101, 75,750 training and 25,250 test images of 101 dishes, here reduced to 32x32; "
    "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/"
)
LICENCE = (
    "the images come from Foodspotting and do not belong to the authors; "
    "any use beyond scientific fair use must be negotiated with the owners of the pictures"
)
CITATION = (
    'L. Bossard, M. Guillaumin, L. Van Gool, "Food-101: Mining Discriminative Components with Random Forests", ECCV 2014'
)

ARCHIVE = Archive(
    "food-101.tar.gz",
    ("http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz",),
    4996278331,
    sha256="d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4",
)
LISTS = {"train.npz": "train.txt", "test.npz": "test.txt"}
CLASSES = "classes.txt"
SIDE_LENGTH = 32
TOTAL = 101000  # images, for the progress bar
SUBSET = "only 18 training and 5 test images of each class (subsets/food101.txt), the classes by turns"


def read_archive(path, wanted=None):
    """({"class/number": uint8 (32, 32, 3)}, {list name: its lines}); the lists may come after the images.

    wanted has the "class/number" of the images that are wanted; None: all.

    Raises
    ------
    InputError : the archive or an image is damaged, or a list is missing.
    """
    images, lists = {}, {}
    for name, read in watched(members(path), "reducing images", TOTAL):
        if match := re.search(r"(?:^|/)images/(\w+/\d+)\.jpg$", name):
            if wanted is None or match[1] in wanted:
                images[match[1]] = square_image(read(), f"{name} in {path}", SIDE_LENGTH)
        elif (match := re.search(r"(?:^|/)meta/(\w+\.txt)$", name)) and match[1] in (CLASSES, *LISTS.values()):
            lists[match[1]] = read().decode("ascii", "replace").split()
    for name in (CLASSES, *LISTS.values()):
        if not lists.get(name):
            raise InputError(f"{path} has no member meta/{name}, or it is empty; it is not the expected archive")
    return images, lists


def convert(path, subset=False):
    """{file name: {array name: array}}: x uint8 (N, 32, 32, 3) in the order of the official lists, y and more."""
    chosen = _subset() if subset else None
    images, lists = read_archive(path, chosen and {entry for entries in chosen.values() for entry in entries})
    lists |= chosen or {}
    label_of = {name: label for label, name in enumerate(lists[CLASSES])}
    return {file_name: _side(name, lists[name], images, label_of) for file_name, name in LISTS.items()}


def _subset():
    """{list name: its lines} of the images of the subset."""
    entries = {what: [f"{what.split()[1]}/{number}" for number in numbers] for what, numbers in listed("food101").items()}
    return {name: by_turns([e for what, e in entries.items() if what.startswith(side)]) for side, name in LISTS.items()}


def _side(list_name, entries, images, label_of):
    """The arrays of one side; its images are taken out of images."""
    x = np.empty((len(entries), SIDE_LENGTH, SIDE_LENGTH, 3), np.uint8)
    y = np.empty(len(entries), np.uint8)
    image_id = np.empty(len(entries), np.uint32)
    for i, entry in enumerate(entries):
        class_name, _, number = entry.partition("/")
        if class_name not in label_of or entry not in images:
            raise InputError(f"{list_name} lists {entry}, of which there is no image (left) or no class")
        x[i], y[i], image_id[i] = images.pop(entry), label_of[class_name], int(number)
    return {"x": x, "y": y, "image_id": image_id, "class_names": np.array(list(label_of))}


def main(arguments=None, archive=ARCHIVE):
    """The command; archive is an argument so that its tests need no network."""
    options = parser(__doc__, "food101_32", SUBSET).parse_args(arguments)
    announce(TITLE, [archive], LICENCE, CITATION)
    optional("PIL.Image")  # before the download
    with work_folder(options.out) as work:
        path = obtain([archive], options.source, options.out)[archive.name]
        publish(convert(path, options.subset), work, options.out, "food101_32" if options.subset else None)


if __name__ == "__main__":
    sys.exit(run(main))
