"""Data sets in a folder with train.npz and test.npz: the user's own, and the registered ones on disk."""

import os
from pathlib import Path

from mcuref.datasets.data import Data
from mcuref.datasets.npz import read_npz
from mcuref.datasets.registry import SIDES, absent_sides
from mcuref.errors import InputError, MissingData

KIND_OF_DIMENSIONS = {4: "image", 3: "signal"}  # NHWC, time x channels; anything else: features


def load_folder(path):
    """Data from the user's folder with train.npz and test.npz.

    Each holds x, [samples, ...], and y, [samples]; train.npz may also hold class_names, [classes] (strings or
    integers), and mean and scale, [c]. What is left out gets the defaults of Data; a scale without a mean is taken for
    the file's own note on its units (as in quantised features), not for a normalisation, and left alone.

    Raises
    ------
    InputError : the folder or a file is missing or unreadable, or an array is unusable.
    """
    path = Path(path)
    if not os.path.exists(path):
        raise InputError(f"the data folder {path} does not exist; a folder with train.npz and test.npz is needed")
    if not os.path.isdir(path):
        raise InputError(f"{path} is not a folder; a folder with train.npz and test.npz is needed")
    absent = absent_sides(path)
    if absent:
        raise InputError(f"the data folder {path} has no {' and no '.join(absent)}; it needs {' and '.join(SIDES)}")
    return read_folder(path, Path(os.path.abspath(path)).name or str(path))


def load_registered(info, groups=None):
    """Data of a registered data set (info : DatasetInfo) from its folder; groups names the array of the groups.

    Raises
    ------
    MissingData : it is not there; the sentence says what brings it.
    InputError : a file is unreadable, or is not this data set.
    """
    if not info.present:
        absent = " and ".join(absent_sides(info.where))
        raise MissingData(
            f"data set {info.name!r} is not on this machine: {info.where} has no {absent}; to bring it: {info.command}"
        )
    data = read_folder(info.where, info.name, groups)
    if data.input_shape != info.sample_shape or data.x_train.dtype != info.dtype:
        raise InputError(
            f"{info.where} holds samples of shape {data.input_shape} and dtype {data.x_train.dtype}; data set "
            f"{info.name!r} has {info.sample_shape} and {info.dtype}"
        )
    return data


def read_folder(path, name, groups=None):
    """Data called name from path / train.npz and path / test.npz, both of which should be there."""
    required = ("x", "y") if groups is None else ("x", "y", groups)
    train = read_npz(path / "train.npz", required, ("class_names", "mean", "scale"))
    test = read_npz(path / "test.npz", ("x", "y"), ("class_names",))
    names = _class_names(train, path / "train.npz")
    names_of_test = _class_names(test, path / "test.npz")
    if names_of_test not in (None, names):
        raise InputError(
            f"{path / 'test.npz'} has other class_names than train.npz; the same names in the same "
            "order are needed, in train.npz alone or in both"
        )
    scale = train.get("scale") if "mean" in train else None
    return Data(
        name=name,
        kind=KIND_OF_DIMENSIONS.get(train["x"].ndim, "features"),
        x_train=train["x"],
        y_train=train["y"],
        x_test=test["x"],
        y_test=test["y"],
        class_names=names,
        mean=train.get("mean"),
        scale=scale,
        groups=None if groups is None else train[groups],
    )


def _class_names(arrays, path):
    """The class names of one file as a tuple of str, None if it has none."""
    names = arrays.get("class_names")
    if names is None:
        return None
    if names.ndim != 1 or names.dtype.kind not in "Uiu":
        raise InputError(
            f"{path} has class_names of shape {names.shape} and dtype {names.dtype}; one string a class is needed"
        )
    return tuple(str(name) for name in names)
