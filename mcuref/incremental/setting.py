"""What is asked of an experiment with incremental learning."""

from dataclasses import dataclass, replace
from typing import Any

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.criterion import Criterion, Verification
from mcuref.incremental.protocols import IncrementalProtocol
from mcuref.incremental.recipe import Recipe
from mcuref.models.description import Model
from mcuref.rules import Rule

NEVER = "never"  # learns no more once drift has begun
STRATEGIES = ("growing", "fixed-large", "naive", "joint", "joint-best", "random", "herding", "k-center", "reservoir")
DISTIL: dict[str, dict[str, Any]] = {
    "matching": {"start": "swap-herding", "iterations": 100, "step": "normalised"},
    "published": {"start": "swap-herding", "iterations": 100, "step": "published", "rate": 1.0},
    "swap-herding": {"start": "swap-herding", "iterations": 0},
    "mixed": {"start": "mixed", "iterations": 0},
    "random": {"start": "random", "iterations": 0},
    "reservoir": {"start": "random", "iterations": 0},
    "herding": {"start": "swap-herding", "iterations": 0},
    "k-center": {"start": "swap-herding", "iterations": 0},
}
DTYPES = ("float32", "int8")
RESOLUTIONS = {"full": (False, False), "half": (True, False), "grid": (True, True)}  # half, grid of a Storage
MANY = 1 << 20  # samples a class, until they are counted


@dataclass(frozen=True)
class Setting:
    """What is asked of an experiment; None stands for what the protocol of the data set says.

    Parameters
    ----------
    tasks : int, "sessions" or "repetition"; if None what the protocol says, or 5, or as many as there are classes.
    strategies : tuple of names of `STRATEGIES`.
    seeds : tuple of int: class order, start weights, and everything drawn.
    share : float, of the raw training data, that stored bytes may come to; per_class, samples, replaces it. The protocol's
        is raised to what one sample a class takes.
    criterion : :class:`mcuref.incremental.Criterion`; one that is ``within`` has the accuracy of "fixed-large" on held-out
        samples as its reference.
    expansion : pairs (name, value) of fields of the :class:`mcuref.incremental.Expansion`.
    start : float in ]0, 1], hidden widths of "growing" at the beginning, as a part of the model's.
    smallest : bool, whether to look for the smallest fixed width that would have sufficed.
    rule : update rule.
    bits, resolution : of stored samples: 8, 4, 2 or 1; "full", "half" or "grid".
    distil : a key of `DISTIL`; "reservoir" is one of all samples, whatever their class. "herding" and "k-center" need all
        raw samples of a class at once, as no device has them: they are there to be compared with.
    dtype : "float32" or "int8", what models are trained, verified, grown and recorded in.
    embedding : model whose layers random embeddings have, as in :func:`mcuref.models.build`.
    drift : one of `mcuref.incremental.drift.KINDS`, of a :class:`mcuref.incremental.drifting.DriftExperiment`; it has
        no tasks, and the further strategy "never".
    latent : int, how many of the last layers with parameters learn, from stored features of the others, which are frozen;
        bits and resolution are then those of features; or None, samples are stored: see :mod:`mcuref.incremental.latent`.
    given : pairs (name, value) of fields of the Recipe; also "verify", the source of its verification, by default held-out
        samples for an oracle, else stored ones; "group" and "embeddings" of its distillation, and "no_augmentation".
    """

    tasks: int | str | None = None
    strategies: tuple[str, ...] = ("growing",)
    seeds: tuple[int, ...] = (0,)
    share: float | None = None
    per_class: int | None = None
    criterion: Criterion | None = None
    expansion: tuple[tuple[str, Any], ...] = ()
    start: float | None = None
    smallest: bool = False
    rule: Rule | None = None
    bits: int | None = None
    resolution: str | None = None
    distil: str | None = None
    dtype: str = "float32"
    embedding: Model | str | None = None
    drift: str | None = None
    latent: int | None = None
    given: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        for name in self.strategies:
            arguments.one_of("strategy", name, STRATEGIES if self.drift is None else (*STRATEGIES, NEVER))
        if self.drift is not None:
            for name in ("tasks", "smallest"):
                if getattr(self, name):
                    raise InputError(f"{name} {getattr(self, name)!r} is of learning task by task; drift comes in a stream")
        if self.resolution is not None:
            arguments.one_of("resolution", self.resolution, RESOLUTIONS)
        arguments.one_of("dtype", self.dtype, DTYPES)
        for name in ("share", "start"):
            if getattr(self, name) is not None:
                arguments.number(name, getattr(self, name), 0, 1, above=True)
        if self.latent is not None:
            self._check_latent()

    def _check_latent(self):
        """InputError for what needs samples, where features are stored."""
        arguments.whole("latent", self.latent, 1)
        if self.dtype != "float32":
            raise InputError(f"latent {self.latent} is of float32 models; those of dtype {self.dtype!r} store samples")
        if self.distil not in (None, "random"):
            raise InputError(
                f"with latent {self.latent} stored features are chosen at random; distil {self.distil!r} is of samples"
            )
        for name in ("herding", "k-center"):
            if name in self.strategies:
                raise InputError(
                    f"strategy {name!r} compares samples in random networks; with latent {self.latent} it has none"
                )
        if "joint-best" in self.strategies:
            raise InputError(
                f"strategy 'joint-best' trains the whole model to its optimum; with latent {self.latent} a part is frozen"
            )
        if self.smallest:
            raise InputError(
                f"the smallest fixed model is not looked for with latent {self.latent}, which grows only the head"
            )
        if dict(self.given).get("features") == "learned":
            raise InputError(f"learned features are of distillation; with latent {self.latent} nothing is distilled")

    def judged_by(self, protocol: IncrementalProtocol) -> Criterion:
        """The Criterion that was asked for, or the protocol's."""
        return protocol.criterion if self.criterion is None else self.criterion

    def recipe(self, protocol: IncrementalProtocol, kind: str) -> Recipe:
        """The protocol's Recipe for data of a kind, with what is asked for; samples a class are counted later."""
        given = dict(self.given)
        if given.pop("no_augmentation", False):
            given["augmentation"] = Augmentation()
        oracle = self.judged_by(protocol).within is not None
        given["verification"] = Verification(given.pop("verify", "held-out" if oracle else "stored"))
        storage, distillation = protocol.storage, protocol.distillation
        if self.bits is not None:
            storage = replace(storage, bits=self.bits)
        if self.resolution is not None:
            half, grid = RESOLUTIONS[self.resolution]
            storage = replace(storage, half=half, grid=grid)
        if self.distil is not None:
            distillation = replace(distillation, **DISTIL[arguments.one_of("distil", self.distil, DISTIL)])
        own = {name: given.pop(name) for name in ("group", "embeddings") if name in given}
        distillation = replace(distillation, **own)
        if given.get("features") == "learned":
            distillation = replace(distillation, embeddings=1)
        return protocol.recipe(kind, MANY, storage=storage, distillation=distillation, rule=self.rule, **given)
