"""The user's own data set: a folder with train.npz and test.npz."""

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets.data import Data
from mcuref.datasets.npz import read_npz
from mcuref.datasets.registry import NAMES, SIDES, absent_sides
from mcuref.errors import InputError
from mcuref.names import MOST, hint, near, near_paths
from mcuref.reading import MAY_NOT, absence

KIND_OF_DIMENSIONS = {4: "image", 3: "signal"}  # NHWC, time x channels; anything else: features


def load_folder(path: str | os.PathLike[str]) -> Data:
    """Data from the user's folder with train.npz and test.npz.

    Each holds x, [samples, ...], and y, [samples]; train.npz may also hold class_names, [classes] (strings or
    integers), and mean and scale, [c]. What is left out gets the defaults of Data; a scale without a mean is taken for
    the file's own note on its units (as in quantised features), not for a normalisation, and left alone.

    Raises
    ------
    InputError : the folder or a file is missing or unreadable, or an array is unusable.
    """
    path = Path(path)
    needed = f"a folder with {' and '.join(SIDES)} is needed"
    try:
        mode = os.stat(path).st_mode
    except PermissionError:
        raise InputError(f"the data folder {path} {MAY_NOT}") from None
    except (OSError, ValueError):  # ValueError: a NUL in the name
        raise InputError(f"the data folder {path} {absence(path)}{hint(near_data(path), needed)}") from None
    if not stat.S_ISDIR(mode):
        raise InputError(f"{path} is not a folder{hint(near_data(path), needed)}")
    absent = absent_sides(path)
    if absent:
        raise InputError(f"the data folder {path} has no {' and no '.join(absent)}; it needs {' and '.join(SIDES)}")
    return _read_folder(path, Path(os.path.abspath(path)).name or str(path))


def near_data(name_or_folder: Path | str) -> list[str]:
    """Names of data sets, and data folders in quotes, that may be meant by one that is none."""
    folders = near_paths(name_or_folder, lambda place: all(os.path.isfile(place / side) for side in SIDES))
    return (near(Path(name_or_folder).name, NAMES) + folders)[:MOST]


def _read_folder(path, name):
    """Data called name from path / train.npz and path / test.npz, both of which should be there."""
    train = read_npz(path / "train.npz", ("x", "y"), ("class_names", "mean", "scale"))
    test = read_npz(path / "test.npz", ("x", "y"), ("class_names",))
    scale = train.get("scale") if "mean" in train else None
    return Data(
        name=name,
        kind=KIND_OF_DIMENSIONS.get(train["x"].ndim, "features"),
        x_train=train["x"],
        y_train=train["y"],
        x_test=test["x"],
        y_test=test["y"],
        class_names=class_names(train, test, path),
        mean=train.get("mean"),
        scale=scale,
    )


def class_names(train: Mapping[str, NDArray[Any]], test: Mapping[str, NDArray[Any]], path: Path) -> tuple[str, ...] | None:
    """The class names of the arrays of train.npz and test.npz in path; None if train.npz has none.

    Raises
    ------
    InputError : they are not names, or those of test.npz differ.
    """
    names = _class_names(train, path / "train.npz")
    if _class_names(test, path / "test.npz") not in (None, names):
        raise InputError(
            f"{path / 'test.npz'} has other class_names than train.npz; the same names in the same "
            "order are needed, in train.npz alone or in both"
        )
    return names


def _class_names(arrays, path):
    """The class names of one file as a tuple of str, None if it has none."""
    names = arrays.get("class_names")
    if names is None:
        return None
    if names.ndim != 1 or names.dtype.kind not in "Uiu":
        raise InputError(
            f"{path} has class_names of shape {names.shape} and dtype {names.dtype}; one string a class is needed"
        )
    native = names.astype(names.dtype.newbyteorder("="))
    if native.dtype.kind == "U" and native.view(np.uint32).max(initial=0) > sys.maxunicode:
        raise InputError(f"{path} has class_names with a character that does not exist")
    return tuple(str(name) for name in names)
