"""The plans that a learner's model, and every change of it, must fit."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mcuref.incremental.distillation import Distillation
from mcuref.incremental.growth import with_outputs
from mcuref.incremental.layout import Layout
from mcuref.incremental.memory import LearnerMemory
from mcuref.incremental.resizing import Resized
from mcuref.memory.targets import Budget
from mcuref.network import Network


class LearnerPlans:
    """The plans of one learner: of each model that it has or may have, checked before anything is allocated.

    Parameters
    ----------
    layout : :class:`mcuref.incremental.layout.Layout`.
    budget : :class:`mcuref.Budget` or None.
    seed : int, of the embeddings.
    """

    def __init__(self, layout: Layout, budget: Budget | None, seed: int) -> None:
        self.layout, self.budget, self.seed = layout, budget, seed

    def memory(self, network: Network, outputs: int | None = None, replaces: LearnerMemory | None = None) -> LearnerMemory:
        """The :class:`LearnerMemory` of a network, planned; with another number of outputs if one is given."""
        if outputs is not None:
            network = with_outputs(network, outputs, self.seed)
        return LearnerMemory(network, self.layout, self.budget, self.seed, replaces)

    def reserved(self, network: Network) -> Iterator[LearnerMemory]:
        """The plans of a network with all classes, and while the last one is added: what they need is never given away."""
        most = self.layout.most_classes
        yield self.memory(network, most)
        if most > 1:
            yield self.memory(network, most, replaces=self.memory(network, most - 1))

    def of_change(self, resized: Resized, present: LearnerMemory) -> Iterator[LearnerMemory]:
        """The plans of a change, one by one: with both models in memory, afterwards, and with classes yet to come."""
        network = resized.network
        yield self.memory(network, replaces=present)
        yield self.memory(network)
        if network.outputs < self.layout.most_classes:
            yield from self.reserved(network)

    def require(self, network: Network) -> None:
        """BudgetExceeded, with changes that would fit, unless a network fits with all its classes."""
        for memory in self.reserved(network):
            memory.require(lambda: self.suggestions(network))

    def require_change(self, resized: Resized, present: LearnerMemory) -> None:
        """BudgetExceeded unless all plans of a change fit."""
        for memory in self.of_change(resized, present):
            memory.require()

    def suggestions(self, network: Network) -> list[dict[str, Any]]:
        """Changes that would fit, each planned: [{"change", "sram", "flash"}]."""
        found = []
        for change, layouts in self._smaller():
            for value, layout in layouts:
                plans = list(LearnerPlans(layout, self.budget, self.seed).reserved(network))
                if all(memory.fits for memory in plans):
                    most = {region: max(getattr(memory.needs, region) for memory in plans) for region in ("sram", "flash")}
                    found.append({"change": change.format(value)} | most)
                    break
        return found

    def _smaller(self):
        """Pairs (words, pairs (value, layout)): less and less of what takes memory."""
        recipe, distillation = self.layout.recipe, self.layout.recipe.distillation

        def distilling(**values):
            return replace(self.layout, recipe=replace(recipe, distillation=replace(distillation, **values)))

        stored = _halves(recipe.per_class)
        yield (
            "{} stored samples a class",
            [(n, replace(self.layout, capacity=n * self.layout.most_classes)) for n in stored],
        )
        yield (
            "distillation with group {0} and at most {0} embeddings",
            [
                (n, distilling(group=n, embeddings=min(distillation.embeddings, n)))
                for n in _halves(max(distillation.group, distillation.embeddings))
            ],
        )
        yield (
            "selection alone (iterations 0, start 'random')",
            [(0, replace(self.layout, recipe=replace(recipe, distillation=Distillation("random", 0, group=1))))],
        )


def _halves(n):
    """n // 2, n // 4, ... down to 1."""
    while n > 1:
        n //= 2
        yield n
