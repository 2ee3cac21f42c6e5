"""The learner: it is fed (x, y) as it arrives, and distils, trains, verifies, expands and records, inside its budget.

The cycle of Rueb et al., "A continual and incremental learning approach for TinyML on-device training using dataset
distillation and model size adaption", arXiv 2409.07114. Every stage can be called alone. Where the paper's full text
was not at hand, the choice is an argument of :mod:`mcuref.incremental.recipe`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.incremental import arrivals
from mcuref.incremental.body import Body
from mcuref.incremental.charges import core_of
from mcuref.incremental.criterion import Criterion, Measured
from mcuref.incremental.dtypes import check_type
from mcuref.incremental.expansion import ROW, check_growth, expand, grow_until, shrunk
from mcuref.incremental.growth import add_outputs, hidden_widths, inference_macs
from mcuref.incremental.layout import Layout
from mcuref.incremental.memory import LearnerMemory
from mcuref.incremental.model import LearnerModel
from mcuref.incremental.plans import LearnerPlans
from mcuref.incremental.recipe import Expansion, Recipe
from mcuref.incremental.rehearsal import Rehearsal
from mcuref.incremental.state import State, restore, state_of
from mcuref.incremental.store import ClassSlots, Progress, Store
from mcuref.incremental.verification import StoredChecks
from mcuref.kernels import random
from mcuref.layers import Dense
from mcuref.memory.targets import Budget
from mcuref.network import Network
from mcuref.program.program import Program


class IncrementalLearner:
    """A model, the samples that it trains on, and what it has been through.

    Parameters
    ----------
    network : :class:`mcuref.Network`, the model to begin with; its outputs are replaced by those of the classes that arrive.
        One of int8, as :func:`mcuref.quantise_to_train` makes it, is trained, verified, grown and recorded as such.
    most_classes : int, how many classes there may ever be.
    recipe : :class:`Recipe`, the default one if None.
    criterion : :class:`Criterion`, or None: then the model is not judged, and keeps its size.
    expansion : :class:`Expansion`, or None for a model of one size.
    largest : :class:`mcuref.Network` with the hidden widths that are not exceeded; None: the budget alone is the limit.
    embedding : :class:`mcuref.Network` whose layers the random embeddings have; None: ``largest``, else ``network``.
    samples : what holds the samples to train on, newly made: see :mod:`mcuref.incremental.store`; ``ClassSlots()`` if None.
    budget : :class:`mcuref.Budget` or None.
    core : str, whose instructions are counted; None: the budget's, see :func:`mcuref.incremental.charges.core_of`.
    seed : int, of everything that is drawn.
    progress : callable(what, done, total) or None.
    body : :class:`mcuref.incremental.body.Body` that shares the memory, because it makes the samples; or None.

    Attributes
    ----------
    model : :class:`mcuref.incremental.model.LearnerModel`: the present model, its memory, its work and peaks so far.
    samples : what holds the samples to train on.
    checks : :class:`mcuref.incremental.verification.StoredChecks`, samples that are stored to verify on.
    rehearsal : :class:`mcuref.incremental.rehearsal.Rehearsal`, which trains and has counted its steps.
    classes : list of int, labels in the order in which they arrived; output i of the model is classes[i].
    history : list of dict, plain data, a row a task.

    Raises
    ------
    BudgetExceeded : the start model with all its classes, its stored samples and the buffers of all stages do not fit, or
        not while the last class is added.
    InputError : anything else that is wrong.
    """

    def __init__(
        self,
        network: Network,
        most_classes: int,
        *,
        recipe: Recipe | None = None,
        criterion: Criterion | None = None,
        expansion: Expansion | None = None,
        largest: Network | None = None,
        embedding: Network | None = None,
        samples: Store | None = None,
        budget: Budget | None = None,
        core: str | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        body: Body | None = None,
    ) -> None:
        arguments.instance("network", network, Network, "a mcuref.Network, such as mcuref.build('cnn-28@0.25', data)")
        self.most_classes = arguments.whole("most_classes", most_classes, 1, 1 << 16)
        self.recipe = arguments.instance("recipe", Recipe() if recipe is None else recipe, Recipe, "a Recipe")
        for name, value, kind in (
            ("criterion", criterion, Criterion),
            ("expansion", expansion, Expansion),
            ("largest", largest, Network),
            ("embedding", embedding, Network),
            ("budget", budget, Budget),
        ):
            if value is not None:
                arguments.instance(name, value, kind, f"a {kind.__name__}")
        if not isinstance(network.layers[-1], Dense):
            raise InputError(
                f"network {network.name!r} ends with a {network.layers[-1].kind} layer; classes need a dense one"
            )
        self.criterion, self.expansion, self.largest = criterion, expansion, largest
        self.seed, self.progress = arguments.seed(seed), progress
        check_growth(network, largest, expansion if criterion is not None else None, criterion)
        embedding = None if self.recipe.features == "learned" else embedding or largest or network
        self.samples = ClassSlots() if samples is None else samples
        check_type(network, self.recipe.distillation if self.samples.in_plan else None)
        self.layout = Layout.of(
            self.recipe,
            network.input,
            most_classes,
            stores=self.samples.in_plan,
            judged=criterion is not None and criterion.verifies,
            embedding=embedding,
            body=body,
        )
        plans = LearnerPlans(self.layout, budget, self.seed)
        plans.require(network)
        self.model = LearnerModel(network, plans, core_of(budget) if core is None else core)
        self.samples.begin(self.model)
        self.checks = StoredChecks(self.model)
        self.rehearsal = Rehearsal(self.recipe.augmentation, network.input, self.seed)
        self.classes, self.history, self.draws, self.growth_draws = [], [], 0, 0

    # -- the whole cycle ------------------------------------------------------------------------------------------------

    def learn(self, x: Any, y: Any, *, held_out: Any = None, reference: float | None = None) -> dict[str, Any]:
        """Learn what arrives; returns the task's row of the history.

        Parameters
        ----------
        x : [N, ...], raw samples in the order in which they arrive, as the network's input takes them.
        y : int[N], their labels: any whole numbers from 0; new ones become new classes.
        held_out : (x, y) to verify on, with samples of every class so far; see :class:`Verification`.
        reference : float, accuracy that the criterion is relative to.

        Raises
        ------
        InputError : something is wrong with the data. BudgetExceeded : new outputs do not fit. NonFiniteError,
        DivergedError : training went wrong. The learner is then as it was before the call.
        """
        x, y = arrivals.checked(self.network.input, x, y)
        new = arrivals.new_classes(self.classes, y, self.most_classes)
        held_out = self._checked_held_out(held_out, [*self.classes, *new])
        level = None if self.criterion is None else self.criterion.level(reference)
        before, outside = self.state(), self.samples.outside
        try:
            return self._learn(x, y, new, held_out, level)
        except BaseException:
            self.restore(*before)
            self.samples.outside = outside
            raise

    def _learn(self, x, y, new, held_out, level):
        verification = self.recipe.verification
        macs, old_classes = dict(self.model.macs), len(self.classes)
        if verification.source == "arriving" and self.criterion and self.criterion.verifies:
            (x, y), held_out = arrivals.parted(x, y, verification.share)
        self.add_classes(new)
        if self.layout.checks:
            left = self.checks.set_aside(x, self._indices(y))
            x, y = x[left], y[left]
        stored = self.distil(x, y)
        pool = self._raw_pool(x, held_out)
        self._begin_task()
        row = {"task": len(self.history) + 1, "samples": len(x), "new_classes": new, "stored": stored}
        row |= self._train_until(level, held_out, (x, y, old_classes))
        self.record()
        row |= {
            "classes": list(self.classes),
            "widths": list(hidden_widths(self.network)),
            "inference_macs": inference_macs(self.network),
            "stored_bytes": self.samples.stored_bytes,
            "sram": self.memory.plan.sram,
            "flash": self.memory.plan.flash,
            "raw_pool_bytes": pool,
            "macs": {stage: done - macs[stage] for stage, done in self.model.macs.items()},
        }
        row["macs"]["all"] = sum(row["macs"].values())
        self.history.append(row)
        return row

    def _begin_task(self):
        """Keep a part of the weights, if the recipe says so, from the second task on."""
        if self.recipe.keep != 1 and self.history:
            self.model.perturb(self.recipe.keep, self.draw())

    def _train_until(self, level, held_out, arrived):
        """Train one phase, and until it is enough if there is a level; a row as of :func:`grow_until`."""
        if level is None or self.criterion is None:
            self.train(self.recipe.steps, arrived)
            return dict.fromkeys(ROW) | {"growths": []}
        self.train(arrived=arrived)
        return grow_until(
            self.criterion,
            level,
            self.expansion,
            train=lambda: self.train(stage="growth"),
            measure=lambda: self.measure(held_out),
            grow=self.expand,
            shrink=self.shrink,
        )

    # -- the stages, each of which can be called alone ------------------------------------------------------------------

    def add_classes(self, labels: Sequence[int]) -> None:
        """Give the model an output for each new class; outputs of old classes are not touched."""
        if len(self.classes) + len(labels) > self.most_classes:
            raise InputError(f"{len(self.classes) + len(labels)} classes are more than the {self.most_classes} declared")
        if not labels:
            return
        arrivals.checked_classes(labels, self.classes)
        count, draws = len(self.classes) + len(labels), self.draws
        if count > self.network.outputs:
            resized = add_outputs(self.model.network_now(), count, seed=self.draw())
            if not self.model.change(resized):
                self.draws = draws
                self.model.plans.require_change(resized, self.memory)
        for label in labels:
            self.memory.classes[len(self.classes)] = label, 0, 0, 0
            self.classes.append(int(label))

    def distil(self, x: Any, y: Any) -> dict[str, int]:
        """Store arriving samples of known classes, or what stands for them; returns {label: samples stored of it}."""
        x, y = arrivals.checked(self.network.input, x, y)
        stored = self.samples.add(x, self._indices(y), self.draw, self.report_progress)
        self.model.count_work()
        return {str(self.classes[index]): count for index, count in stored.items()}

    def train(
        self,
        steps: int | None = None,
        arrived: tuple[NDArray[Any], NDArray[np.int64], int] | None = None,
        stage: str = "training",
    ) -> None:
        """One phase of training on the memory, or so many steps.

        arrived : (x, y, number of classes before), samples that pass by first, if the recipe says so; they and the
        stored ones between them are part of the steps. stage : "training" or "growth", which the work is charged to.
        """
        recipe = self.recipe
        steps = recipe.steps if steps is None else arguments.whole("steps", steps, 1)
        if arrived is not None and recipe.stream_pass:
            x, y, old_classes = arrived
            arriving, replayed = (x, self._indices(y)), len(self.history)
            steps -= self.rehearsal.stream(self.program, self.samples, arriving, replayed, old_classes)
        if steps > 0:
            self.rehearsal.rehearse(self.program, self.samples, steps, self.report_progress)
        self.model.count_work(stage)

    def verify(self, held_out: Any = None) -> float:
        """Accuracy on the samples that the recipe says, a fraction; the work is charged to "verification"."""
        predicted, y = self._answered(held_out)
        return float(np.mean(predicted == y))

    def measure(self, held_out: Any = None) -> Measured:
        """What the criterion asks for, :class:`Measured`; inferences are charged to "verification"."""
        if self.criterion is not None and not self.criterion.verifies:
            return Measured(self.rehearsal.learnt)
        predicted, y = self._answered(held_out)
        return Measured(self.rehearsal.learnt, float(np.mean(predicted == y)), predicted)

    def _answered(self, held_out):
        """(answers, labels) of the samples to verify on; the work is charged to "verification"."""
        x, y = (), ()
        if held_out is not None:
            x, y = arrivals.checked(self.network.input, *arrivals.pair(held_out), what="held-out samples")
        elif self.layout.checks:
            x, y = self.checks.all()
        if not len(x):
            raise InputError("there are no samples to verify on; give held_out=(x, y)")
        return self._predicted(x, "verification"), y

    def expand(self) -> dict[str, Any]:
        """Grow by the largest step that fits, all or nothing: see :func:`mcuref.incremental.expansion.expand`.

        A growth has draws of its own, so that a model that has grown stores the same samples as one that was large from
        the beginning.
        """
        expansion = Expansion() if self.expansion is None else self.expansion
        seed = int(random.philox(self.seed, random.EXPANSION, 1, self.growth_draws + 1)[0])
        change = expand(self.model, expansion, self.largest, seed)
        self.growth_draws += change["grown"] is not None  # a refused growth changes no bit
        return change

    def shrink(self, accepted: Callable[[], bool]) -> dict[str, Any] | None:
        """Become smaller if ``accepted()``: see :func:`mcuref.incremental.expansion.shrunk`."""
        expansion = Expansion() if self.expansion is None else self.expansion
        return shrunk(self.model, expansion.factor, accepted)

    def record(self) -> None:
        """Write the model into flash: what it goes on from after a reset."""
        self.memory.record()

    def predict(self, x: Any) -> NDArray[np.int64]:
        """Labels, int64[N]: of the classes that have arrived."""
        return self._predicted(x)

    def _predicted(self, x, stage=None):
        """Labels; the work is charged to a stage, if one is given."""
        if not self.classes:
            raise InputError("the learner knows no class yet; call learn(x, y) first")
        outputs = self.model.outputs(x, stage)
        return np.array(self.classes)[outputs[:, : len(self.classes)].argmax(axis=1)]

    # -- state ----------------------------------------------------------------------------------------------------------

    @property
    def program(self) -> Program:
        """The present model's program."""
        return self.model.program

    @property
    def memory(self) -> LearnerMemory:
        """The present model's memory, :class:`mcuref.incremental.memory.LearnerMemory`: plan and arena."""
        return self.model.memory

    @property
    def network(self) -> Network:
        """The present model's layers; its parameters are those it had when it got this size."""
        return self.model.network

    def state(self) -> State:
        """(plain data, arrays by name): copies of all that decides how the learner goes on; see :meth:`restore`.

        Raw samples that lie outside of every budget are not in it: :meth:`recall` gives them again.
        """
        return state_of(self)

    def restore(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put back what :meth:`state` returned, of a learner made with the same arguments; InputError if it is another's."""
        restore(self, plain, arrays)

    def recall(self, x: Any, y: Any, row: Mapping[str, Any]) -> None:
        """Give again the samples of a task that was learned before, of which this was the row, when a run is resumed."""
        x, y = arrivals.checked(self.network.input, x, y)
        self.samples.recall(x, np.array([row["classes"].index(label) for label in y.tolist()], np.int64))

    # -- small things ---------------------------------------------------------------------------------------------------

    def _raw_pool(self, x, held_out):
        """Raw bytes that must lie outside the plan: what is verified on, and what is chosen from or trained on again.

        Of arriving samples those that are trained on after they were recorded are counted once, whoever keeps them.
        """
        again = max(self.samples.raw_pool, x.nbytes * self.recipe.stream_pass)
        return again + (0 if held_out is None else held_out[0].nbytes)

    @property
    def _verifies_on_held_out(self):
        judged = self.criterion is not None and self.criterion.verifies
        return judged and self.recipe.verification.source == "held-out"

    def _checked_held_out(self, held_out, classes):
        if not self._verifies_on_held_out:
            return None
        if held_out is None:
            raise InputError("the recipe verifies on held-out samples; give held_out=(x, y), with all classes so far")
        x, y = arrivals.checked(self.network.input, *arrivals.pair(held_out), what="held-out samples")
        arrivals.all_there(y, classes)
        return x, y

    def _indices(self, y):
        """Indices of the classes of labels, int64[N]; InputError for one that is not known."""
        indices = {label: index for index, label in enumerate(self.classes)}
        for label in y.tolist():
            if label not in indices:
                known = ", ".join(map(str, self.classes)) or "none"
                raise InputError(f"class {label} is not known to the learner yet; known are {known}")
        return np.array([indices[label] for label in y.tolist()], np.int64)

    def draw(self) -> int:
        """A new seed, of the learner's and of how many there were before."""
        self.draws += 1
        return int(random.philox(self.seed, random.LEARNER, 1, self.draws)[0])

    def report_progress(self, what: str, done: int, total: int) -> None:
        """Tell how far something is."""
        if self.progress:
            self.progress(what, done, total)
