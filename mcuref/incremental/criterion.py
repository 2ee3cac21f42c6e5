"""When a model is large enough: what a device can tell from its own training and samples, and one oracle.

A criterion is asked after every phase of training. It sees what was measured of the model then, and before the last
growth of the same task.
"""

from dataclasses import dataclass, fields, replace
from typing import NamedTuple, Self, cast

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import number, one_of, whole
from mcuref.errors import InputError
from mcuref.incremental.storage import Storage

SOURCES = ("held-out", "stored", "arriving")
# Levels of criteria that are named alone; an accuracy that is enough has none
LEVELS = {"learnt": 0.95, "fit": -0.01, "gain": 0.01, "agreement": 0.97, "oracle": 0.01}


class Measured(NamedTuple):
    """What was measured of a model after a phase of training.

    Parameters
    ----------
    learnt : float, share of the stored samples of which the last turn in training was learnt: see
        :class:`mcuref.incremental.rehearsal.Rehearsal`.
    accuracy : float on the samples to verify on, or None if there are none such.
    answers : int64[N], labels that the model gives them, or None.
    """

    learnt: float
    accuracy: float | None = None
    answers: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Criterion:
    """What is enough: one of these, and its level.

    With a the accuracy on the samples to verify on, l the share of the stored samples that were learnt in their last turn
    of training, and a', p' accuracy and answers of the model before the last growth of the task:

    Parameters
    ----------
    accuracy : float in [0, 1]: a >= accuracy.
    within : float in [0, 1]: a >= reference - within. An oracle: the reference, given with each task, is the accuracy of a
        model that a device does not have.
    learnt : float in [0, 1]: l >= learnt. No sample to verify on is needed, and nothing is computed for it.
    fit : float in [-1, 1]: l - a >= fit. A model that learns its own samples no better than it answers others is too
        small; one that does lacks samples, not size.
    gain : float in [0, 1]: a - a' <= gain; the model that gained no more is kept. A task that can grow grows at least once.
    agreement : float in [0, 1]: at least such a share of the answers p is p'; labels are not asked for. A task that can grow
        grows at least once.

    Raises
    ------
    InputError : not exactly one is given, or its level is out of range.
    """

    accuracy: float | None = None
    within: float | None = None
    learnt: float | None = None
    fit: float | None = None
    gain: float | None = None
    agreement: float | None = None

    def __post_init__(self) -> None:
        given = [field.name for field in fields(self) if getattr(self, field.name) is not None]
        if len(given) != 1:
            names = ", ".join(field.name for field in fields(self))
            raise InputError(f"a criterion is one of {names}, with its level; given are {', '.join(given) or 'none'}")
        number("criterion" if self.kind == "accuracy" else self.kind, getattr(self, self.kind), -(self.kind == "fit"), 1)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of an accuracy, "0.95", a name, "learnt", or a name with its level, "learnt=0.97"; InputError for other text."""
        name, equals, level = text.partition("=")
        try:
            accuracy = float(text)
        except ValueError:
            one_of("criterion", name, LEVELS)
        else:
            return cls(accuracy=accuracy)
        try:
            value = float(level) if equals else LEVELS[name]
        except ValueError:
            raise InputError(f"level {level!r} of criterion {name} is not a number, such as {LEVELS[name]:g}") from None
        return cls(**{"within" if name == "oracle" else name: value})

    @property
    def kind(self) -> str:
        """Which of them it is, by the name of its level."""
        return next(field.name for field in fields(self) if getattr(self, field.name) is not None)

    @property
    def verifies(self) -> bool:
        """Whether samples to verify on are needed."""
        return self.learnt is None

    @property
    def compares(self) -> bool:
        """Whether a model is compared with the smaller one before its growth."""
        return self.kind in ("gain", "agreement")

    @property
    def of_accuracy(self) -> bool:
        """Whether it asks for accuracy alone, which a model also has that was not trained since it changed its size."""
        return self.kind in ("accuracy", "within")

    def level(self, reference: float | None = None) -> float:
        """What is compared with, float; InputError if it is relative and no reference is given."""
        if self.within is None:
            return float(getattr(self, self.kind))
        if reference is None:
            raise InputError(f"the criterion is to be within {self.within:g} of a reference, but none is given")
        number("reference", reference, 0, 1)
        return float(reference) - float(self.within)

    def figure(self, now: Measured, before: Measured | None = None) -> float | None:
        """What is compared with the level: a, l, l - a, a - a' or the share of equal answers.

        None where it takes a smaller model to compare with, and there is none.
        """
        if self.kind == "learnt":
            return now.learnt
        accuracy = cast(float, now.accuracy)
        if self.kind == "fit":
            return now.learnt - accuracy
        if not self.compares:
            return accuracy
        if before is None:
            return None
        if self.kind == "gain":
            return accuracy - cast(float, before.accuracy)
        return float(np.mean(now.answers == before.answers))

    def enough(self, figure: float | None, level: float) -> bool:
        """Whether a model is large enough, of its :meth:`figure`; None is not."""
        if figure is None:
            return False
        return figure <= level if self.kind == "gain" else figure >= level


@dataclass(frozen=True)
class Verification:
    """On what a model is judged, if its criterion asks for it.

    Parameters
    ----------
    source : "stored": some arriving samples of each class are stored for it, and not trained on; "held-out": samples of all
        classes so far that are given with each task, pass by and are not stored, and so lie outside of the plan;
        "arriving": test-then-train, the last part of what arrives is predicted before it is recorded; it judges the
        arriving classes alone, and waits outside of the plan.
    per_class : int, stored samples a class.
    share : float in ]0, 1[, part of the arriving samples.
    bits, half : of stored samples, as of :class:`mcuref.incremental.Storage`; None: as those to train on are stored.
    """

    source: str = "stored"
    per_class: int = 20
    share: float = 0.2
    bits: int | None = None
    half: bool | None = None

    def __post_init__(self) -> None:
        one_of("source", self.source, SOURCES)
        whole("per_class", self.per_class, 1, 1 << 16)
        if number("share", self.share, 0, 1, above=True) == 1:
            raise InputError("share 1 of the arriving samples leaves none to learn; it is less than 1")
        self.storage(Storage())

    def storage(self, memory: Storage) -> Storage:
        """:class:`mcuref.incremental.Storage` of a sample to verify on, where those to train on are stored like this."""
        given = {name: getattr(self, name) for name in ("bits", "half") if getattr(self, name) is not None}
        return replace(memory, **given)
