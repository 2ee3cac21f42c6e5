"""Strategies side by side on one scenario: same order, augmentation, stored bytes and training steps, a row a strategy."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.experiments.spreading import Origin
from mcuref.incremental.baselines import recipe_for, samples_for
from mcuref.incremental.best import BestLearner
from mcuref.incremental.body import Body, parted
from mcuref.incremental.charges import core_of
from mcuref.incremental.dtypes import arithmetics, check_float32, deployed
from mcuref.incremental.growth import hidden_widths, with_hidden_widths
from mcuref.incremental.keeping import ExperimentCheckpoints, Kept, check_kept, fingerprint
from mcuref.incremental.latent import LATENT_BITS, LatentLearner, latent_recipe
from mcuref.incremental.layout import Layout
from mcuref.incremental.learner import IncrementalLearner
from mcuref.incremental.metrics import matrix_metrics
from mcuref.incremental.pieces import Learned, row_of, strategies
from mcuref.incremental.plans import LearnerPlans
from mcuref.incremental.protocols import find_protocol
from mcuref.incremental.recipe import Expansion
from mcuref.incremental.scenario import Scenario, Task, verified_scenario
from mcuref.incremental.setting import RESOLUTIONS, Setting
from mcuref.incremental.state import State
from mcuref.incremental.storage import Storage
from mcuref.incremental.store import Progress
from mcuref.memory.targets import Budget
from mcuref.models import build, describe, find_model
from mcuref.models.description import Model
from mcuref.network import Network
from mcuref.program.arithmetic import Arithmetic
from mcuref.runs.fingerprint import data_digest

EQUAL_BYTES = ("random", "herding", "k-center", "reservoir")  # of samples at 8 bits and full resolution


class Experiment:
    """One table.

    Parameters
    ----------
    data : :class:`mcuref.Data`, judged by its test side; what learners verify on is held out of the training side.
    model : the largest model, as in :func:`mcuref.models.build`, read once if it is a file; baselines have it too.
    setting : :class:`mcuref.incremental.setting.Setting`.
    budget : :class:`mcuref.Budget` or None; it binds "growing". What that is compared with says what it would need.
    progress : callable(what, done, total) or None.
    after_task : callable(seed, strategy, task rows so far) or None, called after every task.
    keeper : keeps what is done, or None; see :class:`mcuref.incremental.keeping.ExperimentCheckpoints`.
    origin : `mcuref.experiments.spreading.Origin` of the data, for processes that load it themselves, or None.
    """

    def __init__(
        self,
        data: Data,
        model: Model | str,
        setting: Setting,
        *,
        budget: Budget | None = None,
        progress: Progress | None = None,
        after_task: Callable[[int, str, list[dict[str, Any]]], Any] | None = None,
        keeper: ExperimentCheckpoints | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.data, self.model, self.setting, self.budget = data, find_model(model), setting, budget
        self.progress, self.after_task, self.keeper, self.origin = progress, after_task, keeper, origin
        self.protocol = find_protocol(data.name)
        embedding = setting.embedding or self.protocol.embedding
        self.embedding = None if embedding is None else find_model(embedding)
        self.scenario = self.what_arrives()
        self.share = self.protocol.share if setting.share is None else setting.share
        self.criterion = setting.judged_by(self.protocol)
        of_samples = setting if setting.latent is None else replace(setting, bits=None, resolution=None)
        self.recipe, self.stored_input = of_samples.recipe(self.protocol, data.kind), self.network().input
        if setting.share is None and setting.per_class is None:  # a small data set has no room for one sample a class
            self.share = max(self.share, (self._stored_bytes(self.recipe, 1) + 0.5) / self.scenario.raw_bytes)
        self.recipe = replace(self.recipe, per_class=self._per_class(self.recipe))
        self.first = self.recipe if self.model.network is None else None  # by which a body learns
        if setting.latent is not None:
            self._store_features()
        asked = dict(setting.expansion)
        self.expansion = replace(Expansion(method=self.protocol.growth, factor=self.protocol.factor), **asked)
        self.learners: dict[tuple[str, int], IncrementalLearner] = {}
        self.begin()

    def what_arrives(self) -> Scenario:
        """The tasks, judged by the test side."""
        return verified_scenario(self.data, self.protocol.tasks if self.setting.tasks is None else self.setting.tasks)

    def _store_features(self):
        """Let learners store features: a recipe for their heads beside the one for the first task."""
        setting, self.stored_input = self.setting, Body(parted(self.network(), self.setting.latent)[0]).output
        half, grid = RESOLUTIONS[setting.resolution or "full"]
        storage = Storage(LATENT_BITS if setting.bits is None else setting.bits, half, grid)
        self.recipe = latent_recipe(self.recipe, storage)
        self.recipe = replace(self.recipe, per_class=self._per_class(self.recipe))

    def check(self) -> None:
        """Refuse, before anything is trained, what does not fit: BudgetExceeded, or InputError."""
        self._check_tasks()
        for name in self.strategies:
            self.learner(name, self.setting.seeds[0])

    def _check_tasks(self):
        """InputError if a task has no sample to be judged by, or a class too few for how "growing" is verified."""
        for seed in self.setting.seeds:
            for number, task in enumerate(self.scenario.tasks(seed), 1):
                what, labels = self._lacking(task, number)
                if len(labels):
                    raise InputError(
                        f"data set {self.data.name!r} has no {what} samples of the classes of task {number} with seed "
                        f"{seed} ({', '.join(map(str, labels))}); it has too few for tasks that are judged"
                    )

    def _lacking(self, task, number):
        """(what kind of samples a task lacks, labels of which)."""
        if not len(task.test):
            return "test", task.labels
        held = self.scenario.arriving.y_test[task.held_out]
        if number == 1 and not len(held):
            return "held-out", task.labels
        labels, counts = np.unique(self.scenario.arriving.y_train[task.train], return_counts=True)
        verified = "growing" in self.strategies and self.criterion.verifies
        source = self.recipe.verification.source if verified else None
        if source == "held-out" or "joint-best" in self.strategies:
            unseen = np.setdiff1d(held, labels)
            return ("training", unseen) if len(unseen) else ("held-out", np.setdiff1d(labels, held))
        return "second training", labels[counts == 1] if source == "arriving" else ()  # some are learned, some are not

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """What decides the experiment, as sha256 by what it is."""
        model, embedding = (_as_asked(one) for one in (self.model, self.embedding))
        setting = replace(self.setting, embedding=embedding)  # models with their layers, whatever they are called
        asked = {"setting": setting, "model": model, "budget": self.budget}
        learner = self.learner(self.strategies[0], self.setting.seeds[0])
        programs = [learner.program, *(e.program for e in learner.memory.embeddings)]
        programs += [] if learner.layout.body is None else [learner.layout.body.program]
        given = [one.network for one in (self.model, self.embedding) if one is not None and one.network is not None]
        parameters = [network.parameters[name] for network in given for name in sorted(network.parameters)]
        return fingerprint(data_digest(self.data), asked, programs, parameters)

    @property
    def arithmetics(self) -> tuple[Arithmetic, ...]:
        """Of its programs."""
        return arithmetics(self.setting.dtype)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names, in the order in which they run: a criterion relative to "fixed-large" needs that first."""
        names = self.setting.strategies
        needed = "growing" in names and self.criterion.within is not None
        return ("fixed-large", *(n for n in names if n != "fixed-large")) if needed else names

    def run(self, executor: Executor | None = None) -> list[dict[str, Any]]:
        """Rows of the table: one a strategy, with every seed's figures.

        executor : as of `mcuref.experiments.spreading.spread`; rows do not depend on it.
        """
        self.learners.clear()
        learned = strategies(self, executor)
        order = sorted(self.strategies, key=lambda name: name != "growing")
        return [self.row(name, [learned[name, seed].result for seed in self.setting.seeds]) for name in order]

    def row(self, name: str, results: list[dict[str, Any]]) -> dict[str, Any]:
        """A strategy's row of the table, of the results with all seeds."""
        return row_of(name, results)

    def maker(self) -> Callable[[Data], "Experiment"]:
        """What makes such an experiment of the same data in another process; it can be pickled."""
        return partial(type(self), model=self.model, setting=self.setting, budget=self.budget)

    def begin(self) -> None:
        """Strategies are about to learn."""
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Those that are under way need not go on."""
        self._stopped.set()

    def strategy(self, name: str, seed: int, kept: Kept | None, references: list[float] | None) -> Learned:
        """A strategy through all tasks, from where it was kept if it was.

        references : accuracy of "fixed-large" on what is held out, after each task; None for a criterion without it.
        """
        tasks, rows, matrix = self.scenario.tasks(seed), [], []
        learner = self.resumed(name, seed, *kept) if kept else self.learner(name, seed)
        if kept:
            rows, matrix = list(kept[0]), list(kept[1])
        for number in range(len(rows), len(tasks)):
            self.watch(learner, name, seed, number)
            reference = references[number] if references else None
            row = self.learned(learner, name, tasks[: number + 1], rows, reference)
            matrix.append(self._judged(learner, tasks))
            rows.append(self._task_row(learner, row, matrix[-1], tasks[: number + 1]))
            if self.keeper:
                self.keeper.keep(seed, name, rows, matrix, learner.state())
            if self.after_task:
                self.after_task(seed, name, rows)
        self.learners[name, seed] = learner
        return Learned(self._result(seed, learner, rows, matrix), rows, matrix, learner.state())

    def learned(
        self, learner: IncrementalLearner, name: str, tasks: list[Task], rows: list[dict[str, Any]], reference: float | None
    ) -> dict[str, Any]:
        """The row of the last of these tasks, now that it is learned; ``rows`` are those of the earlier ones."""
        return learner.learn(*self.arriving(tasks[-1]), held_out=self.held_out(tasks), reference=reference)

    def network(self, seed: int = 0) -> Network:
        """The largest model's network, float32; a softmax at its end is of no use here. InputError for one that is not."""
        return check_float32(build(self.model, self.data, seed=seed).without_softmax())

    def learner(self, name: str, seed: int) -> IncrementalLearner:
        """The learner of a strategy; BudgetExceeded if "growing" does not fit."""
        large = self.network(seed)
        network, recipe, expansion = large, recipe_for(name, self.recipe), None
        if name == "growing":
            start = self.protocol.start if self.setting.start is None else self.setting.start
            expansion = self.expansion
            network = with_hidden_widths(large, [max(1, int(w * start + 0.5)) for w in hidden_widths(large)])
        network = deployed(network, self.setting.dtype, self.arriving(self.scenario.tasks(seed)[0])[0])
        if name in EQUAL_BYTES:
            recipe = replace(recipe, storage=Storage(8))
            recipe = replace(recipe, per_class=self._per_class(recipe, judged=False))
        criterion = self.criterion if name == "growing" else None
        embedding = None if self.embedding is None else build(self.embedding, self.data)
        make: Callable[..., IncrementalLearner] = BestLearner if name == "joint-best" else IncrementalLearner
        if self.setting.latent is not None:
            make = partial(LatentLearner, latent=self.setting.latent, first=self.first)
        return make(
            network,
            self.data.classes,
            recipe=recipe,
            criterion=criterion,
            expansion=expansion,
            largest=large,
            embedding=embedding,
            samples=samples_for(name, self.setting.distil),
            budget=self.budget if name == "growing" else None,
            core=core_of(self.budget),
            seed=seed,
        )

    def _per_class(self, recipe, judged=True):
        """Stored samples a class, so that everything stored is at most the share of the raw data.

        judged : whether samples to verify on are among it; strategies of one size need none, and have more to train on.
        """
        if self.setting.per_class is not None and recipe.storage == self.recipe.storage:
            return self.setting.per_class
        if self.setting.per_class is None:
            most, what, option = (int(self.share * self.scenario.raw_bytes), f"{self.share:.3%} of the raw data", "--share")
        else:
            most = self._stored_bytes(self.recipe, self.setting.per_class)
            what, option = f"what {self.setting.per_class} stored samples a class take", "--per-class"
        one, two = (self._stored_bytes(recipe, n, judged) for n in (1, 2))
        per_class = 1 + (most - one) // (two - one)
        if per_class < 1:
            raise InputError(
                f"{what} is less than the {one:,} B of one stored sample for each of {self.data.classes} classes; store "
                f"fewer bits, or raise {option}"
            )
        return per_class

    def _stored_bytes(self, recipe, per_class, judged=True):
        """Bytes of all that is stored with so many samples a class: those of the plan."""
        recipe, judged = replace(recipe, per_class=per_class), judged and self.criterion.verifies
        layout = Layout.of(recipe, self.stored_input, self.data.classes, judged=judged)
        return sum(buffer.size for buffer in layout.stored().values())

    def arriving(self, task: Task) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(samples, labels) that a task brings."""
        return self.scenario.arriving.x_train[task.train], self.scenario.arriving.y_train[task.train]

    def held_out(self, tasks: list[Task]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(samples, labels) to verify on after these tasks."""
        index = np.unique(np.concatenate([task.held_out for task in tasks]))
        return self.scenario.arriving.x_test[index], self.scenario.arriving.y_test[index]

    def _judged(self, learner, tasks):
        """Accuracy on the test samples of every task, list of float."""
        right = learner.predict(self.data.x_test) == self.data.y_test
        return [float(np.mean(right[task.test])) for task in tasks]

    def _task_row(self, learner, row, accuracies, tasks):
        seen = accuracies[: len(tasks)]
        held_x, held_y = self.held_out(tasks)
        row = dict(row) | {"per_task": seen, "accuracy": float(np.mean(seen)), "verified": row["measured"]}
        row["held_out_accuracy"] = float(np.mean(learner.predict(held_x) == held_y))
        return row

    def resumed(
        self, name: str, seed: int, rows: list[dict[str, Any]], matrix: list[list[float]], state: State
    ) -> IncrementalLearner:
        """A learner where it was kept; raw data that it keeps outside is given to it again."""
        tasks, learner = self.scenario.tasks(seed), self.learner(name, seed)
        try:
            check_kept(len(tasks), rows, matrix, state[0], self.scenario.judged)
        except ValueError as error:
            raise self._unusable(error) from None
        try:
            learner.restore(*state)
        except InputError as error:
            raise self._unusable(error) from None
        for task, row in zip(tasks, rows):
            x, y = self.arriving(task)
            learner.recall(x, y, row)
        return learner

    def _unusable(self, error):
        """The error for a state that is not one of this experiment."""
        return self.keeper.unusable(error) if self.keeper else error

    def watch(self, learner: IncrementalLearner, name: str, seed: int, number: int) -> None:
        """Tell of a learner's progress, under its name, in a task."""
        stopped = self._stopped

        def update(what, done, total):
            if stopped.is_set():
                raise InterruptedError("another run of the experiment failed")
            if self.progress:
                self.progress(f"{name}, seed {seed}, task {number + 1}: {what}", done, total)

        learner.progress = update

    def _result(self, seed, learner, rows, matrix):
        macs = [row["inference_macs"] for row in rows]
        stored = learner.samples.stored_bytes if learner.samples.in_plan else rows[-1]["stored_bytes"]
        return {
            "seed": seed,
            **self.figures(seed, rows, matrix),
            "stored_bytes": stored,
            "stored_share": stored / self.scenario.raw_bytes,
            "inference_macs_final": macs[-1],
            "inference_macs_mean": float(np.mean(macs)),
            "raw_pool_bytes": max(row["raw_pool_bytes"] for row in rows),
            **learner.model.charges.as_dict(),
            "augmented_values": learner.rehearsal.augmented_values,
            "training_steps": learner.rehearsal.steps,
            "samples_rested": learner.rehearsal.rested,
            "sram_peak": learner.model.peaks["sram"],
            "flash_peak": learner.model.peaks["flash"],
            "fits": self.fits(learner),
            "stages": learner.memory.stages(),
            "tasks": rows,
        }

    def figures(self, seed: int, rows: list[dict[str, Any]], matrix: list[list[float]]) -> dict[str, Any]:
        """How well a strategy learned with a seed: plain data of its task rows and accuracy matrix."""
        return {"order": self.scenario.order(seed), "accuracy_matrix": matrix, **matrix_metrics(matrix, [0.0] * len(matrix))}

    def fits(self, learner: IncrementalLearner) -> bool | None:
        """Whether the budget would take a learner, None without one. What it binds has been held to it all the way."""
        if self.budget is None or learner.model.plans.budget is not None:
            return None if self.budget is None else True
        plans = LearnerPlans(learner.layout, self.budget, learner.seed)
        return all(memory.fits for memory in plans.reserved(learner.network))

    def stored_samples(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """(raw samples, labels) in the memory of the first strategy of the first seed, as they are brought back."""
        learner = self.learners[self.setting.strategies[0], self.setting.seeds[0]]
        slots, index = learner.samples.material()
        return learner.samples.raw(slots), np.array(learner.classes)[index]

    def _latent(self):
        """What the frozen layers are, for JSON; None if nothing is frozen."""
        if self.setting.latent is None:
            return None
        body = Body(parted(self.network(), self.setting.latent)[0])
        source = "first task" if self.first else "model"
        return {"layers": self.setting.latent, "body": source, "features": list(body.shape), "body_macs": body.macs}

    def settings(self) -> dict[str, Any]:
        """Plain data of what was done, for JSON."""
        return {
            "dtype": self.setting.dtype,
            "recipe": self.recipe.as_dict(),
            "criterion": asdict(self.criterion),
            "expansion": asdict(self.expansion),
            "start": self.protocol.start if self.setting.start is None else self.setting.start,
            "held_out_samples": len(self.scenario.arriving.y_test),
            "raw_bytes": self.scenario.raw_bytes,
            "largest_widths": list(hidden_widths(self.network())),
            "latent": self._latent(),
        }


def _as_asked(model):
    """A model as fingerprints have it: one with parameters of its own with its layers, wherever it lies."""
    if model is None or model.network is None:
        return model
    return replace(model, name="", layers=tuple(describe(model.network.written[1:])))
