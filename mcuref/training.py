"""The trainer: epochs over a data set, evaluation, history, statistics. A run that does not fit never gets here."""

from dataclasses import asdict, dataclass, field

import numpy as np

from mcuref import arguments
from mcuref.datasets.data import Data
from mcuref.errors import DivergedError, InputError
from mcuref.kernels.random import SHUFFLE, permutation
from mcuref.layers import find_loss
from mcuref.program import effort
from mcuref.program.program import Program


@dataclass(frozen=True)
class Result:
    """What a run of the trainer came to.

    Attributes
    ----------
    metric : "accuracy", a fraction of the test samples, or "mean_squared_error" for reconstruction.
    score : float, the metric on the test side of the data after the last epoch.
    history : list of dict, a row an epoch.
    counts : dict of exact integers by kind: forward, propagate, weight_gradient, update, comparisons.
    backward_effort, total_effort : float, fractions of dense training of the same samples.
    samples_shown, samples_skipped : int.
    mean_ratio_per_layer : list of {"layer", "ratio", "kept_ratio"}.
    """

    metric: str
    score: float
    history: list = field(repr=False)
    counts: dict = field(repr=False)
    backward_effort: float
    total_effort: float
    samples_shown: int
    samples_skipped: int
    mean_ratio_per_layer: list = field(repr=False)

    @property
    def accuracy(self):
        """The score, where the metric is accuracy."""
        if self.metric != "accuracy":
            raise InputError(f"this run is measured by {self.metric}, not by accuracy; see .score")
        return self.score

    def as_dict(self):
        """Plain data, for JSON."""
        return asdict(self)


class Trainer:
    """Train a program on a data set.

    Every epoch shows all training samples in an order drawn from (seed, epoch) by mcuref's own generator; the learning
    rate's schedule spans all epochs.

    Parameters
    ----------
    program : what :func:`mcuref.compile` returned. Training continues from its present state.
    data : :class:`mcuref.Data`.
    epochs : int > 0.
    seed : int, 0 <= seed < 2^32, of the orders.
    progress : callable(samples shown so far, all) or None, called a few times a second.
    """

    def __init__(self, program, data, *, epochs=5, seed=0, progress=None):
        arguments.instance("program", program, Program, "what mcuref.compile returned")
        arguments.instance("data", data, Data, "a mcuref.Data, such as mcuref.load_data('digits')")
        self.program, self.data, self.progress = program, data, progress
        self.epochs, self.seed = arguments.epochs(epochs), arguments.seed(seed)
        self.history = []

    def run(self):
        """Train all epochs; returns :class:`Result`. Counts and effort are those of the program since its start.

        A second run trains on from there, with a schedule of its own from its beginning.
        """
        self.history = []
        for epoch in range(self.epochs):
            self.history.append(self._epoch(epoch))
        program = self.program
        return Result(
            metric=self.metric,
            score=self.history[-1][self.metric],
            history=self.history,
            counts=effort.counts_by_kind(program),
            **effort.effort(program),
            samples_shown=effort.shown(program),
            samples_skipped=effort.skipped(program),
            mean_ratio_per_layer=effort.ratio_per_layer(program),
        )

    @property
    def metric(self):
        """What the run is measured by."""
        return "mean_squared_error" if find_loss(self.program.loss).target == "none" else "accuracy"

    def evaluate(self):
        """The metric on the test side of the data."""
        outputs = self.program.outputs(self.data.x_test)
        if not np.isfinite(outputs).all():
            raise DivergedError(len(self.history) + 1)
        if self.metric == "accuracy":
            return float(np.mean(outputs.argmax(axis=1) == self.data.y_test))
        layer, x = self.program.network.input, self.data.x_test.reshape(len(self.data.x_test), -1)
        channel = np.arange(layer.size) % layer.mean.size
        sample = (x.astype(np.float32) - layer.mean[channel]) * layer.scale[channel]
        return float(np.mean((outputs.astype(np.float64) - sample) ** 2))

    def _epoch(self, epoch):
        """Show every training sample once; returns the epoch's row of the history."""
        count = len(self.data.x_train)
        first, total = epoch * count, self.epochs * count
        before = self._totals()
        shown = self.program.train(
            self.data.x_train,
            self.data.y_train,
            permutation(count, self.seed, SHUFFLE + epoch),
            first=first,
            total=total,
            progress=self.progress and (lambda done, _: self.progress(first + done, total)),
        )
        spent = {name: value - before[name] for name, value in self._totals().items()}
        _, dense = effort.dense_macs(self.program)
        return {
            "epoch": epoch + 1,
            "samples": count,
            "skipped": int(count - shown.trained.sum()),
            "loss": float(shown.losses.mean(dtype=np.float64)),
            self.metric: self.evaluate(),
            "backward_effort": (spent["propagate"] + spent["weight_gradient"]) / (count * dense),
            **{f"ratio.{name[2:]}": spent[name] / (count * n) for name, n in self._layer_sizes().items()},
        }

    def _totals(self):
        totals = effort.counts_by_kind(self.program)
        for row, instruction in zip(self.program.counts.tolist(), self.program.instructions):
            if instruction.phase == "selection":
                totals[f"k.{instruction.layer}"] = row[effort.CHOSEN]
        return totals

    def _layer_sizes(self):
        selections = [i for i in self.program.instructions if i.phase == "selection"]
        return {f"k.{i.layer}": i.dimensions[0] for i in reversed(selections)}
