"""The embedded data set: 8 x 8 handwritten digits, always there (provenance: embedded/README.md)."""

import gzip
import hashlib
import io
from pathlib import Path

import numpy as np

from mcuref.datasets.data import Data
from mcuref.datasets.registry import DatasetInfo
from mcuref.errors import InputError

FILE = Path(__file__).parent / "embedded" / "digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
TRAIN, TEST = 1437, 360


def describe() -> DatasetInfo:
    """What there is to know about the data set, a DatasetInfo."""
    return DatasetInfo(
        name="digits",
        what="handwritten digits, embedded",
        kind="image",
        train=TRAIN,
        test=TEST,
        sample_shape=(8, 8, 1),
        dtype="uint8",
        classes=10,
        licence="CC BY 4.0",
        note="the test part of UCI optical digits with a split of its own: do not compare it with published figures",
        present=FILE.is_file(),
        where=FILE,
        command="",
    )


def load() -> Data:
    """Data: x uint8 (N, 8, 8, 1), 0..16, scaled to 0..1; the first 1,437 images train, the last 360 test.

    Raises
    ------
    InputError : the embedded file is missing or has been changed.
    """
    try:
        packed = FILE.read_bytes()
    except OSError as error:
        raise InputError(f"the embedded data set {FILE} cannot be read ({error.strerror}); reinstall mcuref") from None
    if hashlib.sha256(packed).hexdigest() != SHA256:
        raise InputError(f"the embedded data set {FILE} has been changed (its sha256 differs); reinstall mcuref")
    table = np.loadtxt(io.BytesIO(gzip.decompress(packed)), delimiter=",", dtype=np.uint8)
    x, y = table[:, :64].reshape(-1, 8, 8, 1), table[:, 64]
    return Data(
        name="digits",
        kind="image",
        x_train=x[:TRAIN],
        y_train=y[:TRAIN],
        x_test=x[TRAIN:],
        y_test=y[TRAIN:],
        mean=np.zeros(1, np.float32),
        scale=np.full(1, 1 / 16, np.float32),
    )
