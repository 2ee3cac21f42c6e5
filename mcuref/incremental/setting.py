"""What is asked of an experiment with incremental learning."""

from dataclasses import dataclass, replace
from typing import Any

from mcuref import arguments
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.protocols import IncrementalProtocol
from mcuref.incremental.recipe import Criterion, Recipe, Verification
from mcuref.models.description import Model
from mcuref.rules import Rule

STRATEGIES = ("growing", "fixed-large", "naive", "joint", "random", "herding", "k-center", "reservoir")
DISTIL: dict[str, dict[str, Any]] = {
    "matching": {"start": "swap-herding", "iterations": 100, "step": "normalised"},
    "published": {"start": "swap-herding", "iterations": 100, "step": "published", "rate": 1.0},
    "swap-herding": {"start": "swap-herding", "iterations": 0},
    "random": {"start": "random", "iterations": 0},
}
DTYPES = ("float32", "int8")
RESOLUTIONS = ("full", "half")
MANY = 1 << 20  # samples a class, until they are counted


@dataclass(frozen=True)
class Setting:
    """What is asked of an experiment; None stands for what the protocol of the data set says.

    Parameters
    ----------
    tasks : int or "sessions"; 5 if None, or as many as there are classes if those are fewer.
    strategies : tuple of names of `STRATEGIES`.
    seeds : tuple of int: class order, start weights, and everything drawn.
    share : float, of the raw training data, that stored bytes may come to; per_class, samples, replaces it. The protocol's
        is raised to what one sample a class takes.
    criterion : :class:`mcuref.incremental.Criterion`; by default within one point of "fixed-large" on the same held-out
        samples.
    expansion : pairs (name, value) of fields of the :class:`mcuref.incremental.Expansion`.
    start : float in ]0, 1], hidden widths of "growing" at the beginning, as a part of the model's.
    smallest : bool, whether to look for the smallest fixed width that would have sufficed.
    rule : update rule, or None for full training.
    bits, resolution : of stored samples: 8, 4, 2 or 1; "full" or "half".
    distil : "matching", "published", "swap-herding" or "random".
    dtype : "float32" or "int8", what models are trained, verified, grown and recorded in.
    embedding : model whose layers random embeddings have, as in :func:`mcuref.models.build`.
    given : pairs (name, value) of fields of the Recipe; also "verify", the source of its verification,
        "group" and "embeddings" of its distillation, and "no_augmentation".
    """

    tasks: int | str | None = None
    strategies: tuple[str, ...] = ("growing",)
    seeds: tuple[int, ...] = (0,)
    share: float | None = None
    per_class: int | None = None
    criterion: Criterion = Criterion(within=0.01)
    expansion: tuple[tuple[str, Any], ...] = ()
    start: float | None = None
    smallest: bool = False
    rule: Rule | None = None
    bits: int | None = None
    resolution: str | None = None
    distil: str | None = None
    dtype: str = "float32"
    embedding: Model | str | None = None
    given: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        for name in self.strategies:
            arguments.one_of("strategy", name, STRATEGIES)
        if self.resolution is not None:
            arguments.one_of("resolution", self.resolution, RESOLUTIONS)
        arguments.one_of("dtype", self.dtype, DTYPES)
        for name in ("share", "start"):
            if getattr(self, name) is not None:
                arguments.number(name, getattr(self, name), 0, 1, above=True)

    def recipe(self, protocol: IncrementalProtocol, kind: str) -> Recipe:
        """The protocol's Recipe for data of a kind, with what is asked for; samples a class are counted later."""
        given = dict(self.given)
        if given.pop("no_augmentation", False):
            given["augmentation"] = Augmentation()
        if "verify" in given:
            given["verification"] = Verification(given.pop("verify"))
        storage, distillation = protocol.storage, protocol.distillation
        if self.bits is not None:
            storage = replace(storage, bits=self.bits)
        if self.resolution is not None:
            storage = replace(storage, half=self.resolution == "half")
        if self.distil is not None:
            distillation = replace(distillation, **DISTIL[arguments.one_of("distil", self.distil, DISTIL)])
        own = {name: given.pop(name) for name in ("group", "embeddings") if name in given}
        distillation = replace(distillation, **own)
        if given.get("features") == "learned":
            distillation = replace(distillation, embeddings=1)
        return protocol.recipe(kind, MANY, storage=storage, distillation=distillation, rule=self.rule, **given)
