"""The smallest fixed model that would have done: an oracle to compare growth with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mcuref.incremental.baselines import samples_for
from mcuref.incremental.expansion import next_widths
from mcuref.incremental.growth import hidden_widths, inference_macs, widen
from mcuref.incremental.learner import IncrementalLearner

if TYPE_CHECKING:
    from mcuref.incremental.experiment import Experiment


def smallest_fixed(experiment: Experiment, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The smallest fixed model that would have done after the last task, or None if it is not asked.

    It would have if its accuracy on held-out samples meets the criterion; one that is not of accuracy, if it is that of
    "growing". Hidden widths go up from those to begin with as "growing" goes, and the model learns all tasks at that width.
    Returns {"widths": [of each seed], "inference_macs": mean over seeds, "fits": [of each seed]}.
    """
    if not experiment.setting.smallest:
        return None
    found = []
    for seed in experiment.setting.seeds:
        level = next(row for row in rows if row["name"] == "growing")["per_seed"][experiment.setting.seeds.index(seed)]
        level = level["tasks"][-1]["criterion" if experiment.criterion.of_accuracy else "held_out_accuracy"]
        found.append(_smallest(experiment, seed, level))
    return {
        "widths": [list(hidden_widths(learner.network)) for learner in found],
        "inference_macs": float(np.mean([inference_macs(learner.network) for learner in found])),
        "fits": [experiment.fits(learner) for learner in found],
    }


def _smallest(experiment, seed, level):
    """The learner of a network of that size."""
    learner, large = experiment.learner("growing", seed), experiment.network(seed)
    network = learner.network
    while hidden_widths(network) != hidden_widths(large):
        fixed = IncrementalLearner(
            network,
            experiment.data.classes,
            recipe=experiment.recipe,
            embedding=learner.layout.embedding,
            samples=samples_for("fixed-large", experiment.setting.distil),
            seed=seed,
        )
        tasks = experiment.scenario.tasks(seed)
        for number, task in enumerate(tasks):
            experiment.watch(fixed, f"fixed {hidden_widths(network)}", seed, number)
            fixed.learn(*experiment.arriving(task))
        x, y = experiment.held_out(tasks)
        if np.mean(fixed.predict(x) == y) >= level:
            return fixed
        network = widen(network, next_widths(network, experiment.expansion.factor, large), seed=seed).network
    return experiment.learner("fixed-large", seed)
