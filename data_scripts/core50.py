"""Bring CORe50: download the original archive of 128x128 images, check it, reduce to 32x32, convert to .npz.

Sessions 3, 7 and 10 become test.npz, the other eight train.npz, as in the data set's own protocol. The archive is never
unpacked on disk. Needs Pillow, and about 1 GB of memory. With --subset it is core50_tiny instead, 90 images of 64x64, whose
values may differ by 1 from those that mcuref's tests use: how their means were rounded is not recorded.
"""

import re
import sys

import numpy as np
from archives import members
from common import InputError, announce, listed, parser, publish, run, watched, work_folder
from download import Archive, obtain
from images import box_average, optional, square_image

from mcuref.datasets.registry import data_folder

TITLE = (
    "CORe50, 164,866 images of 50 hand-held objects in 11 sessions, here reduced to 32x32; "
    "https://vlomonaco.github.io/core50/"
)
LICENCE = "CC BY 4.0"
CITATION = 'V. Lomonaco, D. Maltoni, "CORe50: a New Dataset and Benchmark for Continuous Object Recognition", CoRL 2017'

ARCHIVE = Archive(
    "core50_128x128.zip",
    ("http://bias.csr.unibo.it/maltoni/download/core50/core50_128x128.zip",),
    5892103007,
    md5="745f3373fed08d69343f1058ee559e13",
)
TEST_SESSIONS = (3, 7, 10)
OBJECTS = 50  # five of each class, in the order of the classes
CLASS_NAMES = """
plug_adapter mobile_phone scissors light_bulb can glasses ball marker cup remote_control
""".split()
NAME = re.compile(r"(?:^|/)C_(\d\d)_(\d\d)_(\d{3})\.png$")  # session, object, frame
SIDE_LENGTH = 32
SIDE_LENGTH_OF_SUBSET = 64
SUBSET = "only 90 images (subsets/core50-tiny.txt), for the folder core50_tiny"


def placed(path, wanted=None):
    """{member name: (session, object, frame)} of the images in path, those wanted or all (None), in this order.

    Raises
    ------
    InputError : the archive is damaged, or an object has a number that it cannot have.
    """
    found = {}
    for name, _ in members(path):
        if match := NAME.search(name):
            found[name] = tuple(map(int, match.groups()))
            if not 1 <= found[name][1] <= OBJECTS:
                raise InputError(f"{path} has an image {name}; the second number is an object from 1 to {OBJECTS}")
    kept = {name: place for name, place in found.items() if wanted is None or place in wanted}
    return dict(sorted(kept.items(), key=lambda item: (item[1], item[0])))


def convert(path, subset=False):
    """{file name: {array name: array}}: x uint8 (N, 32, 32, 3) by session, object and frame, these, and y the class.

    With subset only the images of core50_tiny, and those (64, 64, 3).

    Raises
    ------
    InputError : the archive or an image is damaged, or a side has no images.
    """
    images = placed(path, _subset() if subset else None)
    length = SIDE_LENGTH_OF_SUBSET if subset else SIDE_LENGTH
    result, place = {}, {}
    for side in ("train.npz", "test.npz"):
        names = [name for name in images if (images[name][0] in TEST_SESSIONS) == (side == "test.npz")]
        if not names:
            raise InputError(f"{path} has no images for {side}; it is not the expected archive")
        sessions, objects, frames = np.array([images[name] for name in names]).T
        result[side] = {
            "x": np.empty((len(names), length, length, 3), np.uint8),
            "y": ((objects - 1) // (OBJECTS // len(CLASS_NAMES))).astype(np.uint8),
            "object": objects.astype(np.uint8),
            "session": sessions.astype(np.uint8),
            "frame": frames.astype(np.uint16),
            "class_names": np.array(CLASS_NAMES),
        }
        place.update({name: result[side]["x"][i] for i, name in enumerate(names)})
    for name, read in watched(members(path), "reducing images", len(images)):
        if name in place:
            where = f"{name} in {path}"
            place[name][:] = box_average(read(), where, length, 2) if subset else square_image(read(), where, length)
    return result


def _subset():
    """(session, object, frame) of the images of core50_tiny, a set."""
    return {(*map(int, what.split()), frame) for what, frames in listed("core50-tiny").items() for frame in frames}


def main(arguments=None, archive=ARCHIVE):
    """The command; archive is an argument so that its tests need no network."""
    command = parser(__doc__, "core50_32", SUBSET)
    command.set_defaults(out=None)
    options = command.parse_args(arguments)
    out = options.out or data_folder() / ("core50_tiny" if options.subset else "core50_32")
    announce(TITLE, [archive], LICENCE, CITATION)
    optional("PIL.Image")  # before the download
    with work_folder(out) as work:
        path = obtain([archive], options.source, out)[archive.name]
        publish(convert(path, options.subset), work, out, "core50_tiny" if options.subset else None)


if __name__ == "__main__":
    sys.exit(run(main))
