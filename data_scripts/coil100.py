"""Bring COIL-100: download the original archive (or take it from --from), check it, reduce to 32x32, convert to .npz.

Of the 72 views of each object the 36 at multiples of 10 degrees; those at 20, 50, 80, ... degrees become test.npz. Needs
Pillow. With --subset it is the views that our figures are of, but for the pixels of object 1: those were reduced
before, by a method that is not known. Others may differ by 1: how their means were rounded is not recorded either.
"""

import re
import sys

import numpy as np
from archives import members
from common import InputError, announce, parser, publish, run, watched, work_folder
from download import Archive, obtain
from images import box_average, optional

TITLE = (
    "COIL-100, 7,200 images of 100 objects on a turntable, here every other one, reduced to 32x32; "
    "https://www.cs.columbia.edu/CAVE/software/softlib/coil-100.php"
)
LICENCE = "non-commercial research"
CITATION = (
    'S. A. Nene, S. K. Nayar, H. Murase, "Columbia Object Image Library (COIL-100)", Technical Report CUCS-006-96, '
    "Columbia University, 1996"
)

ARCHIVE = Archive(
    "coil-100.zip",
    (
        "https://www.cs.columbia.edu/CAVE/databases/SLAM_coil-20_coil-100/coil-100/coil-100.zip",
        "https://cave.cs.columbia.edu/old/databases/SLAM_coil-20_coil-100/coil-100/coil-100.zip",
    ),
    130688843,
    sha256="fcb4b8b01c0778f416d8d7a09f45082c4f7075cc74743dcddd5c44307bd4afe7",
)
OBJECTS = 100
NAME = re.compile(r"(?:^|/)obj(\d{1,3})__(\d{1,3})\.png$")  # object, angle in degrees
SIDE_LENGTH, FACTOR = 32, 4
SESSION = 45  # degrees: views of neighbouring angles
ABSENT = {  # of the subset: (angle, object)
    (30, 11), (50, 28), (60, 15), (120, 22), (150, 28), (150, 31), (160, 1), (180, 1), (190, 22), (200, 30), (210, 25),
    (230, 27), (250, 25), (280, 16), (280, 20), (310, 29),
}  # fmt: skip
SUBSET = "without 16 of the views, which our figures are without"


def convert(path, absent=frozenset()):
    """{file name: {array name: array}}: x uint8 (N, 32, 32, 3) by angle and object, y the object from 0 on, angle, session.

    absent has the (angle, object) that are left out.

    Raises
    ------
    InputError : the archive or an image is damaged, or a side has no images.
    """
    views = {}
    for name, read in watched(members(path), "reducing images", OBJECTS * 72):
        if not (match := NAME.search(name)):
            continue
        number, angle = map(int, match.groups())
        if not 1 <= number <= OBJECTS or angle >= 360:
            raise InputError(f"{path} has an image {name}; objects from 1 to {OBJECTS} and angles below 360 are needed")
        if angle % 10 == 0 and (angle, number) not in absent:
            views[angle, number] = box_average(read(), f"{name} in {path}", SIDE_LENGTH, FACTOR)
    tested = [view for view in sorted(views) if view[0] % 30 == 20]
    sides = {"train.npz": [view for view in sorted(views) if view not in tested], "test.npz": tested}
    return {side: _side(path, side, views, chosen) for side, chosen in sides.items()}


def _side(path, side, views, chosen):
    if not chosen:
        raise InputError(f"{path} has no images for {side}; it is not the expected archive")
    angles, objects = np.array(chosen).T
    return {
        "x": np.stack([views[view] for view in chosen]),
        "y": (objects - 1).astype(np.uint8),
        "angle": angles.astype(np.uint16),
        "session": (angles // SESSION).astype(np.uint8),
        "class_names": np.array([f"obj{i}" for i in range(1, OBJECTS + 1)]),
    }


def main(arguments=None, archive=ARCHIVE):
    """The command; archive is an argument so that its tests need no network."""
    options = parser(__doc__, "coil100_32", SUBSET).parse_args(arguments)
    announce(TITLE, [archive], LICENCE, CITATION)
    optional("PIL.Image")  # before the download
    with work_folder(options.out) as work:
        path = obtain([archive], options.source, options.out)[archive.name]
        files = convert(path, ABSENT if options.subset else ())
        publish(files, work, options.out, "coil100_32" if options.subset else None)


if __name__ == "__main__":
    sys.exit(run(main))
