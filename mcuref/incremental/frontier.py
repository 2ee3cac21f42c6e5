"""Ways to keep samples side by side: policy, bits and resolution, at equal bytes; the largest model learns all classes once.

A way is on a frontier if no other one is at least as accurate for no more of what it costs, and better in one of the two.
What it costs is stored bytes, or all multiply-accumulates: of training, and of selecting or distilling.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from mcuref import arguments
from mcuref.datasets.data import Data
from mcuref.experiments.spreading import Origin, Piece, spread
from mcuref.incremental.dtypes import arithmetics
from mcuref.incremental.experiment import Experiment
from mcuref.incremental.setting import DISTIL, RESOLUTIONS, Setting
from mcuref.incremental.storage import BITS, sample_axes
from mcuref.incremental.store import Progress
from mcuref.metrics import deviation
from mcuref.models import find_model, label
from mcuref.models.description import Model
from mcuref.program.arithmetic import Arithmetic

USUAL = ("random", "reservoir", "swap-herding", "mixed")  # policies if none are named: those that take minutes
COSTS = {"bytes": "stored_bytes", "macs": "all_macs"}
FIGURES = ("accuracy", "distillation_macs", "training_macs", "all_macs")


class Way(NamedTuple):
    """How samples are kept: a key of `DISTIL`, bits of a value, a key of `RESOLUTIONS`."""

    policy: str
    bits: int
    resolution: str


@dataclass(eq=False)
class Frontier:
    """One table.

    Parameters
    ----------
    data : :class:`mcuref.Data`, judged by its test side.
    model : the model, as in :func:`mcuref.models.build`.
    setting : :class:`mcuref.incremental.setting.Setting`; bits and resolution that it has are the only ones. Tasks and
        strategies are those of this table, whatever it says.
    policies : names, keys of `DISTIL`.
    progress : callable(what, done, total) or None.
    origin : `mcuref.experiments.spreading.Origin` of the data, for processes that load it themselves, or None.

    Raises
    ------
    InputError : a policy is not known, or the setting is not one of such data.
    """

    data: Data
    model: Model | str
    setting: Setting
    policies: Sequence[str] = USUAL
    progress: Progress | None = None
    origin: Origin | None = None

    def __post_init__(self) -> None:
        self.model = find_model(self.model)
        for name in self.policies:
            arguments.one_of("policy", name, DISTIL)
        self.ways = self._ways()
        self.recipe = self.experiment(self.ways[0]).recipe

    def _ways(self):
        """All ways; samples, or features of frozen layers, that are a row have no resolution but full."""
        bits = BITS if self.setting.bits is None else (self.setting.bits,)
        resolutions = tuple(RESOLUTIONS) if self.setting.resolution is None else (self.setting.resolution,)
        one = self.experiment(Way(self.policies[0], bits[0], resolutions[0]))
        if sample_axes(one.stored_input.shape)[:2] == (1, 1):
            resolutions = ("full",)
        return [Way(*way) for way in product(self.policies, bits, resolutions)]

    @property
    def arithmetics(self) -> tuple[Arithmetic, ...]:
        """Of its programs."""
        return arithmetics(self.setting.dtype)

    def experiment(self, way: Way) -> Experiment:
        """The experiment of a way: the largest model, all classes in one task."""
        setting = replace(self.setting, tasks=1, strategies=("fixed-large",))
        setting = replace(setting, distil=way.policy, bits=way.bits, resolution=way.resolution)
        return Experiment(self.data, self.model, setting)

    def check(self) -> None:
        """InputError if a way has no room for one sample a class, before anything is trained."""
        for way in {(way.bits, way.resolution): way for way in self.ways}.values():
            self.experiment(way)

    def maker(self) -> Callable[[Data], "Frontier"]:
        """What makes such a table of the same data in another process; it can be pickled."""
        return partial(Frontier, model=self.model, setting=self.setting, policies=self.policies)

    def begin(self) -> None:
        """Trainings are about to begin."""
        self.stopped = False

    def stop(self) -> None:
        """Those that are under way need not go on."""
        self.stopped = True

    def run(self, executor: Executor | None = None) -> list[dict[str, Any]]:
        """A point a way, in their order: what it came to, means over seeds, and which frontiers it is on.

        Each is {"policy", "bits", "resolution", "per_class", "stored_bytes", "raw_pool_bytes", "accuracy", "accuracy_std",
        "distillation_macs", "training_macs", "all_macs", "frontier": {"bytes": bool, "macs": bool}, "per_seed"}.
        executor : as of `mcuref.experiments.spreading.spread`; points do not depend on it.
        """
        pieces: dict[Hashable, Piece] = {
            (way, seed): Piece(trained, (way, seed)) for way in self.ways for seed in self.setting.seeds
        }
        done, count = [], len(pieces)

        def arrived(key: Any, result: Any) -> None:
            done.append(key)
            if self.progress:
                self.progress("trainings", len(done), count)

        results = spread(self, pieces, executor, arrived=arrived)
        points = [_point(way, [results[way, seed] for seed in self.setting.seeds]) for way in self.ways]
        for point in points:
            point["frontier"] = {name: on_frontier(point, points, cost) for name, cost in COSTS.items()}
        return points

    def report(self, points: list[dict[str, Any]], evaluated: str, seconds: float) -> dict[str, Any]:
        """``mcuref.frontier/1``."""
        experiment = self.experiment(self.ways[0])
        recipe = {name: value for name, value in self.recipe.as_dict().items() if name not in ("per_class", "storage")}
        del recipe["distillation"]
        return {
            "schema": "mcuref.frontier/1",
            "data": self.data.name,
            "evaluated_on": evaluated,
            "model": label(experiment.model.name),
            "dtype": self.setting.dtype,
            "latent": self.setting.latent,
            "seeds": list(self.setting.seeds),
            "share": experiment.share,
            "raw_bytes": experiment.scenario.raw_bytes,
            "recipe": recipe,
            "points": points,
            "timing": {"seconds": seconds},
        }


def trained(frontier: Frontier, way: Way, seed: int) -> dict[str, Any]:
    """What one training came to."""
    experiment = frontier.experiment(way)
    learner = experiment.learner("fixed-large", seed)
    (task,) = experiment.scenario.tasks(seed)
    learner.progress = partial(_go_on, frontier)
    x, y = experiment.arriving(task)
    learner.learn(x, y)
    macs = learner.model.charges.macs
    return {
        "seed": seed,
        "per_class": experiment.recipe.per_class,
        "stored_bytes": learner.samples.stored_bytes,
        "raw_pool_bytes": learner.samples.raw_pool,
        "accuracy": float(np.mean(learner.predict(frontier.data.x_test) == frontier.data.y_test)),
        "distillation_macs": macs["distillation"],
        "training_macs": macs["training"],
        "all_macs": sum(macs.values()),
    }


def _go_on(frontier, what, done, total):
    """Stop a training once another one has failed."""
    if frontier.stopped:
        raise InterruptedError("another training of the table failed")


def _point(way, results):
    """Figures of one way: means over seeds; bytes are the same in all of them."""
    point = {**way._asdict(), **{name: results[0][name] for name in ("per_class", "stored_bytes", "raw_pool_bytes")}}
    point |= {name: float(np.mean([result[name] for result in results])) for name in FIGURES}
    return point | {"accuracy_std": deviation([result["accuracy"] for result in results]), "per_seed": results}


def on_frontier(point: Mapping[str, Any], points: Sequence[Mapping[str, Any]], cost: str) -> bool:
    """Whether no other point has at least the accuracy at no more of the ``cost``, and is better in one of the two."""
    own = point["accuracy"], -point[cost]
    others = [(other["accuracy"], -other[cost]) for other in points]
    return not any(other != own and all(theirs >= mine for theirs, mine in zip(other, own)) for other in others)
