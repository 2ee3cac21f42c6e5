"""The data sets that have a name, and where they lie."""

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

NAMES = ("digits", "mnist", "uci_har")  # a module of this package each, with describe() and load()
SIDES = ("train.npz", "test.npz")


@dataclass(frozen=True)
class DatasetInfo:
    """What `mcuref datasets` prints about a data set; to find it out, nothing is loaded.

    `train` and `test` are numbers of samples, `present` tells whether it can be loaded now from `where`, `command`
    is what brings it (empty for the embedded one).
    """

    name: str
    what: str
    train: int
    test: int
    sample_shape: tuple[int, ...]
    dtype: str
    classes: int
    licence: str
    present: bool
    where: Path
    command: str


def data_folder():
    """The folder of the data sets, a Path: $MCUREF_DATA, else `mcuref/data` in the user's cache folder."""
    own = os.environ.get("MCUREF_DATA")
    if own:
        return Path(os.path.expanduser(own))
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(cache)) / "mcuref" / "data"


def absent_sides(folder):
    """Those of train.npz and test.npz that are not in folder, a list of str."""
    return [side for side in SIDES if not os.path.isfile(folder / side)]


def module(name):
    """The module of a registered data set, imported only now so that a listing stays fast."""
    return import_module(f"mcuref.datasets.{name}")
