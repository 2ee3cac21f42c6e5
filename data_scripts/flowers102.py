"""Bring Oxford Flowers-102: download the originals (or take them from --from), check them, reduce to 32x32, to .npz.

The official training and validation sides (10 images of each class each) together become train.npz, the official test
side test.npz. With --subset it is the 1,780 images that our figures are of, if the copies that those were reduced from are
the originals: their checksums were not at hand. Needs Pillow and SciPy.
"""

import io
import re
import sys

import numpy as np
from archives import members
from common import InputError, announce, by_turns, listed, parser, publish, run, watched, work_folder
from download import Archive, obtain
from images import optional, square_image

TITLE = (
    "Oxford Flowers-102, 2,040 training and 6,149 test images, here reduced to 32x32; "
    "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
)
LICENCE = "none stated; the images were gathered from the web; research use with citation"
CITATION = 'M-E. Nilsback, A. Zisserman, "Automated flower classification over a large number of classes", ICVGIP 2008'

BASE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
IMAGES = Archive(
    "102flowers.tgz",
    (BASE + "102flowers.tgz",),
    344862509,
    sha256="2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
)
LABELS = Archive(
    "imagelabels.mat",
    (BASE + "imagelabels.mat",),
    502,
    sha256="4903e94206bac23bf772aadf06451916df56b58fc483a62db32a97b82656651d",
)
SPLIT = Archive(
    "setid.mat", (BASE + "setid.mat",), 14989, sha256="46b8678f91fd95d3c8f4feab80d271a6c834a1dd896fe29fd3e6ad9ce5c8dccd"
)
SIDES = {"train.npz": ("trnid", "valid"), "test.npz": ("tstid",)}
SIDE_LENGTH = 32
SUBSET = (
    "only 15 training and 5 test images of each of 89 classes (subsets/flowers102.txt), which are numbered anew, the "
    "classes by turns; these sides are not the official ones"
)

# The originals have numbers only; these are the names in general use, by label from 1 on.
CLASS_NAMES = """
pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon orchid,
bird of paradise, monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle, yellow iris,
globe-flower, purple coneflower, peruvian lily, balloon flower, giant white arum lily, fire lily, pincushion flower,
fritillary, red ginger, grape hyacinth, corn poppy, prince of wales feathers, stemless gentian, artichoke,
sweet william, carnation, garden phlox, love in the mist, mexican aster, alpine sea holly, ruby-lipped cattleya,
cape flower, great masterwort, siam tulip, lenten rose, barbeton daisy, daffodil, sword lily, poinsettia,
bolero deep blue, wallflower, marigold, buttercup, oxeye daisy, common dandelion, petunia, wild pansy, primula,
sunflower, pelargonium, bishop of llandaff, gaura, geranium, orange dahlia, pink-yellow dahlia, cautleya spicata,
japanese anemone, black-eyed susan, silverbush, californian poppy, osteospermum, spring crocus, bearded iris,
windflower, tree poppy, gazania, azalea, water lily, rose, thorn apple, morning glory, passion flower, lotus lotus,
toad lily, anthurium, frangipani, clematis, hibiscus, columbine, desert-rose, tree mallow, magnolia, cyclamen,
watercress, canna lily, hippeastrum, bee balm, ball moss, foxglove, bougainvillea, camellia, mallow, mexican petunia,
bromelia, blanket flower, trumpet creeper, blackberry lily
"""


def matrices(path, names):
    """{name: int64 array [n]} of the row vectors of a .mat file; InputError if it is damaged or lacks one."""
    scipy = optional("scipy.io")
    try:
        found = scipy.loadmat(io.BytesIO(path.read_bytes()))
        return {name: np.asarray(found[name]).ravel().astype(np.int64) for name in names}
    except Exception as error:  # damaged bytes surface as nearly any exception of SciPy's reader
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} is not a .mat file with {' and '.join(names)}: {reason}") from None


def images(path, numbers):
    """{number: uint8 (32, 32, 3)} of jpg/image_<number>.jpg of the archive; InputError if one is missing."""
    found, wanted = {}, set(numbers)
    for name, read in watched(members(path), "reducing images", len(wanted)):
        match = re.search(r"(?:^|/)image_(\d{5})\.jpg$", name)
        if match and (number := int(match[1])) in wanted:
            found[number] = square_image(read(), f"{name} in {path}", SIDE_LENGTH)
    if missing := wanted - found.keys():
        raise InputError(f"{path} lacks {len(missing)} of {len(wanted)} images, the first is image_{min(missing):05}.jpg")
    return found


def convert(found, subset=False):
    """{file name: {array name: array}}: x uint8 (N, 32, 32, 3) in the order of the official lists, y and more."""
    class_names = np.array([name.strip() for name in CLASS_NAMES.replace("\n", " ").split(",")])
    labels = matrices(found[LABELS.name], ["labels"])["labels"]
    split = matrices(found[SPLIT.name], [name for names in SIDES.values() for name in names])
    if labels.size == 0 or labels.min() < 1 or labels.max() > len(class_names):
        raise InputError(f"{found[LABELS.name]} needs labels from 1 to {len(class_names)}")
    numbers = {file_name: np.concatenate([split[name] for name in names]) for file_name, names in SIDES.items()}
    if sorted(np.concatenate(list(numbers.values()))) != list(range(1, len(labels) + 1)):
        raise InputError(f"{found[SPLIT.name]} does not put each of the {len(labels)} images on exactly one side")
    kept = np.arange(1, len(class_names) + 1)
    if subset:
        numbers, kept = _subset()
    x = images(found[IMAGES.name], [number for side in numbers.values() for number in side.tolist()])
    return {
        file_name: {
            "x": np.stack([x[i] for i in number.tolist()]),
            "y": np.searchsorted(kept, labels[number - 1]).astype(np.uint8),
            "image_id": number.astype(np.uint16),
            "original_label": labels[number - 1].astype(np.uint8),
            "class_names": class_names[kept - 1],
        }
        for file_name, number in numbers.items()
    }


def _subset():
    """({file name: numbers of its images}, the labels that they have)."""
    chosen = listed("flowers102")
    sides = {side: by_turns([n for what, n in chosen.items() if what.startswith(side)]) for side in SIDES}
    return {side: np.array(n) for side, n in sides.items()}, np.array(sorted({int(what.split()[1]) for what in chosen}))


def main(arguments=None, archives=(IMAGES, LABELS, SPLIT)):
    """The command; archives is an argument so that its tests need no network."""
    options = parser(__doc__, "flowers102_32", SUBSET).parse_args(arguments)
    announce(TITLE, archives, LICENCE, CITATION)
    for module in ("PIL.Image", "scipy.io"):  # before the download
        optional(module)
    with work_folder(options.out) as work:
        files = convert(obtain(archives, options.source, options.out), options.subset)
        publish(files, work, options.out, "flowers102_32" if options.subset else None)


if __name__ == "__main__":
    sys.exit(run(main))
