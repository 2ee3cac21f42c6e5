"""MNIST, complete, in the original order."""

from mcuref.datasets.folder import load_registered
from mcuref.datasets.registry import DatasetInfo, absent_sides, data_folder


def describe():
    """What there is to know about the data set, a DatasetInfo."""
    where = data_folder() / "mnist"
    return DatasetInfo(
        name="mnist",
        what="handwritten digits 28x28 (MNIST, complete)",
        train=60000,
        test=10000,
        sample_shape=(28, 28, 1),
        dtype="uint8",
        classes=10,
        licence="none stated by the authors; commonly listed as CC BY-SA 3.0",
        present=not absent_sides(where),
        where=where,
        command="python data_scripts/mnist.py",
    )


def load():
    """Data: x uint8 (N, 28, 28, 1), scaled to 0..1; raises MissingData if it is not there, InputError if damaged."""
    return load_registered(describe())
