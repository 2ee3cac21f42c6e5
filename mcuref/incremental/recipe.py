"""What a learner does with data, how long, and how it grows: everything that can be chosen, in one place."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mcuref.arguments import instance, number, one_of, whole
from mcuref.errors import InputError
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.criterion import Verification
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.growth import METHODS
from mcuref.incremental.storage import Storage
from mcuref.optimisers import SGD
from mcuref.rules import Full, Rule, checked, method_of, settings_of

REGIONS = ("flash", "sram")


@dataclass(frozen=True)
class Expansion:
    """How a model grows while it is below its criterion, and whether it shrinks when it is above.

    Parameters
    ----------
    factor : float > 1: hidden widths are multiplied by it and rounded, each by at least 1; the largest such step that
        fits the budget and the largest model is taken.
    method : "zero-outgoing" (the outputs stay as they are), "net2wider" or "shrink-and-perturb".
    growths : int, at most so many in one task.
    deepen : bool, whether one more layer, the identity, is tried once no width can grow any more.
    shrink : bool, whether a model that meets its criterion without growing is tried with hidden widths divided by the
        factor, and stays so if it meets the criterion still.
    """

    factor: float = 1.5
    method: str = "zero-outgoing"
    growths: int = 8
    deepen: bool = False
    shrink: bool = False

    def __post_init__(self) -> None:
        number("factor", self.factor, 1, 100, above=True)
        one_of("method", self.method, METHODS)
        whole("growths", self.growths, 0, 1000)
        for name in ("deepen", "shrink"):
            instance(name, getattr(self, name), bool, "True or False")


@dataclass(frozen=True)
class Recipe:
    """How a learner learns.

    Parameters
    ----------
    per_class : int, stored samples a class.
    storage : :class:`Storage` of a sample.
    distillation : :class:`Distillation`.
    features : "random": embeddings at random weights; "learned": the model's own features.
    steps : int, training steps (samples shown) in one phase of a task; every growth is followed by another phase.
    learning_rate, schedule, momentum, batch : of :class:`mcuref.SGD`.
    rule : update rule; :class:`mcuref.Full` by default. One that lets stored samples rest has a streak for each slot, unless
        its ``stored`` says more.
    keep : float in [0, 1], what is kept of the weights when a task begins: W <- keep W + (1 - keep) fresh. 1 goes on
        from the present weights, 0 begins anew.
    augmentation : :class:`Augmentation` of stored samples.
    stream_pass : bool, whether the arriving samples are also trained on once, in the first phase, each followed by as many
        stored samples as there were tasks before.
    region : "flash" or "sram", where samples are stored.
    verification : :class:`Verification`.
    """

    per_class: int = 10
    storage: Storage = Storage()
    distillation: Distillation = Distillation()
    features: str = "random"
    steps: int = 12_000
    learning_rate: float = 0.01
    schedule: str = "linear"
    momentum: float = 0.0
    batch: int = 1
    rule: Rule = field(default_factory=Full)
    keep: float = 1.0
    augmentation: Augmentation = Augmentation()
    stream_pass: bool = False
    region: str = "flash"
    verification: Verification = Verification()

    def __post_init__(self) -> None:
        whole("per_class", self.per_class, 1, 1 << 24)
        whole("steps", self.steps, 1, 1 << 40)
        number("keep", self.keep, 0, 1)
        one_of("features", self.features, ("random", "learned"))
        one_of("region", self.region, REGIONS)
        self.optimiser()  # refuses what is no rate, schedule, momentum or batch
        if effort := getattr(checked(self.rule), "effort", 0):
            raise InputError(f"effort {effort:g} is of runs of epochs; in incremental learning it must be 0")
        for name, kind in (
            ("storage", Storage),
            ("distillation", Distillation),
            ("augmentation", Augmentation),
            ("verification", Verification),
        ):
            instance(name, getattr(self, name), kind, f"a {kind.__name__}")
        if self.distillation.group > self.per_class:  # no class has a larger group
            object.__setattr__(self, "distillation", replace(self.distillation, group=self.per_class))
        if self.features == "learned" and self.distillation.embeddings != 1:
            raise InputError(f"learned features are one embedding; the recipe has {self.distillation.embeddings}")

    def optimiser(self) -> SGD:
        """The optimiser of every training phase."""
        return SGD(self.learning_rate, self.schedule, self.momentum, self.batch)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self) | {"rule": method_of(self.rule), "rule_settings": settings_of(self.rule)}
