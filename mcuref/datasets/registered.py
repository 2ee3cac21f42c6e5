"""Loading a data set of the catalogue from the folder of its name."""

import numpy as np

from mcuref.datasets import anomaly
from mcuref.datasets.catalogue import Entry
from mcuref.datasets.data import Data
from mcuref.datasets.folder import class_names
from mcuref.datasets.npz import read_npz
from mcuref.datasets.registry import SIDES, absent_sides, data_folder, describe
from mcuref.errors import InputError, MissingData


def load_registered(entry: Entry) -> Data:
    """Data of an Entry of the catalogue.

    Raises
    ------
    MissingData : it is not there; the sentence says what brings it.
    InputError : a file is unreadable, or is not this data set.
    """
    where = data_folder() / entry.name
    absent = " and ".join(absent_sides(where))
    if absent:
        raise MissingData(
            f"data set {entry.name!r} is not on this machine: {where} has no {absent}; to bring it: "
            f"{describe(entry).command}; if it lies elsewhere, MCUREF_DATA names the folder"
        )
    train, test = (_read(entry, where / side) for side in SIDES)
    (x, y), (x_test, y_test) = (_samples(entry, side, where) for side in (train, test))
    names = class_names(train, test, where)
    if entry.kind == "anomaly":
        fields, further = anomaly.fields(entry.name, (x, y), (x_test, y_test)), test
    else:
        fields, further = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}, train
    if entry.fields:
        fields |= entry.fields(train, test) if entry.of_test else entry.fields(further)
    return Data(name=entry.name, kind=entry.kind, **fields | {"class_names": names})


def _read(entry, path):
    """The arrays of one file that this data set has."""
    further_side = "test.npz" if entry.kind == "anomaly" else "train.npz"
    further = entry.arrays if path.name == further_side else entry.of_test
    return read_npz(path, (entry.x, "y", *further), ("class_names",))


def _samples(entry, arrays, where):
    """x, converted if the entry says so, and y; InputError if x is not what this data set stores."""
    x = arrays[entry.x]
    shape, dtype = entry.stored or (entry.shape, entry.dtype)
    if x.shape[1:] != shape or x.dtype.newbyteorder("=") != np.dtype(dtype):
        raise InputError(
            f"{where} holds samples of shape {x.shape[1:]} and dtype {x.dtype}; data set {entry.name!r} has {shape} "
            f"and {dtype}"
        )
    return entry.convert(x) if entry.convert else x, arrays["y"]
