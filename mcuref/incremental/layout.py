"""What shares the memory with a model that learns incrementally, and in which stage of the cycle it is needed.

The rows of the plan are stages, not instructions. What is needed in one stage alone shares its bytes with what is needed
in others: the embeddings of the distillation with the working memory of training, say. Buffers for one sample on its way
(record.sample, record.features, distil.gradient, replay.*) are the device's: the host hands over many samples at once,
outside of the arena, which decides no bit.

    record   real samples of a class pass by; sums of their features, and a choice among them
    distil   the chosen samples are optimised, rounded, and stored
    train    the model trains on the stored samples
    verify   the model is judged
    grow     another model of another size lies in the same arena as the one that runs
"""

from dataclasses import dataclass, field
from typing import Any, Self

from mcuref.errors import InputError
from mcuref.incremental.body import Body
from mcuref.incremental.embedding import Embedding, embedding_network, embedding_seeds
from mcuref.incremental.recipe import Recipe
from mcuref.incremental.storage import Codec
from mcuref.layers import Input
from mcuref.memory.buffers import Buffer
from mcuref.network import Network
from mcuref.program.program import Program
from mcuref.rules import Rule, with_stored

STAGES = ("record", "distil", "train", "verify", "grow")
# Of a class: its number outside, stored samples, times it was seen, samples to verify on
CLASS_COLUMNS = ("label", "stored", "seen", "checks")
LABEL, STORED, SEEN, CHECKS = range(len(CLASS_COLUMNS))


@dataclass(frozen=True)
class Layout:
    """What shares the memory with the model: how much of it there is.

    Parameters
    ----------
    codec : of the stored samples.
    check_codec : of the stored validation samples.
    recipe : :class:`mcuref.incremental.recipe.Recipe`.
    capacity : int, stored samples; 0 for a learner that stores none in the arena.
    checks : int, stored validation samples.
    most_classes : int.
    embedding : :class:`mcuref.Network` whose layers the random embeddings have; None for the features that the model
        has learned.
    programs : compiled embeddings, which are the same in all plans.
    body : :class:`mcuref.incremental.body.Body` that makes the samples of those that arrive, or None.
    """

    codec: Codec
    check_codec: Codec
    recipe: Recipe
    capacity: int
    checks: int
    most_classes: int
    embedding: Network | None = None
    programs: dict[Any, list[Program]] = field(default_factory=dict, repr=False, compare=False)
    body: Body | None = None

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        layer: Input,
        most_classes: int,
        *,
        stores: bool = True,
        judged: bool = True,
        embedding: Network | None = None,
        body: Body | None = None,
    ) -> Self:
        """The Layout of a recipe for an Input layer.

        stores : whether samples to train on are stored in it. judged : whether its model is judged by samples.
        """
        checks = recipe.verification.per_class if judged and recipe.verification.source == "stored" else 0
        return cls(
            recipe.storage.codec(layer),
            recipe.verification.storage(recipe.storage).codec(layer),
            recipe,
            recipe.per_class * most_classes * stores,
            checks * most_classes,
            most_classes,
            embedding,
            body=body,
        )

    @property
    def rule(self) -> Rule:
        """The update rule of the model's programs; one that lets stored samples rest has a streak for each slot."""
        rule = with_stored(self.recipe.rule, max(self.capacity, 1))  # raw samples outside of the arena never rest
        stored = getattr(rule, "stored", 0)
        if getattr(rule, "rests", 0) and stored < self.capacity:
            raise InputError(
                f"stored {stored} is less than the {self.capacity} slots of the memory; 0 stands for all of them"
            )
        return rule

    def embedding_programs(self, network: Network, seed: int, count: int) -> list[Program]:
        """Compiled embeddings with the layers of a network, list of Program."""
        key = repr(network.written[1:]), seed, count
        if key not in self.programs:
            networks = [embedding_network(network, seed=s) for s in embedding_seeds(seed, count)]
            self.programs[key] = [Embedding(each).program for each in networks]
        return self.programs[key]

    def stored(self) -> dict[str, Buffer]:
        """Buffers of what is stored: samples, labels, classes, quantisation; validation samples and their labels."""
        label = "uint8" if self.most_classes <= 256 else "uint16"
        shapes: dict[str, tuple[str, tuple[int, ...], str]] = {}
        if self.capacity:
            shapes["memory.samples"] = ("uint8", (self.capacity, self.codec.bytes), "distilled data")
            shapes["memory.labels"] = (label, (self.capacity,), "distilled data")
        alike = self.check_codec.storage.bits == self.codec.storage.bits  # then levels are the same
        if self.codec.scale_bytes and (self.capacity or self.checks and alike):
            shapes["memory.levels"] = ("float32", (2, self.codec.shape[2]), "distilled data")
        if self.check_codec.scale_bytes and self.checks and not alike:
            shapes["validation.levels"] = ("float32", (2, self.check_codec.shape[2]), "validation data")
        if self.checks:
            shapes["validation.samples"] = ("uint8", (self.checks, self.check_codec.bytes), "validation data")
            shapes["validation.labels"] = (label, (self.checks,), "validation data")
        shapes["classes"] = ("int32", (self.most_classes, len(CLASS_COLUMNS)), "distilled data")
        region = self.recipe.region
        return {n: Buffer(n, dtype, shape, kind, "", region, True) for n, (dtype, shape, kind) in shapes.items()}

    @property
    def distils(self) -> bool:
        """Whether features are computed of what passes by; else samples are chosen at random, and no value is changed."""
        return self.recipe.distillation.needs_embeddings

    def working(self, features: int) -> dict[Buffer, tuple[int, int]]:
        """{Buffer: (first stage, last stage)} of what is needed in some stages alone."""
        layer, recipe, lives = self.codec.layer, self.recipe, {}
        if self.capacity and self.distils:
            for name, (shape, first, last) in recipe.distillation.buffers(layer.size, features).items():
                lives[Buffer(name, "float32", shape, "scratch")] = first, last
        elif self.capacity:  # one chosen at random is stored as it passes by
            lives[Buffer("record.sample", layer.dtype, (layer.size,), "input")] = "record", "record"
        if self.capacity:
            order = "uint16" if self.capacity <= 1 << 16 else "uint32"
            lives[Buffer("replay.order", order, (self.capacity,), "scratch")] = "train", "train"
        if self.capacity or self.checks:
            lives[Buffer("replay.sample", layer.dtype, (layer.size,), "input")] = "train", "verify"
        if recipe.augmentation.active:
            lives[Buffer("replay.augmented", layer.dtype, (layer.size,), "input")] = "train", "train"
        return {buffer: (STAGES.index(first), STAGES.index(last)) for buffer, (first, last) in lives.items()}
