"""The experiments: for each data set, how samples are stored, how long and how fast is trained. One visible table.

Chosen on validation splits of the training sets (``--evaluate validation``), never on a test set.
"""

from dataclasses import dataclass, replace
from typing import Any

from mcuref.incremental.augmentation import BY_KIND, Augmentation
from mcuref.incremental.criterion import LEVELS, Criterion
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.recipe import Recipe
from mcuref.incremental.storage import Storage
from mcuref.rules import Rule, TinyPropR

SHARE = 0.01
RESTING = TinyPropR(rests=2, threshold=0.1)  # what was best in rehearsal, of rests 0 to 4 and thresholds 0.05 to 0.3


@dataclass(frozen=True)
class IncrementalProtocol:
    """A row: storage, distillation, training steps of a phase and their learning rate, model to begin with.

    Parameters
    ----------
    storage, distillation, steps, learning_rate, keep, rule : of the :class:`Recipe`.
    growth, factor : method and factor of the Expansion.
    start : float, hidden widths of the model to begin with, as a part of those of the largest.
    share : float, of the raw training data, that may be stored.
    augmentation : :class:`Augmentation`; None for what suits the kind of data.
    tasks : "sessions" for data whose known classes come in sessions; None for new classes task by task.
    embedding : name of the model whose layers the random embeddings have; None: the largest model.
    criterion : :class:`mcuref.incremental.Criterion` that a model grows by.
    """

    storage: Storage = Storage()
    distillation: Distillation = Distillation()
    steps: int = 12_000
    learning_rate: float = 0.01
    keep: float = 0.7
    rule: Rule = RESTING
    start: float = 0.25
    share: float = SHARE
    growth: str = "shrink-and-perturb"
    factor: float = 1.5
    augmentation: Augmentation | None = None
    embedding: str | None = None
    criterion: Criterion = Criterion(learnt=LEVELS["learnt"])
    tasks: str | None = None

    def recipe(self, kind: str, per_class: int, **given: Any) -> Recipe:
        """The Recipe for data of a kind; what is given and not None replaces a column."""
        recipe = Recipe(
            per_class=per_class,
            storage=self.storage,
            distillation=self.distillation,
            steps=self.steps,
            learning_rate=self.learning_rate,
            keep=self.keep,
            rule=self.rule,
            augmentation=self.augmentation or BY_KIND[kind],
        )
        return replace(recipe, **{name: value for name, value in given.items() if value is not None})


_SELECT = Distillation(start="random", iterations=0)
_OBJECTS = IncrementalProtocol(
    Storage(2, half=True),
    Distillation(iterations=0, embeddings=5),
    steps=36_000,
    augmentation=Augmentation(shift=2, flip=True),
    embedding="cnn-32@0.5",
    start=0.625,
    criterion=Criterion(learnt=0.98),
)
PROTOCOLS = {
    # 1 % of so small a data set is two samples of 8 x 8 pixels a class
    "digits": IncrementalProtocol(
        Storage(1),
        _SELECT,
        steps=12_000,
        learning_rate=0.02,
        share=0.05,
        start=0.5,
        augmentation=Augmentation(),
        criterion=Criterion(learnt=0.97),
    ),
    "mnist": IncrementalProtocol(
        Storage(1, half=True, grid=True),
        _SELECT,
        steps=72_000,
        learning_rate=0.02,
        augmentation=Augmentation(shift=1),
        embedding="cnn-28",
        criterion=Criterion(learnt=0.94),
    ),
    "uci_har": IncrementalProtocol(
        Storage(2, half=True),
        _SELECT,
        steps=24_000,
        keep=0.4,
        start=0.5,
        embedding="cnn-har",
        criterion=Criterion(learnt=0.965),
    ),
    "cifar10": IncrementalProtocol(
        Storage(2, half=True, grid=True),
        Distillation(start="mixed", iterations=0),
        steps=60_000,
        augmentation=Augmentation(shift=2, flip=True),
        embedding="cnn-32",
        criterion=Criterion(learnt=0.5),
    ),
    "coil100_32": _OBJECTS,
    "core50_32": replace(_OBJECTS, tasks="sessions"),  # chosen on COIL-100, which stands in for it
    "speech_commands_mfcc49x10": IncrementalProtocol(
        Storage(2, half=True),
        _SELECT,
        steps=60_000,
        augmentation=Augmentation(shift=7, wrap=True, gain=0.1, mask=(6, 2)),
        criterion=Criterion(learnt=0.7),
    ),
}
OTHER = IncrementalProtocol()


def find_protocol(data_name: str) -> IncrementalProtocol:
    """The table's row for a data set, or the one for others."""
    return PROTOCOLS.get(data_name, OTHER)
