"""Methods side by side: same start weights, same order, same epochs and learning rate, one row a method."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from mcuref import arguments, rules
from mcuref.cost.instructions import step_instructions
from mcuref.datasets.data import Data
from mcuref.errors import InputError
from mcuref.experiments.deploying import MOST_HEADROOM, deployed, planned
from mcuref.experiments.inference import inference_row
from mcuref.experiments.kinds import Kind
from mcuref.experiments.kinds import kinds as kinds_of
from mcuref.experiments.parallel import cores
from mcuref.experiments.protocols import TrainingProtocol, find_protocol
from mcuref.layers import find_loss
from mcuref.memory.targets import Budget
from mcuref.metrics import deviation
from mcuref.models import build, find_model
from mcuref.models.description import Model
from mcuref.network import Network
from mcuref.program.arithmetic import Arithmetic
from mcuref.program.compiler import compile, require
from mcuref.program.moves import move_shares
from mcuref.program.program import Program
from mcuref.program.zeros import SAMPLES, zero_shares
from mcuref.rules import Rule
from mcuref.runs.training import Run
from mcuref.training import Trainer

METHODS = rules.COMPARED
SWEEP = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # ratios of static top-k, with a dense output layer

NamedRules = dict[str, tuple[str, str, Rule]]  # {key: (method, preset, rule)}


class Comparison:
    """Everything that rows of one table share; checks first that every method fits the budget.

    Seeds and methods are independent, so they run on all cores there are; what comes out does not depend on how many.

    Parameters
    ----------
    data : :class:`mcuref.Data`, evaluated on its test side.
    model : as in :func:`mcuref.models.build`; a TOML file is read once.
    seeds : sequence of int: start weights and orders; figures are means over them.
    regime : "scratch", "continue" or "shift".
    budget : :class:`mcuref.Budget` or None.
    trainable : int or None, as in :func:`mcuref.compile`.
    kinds : sequence of :class:`mcuref.experiments.kinds.Kind`, each of which makes a row a method; None: the model's type.
    headroom : of int8 rows, as of :func:`mcuref.experiments.deploying.deployed`.
    policy : "immediate", "accumulate" or None, as there.
    progress : callable(what, done, total) or None.
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
        **given: Any,
    ) -> None:
        self.data, self.model, self.seeds, self.regime = data, find_model(model), _seeds(seeds), regime
        self.budget, self.trainable, self.policy, self.progress = budget, trainable, policy, progress
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
        self._stopped = threading.Event()

    def compiled(self, rule: Rule, network: Network | None = None, kind: Kind | None = None) -> Program:
        """A program of this comparison, from the weights of seed 0 or of ``network``; BudgetExceeded if too large.

        kind : of the row, the first one if None.
        """
        kind = self.kinds[0] if kind is None else kind
        network = self._planned(kind) if network is None else network
        return compile(network, rule, self.protocol.optimiser(), budget=self.budget, **self._common(kind))

    def arithmetics(self) -> list[Arithmetic]:
        """What its programs compute in, each once: also what a network begins in."""
        every = Kind(self.given or "float32"), *self.kinds
        return list({each.executor: each for each in (kind.arithmetic() for kind in every)}.values())

    def _common(self, kind):
        """What is the same for all methods of a kind."""
        policy, trainable = self.policy, self.trainable
        return {"loss": self.loss, "policy": policy, "trainable": trainable, "arithmetic": kind.arithmetic()}

    def _planned(self, kind):
        """A network of the same plan as those that are trained."""
        return planned(build(self.model, self.data), kind.dtype, self.trainable)

    def check(self, named_rules: NamedRules) -> None:
        """Refuse, before anything is trained, what does not fit: BudgetExceeded, or InputError."""
        self.protocol.check(self.data)
        every = [rule for _, _, rule in named_rules.values()]
        budget = Budget(None, None) if self.budget is None else self.budget
        for kind in self.kinds:
            require(self._planned(kind), every, budget, self.protocol.optimiser(), **self._common(kind))

    def run(self, named_rules: NamedRules) -> list[dict[str, Any]]:
        """Rows of ``named_rules``, {key: (method, preset, rule)}, of each kind, one behind the other.

        Drops are against the row of its kind whose method is full, and against float32. Of a model that comes as int8 the
        first row is of the method none: the model as it is, on the same test samples.
        """
        self.check(named_rules)
        self._stopped.clear()
        with ThreadPoolExecutor(cores()) as pool:
            try:
                # starts come first, so that nobody waits in vain for one that is behind him in the queue
                starts = {seed: pool.submit(self._start, seed) for seed in self.seeds}
                deployed = {
                    (dtype, seed): pool.submit(self._deployed, dtype, starts[seed])
                    for dtype in dict.fromkeys(kind.dtype for kind in self.kinds)
                    for seed in self.seeds
                }
                runs = {
                    (kind, key): [
                        pool.submit(self._train, kind, method, rule, seed, deployed[kind.dtype, seed]) for seed in self.seeds
                    ]
                    for kind in self.kinds
                    for key, (method, _, rule) in named_rules.items()
                }
                done, _ = wait([future for futures in runs.values() for future in futures], return_when=FIRST_EXCEPTION)
                results = {key: [f.result() for f in futures if f in done] for key, futures in runs.items()}
            except BaseException:  # one run failed, or Ctrl-C: the others need not go on
                self._stopped.set()
                pool.shutdown(cancel_futures=True)
                raise
        rows = {(kind, key): self._row(kind, *named_rules[key], results[kind, key]) for kind, key in runs}
        relate(rows)
        untouched = [self._untouched(list(rows.values()))] if self.given == "int8" else []
        return untouched + list(rows.values())

    def _start(self, seed):
        """Network and data that every method starts from; pre-training is done once."""
        network = build(self.model, self.data, seed=seed)
        progress = self._progress(f"pre-training, seed {seed}")
        run = Run(self.protocol, network, self.data, self.loss, seed, None, progress=lambda _, *done: progress(*done))
        return run.start(), run.second

    def _deployed(self, dtype, start):
        """The start in a type."""
        network, data = start.result()
        if dtype == "float32":
            return network, data
        pretrained = bool(self.given or self.protocol.pretrained_epochs)
        keywords = {"loss": self.loss, "trainable": self.trainable, "headroom": self.headroom if dtype == "int8" else None}
        return deployed(network, dtype, data, pretrained=pretrained, **keywords), data

    def _train(self, kind, method, rule, seed, start):
        """(result, seconds, plan, instructions a step) of one run."""
        network, data = start.result()
        program = self.compiled(rule, network, kind)
        began = time.perf_counter()
        named = method if len(self.kinds) == 1 else f"{kind} {method}"
        progress = self._progress(f"{named}, seed {seed}")
        result = Trainer(program, data, epochs=self.protocol.epochs, seed=seed, progress=progress).run()
        seconds = time.perf_counter() - began
        return result, seconds, program.plan, self._instructions(program, data)

    def _untouched(self, rows):
        """The row of a model that is not trained, beside those that are: what they gain is their drop below it, negative."""
        model = build(self.model, self.data)
        row = inference_row(model, self.protocol.parts(self.data)[1], self.loss, self.budget)
        row |= {"per_seed": row["per_seed"] * len(self.seeds)}
        full = next((other for other in rows if other["method"] == "full"), None)
        return row | drops("accuracy_drop", full, row)

    def _instructions(self, program, data):
        """Instructions of an average training step of a program that has run, on the budget's core; None if unknown.

        Zeros, which cost less where they are left out or products are computed in software, are counted in some samples, and
        so is what becomes of the steps of int8 weights.
        """
        if self.budget is None or not self.budget.core:
            return None
        x, y = data.x_train[:SAMPLES], None if data.kind == "anomaly" else data.y_train[:SAMPLES]
        looked = zero_shares(program, x) | move_shares(program, x, y)
        return step_instructions(program, self.budget.core, program.counts, zeros=looked)

    def _progress(self, what):
        def update(done, total):
            if self._stopped.is_set():
                raise InterruptedError("another run of the comparison failed")
            if self.progress:
                self.progress(what, done, total)

        return update

    def _row(self, kind, method, preset, rule, runs):
        results, (_, _, plan, _) = [result for result, *_ in runs], runs[0]
        instructions = [count for *_, count in runs]
        scores = [result.score for result in results]
        return {
            "method": method,
            "preset": preset,
            **kind._asdict(),
            "metric": results[0].metric,
            "accuracy": float(np.mean(scores)),
            "accuracy_std": deviation(scores),
            "per_seed": scores,
            "accuracy_drop": None,
            "accuracy_drop_std": None,
            "dtype_drop": None,
            "dtype_drop_std": None,
            "backward_effort": float(np.mean([r.backward_effort for r in results])),
            "backward_effort_nonzero": None,
            "total_effort": float(np.mean([r.total_effort for r in results])),
            "samples_skipped": sum(r.samples_skipped for r in results) / sum(r.samples_shown for r in results),
            "mean_ratio_per_layer": _mean_ratios(results),
            "counts": {kind: sum(r.counts[kind] for r in results) for kind in results[0].counts},
            "instructions_per_step": None if instructions[0] is None else float(np.mean(instructions)),
            "settings": rules.settings_of(rule),
            "sram_bytes": plan.sram,
            "flash_bytes": plan.flash,
            "timing": {"seconds": sum(seconds for _, seconds, *_ in runs)},
        }


def _seeds(seeds):
    """The seeds, checked: at least one, all different."""
    try:
        chosen = tuple(arguments.seed(value) for value in seeds)
    except TypeError:
        raise InputError(f"seeds {seeds!r} are not a row of whole numbers, such as (0, 1, 2)") from None
    if not chosen or len(set(chosen)) != len(chosen):
        raise InputError(f"seeds {list(chosen)} must be at least one, and all different")
    return chosen


def _mean_ratios(results):
    layers = zip(*(r.mean_ratio_per_layer for r in results))
    return [
        {"layer": rows[0]["layer"]} | {key: float(np.mean([row[key] for row in rows])) for key in ("ratio", "kept_ratio")}
        for rows in layers
    ]


def relate(rows: Mapping[tuple[Kind, str], dict[str, Any]]) -> None:
    """Fill in what compares rows, by kind and key of the rule, with full training of their kind, and with float32."""
    for (kind, key), row in rows.items():
        full = next((other for (k, _), other in rows.items() if k == kind and other["method"] == "full"), None)
        row |= drops("accuracy_drop", full, row)
        if full is not None:
            spent, most = (r["counts"]["weight_gradient"] + r["counts"]["propagate"] for r in (row, full))
            row["backward_effort_nonzero"] = spent / most if most else 0.0
        if kind.dtype != "float32":
            row |= drops("dtype_drop", rows.get((Kind(), key)), row)


def drops(name: str, reference: Mapping[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """{name, name_std}: what a row is below another one on the same seeds; None where there is no other."""
    if reference is None:
        return {name: None, f"{name}_std": None}
    differences = [theirs - own for theirs, own in zip(reference["per_seed"], row["per_seed"])]
    return {name: reference["accuracy"] - row["accuracy"], f"{name}_std": deviation(differences)}


def named_rules(
    methods: Sequence[str] = METHODS, preset: str = "default", protocol: TrainingProtocol | None = None, **settings: Any
) -> NamedRules:
    """{method: (method, preset, rule)}; a setting applies to every method that has it, at least to one.

    The protocol's own settings, if there are any, are part of the default preset.
    """
    chosen = {}
    for method in methods:
        if method in chosen:
            raise InputError(f"method {method!r} is named twice; once is enough")
        has = rules.setting_names(method)
        own = protocol.settings if protocol is not None and preset == "default" else {}
        mine = {name: value for name, value in (own | settings).items() if name in has}
        chosen[method] = (method, preset, rules.make(method, preset, **mine))
    for name in settings:
        if not any(name in rules.setting_names(method) for method in methods):
            end = rules.settings_hint(name, methods, preset)
            raise InputError(f"setting {name!r} belongs to none of the methods {', '.join(methods)}{end}")
    return chosen


def sweep_rules() -> NamedRules:
    """Static top-k at the ratios of `SWEEP`, with its best output policy, as named rules."""
    return {f"topk {r:g}": ("topk", "sweep", rules.TopK(r, output="dense")) for r in SWEEP}


def advantage(row: Mapping[str, Any], sweep: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """How many times less backward effort a row has than static top-k of equal accuracy.

    Linear interpolation of effort over accuracy between neighbouring ratios of the sweep. A method more accurate than
    every ratio is compared with the most accurate one, less accurate than every ratio with the cheapest: the first is
    then a lower bound of the advantage. Returns {"factor", "topk_effort", "bound"}; bound is "", "at least" or
    "at most"; factor is None for a method that trained nothing.
    """
    points = sorted((r["backward_effort"], r["accuracy"]) for r in sweep)
    best = max(accuracy for _, accuracy in points)
    if row["accuracy"] >= best:
        effort, bound = min(e for e, a in points if a == best), "at least"
    elif row["accuracy"] <= points[0][1]:
        effort, bound = points[0][0], "at most"
    else:  # the first crossing from the cheap side: the least effort at which top-k is as good
        (e0, a0), (e1, a1) = next(pair for pair in zip(points, points[1:]) if pair[0][1] < row["accuracy"] <= pair[1][1])
        effort, bound = e0 + (e1 - e0) * (row["accuracy"] - a0) / (a1 - a0), ""
    factor = effort / row["backward_effort"] if row["backward_effort"] else None
    return {"factor": factor, "topk_effort": effort, "bound": bound}


def advantages(rows: Iterable[Mapping[str, Any]], sweep: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The :func:`advantage` of each adaptive row over the sweep of its kind, with what says which row it is."""
    found = []
    for row in rows:
        ratios = [other for other in sweep if all(other[name] == row[name] for name in Kind._fields)]
        if ratios and row["method"].startswith("tinyprop"):
            kind = {name: row[name] for name in Kind._fields}
            found.append({"method": row["method"]} | kind | advantage(row, ratios))
    return found
