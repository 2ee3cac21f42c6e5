"""Data sets: `load` one by name or from a folder, list those that are `available`."""

import os

from mcuref.arguments import one_of
from mcuref.datasets import digits
from mcuref.datasets.catalogue import CATALOGUE
from mcuref.datasets.data import Data
from mcuref.datasets.folder import load_folder, near_data
from mcuref.datasets.registered import load_registered
from mcuref.datasets.registry import NAMES, DatasetInfo, describe
from mcuref.errors import InputError
from mcuref.names import hint, near

__all__ = ["Data", "DatasetInfo", "available", "find", "load", "load_part"]


def available() -> list[DatasetInfo]:
    """A DatasetInfo for each registered data set, in the order in which they are listed."""
    return [digits.describe(), *map(describe, CATALOGUE.values())]


def find(name: str) -> DatasetInfo:
    """The DatasetInfo of the registered data set of that name; InputError if there is none."""
    if name not in NAMES:
        raise InputError(f"there is no data set {name!r}{hint(near(name, NAMES), '`mcuref datasets` lists them')}")
    return describe(CATALOGUE[name]) if name in CATALOGUE else digits.describe()


def load(name_or_folder: str | os.PathLike[str]) -> Data:
    """Data by its registered name, else from the user's folder with train.npz and test.npz.

    Raises
    ------
    MissingData : a registered data set is not on this machine; the sentence says what brings it.
    InputError : neither a known name nor a folder, or something in the folder is unusable.
    """
    if not isinstance(name_or_folder, (str, os.PathLike)):
        raise InputError(f"the data set is {name_or_folder!r}; a name or a folder is needed")
    if name_or_folder == "digits":
        return digits.load()
    if name_or_folder in CATALOGUE:
        return load_registered(CATALOGUE[name_or_folder])
    if not isinstance(name_or_folder, str) or _is_path(name_or_folder):
        return load_folder(name_or_folder)
    known = hint(near_data(name_or_folder), "`mcuref datasets` lists the data sets; a folder has train.npz and test.npz")
    raise InputError(f"there is no data set or folder {name_or_folder!r}{known}")


def load_part(name_or_folder: str | os.PathLike[str], evaluate: str = "test", samples: int | None = None) -> Data:
    """Data as :func:`load` finds it, or a part of it.

    Parameters
    ----------
    evaluate : "test", or "validation" for a part of the training side, split off first, in the place of the test side.
    samples : int, how many training samples to keep, from the first on; all if None. InputError if there are fewer.
    """
    one_of("evaluate", evaluate, ("test", "validation"))
    data = load(name_or_folder)
    if evaluate == "validation":
        data = data.validation_split()
    if samples is None:
        return data
    if samples > len(data.x_train):
        raise InputError(f"--samples {samples} is more than the {len(data.x_train)} training samples there are")
    return data.training_part(0, samples)


def _is_path(text):
    """Whether text is meant as a path: it has a path separator, or something of that name exists."""
    return any(mark in text for mark in (os.sep, os.altsep) if mark) or os.path.exists(text)
