"""The experiments: for each data set, how samples are stored, how long and how fast is trained. One visible table.

Chosen on validation splits of the training sets (``--evaluate validation``), never on a test set.
"""

from dataclasses import dataclass, replace

from mcuref.incremental.augmentation import BY_KIND
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.recipe import Recipe
from mcuref.incremental.storage import Storage

SHARE = 0.01  # of the raw training data, that may be stored


@dataclass(frozen=True)
class Protocol:
    """A row: storage, distillation, training steps of a phase and their learning rate, model to begin with.

    Parameters
    ----------
    storage, distillation, steps, learning_rate, keep : of the :class:`Recipe`.
    start : float, hidden widths of the model to begin with, as a part of those of the largest.
    embedding : name of the model whose layers the random embeddings have; None: the largest model.
    """

    storage: Storage = Storage()
    distillation: Distillation = Distillation()
    steps: int = 12_000
    learning_rate: float = 0.01
    keep: float = 1.0
    start: float = 0.25
    embedding: str | None = None

    def recipe(self, kind, per_class, **given):
        """The Recipe for data of a kind; what is given and not None replaces a column."""
        recipe = Recipe(
            per_class=per_class, storage=self.storage, distillation=self.distillation, steps=self.steps,
            learning_rate=self.learning_rate, keep=self.keep, augmentation=BY_KIND[kind],
        )  # fmt: skip
        return replace(recipe, **{name: value for name, value in given.items() if value is not None})


_SELECT = Distillation(start="random", iterations=0)
PROTOCOLS = {
    "mnist": Protocol(Storage(1), _SELECT, steps=72_000, learning_rate=0.02, embedding="cnn-28"),
    "uci_har": Protocol(Storage(2, half=True), _SELECT, steps=24_000, learning_rate=0.01),
    "cifar10": Protocol(Storage(4, half=True), Distillation(rate=0.03), steps=60_000, learning_rate=0.01),
}
OTHER = Protocol()


def find_protocol(data_name):
    """The table's row for a data set, or the one for others."""
    return PROTOCOLS.get(data_name, OTHER)
