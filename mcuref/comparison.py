"""Methods side by side: same start weights, same order, same epochs and learning rate, one row a method."""

import time
from dataclasses import asdict

import numpy as np

from mcuref import arguments, rules
from mcuref.errors import InputError
from mcuref.layers import find_loss
from mcuref.memory.targets import Budget
from mcuref.models import build, find_model
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile, require
from mcuref.protocols import find_protocol, prepare
from mcuref.training import Trainer

METHODS = tuple(rules.METHODS)
SWEEP = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # ratios of static top-k, with a dense output layer


class Comparison:
    """Everything that rows of one table share; checks first that every method fits the budget.

    Parameters
    ----------
    data : :class:`mcuref.Data`, evaluated on its test side.
    model : str, name of a model.
    seeds : sequence of int: start weights and orders; figures are means over them.
    regime : "scratch" or "continue".
    budget : :class:`mcuref.Budget` or None.
    trainable : int or None, as in :func:`mcuref.compile`.
    epochs, learning_rate, schedule : replace the protocol's if given.
    progress : callable(what, done, total) or None.
    """

    def __init__(self, data, model, *, seeds=(0,), regime="scratch", budget=None, trainable=None, epochs=None,
                 learning_rate=None, schedule=None, progress=None):  # fmt: skip
        self.data, self.model, self.seeds, self.regime = data, model, _seeds(seeds), regime
        self.budget, self.trainable, self.progress = budget, trainable, progress
        self.loss = find_model(model).loss
        if find_loss(self.loss).target == "none":
            raise InputError(f"model {model!r} is trained without labels; methods are compared by accuracy")
        if trainable == 0:
            raise InputError("trainable 0 leaves nothing to train; methods can be compared from 1 on")
        self.protocol = find_protocol(data.name, regime, epochs, learning_rate, schedule)
        self._starts = {}

    def compiled(self, rule, network=None):
        """A program of this comparison, from the weights of seed 0 or of ``network``; BudgetExceeded if too large."""
        network = build(self.model, self.data) if network is None else network
        optimiser = SGD(self.protocol.learning_rate, self.protocol.schedule)
        return compile(network, rule, optimiser, loss=self.loss, trainable=self.trainable, budget=self.budget)

    def check(self, named_rules):
        """Refuse, before anything is trained, what does not fit: BudgetExceeded, or InputError."""
        self.protocol.border(self.data)
        every = [rule for _, _, rule in named_rules.values()]
        budget = Budget(None, None) if self.budget is None else self.budget
        require(build(self.model, self.data), every, budget, loss=self.loss, trainable=self.trainable)

    def run(self, named_rules):
        """Rows of ``named_rules``, {key: (method, preset, rule)}; drops are against the one whose method is full."""
        self.check(named_rules)
        rows = [self._row(method, preset, rule) for method, preset, rule in named_rules.values()]
        reference = next((row for row in rows if row["method"] == "full"), None)
        for row in rows:
            _relate(row, reference)
        return rows

    def _start(self, seed):
        """Network and data that every method starts from; pre-training is done once."""
        if seed not in self._starts:
            network = build(self.model, self.data, seed=seed)
            self._starts[seed] = prepare(
                self.protocol, network, self.data, self.loss, seed, self._progress(f"pre-training, seed {seed}")
            )
        return self._starts[seed]

    def _progress(self, what):
        return self.progress and (lambda done, total: self.progress(what, done, total))

    def _row(self, method, preset, rule):
        results, seconds = [], 0.0
        for seed in self.seeds:
            network, data = self._start(seed)
            program = self.compiled(rule, network)
            progress = self._progress(f"{method}, seed {seed}")
            began = time.perf_counter()
            trainer = Trainer(program, data, epochs=self.protocol.epochs, seed=seed, progress=progress)
            results.append(trainer.run())
            seconds += time.perf_counter() - began
        scores = [result.score for result in results]
        return {
            "method": method,
            "preset": preset,
            "dtype": "float32",
            "metric": results[0].metric,
            "accuracy": float(np.mean(scores)),
            "accuracy_std": float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0,
            "per_seed": scores,
            "accuracy_drop": None,
            "backward_effort": float(np.mean([r.backward_effort for r in results])),
            "backward_effort_nonzero": None,
            "total_effort": float(np.mean([r.total_effort for r in results])),
            "samples_skipped": sum(r.samples_skipped for r in results) / sum(r.samples_shown for r in results),
            "mean_ratio_per_layer": _mean_ratios(results),
            "counts": {kind: sum(r.counts[kind] for r in results) for kind in results[0].counts},
            "settings": asdict(rule),
            "sram_bytes": program.plan.sram,
            "flash_bytes": program.plan.flash,
            "timing": {"seconds": seconds},
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
        {"layer": rows[0]["layer"]}
        | {key: float(np.mean([row[key] for row in rows])) for key in ("ratio", "kept_ratio")}
        for rows in layers
    ]


def _relate(row, reference):
    """Fill in what compares a row with full training on the same seeds."""
    if reference is None:
        return
    row["accuracy_drop"] = reference["accuracy"] - row["accuracy"]
    spent, full = (r["counts"]["weight_gradient"] + r["counts"]["propagate"] for r in (row, reference))
    row["backward_effort_nonzero"] = spent / full if full else 0.0


def named_rules(methods=METHODS, preset="default", **settings):
    """{method: (method, preset, rule)}; a setting applies to every method that has it, at least to one."""
    chosen = {}
    for method in methods:
        if method in chosen:
            raise InputError(f"method {method!r} is named twice; once is enough")
        has = rules.setting_names(method)
        mine = {name: value for name, value in settings.items() if name in has}
        chosen[method] = (method, preset, rules.make(method, preset, **mine))
    for name in settings:
        if not any(name in rules.setting_names(method) for method in methods):
            raise InputError(f"setting {name!r} belongs to none of the methods {', '.join(methods)}")
    return chosen


def sweep_rules():
    """Static top-k at the ratios of :data:`SWEEP`, with its best output policy, as named rules."""
    return {f"topk {r:g}": ("topk", "sweep", rules.TopK(r, output="dense")) for r in SWEEP}


def advantage(row, sweep):
    """How many times less backward effort a row has than static top-k of equal accuracy.

    Linear interpolation of effort over accuracy between neighbouring ratios of the sweep. A method more accurate than
    every ratio is compared with the most accurate one, less accurate than every ratio with the cheapest: the first is
    then a lower bound of the advantage. Returns {"factor", "topk_effort", "bound"}; bound is "", "at least" or "at most";
    factor is None for a method that trained nothing.
    """
    points = sorted((r["backward_effort"], r["accuracy"]) for r in sweep)
    best = max(accuracy for _, accuracy in points)
    if row["accuracy"] >= best:
        effort, bound = min(e for e, a in points if a == best), "at least"
    elif row["accuracy"] <= points[0][1]:
        effort, bound = points[0][0], "at most"
    else:  # the first crossing from the cheap side: the least effort at which top-k is as good
        (e0, a0), (e1, a1) = next(
            pair for pair in zip(points, points[1:]) if pair[0][1] < row["accuracy"] <= pair[1][1]
        )
        effort, bound = e0 + (e1 - e0) * (row["accuracy"] - a0) / (a1 - a0), ""
    factor = effort / row["backward_effort"] if row["backward_effort"] else None
    return {"factor": factor, "topk_effort": effort, "bound": bound}
