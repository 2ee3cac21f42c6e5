"""The data sets that have a name: where they lie, and what a listing says about them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuref.datasets.catalogue import CATALOGUE, Entry
from mcuref.datasets.npz import read_npz, shapes
from mcuref.errors import InputError
from mcuref.files import user_cache
from mcuref.reading import open_ordinary

NAMES = ("digits", *CATALOGUE)  # the embedded one, and those with a folder of their name
SIDES = ("train.npz", "test.npz")


@dataclass(frozen=True)
class DatasetInfo:
    """What `mcuref datasets` prints about a data set; to find it out, nothing is loaded.

    `train`, `test` and `classes` count what is here, or the complete original as long as nothing is. `present` tells
    whether it can be loaded now from `where`, `command` is what brings it (empty for the embedded one; if it is there but
    cannot be opened, why), `note` is what a user must know of it (may be empty).
    """

    name: str
    what: str
    kind: str
    train: int
    test: int
    sample_shape: tuple[int, ...]
    dtype: str
    classes: int
    licence: str
    note: str
    present: bool
    where: Path
    command: str


def data_folder() -> Path:
    """The folder of the data sets: $MCUREF_DATA, else `mcuref/data` in the user's cache folder."""
    own = os.environ.get("MCUREF_DATA")
    if own:
        return Path(os.path.expanduser(own))
    return user_cache() / "data"


def absent_sides(folder: Path) -> list[str]:
    """Those of train.npz and test.npz that are not in folder.

    Raises
    ------
    InputError : one is there, or may be, but cannot be opened.
    """
    absent = []
    for path in (folder / side for side in SIDES):
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            absent.append(path.name)
            continue
        except OSError:  # said in the next line
            pass
        open_ordinary(path, str(path), "a NumPy .npz file").close()
    return absent


def describe(entry: Entry) -> DatasetInfo:
    """The DatasetInfo of an Entry of the catalogue."""
    where = data_folder() / entry.name
    try:
        present, command = not absent_sides(where), _command(entry)
    except InputError as error:  # nothing has to be brought
        present, command = False, str(error)
    train, test, classes = _counts(entry, where) if present else (entry.train, entry.test, entry.classes)
    return DatasetInfo(
        name=entry.name,
        what=entry.what,
        kind=entry.kind,
        train=train,
        test=test,
        sample_shape=entry.shape,
        dtype=entry.dtype,
        classes=classes,
        licence=entry.licence,
        note=entry.note,
        present=present,
        where=where,
        command=command,
    )


def _counts(entry, where):
    """Training samples, test samples and classes of the files, from headers alone; the entry's if one is damaged."""
    try:
        train, test = (shapes(where / side) for side in SIDES)
        samples, test_samples = train[entry.x][0], test[entry.x][0]
        if entry.kind == "anomaly":  # windows of all test clips, but of the normal training clips only
            samples = int(np.count_nonzero(read_npz(where / "train.npz", ("y",))["y"] == 0))
            windows = entry.stored[0][0] - entry.shape[0] + 1
            samples, test_samples = samples * windows, test_samples * windows
        return samples, test_samples, train.get("class_names", (entry.classes,))[0]
    except (InputError, KeyError, IndexError):  # a listing goes on; `load` says what is wrong
        return entry.train, entry.test, entry.classes


def _command(entry):
    if entry.script:
        name, *option = entry.script.split()
        return " ".join([f"python data_scripts/{name}.py", *option])
    shape, dtype = entry.stored or (entry.shape, entry.dtype)
    arrays = ", ".join([f"{entry.x} {dtype} (N, {', '.join(map(str, shape))})", "y", *entry.arrays])
    return f"no script; put train.npz and test.npz into its folder {entry.name}, each with {arrays}"
