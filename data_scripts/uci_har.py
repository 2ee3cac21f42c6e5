"""Bring UCI HAR: download the original archive (or take it from --from), check it, convert the raw windows to .npz.

--from takes the present archive of the UCI page, the older "UCI HAR Dataset.zip" inside it, or a folder with either.
With --subset it is all windows too, but in the order that our figures are of, array for array.
"""

import hashlib
import os
import sys

import numpy as np
from archives import contents
from common import InputError, announce, lists, parser, publish, run, work_folder
from download import Archive, obtain

TITLE = (
    "UCI HAR, human activity from smartphone sensors, 7,352 training and 2,947 test windows of 128 samples, "
    "9 channels;\nhttps://archive.ics.uci.edu/dataset/240/human+activity+recognition+using+smartphones"
)
LICENCE = "the archive's README: no commercial use, cite the paper; the UCI page: CC BY 4.0"
CITATION = (
    'D. Anguita, A. Ghio, L. Oneto, X. Parra, J. L. Reyes-Ortiz, "A Public Domain Dataset for Human Activity '
    'Recognition Using Smartphones", ESANN 2013'
)

OUTER = Archive(
    "human+activity+recognition+using+smartphones.zip",
    ("https://archive.ics.uci.edu/static/public/240/human+activity+recognition+using+smartphones.zip",),
    61005872,
    sha256="c00b803081a5c797cd5e4b83700a9810b38d53d9d84e01917e090e1fdbc81031",
)
INNER = Archive(
    "UCI HAR Dataset.zip",
    ("https://archive.ics.uci.edu/ml/machine-learning-databases/00240/UCI%20HAR%20Dataset.zip",),
    60999314,
    sha256="2045e435c955214b38145fb5fa00776c72814f01b203fec405152dac7d5bfeb0",
)

SCALE_LOG2 = {"body_acc": 14, "body_gyro": 12, "total_acc": 13}  # int16 then holds every value of the set
CHANNELS = {f"{sensor}_{axis}": scale for sensor, scale in SCALE_LOG2.items() for axis in "xyz"}
CLASS_NAMES = ("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING")
WINDOW = 128
SUBSET = (
    "all windows, but in the order that our figures are of: by subject and activity, within these as subsets/uci_har.txt "
    "lists them"
)


def table(content, columns, name):
    """The float64 array [lines, columns] of a text file (bytes); name is for the sentence.

    Raises
    ------
    InputError : a line does not hold that many numbers.
    """
    lines = [line.split() for line in content.splitlines() if line.strip()]
    for i, line in enumerate(lines, 1):
        if len(line) != columns:
            raise InputError(f"{name}, line {i}: {len(line)} values; {columns} are needed")
    try:
        return np.array(lines, np.float64).reshape(-1, columns)
    except ValueError as error:
        raise InputError(f"{name} holds something that is not a number: {error}") from None


def quantised(values, scale_log2, name):
    """values * 2**scale_log2 rounded to nearest, int16; InputError if one does not fit (or is no number at all)."""
    scaled = np.rint(values * 2.0**scale_log2)
    limits = np.iinfo(np.int16)
    if not np.all((scaled >= limits.min) & (scaled <= limits.max)):
        raise InputError(f"{name} has values that do not fit into int16 in steps of 2^-{scale_log2}")
    return scaled.astype(np.int16)


def whole_numbers(content, last, name):
    """The uint8 array of a text file (bytes) with one number from 1 to last a line; InputError for anything else."""
    values = table(content, 1, name)[:, 0]
    if not np.all((values >= 1) & (values <= last) & (values == np.rint(values))):
        raise InputError(f"{name} holds something that is not a whole number from 1 to {last}")
    return values.astype(np.uint8)


def convert_side(side, found):
    """{array name: array} of one side, "train" or "test", from {member name: bytes}."""
    windows = [
        quantised(table(found[f"{channel}_{side}.txt"], WINDOW, f"{channel}_{side}.txt"), scale, f"{channel}_{side}.txt")
        for channel, scale in CHANNELS.items()
    ]
    y = whole_numbers(found[f"y_{side}.txt"], len(CLASS_NAMES), f"y_{side}.txt")
    subject = whole_numbers(found[f"subject_{side}.txt"], 30, f"subject_{side}.txt")
    lengths = {len(part) for part in (*windows, y, subject)}
    if len(lengths) > 1:
        raise InputError(f"the {side} files have {' and '.join(map(str, sorted(lengths)))} lines; all need the same")
    return {
        "x": np.stack(windows, axis=2),
        "y": y - 1,
        "subject": subject,
        "scale_log2": np.array(list(CHANNELS.values()), np.int8),
        "channels": np.array(list(CHANNELS)),
        "class_names": np.array(CLASS_NAMES),
    }


def convert(path, nested):
    """{file name: {array name: array}} in the original order; nested: the data lie in a .zip inside the .zip."""
    inner = contents(path, [INNER.name])[INNER.name] if nested else None
    wanted = {side: [f"{name}_{side}.txt" for name in (*CHANNELS, "y", "subject")] for side in ("train", "test")}
    found = contents(path, wanted["train"] + wanted["test"], inner)
    return {f"{side}.npz": convert_side(side, found) for side in wanted}


def subset(files):
    """What convert returns, in the order that our figures are of; InputError if it has other windows."""
    order = lists("uci_har")
    result = {}
    for file_name, arrays in files.items():
        first_digits = [hashlib.sha256(window.astype("<i2").tobytes()).hexdigest()[:6] for window in arrays["x"]]
        place = {key: i for i, key in enumerate(zip(arrays["subject"].tolist(), arrays["y"].tolist(), first_digits))}
        keys = [
            (int(subject), int(label), digits)
            for what, words in order.items()
            for side, subject, label in [what.split()]
            if side == file_name
            for digits in words
        ]
        if place.keys() != set(keys) or len(keys) != len(first_digits):
            raise InputError(
                f"{file_name} would not hold the windows of subsets/uci_har.txt; without --subset it can be made"
            )
        chosen = [place[key] for key in keys]
        result[file_name] = arrays | {name: arrays[name][chosen] for name in ("x", "y", "subject")}
    return result


def chosen(source, outer, inner):
    """Which of the two archives is meant by --from: the inner one if it is there or has its size, else the outer."""
    if source is not None:
        if os.path.isfile(source / inner.name) or (os.path.isfile(source) and source.stat().st_size == inner.bytes):
            return inner
    return outer


def main(arguments=None, outer=OUTER, inner=INNER):
    """The command; the archives are arguments so that its tests need no network."""
    options = parser(__doc__, "uci_har", SUBSET).parse_args(arguments)
    archive = chosen(options.source, outer, inner)
    announce(TITLE, [archive], LICENCE, CITATION)
    with work_folder(options.out) as work:
        path = obtain([archive], options.source, options.out)[archive.name]
        files, measured = convert(path, nested=archive is outer), "uci_har" if options.subset else None
        publish(subset(files) if options.subset else files, work, options.out, measured)


if __name__ == "__main__":
    sys.exit(run(main))
