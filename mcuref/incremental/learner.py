"""The learner: it is fed (x, y) as it arrives, and distils, trains, verifies, expands and records, inside its budget.

The cycle of Rueb et al., "A continual and incremental learning approach for TinyML on-device training using dataset
distillation and model size adaption", arXiv 2409.07114. Every stage can be called alone. Where the paper's full text
was not at hand, the choice is an argument of :mod:`mcuref.incremental.recipe`.
"""

from dataclasses import asdict

import numpy as np

from mcuref import arguments
from mcuref.errors import InputError
from mcuref.incremental import arrivals
from mcuref.incremental.cycle import Layout, inference_macs
from mcuref.incremental.distillation import distil_class
from mcuref.incremental.expansion import check_growth, expand, train_until
from mcuref.incremental.growth import add_outputs, hidden_widths
from mcuref.incremental.recipe import Criterion, Expansion, Recipe
from mcuref.incremental.rehearsal import rehearse, stream_with_replay
from mcuref.incremental.room import Room
from mcuref.incremental.store import LABEL, Store
from mcuref.kernels import random
from mcuref.layers import Dense
from mcuref.memory.targets import Budget
from mcuref.models import describe
from mcuref.models.description import make_network_layers
from mcuref.network import Network
from mcuref.program.effort import MACS, counts_by_kind

COUNTERS = ("steps", "epochs", "draws", "growth_draws", "augmented_values")
STAGE_MACS = ("training", "verification", "distillation")


class IncrementalLearner:
    """A model, its memory of distilled samples, and what it has been through.

    Parameters
    ----------
    network : :class:`mcuref.Network`, the model to begin with; its outputs are replaced by those of the classes that arrive.
    most_classes : int, how many classes there may ever be.
    recipe : :class:`Recipe`, the default one if None.
    criterion : :class:`Criterion`, or None: then the model is not judged, and keeps its size.
    expansion : :class:`Expansion`, or None for a model of one size.
    largest : :class:`mcuref.Network` with the hidden widths that are not exceeded; None: the budget alone is the limit.
    embedding : :class:`mcuref.Network` whose layers the random embeddings have; None: ``largest``, else ``network``.
    budget : :class:`mcuref.Budget` or None.
    seed : int, of everything that is drawn.
    progress : callable(what, done, total) or None.

    Attributes
    ----------
    cycle : :class:`mcuref.incremental.cycle.Cycle`: the present model, plan and arena.
    classes : list of int, labels in the order in which they arrived; output i of the model is classes[i].
    history : list of dict, plain data, a row a task.
    macs : {"training", "verification", "distillation"}, multiply-accumulates so far.
    peaks : {"sram", "flash"}, bytes: the largest plan so far.
    steps, augmented_values : int, samples shown in training, and values written by augmentation, so far.

    Raises
    ------
    BudgetExceeded : the start model with all its classes, its stored samples and the buffers of all stages do not fit, or
        not while the last class is added.
    InputError : anything else that is wrong.
    """

    stores = True  # samples in the arena

    def __init__(
        self,
        network,
        most_classes,
        *,
        recipe=None,
        criterion=None,
        expansion=None,
        largest=None,
        embedding=None,
        budget=None,
        seed=0,
        progress=None,
    ):
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
        check_growth(network, largest, expansion if criterion is not None else None)
        embedding = None if self.recipe.features == "learned" else embedding or largest or network
        layout = Layout.of(
            self.recipe, network.input, most_classes, stores=self.stores, judged=criterion is not None, embedding=embedding
        )
        self.layout, self.room = layout, Room(layout, budget, self.seed)
        self.room.require(network)
        self.classes, self.history = [], []
        self.steps = self.epochs = self.draws = self.growth_draws = self.augmented_values = 0
        self.macs, self.peaks = dict.fromkeys(STAGE_MACS, 0), {"sram": 0, "flash": 0}
        self._counted = dict.fromkeys(STAGE_MACS, 0)
        self._enter(self.room.cycle(network, outputs=1))

    # -- the whole cycle ------------------------------------------------------------------------------------------------

    def learn(self, x, y, *, held_out=None, reference=None):
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
        before = self.state()
        try:
            return self._learn(x, y, new, held_out, level)
        except BaseException:
            self.restore(*before)
            raise

    def _learn(self, x, y, new, held_out, level):
        verification = self.recipe.verification
        macs, old_classes = dict(self.macs), len(self.classes)
        if verification.source == "arriving" and self.criterion:
            (x, y), held_out = arrivals.parted(x, y, verification.share)
        self.add_classes(new)
        if verification.source == "stored" and self.criterion:
            x, y = self._store_checks(x, y)
        stored = self.distil(x, y)
        self._begin_task()
        row = {"task": len(self.history) + 1, "samples": len(x), "new_classes": new, "stored": stored}
        row |= train_until(self, level, held_out, (x, y, old_classes))
        self.record()
        row |= {
            "classes": list(self.classes),
            "widths": list(hidden_widths(self.network)),
            "inference_macs": inference_macs(self.network),
            "stored_bytes": self.stored_bytes,
            "sram": self.cycle.plan.sram,
            "flash": self.cycle.plan.flash,
            "macs": {stage: self.macs[stage] - macs[stage] for stage in STAGE_MACS},
        }
        self.history.append(row)
        return row

    # -- the stages, each of which can be called alone ------------------------------------------------------------------

    def add_classes(self, labels):
        """Give the model an output for each new class; outputs of old classes are not touched."""
        if len(self.classes) + len(labels) > self.most_classes:
            raise InputError(f"{len(self.classes) + len(labels)} classes are more than the {self.most_classes} declared")
        if not labels:
            return
        arrivals.checked_classes(labels, self.classes)
        count, draws = len(self.classes) + len(labels), self.draws
        if count > self.network.outputs:
            resized = add_outputs(self.network_now(), count, seed=self.draw())
            if not self.change(resized):
                self.draws = draws
                next(cycle for cycle in self.room.of_change(resized, self.cycle) if not cycle.fits).require()
        for label in labels:
            self.classes.append(int(label))
            self.store.add_class(len(self.classes) - 1, label)

    def distil(self, x, y):
        """Distil arriving samples of known classes into the memory; returns {label: samples stored of them}."""
        if not self.layout.capacity:
            return {}
        x, y = arrivals.checked(self.network.input, x, y)
        cycle, stored = self.cycle, {}
        cycle.generate_embeddings()
        for label in dict.fromkeys(y.tolist()):
            index = self._index(label)
            mine, seed = x[y == label], self.draw()
            count = self.store.share(index, len(mine), seed)
            packed = self.choose(mine, count, seed) if count else np.zeros((0, self.layout.codec.bytes), np.uint8)
            self.store.put(index, packed, seed)
            stored[str(label)] = len(packed)
            self.report_progress("distilling", len(stored), len(set(y.tolist())))
        self._count()
        return stored

    def choose(self, x, count, seed):
        """Packed samples uint8[count, bytes] that stand for the arriving samples x of one class."""
        cycle = self.cycle
        return distil_class(x, count, self.layout.codec, cycle.embeddings, self.recipe.distillation, seed, cycle.workspace())

    def train(self, steps=None, arrived=None):
        """One chunk of training on the memory.

        arrived : (x, y, number of classes before), samples that pass by first, if the recipe says so; they and the
        stored ones between them are part of the steps.
        """
        recipe = self.recipe
        steps = recipe.steps // recipe.chunks if steps is None else arguments.whole("steps", steps, 1)
        if arrived is not None and recipe.stream_pass:
            x, y, old_classes = arrived
            steps -= stream_with_replay(self, x, y, len(self.history), old_classes)
        if steps > 0:
            rehearse(self, steps)
        self._count()

    def material(self):
        """What there is to train on: (slots int[M], their classes' indices int64[M])."""
        slots = self.store.filled()
        return slots, self.store.labels[slots].astype(np.int64)

    def shown(self, slots, ahead=0):
        """Raw samples of these slots as they are shown ``ahead`` steps from now: brought back, moved, scaled."""
        return self.augmented(self.store.decoded(slots), ahead)

    def augmented(self, x, ahead=0):
        """Raw samples, moved and scaled; the work is counted."""
        augmentation, layer = self.recipe.augmentation, self.network.input
        self.augmented_values += augmentation.active * len(x) * layer.size
        return augmentation.apply(layer, x, self.seed, self.steps + ahead)

    def keep_order(self, order):
        """Put an epoch's order where it lies in SRAM."""
        self.cycle.view("replay.order")[: len(order)] = order

    def verify(self, held_out=None):
        """Accuracy on the samples that the recipe says, a fraction; the work is counted."""
        x, y = (), ()
        if held_out is not None:
            x, y = arrivals.checked(self.network.input, *arrivals.pair(held_out), what="held-out samples")
        elif self.layout.checks:
            x, y = self.store.checks()
        if not len(x):
            raise InputError("there are no samples to verify on; give held_out=(x, y)")
        accuracy = float(np.mean(self.predict(x, count=True) == y))
        self._count()
        return accuracy

    def expand(self):
        """Grow by the largest step that fits, all or nothing: see :func:`mcuref.incremental.expansion.expand`."""
        return expand(self)

    def record(self):
        """Write the model into flash: what it goes on from after a reset."""
        self.cycle.record()

    def predict(self, x, count=False):
        """Labels, int64[N]: of the classes that have arrived."""
        if not self.classes:
            raise InputError("the learner knows no class yet; call learn(x, y) first")
        program = self.program
        counts = np.zeros_like(program.counts)
        winners = program.outputs(x, counts=counts)[:, : len(self.classes)].argmax(axis=1)
        if count:
            self.macs["verification"] += int(counts[:, MACS].sum())
        return np.array(self.classes)[winners]

    def recall(self, x, y, row):
        """What a task that was learned before leaves outside of the state, when a run is resumed: nothing here."""

    # -- state ----------------------------------------------------------------------------------------------------------

    @property
    def program(self):
        """The present model's program."""
        return self.cycle.program

    @property
    def network(self):
        """The present model's layers; its parameters are those it had when it got this size."""
        return self.cycle.network

    def network_now(self):
        """The present model with its present parameters."""
        return self.network.with_parameters(self.program.parameters())

    def state(self):
        """(plain data, arrays by name): copies of all that decides how the learner goes on; see :meth:`restore`."""
        plain = {
            "layers": describe(self.network.written[1:]),
            "classes": list(self.classes),
            "history": list(self.history),
            "storage": asdict(self.recipe.storage),
            **{name: getattr(self, name) for name in COUNTERS},
            "macs": dict(self.macs),
            "peaks": dict(self.peaks),
        }
        arrays = {f"program.{name}": value for name, value in self.program.state().items()}
        arrays |= {f"stored.{name}": self.cycle.view(name).copy() for name in self.cycle.stored}
        return plain, arrays

    def restore(self, plain, arrays):
        """Put back what :meth:`state` returned, of a learner made with the same arguments; InputError if it is another's."""
        try:
            if plain["storage"] != asdict(self.recipe.storage):  # formats of equally many bytes look alike
                raise InputError(f"its samples are stored as {plain['storage']}, here as {asdict(self.recipe.storage)}")
            network = Network(
                [self.network.input, *make_network_layers(plain["layers"])], seed=self.seed, name=self.network.name
            )
            cycle = self.room.cycle(network)
            cycle.require()
            cycle.allocate().program.restore(
                {n.removeprefix("program."): v for n, v in arrays.items() if n.startswith("program.")}
            )
            for name in cycle.stored:
                view, value = cycle.view(name), np.asarray(arrays[f"stored.{name}"])
                if value.shape != view.shape or value.dtype != view.dtype:
                    raise InputError(f"{name} is {value.dtype}{value.shape}; it must be {view.dtype}{view.shape}")
                view[:] = value
            odd = {n for n in arrays if not n.startswith("program.")} - {f"stored.{name}" for name in cycle.stored}
            if odd:
                raise InputError(f"it has an unknown entry {sorted(odd)[0]!r}")
            classes, history = [int(c) for c in plain["classes"]], list(plain["history"])
            if classes != cycle.view("classes")[: len(classes), LABEL].tolist() or len(classes) > network.outputs:
                raise InputError(f"its classes {classes} are not those of its memory")
            numbers = {name: int(plain[name]) for name in COUNTERS}
            macs, peaks = dict(plain["macs"]), dict(plain["peaks"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"this is not the state of such a learner: {error}") from None
        self.cycle, self.store = cycle, Store(cycle, self.recipe)
        self.classes, self.history, self.macs, self.peaks = classes, history, macs, peaks
        for name, value in numbers.items():
            setattr(self, name, value)
        self._counted = dict.fromkeys(STAGE_MACS, 0)
        cycle.record()

    # -- changes of the model -------------------------------------------------------------------------------------------

    def change(self, resized, accepted=None):
        """Replace the model, if all plans fit and it is ``accepted``; else not a bit of it changes.

        Returns {"sram", "flash"}, bytes of the plan with both models in memory, or None.
        """
        cycles = self.room.of_change(resized, self.cycle)
        transition, after = next(cycles), next(cycles)
        if not (transition.fits and after.fits and all(cycle.fits for cycle in cycles)):
            return None
        old_state = self.program.state()
        self._count()
        present, counted = (self.cycle, self.store), dict(self._counted)
        self._enter(transition)
        self.program.restore(resized.state(self.program, old_state))
        if accepted is not None and not accepted():
            self._count()
            self.cycle, self.store = present
            self._counted = counted  # of its program, which has run before
            return None
        self._count()
        state = self.program.state()
        self._enter(after)
        self.program.restore(state)
        return {"sram": transition.plan.sram, "flash": transition.plan.flash}

    def _enter(self, cycle):
        """Go on in another cycle, its program in its start state; what is stored moves along."""
        before = getattr(self, "cycle", None)
        cycle.allocate()
        if before is not None:
            cycle.take_over(before)
        self.cycle, self.store = cycle, Store(cycle, self.recipe)
        cycle.beside = None  # its arena is needed no more
        self._counted = dict.fromkeys(STAGE_MACS, 0)
        for region in self.peaks:
            self.peaks[region] = max(self.peaks[region], getattr(cycle.plan, region))

    def _begin_task(self):
        """W <- keep W + (1 - keep) fresh, if the recipe says so."""
        keep = np.float32(self.recipe.keep)
        if keep == 1 or not self.history:
            return
        state = self.program.state()
        fresh = self.network.with_seed(self.draw()).parameters
        for name, values in fresh.items():
            state[name] = keep * state[name] + (np.float32(1) - keep) * values
        self.program.restore(state)

    # -- small things ---------------------------------------------------------------------------------------------------

    @property
    def stored_bytes(self):
        """Bytes of all that is stored for the sake of learning: samples, labels, levels, classes, validation samples."""
        return self.cycle.stored_bytes

    def _checked_held_out(self, held_out, classes):
        if self.criterion is None or self.recipe.verification.source != "held-out":
            return None
        if held_out is None:
            raise InputError("the recipe verifies on held-out samples; give held_out=(x, y), with all classes so far")
        x, y = arrivals.checked(self.network.input, *arrivals.pair(held_out), what="held-out samples")
        arrivals.all_there(y, classes)
        return x, y

    def _store_checks(self, x, y):
        """Store some arriving samples of each class for verification; returns the others."""
        left = np.ones(len(y), bool)
        for label in dict.fromkeys(y.tolist()):
            mine = np.flatnonzero(y == label)
            chosen = self.store.put_checks(self._index(label), x, mine, self.layout.check_codec)
            left[chosen] = False
        for label in dict.fromkeys(y.tolist()):
            if not (y[left] == label).any():
                raise InputError(
                    f"class {label} has {np.count_nonzero(y == label)} samples, which are all stored for verification; "
                    "more are needed to learn from"
                )
        return x[left], y[left]

    def _index(self, label):
        try:
            return self.classes.index(label)
        except ValueError:
            known = ", ".join(map(str, self.classes)) or "none"
            raise InputError(f"class {label} is not known to the learner yet; known are {known}") from None

    def draw(self):
        """A new seed, of the learner's and of how many there were before; a growth has draws of its own.

        So a model that has grown stores the same samples as one that was large from the beginning.
        """
        self.draws += 1
        return int(random.philox(self.seed, random.LEARNER, 1, self.draws)[0])

    def draw_growth(self):
        """A new seed, of a growth."""
        self.growth_draws += 1
        return int(random.philox(self.seed, random.EXPANSION, 1, self.growth_draws)[0])

    def _count(self):
        """Add up the work of training and distilling since the last call."""
        counts = counts_by_kind(self.program)
        now = {
            "training": counts["forward"] + counts["propagate"] + counts["weight_gradient"],
            "distillation": sum(embedding.macs for embedding in self.cycle.embeddings),
        }
        for stage, value in now.items():
            self.macs[stage] += value - self._counted[stage]
            self._counted[stage] = value

    def report_progress(self, what, done, total):
        """Tell how far something is."""
        if self.progress:
            self.progress(what, done, total)
