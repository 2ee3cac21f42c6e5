"""UCI HAR: six human activities from raw windows of a smartphone's inertial sensors."""

from mcuref.datasets.folder import load_registered
from mcuref.datasets.registry import DatasetInfo, absent_sides, data_folder


def describe():
    """What there is to know about the data set, a DatasetInfo."""
    where = data_folder() / "uci_har"
    return DatasetInfo(
        name="uci_har",
        what="human activity, 2.56 s windows of 9 inertial channels (UCI HAR, raw, complete)",
        train=7352,
        test=2947,
        sample_shape=(128, 9),
        dtype="int16",
        classes=6,
        licence="the archive's README: no commercial use, cite the paper; the UCI page: CC BY 4.0",
        present=not absent_sides(where),
        where=where,
        command="no script yet; put train.npz (x int16 (N, 128, 9), y, subject) and test.npz (x, y) into that folder",
    )


def load():
    """Data: x int16 (N, 128, 9), standardised per channel, groups = subject; the official split by subject.

    Raises
    ------
    MissingData : it is not there. InputError : a file is damaged, or is not this data set.
    """
    return load_registered(describe(), groups="subject")
