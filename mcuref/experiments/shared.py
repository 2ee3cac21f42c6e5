"""What the trainings of a comparison share: data, model, protocol, budget; and how each of them begins."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from mcuref import arguments, rules
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.experiments.deploying import MOST_HEADROOM, deployed, planned
from mcuref.experiments.entries import Entries, Entry
from mcuref.experiments.kinds import Kind
from mcuref.experiments.kinds import kinds as kinds_of
from mcuref.experiments.protocols import TrainingProtocol, find_protocol
from mcuref.experiments.spreading import Origin
from mcuref.layers import find_loss
from mcuref.memory.targets import Budget
from mcuref.models import build, find_model
from mcuref.models.description import Model
from mcuref.network import Network
from mcuref.program.arithmetic import Arithmetic
from mcuref.program.compiler import compile, require, trainable_layers
from mcuref.program.effort import network_macs
from mcuref.program.program import Program
from mcuref.runs.training import Deployment


class Shared:
    """Everything that rows of one table share; checks first that every method fits the budget.

    Seeds and methods are independent, so they run on all cores there are; what comes out does not depend on how many.

    Parameters
    ----------
    data : :class:`mcuref.Data`, evaluated on its test side.
    model : as in :func:`mcuref.models.build`; a TOML file is read once.
    seeds : sequence of int: start weights and orders; figures are means over them.
    regime : one of `mcuref.experiments.protocols.REGIMES`.
    budget : :class:`mcuref.Budget` or None.
    trainable : int or None, as in :func:`mcuref.compile`.
    kinds : sequence of :class:`mcuref.experiments.kinds.Kind`, each of which makes a row a method; None: the model's type.
    headroom : of int8 rows, as of :func:`mcuref.experiments.deploying.deployed`.
    policy : "immediate", "accumulate" or None, as there.
    progress : callable(what, done, total) or None.
    origin : `mcuref.experiments.spreading.Origin` of the data, for processes that load it themselves, or None.
    given : columns of the protocol to replace, where not None: epochs, learning_rate, schedule, momentum, batch.
    """

    def __init__(
        self,
        data: Data,
        model: Model | str,
        *,
        seeds: Iterable[int] = (0,),
        regime: str = "scratch",
        budget: Budget | None = None,
        trainable: int | None = None,
        kinds: Sequence[Kind] | None = None,
        headroom: float | None = None,
        policy: str | None = None,
        progress: Callable[[str, int, int], Any] | None = None,
        origin: Origin | None = None,
        **given: Any,
    ) -> None:
        self.data, self.model, self.seeds, self.regime = data, find_model(model), _seeds(seeds), regime
        self.budget, self.trainable, self.policy, self.progress = budget, trainable, policy, progress
        self.origin, self._asked = origin, given
        self.loss = self.model.loss
        self.headroom = None if headroom is None else float(arguments.number("headroom", headroom, 1, MOST_HEADROOM))
        self.given = "" if self.model.network is None else self.model.network.dtype
        self.kinds = kinds_of([self.given or "float32"]) if kinds is None else list(kinds)
        if find_loss(self.loss).target == "none" and data.kind != "anomaly":
            raise InputError(
                f"model {self.model.name!r} is trained without labels; methods are compared by accuracy, or on anomaly data "
                "by AUC"
            )
        if trainable == 0:
            raise InputError("trainable 0 leaves nothing to train; methods can be compared from 1 on")
        if self.given == "int8" and Kind() in self.kinds:
            raise InputError(f"model {self.model.name!r} is int8 and has no float32 weights; it can be compared as int8")
        if headroom is not None and all(kind.dtype != "int8" for kind in self.kinds):
            raise InputError(f"headroom {headroom:g} is of int8 weights; none of these rows has them")
        self.protocol = find_protocol(data.name, self.model.name, regime, **given)
        self.pretrained: dict[int, dict[str, Any]] = {}  # by seed, what pre-training came to
        self.begin()

    def maker(self) -> Callable[[Data], "Shared"]:
        """What makes such a comparison of the same data in another process; it can be pickled."""
        names = ("model", "seeds", "regime", "budget", "trainable", "kinds", "headroom", "policy")
        return partial(type(self), **{name: getattr(self, name) for name in names}, **self._asked)

    def protocol_of(self, entry: Entry) -> TrainingProtocol:
        """The protocol of an entry's training: what comes before is the comparison's."""
        own: dict[str, Any] = {"epochs": entry.epochs, "learning_rate": entry.learning_rate}
        return replace(self.protocol, **{name: value for name, value in own.items() if value is not None})

    def compiled(self, entry: Entry, network: Network | None = None, kind: Kind | None = None) -> Program:
        """A program of this comparison, from the weights of seed 0 or of ``network``; BudgetExceeded if too large.

        kind : of the row, the first one if None.
        """
        kind = self.kinds[0] if kind is None else kind
        network = self._planned(kind, entry) if network is None else network
        optimiser = self.protocol_of(entry).optimiser()
        return compile(network, self._rule(entry), optimiser, budget=self.budget, **self._common(kind, entry))

    def _rule(self, entry):
        """The rule of an entry, which knows of the run what it needs."""
        return rules.with_stored(entry.rule, self.stored, self.protocol_of(entry).epochs)

    @property
    def stored(self) -> int:
        """Training samples of the run, which are shown every epoch: those that a rule may let rest."""
        return len(self.data.x_train) - self.protocol.border(self.data)

    def arithmetics(self) -> list[Arithmetic]:
        """What its programs compute in, each once: also what a network begins in."""
        every = Kind(self.given or "float32"), *self.kinds
        return list({each.executor: each for each in (kind.arithmetic() for kind in every)}.values())

    def trained_of(self, entry: Entry) -> int | None:
        """How many layers an entry trains, from the last one on; None for all."""
        return self.trainable if entry.trainable is None else entry.trainable

    def _common(self, kind, entry):
        """What is the same for all methods of a kind that train as many layers."""
        common = {"loss": self.loss, "policy": self.policy, "trainable": self.trained_of(entry)}
        return common | {"arithmetic": kind.arithmetic()}

    def _planned(self, kind, entry):
        """A network of the same plan as those that are trained."""
        return planned(build(self.model, self.data), kind.dtype, self.trained_of(entry))

    def check(self, entries: Entries) -> None:
        """Refuse, before anything is trained, what does not fit: BudgetExceeded, or InputError."""
        self.protocol.check(self.data)
        budget = Budget(None, None) if self.budget is None else self.budget
        together: dict[int | None, list[Entry]] = {}
        for entry in entries.values():
            if entry.trainable == 0:
                raise InputError(f"trainable 0 leaves the entry of method {entry.method!r} nothing to train; 1 is the least")
            self.protocol_of(entry)  # refuses what are no epochs, and what is no rate
            together.setdefault(self.trained_of(entry), []).append(entry)
        for kind in self.kinds:
            for alike in together.values():
                every = [self._rule(entry) for entry in alike]
                optimiser = self.protocol_of(alike[0]).optimiser()
                require(self._planned(kind, alike[0]), every, budget, optimiser, **self._common(kind, alike[0]))

    @property
    def pretrains(self) -> bool:
        """Whether there is a training before those that are compared: one a seed, of float32 networks."""
        return self.protocol.pretrained_epochs > 0 and self.given in ("", "float32")

    @cached_property
    def second(self) -> Data:
        """The data that all train on."""
        return self.protocol.parts(self.data)[1]

    def started(self, seed: int, start: dict[str, Any] | None) -> Network:
        """The network that every method of a seed starts from; start: parameters that pre-training came to, or None."""
        network = build(self.model, self.data, seed=seed)
        return network if start is None else network.with_parameters(start)

    def deployment(self, kind: Kind, entry: Entry) -> Deployment | None:
        """How that network becomes one of a kind; None if it is one."""
        if kind.dtype == "float32":
            return None
        pretrained = bool(self.given or self.protocol.pretrained_epochs)
        said: dict[str, Any] = {
            "trainable": self.trained_of(entry),
            "headroom": self.headroom if kind.dtype == "int8" else None,
        }

        def make(network: Network, data: Data) -> Network:
            return deployed(network, kind.dtype, data, loss=self.loss, pretrained=pretrained, **said)

        return Deployment(make, said)

    def dense_macs(self, kind: Kind) -> tuple[int, int]:
        """(forward, backward) MACs of a sample, dense, of all layers that the comparison trains."""
        network = planned(build(self.model, self.data), kind.dtype, self.trainable)
        return network_macs(network, trainable_layers(network, self.trainable))

    def begin(self) -> None:
        """Pieces are about to be done."""
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Those that are under way need not go on."""
        self._stopped.set()

    def watch(self, what: str) -> Callable[[int, int], None]:
        """progress(done, total) of a piece, which ends it once it need not go on."""
        stopped = self._stopped

        def update(done: int, total: int) -> None:
            if stopped.is_set():
                raise InterruptedError("another run of the comparison failed")
            if self.progress:
                self.progress(what, done, total)

        return update


def _seeds(seeds):
    """The seeds, checked: at least one, all different."""
    try:
        chosen = tuple(arguments.seed(value) for value in seeds)
    except TypeError:
        raise InputError(f"seeds {seeds!r} are not a row of whole numbers, such as (0, 1, 2)") from None
    if not chosen or len(set(chosen)) != len(chosen):
        raise InputError(f"seeds {list(chosen)} must be at least one, and all different")
    return chosen
