"""Rows of the papers' tables: every method on a data set and a network, each with settings chosen on validation data.

A row is plain data once it is computed, ``mcuref.reproduce/1``; :mod:`mcuref.experiments.figures` makes means of it.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mcuref.arguments import one_of
from mcuref.datasets import load_part
from mcuref.errors import DivergedError, InputError, NonFiniteError
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import Entries, Entry, named_rules, sweep_rules
from mcuref.experiments.equal_effort import search
from mcuref.experiments.pieces import train, trainings
from mcuref.experiments.protocols import TrainingProtocol, find_protocol
from mcuref.experiments.spreading import Origin
from mcuref.experiments.store import PieceStore
from mcuref.memory.targets import Budget
from mcuref.rules import TopK, settings_of

CORE = "m4f"  # whose instructions are counted
MANY, FEW = 5, 3  # seeds of a row whose runs take less than a minute each, and of others
CHEAP = (0.01, 0.02)  # ratios of static top-k below those of `mcuref.experiments.entries.SWEEP`
SAME = ("metric", "sram_bytes", "flash_bytes")  # of all runs of an entry

Run = dict[str, Any]  # figures of one run


@dataclass(frozen=True)
class Row:
    """What is trained: names of data, model and regime; over how many seeds; for how many epochs if not the protocol's;
    and whether static top-k is run at several ratios, too, which takes as long as all else."""

    name: str
    data: str
    model: str
    regime: str = "scratch"
    seeds: int = MANY
    epochs: int | None = None
    swept: bool = True

    def protocol(self) -> TrainingProtocol:
        """Epochs and rates that all methods begin from."""
        return find_protocol(self.data, self.model, self.regime, epochs=self.epochs)


ROWS = {
    row.name: row
    for row in (
        Row("digits", "digits", "mlp-64-32-10"),
        Row("digits-cnn", "digits", "cnn-8"),
        Row("mnist", "mnist", "mlp-784-32-10", epochs=10),
        Row("mnist-cnn", "mnist", "cnn-28", epochs=10),
        Row("mnist-shift", "mnist", "cnn-28", "shift"),
        Row("har", "uci_har", "mlp-har"),
        Row("har-shift", "uci_har", "mlp-har", "shift"),
        Row("cifar10", "cifar10", "cnn-32", seeds=FEW),
        Row("cifar100", "cifar100", "convnet-32", "transfer", FEW, swept=False),
        Row("flowers", "flowers102_32", "convnet-32", "transfer", FEW, 20, False),
        Row("food", "food101_32", "convnet-32", "transfer", FEW, swept=False),
        Row("speech", "speech_commands_mfcc49x10", "ds-cnn@0.25", "continue", FEW),
        Row("dcase", "dcase2020_toycar", "autoencoder-640-64-640", "shift", FEW),
    )
}


@dataclass(frozen=True)
class Method:
    """A line of a row.

    Attributes
    ----------
    method, preset, trainable : as of :class:`mcuref.experiments.entries.Entry`.
    tried : settings that tuning tries, {} for the preset's; with so many rates each that every method has the same number
        of candidates.
    shorter : "samples" of each epoch or "epochs": as few as keep the run's total effort at that of the method
        ``equal``, or below; "" for the whole run.
    equal : key of a method.
    """

    method: str
    preset: str = "default"
    trainable: int | None = None
    tried: tuple[Mapping[str, Any], ...] = ({},)
    shorter: str = ""
    equal: str = ""

    def entry(self, protocol: TrainingProtocol, chosen: Mapping[str, Any]) -> Entry:
        """The entry with what was chosen, {"learning_rate", "settings"}; what is not there is the protocol's or preset's."""
        named = named_rules([self.method], self.preset, protocol, **chosen.get("settings", {}))[self.method]
        return replace(named, trainable=self.trainable, learning_rate=chosen.get("learning_rate"))


RATIOS = ({"ratio": 0.1}, {"ratio": 0.2}, {"ratio": 0.5})
METHODS = {
    "full": Method("full"),
    "full = v2 by samples": Method("full", shorter="samples", equal="tinypropv2"),
    "full = v2 by epochs": Method("full", shorter="epochs", equal="tinypropv2"),
    "full = r by samples": Method("full", shorter="samples", equal="tinypropr"),
    "full = r by epochs": Method("full", shorter="epochs", equal="tinypropr"),
    "head only": Method("full", trainable=1),
    "biases": Method("biases"),
    "channels": Method("channels", tried=RATIOS),
    "randomk": Method("randomk", tried=RATIOS),
    "topk": Method("topk", tried=RATIOS),
    "tinyprop paper": Method("tinyprop", "paper"),
    "tinyprop": Method("tinyprop", tried=({}, {"s_min": 0.08, "s_max": 0.8}, {"decay": 0.999})),
    "tinypropv2 paper": Method("tinypropv2", "paper"),
    "tinypropv2": Method("tinypropv2", tried=({"threshold": 0.3}, {"threshold": 0.1}, {"threshold": 0.5})),
    "tinypropr": Method(
        "tinypropr", tried=({"threshold": 0.2}, {"threshold": 0.1}, {"threshold": 0.1, "s_min": 1.0, "s_max": 1.0})
    ),
}  # one line a method


def check_methods(given: Sequence[str] | None) -> list[str]:
    """Those of these names, in the order of `METHODS`; None for all.

    InputError for an unknown one, for a table without full training, and for one as long as another that is not there.
    """
    names = list(METHODS) if given is None else [one_of("method", name, METHODS) for name in given]
    for needed in ("full", *(METHODS[name].equal for name in names if METHODS[name].equal)):
        if needed not in names:
            raise InputError(f"methods {', '.join(names)} are measured beside {needed!r}, which is not among them")
    return [name for name in METHODS if name in names]


class RowRun:
    """The runs of a row.

    Parameters
    ----------
    row : :class:`Row`.
    tuned : {method: {"learning_rate", "settings"}}, as tuning has chosen them; others have the protocol's.
    seeds : of start weights and orders; None: as many as the row has.
    evaluate : "test" or "validation".
    executor, store : as of :meth:`mcuref.experiments.comparison.Comparison.run`; what comes out does not depend on them.
    progress : callable(what, done, total) or None.
    """

    def __init__(
        self,
        row: Row,
        tuned: Mapping[str, Mapping[str, Any]],
        seeds: Sequence[int] | None = None,
        *,
        evaluate: str = "test",
        executor: Executor | None = None,
        store: PieceStore | None = None,
        progress: Callable[[str, int, int], Any] | None = None,
    ) -> None:
        self.row, self.tuned, self.evaluate = row, tuned, evaluate
        self.executor, self.store = executor, store
        self.comparison = Comparison(
            load_part(row.data, evaluate),
            row.model,
            seeds=range(row.seeds) if seeds is None else seeds,
            regime=row.regime,
            epochs=row.epochs,
            budget=Budget(None, None, core=CORE),
            progress=progress and (lambda what, done, total: progress(f"{row.name}: {what}", done, total)),
            origin=Origin(row.data, evaluate),
        )
        self.protocol, self.seeds = self.comparison.protocol, self.comparison.seeds
        self.protocol.check(self.comparison.data)

    def entries(self, methods: Sequence[str]) -> Entries:
        """Those of the methods whose length does not depend on what others spend, by name."""
        whole = {name: METHODS[name] for name in methods if not METHODS[name].shorter}
        return {name: method.entry(self.protocol, self.choice_for(name)) for name, method in whole.items()}

    def choice_for(self, name: str) -> Mapping[str, Any]:
        """What tuning has chosen for a method; of full training in a shorter run, if nothing, that of full training."""
        return self.tuned.get(name, self.tuned.get("full", {}) if METHODS[name].shorter else {})

    def sweep(self) -> Entries:
        """Static top-k at several ratios, at the rate that was chosen for top-k."""
        if not self.row.swept:
            return {}
        rate = self.tuned.get("topk", {}).get("learning_rate")
        cheap = {f"topk {ratio:g}": Entry("topk", "sweep", TopK(ratio, output="dense")) for ratio in CHEAP}
        return {name: replace(entry, learning_rate=rate) for name, entry in (cheap | sweep_rules()).items()}

    def run(self, methods: Sequence[str]) -> dict[str, Any]:
        """``mcuref.reproduced/1`` of these methods; under "left_out" those that cannot be, and why."""
        entries = self.entries(methods)
        runs = self.runs(entries | self.sweep())
        for name in (name for name in methods if METHODS[name].shorter and is_finite(runs[METHODS[name].equal])):
            full = METHODS[name].entry(self.protocol, self.choice_for(name))
            short = self.shortened(name, full, mean_of(runs[METHODS[name].equal], "total_effort"))
            entries |= {} if short is None else {name: short}
        runs |= self.runs({name: entry for name, entry in entries.items() if name not in runs})
        entries |= self.sweep()
        whole = [name for name in (*methods, *self.sweep()) if name in entries and is_finite(runs[name])]
        return {
            "schema": "mcuref.reproduced/1",
            "row": self.row.name,
            "data": self.row.data,
            "model": self.row.model,
            "regime": self.row.regime,
            "evaluated_on": self.evaluate,
            "protocol": asdict(self.protocol),
            "core": CORE,
            "seeds": list(self.seeds),
            "methods": {name: self._method(name, entries[name], runs[name]) for name in whole},
            "left_out": {
                name: "it does not stay finite" if name in entries else f"nothing is as short as {METHODS[name].equal}"
                for name in methods
                if name not in whole
            },
        }

    def shortened(self, name: str, full: Entry, goal: float) -> Entry | None:
        """Full training as short as the method of that name says, at the mean total effort ``goal``; None if nothing is."""
        by_epochs = METHODS[name].shorter == "epochs"
        most = self.protocol.epochs if by_epochs else len(self.comparison.second.x_train)

        def short(count):
            return replace(full, epochs=count) if by_epochs else replace(full, share=count / most)

        def measured(entry):
            runs = self.runs({name: entry})[name]
            return mean_of(runs, "total_effort") if is_finite(runs) else 1.0

        searching = search(goal, most, measured(full))
        spent: Any = None  # what begins it
        while True:
            try:
                spent = measured(short(searching.send(spent)))
            except StopIteration as end:
                return None if end.value is None else short(end.value)

    def runs(self, entries: Entries) -> dict[str, list[Run | None]]:
        """{key: what came of it with each seed}; None where a run does not stay finite."""
        (kind,) = self.comparison.kinds
        asked = {(kind, key): entry for key, entry in entries.items()}
        found = trainings(self.comparison, asked, self.executor, self.store, attempt)
        every = len(self.comparison.second.x_train) * self.protocol.epochs
        return {key: [_figures(found[kind, key, seed], every) for seed in self.seeds] for key in entries}

    def _method(self, name, entry, runs):
        """A method of the result: its entry, whether it was tuned for this row, its runs; what all have in common once."""
        tuned = ("topk" if entry.preset == "sweep" else name) in self.tuned
        same = described(entry) | {"tuned": tuned} | {key: value for key, value in runs[0].items() if key in SAME}
        own = [{"seed": seed} | {k: v for k, v in run.items() if k not in SAME} for seed, run in zip(self.seeds, runs)]
        return same | {"per_seed": own}


def attempt(comparison: Comparison, *arguments: Any) -> dict[str, Any]:
    """A piece: `mcuref.experiments.pieces.train`, or word that it did not stay finite."""
    try:
        return train(comparison, *arguments)
    except (NonFiniteError, DivergedError) as error:
        return {"diverged": str(error)}


def _figures(found, every):
    """The figures of a training, of which nominally ``every`` samples are shown; None if it did not stay finite."""
    if "diverged" in found:
        return None
    shown, instructions = found["samples_shown"], found["instructions"]
    return {name: found[name] for name in (*SAME, "total_effort", "backward_effort")} | {
        "accuracy": found["score"],
        "skipped": found["samples_skipped"] / shown,
        "rested": found["samples_rested"] / shown,
        "instructions": None if instructions is None else shown / every * instructions,
        "macs": sum(found["counts"][kind] for kind in ("forward", "propagate", "weight_gradient")),
    }


def is_finite(runs: Sequence[Run | None]) -> bool:
    """Whether all runs stayed finite."""
    return None not in runs


def mean_of(runs: Sequence[Any], name: str) -> float:
    """The mean of a figure over runs that stayed finite."""
    return float(np.mean([run[name] for run in runs]))


def described(entry: Entry) -> dict[str, Any]:
    """An entry as plain data."""
    return asdict(entry) | {"rule": settings_of(entry.rule)}
