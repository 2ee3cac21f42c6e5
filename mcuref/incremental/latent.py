"""Latent replay: the first layers of the model are frozen; what is stored are their features, and the rest goes on learning.

Pellegrini et al., "Latent replay for real-time continual learning", IROS 2020; with features in 8 bits Ravaglia et al.,
"A TinyML platform for on-device continual learning with quantized latent replays", arXiv 2110.10486. The body has come
with the model, or learns in the first task: then the whole model trains on that task's samples in the memory, as any
learner does, and the first task's samples pass by once more for their features. The head begins anew.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.incremental import arrivals
from mcuref.incremental.augmentation import Augmentation
from mcuref.incremental.body import Body, parted
from mcuref.incremental.charges import Charges
from mcuref.incremental.criterion import Criterion
from mcuref.incremental.distillation import Distillation
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.recipe import Expansion, Recipe
from mcuref.incremental.state import State
from mcuref.incremental.storage import Storage
from mcuref.incremental.store import ClassSlots, Progress, Store
from mcuref.memory.targets import Budget
from mcuref.network import Network

LATENT_BITS = 2  # a stored feature, if nothing is said: the best of 8, 4, 2 and 1, or as good, on four validation splits
BODY = "body."  # before the names of its arrays in a state


def latent_recipe(recipe: Recipe, storage: Storage) -> Recipe:
    """The recipe of a head, from that of the whole model: real features, chosen at random, shown as they are stored."""
    choice = Distillation(start="random", iterations=0, stream=recipe.distillation.stream)
    return replace(recipe, storage=storage, distillation=choice, augmentation=Augmentation(), features="random")


class LatentLearner(IncrementalLearner):
    """A learner whose network is the head of a model; a :class:`mcuref.incremental.body.Body` makes its samples.

    :meth:`learn`, :meth:`predict` and :meth:`recall` take samples as they arrive; stages that are called alone take
    features.

    Parameters
    ----------
    network : :class:`mcuref.Network`, whose last layers are the head to begin with.
    most_classes : int, as of :class:`IncrementalLearner`.
    latent : int, how many of the last layers with parameters are the head.
    recipe : :class:`Recipe` of the head.
    first : :class:`Recipe` by which the whole model learns the first task; None: the body is ready.
    largest : :class:`mcuref.Network`, the whole model: its first layers are the body, with the parameters that it has
        learned if ``first`` is None, and its last ones the largest head; None: ``network``.
    embedding : :class:`mcuref.Network` or None, of ``first``.
    criterion, expansion, samples, budget, core, seed, progress : as of :class:`IncrementalLearner`.

    Attributes
    ----------
    body : :class:`mcuref.incremental.body.Body`.
    frozen : bool, whether it is the one that makes the samples: not before the first task.

    Raises
    ------
    BudgetExceeded, InputError : as of :class:`IncrementalLearner`; BudgetExceeded also if the first task does not fit.
    """

    def __init__(
        self,
        network: Network,
        most_classes: int,
        *,
        latent: int,
        recipe: Recipe,
        first: Recipe | None,
        criterion: Criterion | None = None,
        expansion: Expansion | None = None,
        largest: Network | None = None,
        embedding: Network | None = None,
        samples: Store | None = None,
        budget: Budget | None = None,
        core: str | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.small, self.whole = network, network if largest is None else largest
        self.latent, self.first, self.embedding = latent, first, embedding
        self._given = {
            "most_classes": most_classes, "recipe": recipe, "criterion": criterion, "expansion": expansion,
            "samples": ClassSlots() if samples is None else samples, "budget": budget, "core": core, "seed": seed,
        }  # fmt: skip
        self.progress = progress
        if first is not None:
            self._learner_of_all(most_classes)  # BudgetExceeded now, not in the first task: it needs no more
        self._begin(Body(parted(network, latent)[0]), frozen=False)

    def _begin(self, body, frozen=True):
        """Begin with a head above a body."""
        self.body, self.frozen = body, frozen
        small, large = (
            Network([body.output, *parted(each, self.latent)[1]], seed=each.seed, name=each.name)
            for each in (self.small, self.whole)
        )
        super().__init__(small, largest=large, body=body, progress=self.progress, **self._given)

    def _learner_of_all(self, classes):
        """The learner that trains the whole model in the first task, whose classes have the slots of all to themselves."""
        slots = self.first.per_class * self._given["most_classes"]
        return IncrementalLearner(
            self.whole,
            classes,
            recipe=replace(self.first, per_class=slots // classes),
            embedding=self.embedding,
            budget=self._given["budget"],
            core=self._given["core"],
            seed=self._given["seed"],
            progress=self.report_progress,
        )

    def learn(self, x: Any, y: Any, *, held_out: Any = None, reference: float | None = None) -> dict[str, Any]:
        """Learn what arrives, as of ``IncrementalLearner.learn``; in the first task the body before, if it is not ready.

        Of the row, "samples" are those whose features were computed, "inference_macs" are the whole model's; "macs" of
        training and distillation include learning the body, those of distillation the features of arriving samples, and
        those of verification the features of samples that are not stored.
        """
        x, y = arrivals.checked(self.body.input, x, y)
        arrivals.new_classes(self.classes, y, self.most_classes)  # InputError before a body learns
        before, macs = self.state(), dict(self.model.macs)
        try:
            if not self.frozen:
                self._freeze(x, y)
            x, y = self._passing(x, y)
            x = self._featured(x, "distillation")
            if held_out is not None and self._verifies_on_held_out:
                held_x, held_y = arrivals.pair(held_out)
                held_x, held_y = arrivals.checked(self.body.input, held_x, held_y, what="held-out samples")
                held_out = self._featured(held_x, "verification"), held_y
            row = super().learn(x, y, held_out=held_out, reference=reference)
        except BaseException:
            self.restore(*before)
            raise
        row["macs"] = {stage: done - macs[stage] for stage, done in self.model.macs.items()}
        row["macs"]["all"] = sum(row["macs"].values())
        row["inference_macs"] += self.body.macs
        return row

    def _featured(self, x, stage):
        """Features of samples, which are charged to a stage."""
        counts = np.zeros_like(self.body.program.counts)
        features = self.body.features(x, counts)
        self.model.charges.inferences(stage, self.body.program, counts)
        return features

    def _freeze(self, x, y):
        """Freeze the body, which learns from the first task's samples unless it is ready; its learning is charged."""
        network, charges, peaks, shown = self.whole, Charges(self.model.charges.core), {}, {}
        if self.first is not None:
            learner = self._learner_of_all(len(np.unique(y)))
            learner.learn(x, y)
            network, charges, peaks = learner.model.network_now(), learner.model.charges, learner.model.peaks
            shown = {name: getattr(learner.rehearsal, name) for name in ("steps", "rested", "augmented_values")}
        self._begin(Body.frozen(parted(network, self.latent)[0], x))
        self.model.charges = charges
        vars(self.rehearsal).update(shown)
        for region, peak in peaks.items():
            self.model.peaks[region] = max(peak, self.model.peaks[region])

    def _passing(self, x, y):
        """Arriving samples whose features are computed: where some are chosen, as many of a class as pass by."""
        if self.recipe.stream_pass or not isinstance(self.samples, ClassSlots):
            return x, y
        kept = np.zeros(len(y), bool)
        for label in dict.fromkeys(y.tolist()):
            mine = np.flatnonzero(y == label)
            count = self.recipe.distillation.streamed(len(mine), self.recipe.per_class)
            kept[mine[np.arange(count) * len(mine) // count]] = True
        return x[kept], y[kept]

    def predict(self, x: Any) -> NDArray[np.int64]:
        """Labels, int64[N], of samples as they arrive: of the classes that have arrived."""
        return super().predict(self.body.features(x))

    def recall(self, x: Any, y: Any, row: Mapping[str, Any]) -> None:
        """Give again the samples of a task that was learned before, of which this was the row, when a run is resumed."""
        x, y = arrivals.checked(self.body.input, x, y)
        super().recall(self.body.features(x), y, row)

    def state(self) -> State:
        """As of ``IncrementalLearner.state``; with the body once it is frozen."""
        plain, arrays = super().state()
        body = {BODY + name: values.copy() for name, values in self.body.arrays().items()} if self.frozen else {}
        return plain, arrays | body

    def restore(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put back what :meth:`state` returned, of a learner made with the same arguments; InputError if it is another's."""
        mine = {name.removeprefix(BODY): values for name, values in arrays.items() if name.startswith(BODY)}
        layers = parted(self.whole, self.latent)[0]
        self._begin(Body.restored(layers, mine) if mine else Body(layers), frozen=bool(mine))
        super().restore(plain, {name: values for name, values in arrays.items() if not name.startswith(BODY)})
