"""The trainer: epochs over a data set, evaluation, history, statistics; its state can be taken and put back."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref import arguments
from mcuref.datasets.data import Data
from mcuref.errors import DivergedError, InputError, NonFiniteError
from mcuref.kernels.random import SHUFFLE, permutation
from mcuref.layers import find_loss
from mcuref.metrics import anomaly_scores
from mcuref.plain import check as check_shape
from mcuref.program import effort
from mcuref.program.program import Program
from mcuref.program.step import Shown

SHOWN = ("losses", "trained", "rested")  # of what a program says about samples


@dataclass(frozen=True)
class Result:
    """What a run of the trainer came to.

    Attributes
    ----------
    metric : "accuracy", a fraction of the test samples; for reconstruction "auc" of anomaly data, a mean over machines,
        else "mean_squared_error".
    score : float, the metric on the test side of the data after the last epoch.
    history : list of dict, a row an epoch.
    counts : dict of exact integers by kind: forward, propagate, weight_gradient, update, comparisons.
    backward_effort, total_effort : float, fractions of dense training of the same samples.
    samples_shown, samples_skipped, samples_rested : int; those that rested are shown ones, but not skipped ones.
    mean_ratio_per_layer : list of {"layer", "ratio", "kept_ratio"}.
    """

    metric: str
    score: float
    history: list[dict[str, Any]] = field(repr=False)
    counts: dict[str, int] = field(repr=False)
    backward_effort: float
    total_effort: float
    samples_shown: int
    samples_skipped: int
    samples_rested: int
    mean_ratio_per_layer: list[dict[str, Any]] = field(repr=False)

    @property
    def accuracy(self) -> float:
        """The score, where the metric is accuracy."""
        if self.metric != "accuracy":
            raise InputError(f"this run is measured by {self.metric}, not by accuracy; see .score")
        return self.score

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


class Trainer:
    """Train a program on a data set.

    Every epoch shows all training samples, or a share of them, in an order drawn from (seed, epoch) by mcuref's own
    generator; the learning rate's schedule spans all that is shown.

    Parameters
    ----------
    program : what :func:`mcuref.compile` returned. Training continues from its present state.
    data : :class:`mcuref.Data`.
    epochs : int > 0.
    seed : int, 0 <= seed < 2^32, of the orders.
    share : float, 0 < share <= 1, of the training samples that an epoch shows: the first of its order, at least one.
    progress : callable(samples shown so far, all) or None, called a few times a second.
    """

    def __init__(
        self,
        program: Program,
        data: Data,
        *,
        epochs: int = 5,
        seed: int = 0,
        share: float = 1.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        arguments.instance("program", program, Program, "what mcuref.compile returned")
        arguments.instance("data", data, Data, "a mcuref.Data, such as mcuref.load_data('digits')")
        self.program, self.data, self.progress = program, data, progress
        self.epochs, self.seed = arguments.epochs(epochs), arguments.seed(seed)
        arguments.number("share", share, 0, 1, above=True)
        self.each = max(1, int(len(data.x_train) * share + 0.5))
        self.history: list[dict[str, Any]] = []
        self._epoch: _Epoch | None = None
        self._resumed = False

    def run(self) -> Result:
        """Train all epochs; returns :class:`Result`. Counts and effort are those of the program since its start.

        A second run trains on from there, with a schedule of its own from its beginning; after :meth:`restore`, it goes
        on with the run whose state that was.
        """
        if not self._resumed:
            self.history, self._epoch = [], None
        self._resumed = False
        while len(self.history) < self.epochs:
            self.history.append(self._finish_epoch())
        program = self.program
        return Result(
            metric=self.metric,
            score=self.history[-1][self.metric],
            history=self.history,
            counts=effort.counts_by_kind(program),
            **effort.effort(program),
            samples_shown=effort.shown(program),
            samples_skipped=effort.skipped(program),
            samples_rested=effort.rested(program),
            mean_ratio_per_layer=effort.ratio_per_layer(program),
        )

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """(plain data, arrays by name): copies of all that decides how a run goes on. Good between two samples."""
        epoch = self._epoch
        plain: dict[str, Any] = {"history": [dict(row) for row in self.history], "epoch": None}
        arrays = {f"program.{name}": value for name, value in self.program.state().items()}
        arrays["counts"] = self.program.counts.copy()
        if epoch is not None:
            plain["epoch"] = {"before": dict(epoch.before), "done": epoch.done}
            arrays |= {name: getattr(epoch.shown, name).copy() for name in SHOWN}
        return plain, arrays

    def restore(self, plain: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Put back what :meth:`state` returned; :meth:`run` then goes on from there, with the same bits.

        InputError, and nothing is changed, if it is not a state of such a trainer.
        """
        self._check(plain, arrays)
        state = {n.removeprefix("program."): v for n, v in arrays.items() if n.startswith("program.")}
        self.program.restore(state)
        self.program.counts[:] = arrays["counts"]
        self.history, self._epoch, self._resumed = [dict(row) for row in plain["history"]], None, True
        if plain["epoch"] is not None:
            shown = Shown(self.each, self.program.arithmetic.loss)
            self._epoch = _Epoch(dict(plain["epoch"]["before"]), shown, plain["epoch"]["done"])
            for name in SHOWN:
                getattr(self._epoch.shown, name)[:] = arrays[name]

    def _check(self, plain, arrays):
        """InputError unless this could come from :meth:`state`; its part of the state is for the program to check."""
        history, epoch, count = plain.get("history"), plain.get("epoch"), self.each
        if not isinstance(history, list) or not all(isinstance(row, dict) and self.metric in row for row in history):
            raise InputError(f"its history is not a list of epochs measured by {self.metric}")
        try:
            check_shape(plain, {"epoch": (dict, None), "history": [self._columns()]}, "its state")
            if epoch is not None:
                check_shape(epoch, {"before": {str: int}}, "its epoch")
        except ValueError as error:
            raise InputError(str(error)) from None
        if len(history) + (epoch is not None) > self.epochs:
            raise InputError(f"it has {len(history) + (epoch is not None)} epochs; the run has {self.epochs}")
        shapes = {"counts": np.zeros_like(self.program.counts)}
        if epoch is not None:
            like = Shown(count, self.program.arithmetic.loss)
            shapes |= {name: getattr(like, name) for name in SHOWN}
            if epoch["before"].keys() != self._totals().keys():
                raise InputError("its epoch has not the counts of this program")
            arguments.whole("samples shown", epoch.get("done"), 0, count)
        for name, like in shapes.items():
            value = arrays.get(name)
            if value is None or value.dtype != like.dtype or value.shape != like.shape:
                found = "not there" if value is None else f"{value.dtype}{value.shape}"
                raise InputError(f"its {name} are {found}; they must be {like.dtype}{like.shape}")

    def _columns(self):
        """The shape of a row of the history."""
        ratios = dict.fromkeys((f"ratio.{name[2:]}" for name in self._layer_sizes()), float)
        whole = dict.fromkeys(("epoch", "samples", "skipped", "rested"), int)
        return whole | dict.fromkeys(("loss", self.metric, "backward_effort"), float) | ratios

    @property
    def metric(self) -> str:
        """What the run is measured by."""
        if find_loss(self.program.loss).target != "none":
            return "accuracy"
        return "auc" if self.data.kind == "anomaly" else "mean_squared_error"

    def evaluate(self) -> dict[str, float]:
        """The metric on the test side of the data, by name; for anomaly data also "pauc", the partial AUC."""
        outputs = self.program.outputs(self.data.x_test)
        if not np.isfinite(outputs).all():
            raise DivergedError(len(self.history) + 1)
        if self.metric == "accuracy":
            return {"accuracy": float(np.mean(outputs.argmax(axis=1) == self.data.y_test))}
        errors = self._reconstruction_errors(outputs)
        if self.metric == "auc":
            scores = anomaly_scores(errors, self.data)
            return {"auc": scores["auc"], "pauc": scores["pauc"]}
        return {"mean_squared_error": float(np.mean(errors))}

    def _reconstruction_errors(self, outputs):
        """Mean squared error of each test sample against its normalised input, float64[M]."""
        network, x = self.program.network, self.data.x_test
        errors = np.empty(len(x))
        for first in range(0, len(x), 1024):  # so that float copies stay small
            part = slice(first, first + 1024)
            values = network.real(outputs[part]).astype(np.float64)
            errors[part] = np.mean((values - network.input.normalised(x[part])) ** 2, axis=1)
        return errors

    def _finish_epoch(self):
        """Show those of the epoch's samples that it has not seen yet; returns its row of the history."""
        count, number = self.each, len(self.history)
        if self._epoch is None:
            self._epoch = _Epoch(self._totals(), Shown(count, self.program.arithmetic.loss), 0)
        epoch, begin = self._epoch, self._epoch.done
        first, total = number * count, self.epochs * count

        def progress(done, _):
            epoch.done = begin + done
            if self.progress:
                self.progress(first + epoch.done, total)

        order = permutation(len(self.data.x_train), self.seed, SHUFFLE + number)[begin:count]
        try:
            self.program.train(
                self.data.x_train,
                self.data.y_train,
                order,
                first=first + begin,
                total=total,
                progress=progress,
                shown=epoch.shown.part(begin),
                epoch=number,
            )
        except NonFiniteError as error:
            raise NonFiniteError(error.layer, begin + error.sample) from None  # the same, resumed or not
        self._epoch = None
        return self._row(number, count, epoch)

    def _row(self, number, count, epoch):
        spent = {name: value - epoch.before[name] for name, value in self._totals().items()}
        _, dense = effort.dense_macs(self.program)
        return {
            "epoch": number + 1,
            "samples": count,
            "skipped": int(count - (epoch.shown.trained | epoch.shown.rested).sum()),
            "rested": int(epoch.shown.rested.sum()),
            "loss": self._loss(epoch.shown),
            **self.evaluate(),
            "backward_effort": (spent["propagate"] + spent["weight_gradient"]) / (count * dense),
            **{f"ratio.{name[2:]}": spent[name] / (count * n) for name, n in self._layer_sizes().items()},
        }

    def _loss(self, shown):
        """Mean loss of the samples that did not rest; 0 where all did."""
        values = self.program.arithmetic.losses(self.program.network, self.program.loss, shown.losses[~shown.rested])
        return float(values.mean(dtype=np.float64)) if values.size else 0.0

    def _totals(self):
        totals = effort.counts_by_kind(self.program)
        for row, instruction in zip(self.program.counts.tolist(), self.program.instructions):
            if instruction.phase == "selection":
                totals[f"k.{instruction.layer}"] = row[effort.CHOSEN]
        return totals

    def _layer_sizes(self):
        selections = [i for i in self.program.instructions if i.phase == "selection"]
        return {f"k.{i.layer}": i["n"] for i in reversed(selections)}


@dataclass
class _Epoch:
    """An epoch under way: counts before it, losses and choices so far, and how many samples were shown."""

    before: dict[str, int]
    shown: Shown
    done: int
