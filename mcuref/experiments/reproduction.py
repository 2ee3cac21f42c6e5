"""Rows of the papers' tables: every method on a data set and a network, each with settings chosen on validation data.

A row is plain data once it is computed, ``mcuref.reproduce/1``; :mod:`mcuref.experiments.figures` makes means of it.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

from mcuref.arguments import one_of
from mcuref.datasets import load_part
from mcuref.errors import DivergedError, InputError, NonFiniteError
from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import Entries, Entry, named_rules, sweep_rules
from mcuref.experiments.parallel import cores
from mcuref.experiments.protocols import TrainingProtocol, find_protocol
from mcuref.memory.targets import Budget
from mcuref.rules import settings_of

CORE = "m4f"  # whose instructions are counted
MANY, FEW = 5, 3  # seeds of a row whose runs take less than a minute each, and of others
SAME = ("metric", "sram_bytes", "flash_bytes")  # of all runs of an entry
TAKEN = (*SAME, "accuracy", "total_effort", "backward_effort")  # of a row of a comparison

Run = dict[str, Any]  # figures of one run: those of TAKEN, skipped, rested, instructions, macs


@dataclass(frozen=True)
class Row:
    """What is trained: names of data, model and regime; over how many seeds."""

    name: str
    data: str
    model: str
    regime: str = "scratch"
    seeds: int = MANY

    def protocol(self) -> TrainingProtocol:
        """Epochs and rates that all methods begin from."""
        return find_protocol(self.data, self.model, self.regime)


ROWS = {
    row.name: row
    for row in (
        Row("digits", "digits", "mlp-64-32-10"),
        Row("digits-cnn", "digits", "cnn-8"),
        Row("mnist", "mnist", "mlp-784-32-10"),
        Row("mnist-cnn", "mnist", "cnn-28"),
        Row("mnist-shift", "mnist", "cnn-28", "shift"),
        Row("har", "uci_har", "mlp-har"),
        Row("har-shift", "uci_har", "mlp-har", "shift"),
        Row("cifar10", "cifar10", "cnn-32", seeds=FEW),
        Row("speech", "speech_commands_mfcc49x10", "ds-cnn", "continue", FEW),
        Row("dcase", "dcase2020_toycar", "autoencoder-640-64-8-64-640", seeds=FEW),
    )
}


@dataclass(frozen=True)
class Method:
    """A line of a row.

    Attributes
    ----------
    method, preset, trainable : as of :class:`mcuref.experiments.entries.Entry`.
    tried : settings that tuning tries beside the preset's, {} among them; each with as many rates, so that every method
        has the same number of candidates.
    shorter : "share" or "epochs": of those, as few as keep the run's total effort at that of the method ``equal``, or
        below; "" for the whole run.
    equal : key of a method.
    """

    method: str
    preset: str = "default"
    trainable: int | None = None
    tried: tuple[Mapping[str, Any], ...] = ({},)
    shorter: str = ""
    equal: str = ""

    def entry(self, protocol: TrainingProtocol, chosen: Mapping[str, Any]) -> Entry:
        """The entry with what was chosen, {"learning_rate", "settings"}; what is not there is the protocol's, the preset's."""
        named = named_rules([self.method], self.preset, protocol, **chosen.get("settings", {}))[self.method]
        return replace(named, trainable=self.trainable, learning_rate=chosen.get("learning_rate"))


RATIOS = ({"ratio": 0.1}, {"ratio": 0.2}, {"ratio": 0.5})
METHODS = {
    "full": Method("full"),
    "head only": Method("full", trainable=1),
    "topk": Method("topk", tried=RATIOS),
    "tinyprop paper": Method("tinyprop", "paper"),
    "tinyprop": Method("tinyprop", tried=({}, {"s_min": 0.08, "s_max": 0.8}, {"decay": 0.999})),
    "tinypropv2 paper": Method("tinypropv2", "paper"),
    "tinypropv2": Method("tinypropv2", tried=({}, {"threshold": 0.1}, {"threshold": 0.5})),
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
    evaluate : "test" or "validation".
    progress : callable(what, done, total) or None.
    """

    def __init__(
        self,
        row: Row,
        tuned: Mapping[str, Mapping[str, Any]],
        *,
        evaluate: str = "test",
        progress: Callable[[str, int, int], Any] | None = None,
    ) -> None:
        self.row, self.tuned, self.evaluate, self.progress = row, tuned, evaluate, progress
        self.protocol, self.data = row.protocol(), load_part(row.data, evaluate)

    def entries(self, methods: Sequence[str]) -> Entries:
        """Those of the methods whose length does not depend on what others spend, by name."""
        whole = {name: METHODS[name] for name in methods if not METHODS[name].shorter}
        return {name: method.entry(self.protocol, self.tuned.get(name, {})) for name, method in whole.items()}

    def sweep(self) -> Entries:
        """Static top-k at several ratios, at the rate that was chosen for top-k."""
        rate = self.tuned.get("topk", {}).get("learning_rate")
        return {name: replace(entry, learning_rate=rate) for name, entry in sweep_rules().items()}

    def run(self, methods: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
        """``mcuref.reproduce/1`` of these methods; NonFiniteError or DivergedError if one of them fails."""
        entries = self.entries(methods) | self.sweep()
        runs = self.runs(entries, seeds, failing=False)
        return {
            "schema": "mcuref.reproduce/1",
            "row": self.row.name,
            "data": self.row.data,
            "model": self.row.model,
            "regime": self.row.regime,
            "evaluated_on": self.evaluate,
            "protocol": asdict(self.protocol),
            "core": CORE,
            "seeds": list(seeds),
            "methods": {name: described(entry) | together(runs[name], seeds) for name, entry in entries.items()},
        }

    def runs(self, entries: Entries, seeds: Sequence[int], failing: bool = True) -> dict[str, list[Run | None]]:
        """{key: what came of it with each seed}; where a run does not stay finite and may fail, None."""
        with ThreadPoolExecutor(cores()) as pool:
            try:
                jobs = {
                    key: [pool.submit(self._run, key, entry, s, failing) for s in seeds] for key, entry in entries.items()
                }
                return {key: [job.result() for job in jobs[key]] for key in entries}
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _run(self, key, entry, seed, failing):
        def progress(what, done, total):
            if self.progress:
                self.progress(f"{self.row.name}: {key}, {what.rpartition(', ')[2]}", done, total)

        setting = {
            "seeds": (seed,),
            "regime": self.row.regime,
            "budget": Budget(None, None, core=CORE),
            "progress": progress,
        }
        try:
            (row,) = Comparison(self.data, self.row.model, **setting).run({key: entry})
        except (NonFiniteError, DivergedError):
            if failing:
                return None
            raise
        shown = entry.share * (1 if entry.epochs is None else entry.epochs / self.protocol.epochs)
        instructions = row["instructions_per_step"]
        return {name: row[name] for name in TAKEN} | {
            "skipped": row["samples_skipped"],
            "rested": row.get("samples_rested", 0.0),
            "instructions": None if instructions is None else shown * instructions,
            "macs": sum(row["counts"][kind] for kind in ("forward", "propagate", "weight_gradient")),
        }


def described(entry: Entry) -> dict[str, Any]:
    """An entry as plain data."""
    return asdict(entry) | {"rule": settings_of(entry.rule)}


def together(runs: Sequence[Any], seeds: Sequence[int]) -> dict[str, Any]:
    """Runs of an entry as a method of a row's result: what is the same for all of them once."""
    same = {name: runs[0][name] for name in SAME}
    return same | {
        "per_seed": [
            {"seed": seed} | {name: value for name, value in run.items() if name not in SAME}
            for seed, run in zip(seeds, runs)
        ]
    }
