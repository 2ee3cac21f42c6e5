"""Optimisers: what is done with a gradient, and the learning rate of every step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import number, one_of, whole
from mcuref.errors import InputError
from mcuref.layers.layer import Emit, Kept, Parametric
from mcuref.memory.buffers import Buffer

SCHEDULES = ("constant", "linear", "halving")
LARGEST_BATCH = 1 << 20


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent: w <- w - rate * gradient, at every sample or after a batch of them, with momentum.

    Batch 1 without momentum applies each product to the weights on the spot, w -= (rate delta) x, with no buffer. Else
    a buffer of the weights' size holds the sum G of a batch, or, with momentum m, the velocity V that it is added to:

        G <- G + delta x                              w <- w - (rate / batch) G, then G <- 0
        V <- m V at the batch's first sample; V <- V + delta x           w <- w - (rate / batch) V

    All of this is done by rows, the weights of one output channel: a row that no kept entry of the batch names is not
    touched, neither its weights nor its velocity, which does not decay either. Errors are never divided by the batch.
    A batch is that many *trained* samples, whichever epoch they are of; a sample that a rule skips leaves no trace, and
    what is left of an unfinished batch at the end of a run is not applied.

    The rate of step t of T (a step is a sample that is *shown*, whether a rule trains or skips it) is given to the
    training step together with the sample, so that a skipped sample leaves no trace:

        constant   rate
        linear     rate * ((T - t) / T)                       in float32, t = 0 .. T - 1
        halving    rate * 2^-h, h = how many of T/2, 3T/4, 7T/8 have been reached: a shift in integer code

    Parameters
    ----------
    learning_rate : float, > 0.
    schedule : "constant", "linear" or "halving".
    momentum : float, 0 <= m < 1.
    batch : int, trained samples per update.
    """

    learning_rate: float = 0.01
    schedule: str = "linear"
    momentum: float = 0.0
    batch: int = 1

    def __post_init__(self) -> None:
        number("learning rate", self.learning_rate, 0, above=True)
        one_of("schedule", self.schedule, SCHEDULES)
        if number("momentum", self.momentum, 0, 1) == 1:
            raise InputError(f"momentum {self.momentum!r} must be below 1: velocities would never forget")
        whole("batch", self.batch, 1, LARGEST_BATCH)

    def rates(self, first: int, count: int, total: int) -> NDArray[np.float32]:
        """Learning rates of steps first .. first + count - 1 of ``total``, over the batch: float32[count]."""
        rate = np.float32(self.learning_rate)
        step = np.arange(first, first + count, dtype=np.int64)
        if self.schedule == "constant":
            rates = np.full(count, rate)
        elif self.schedule == "linear":
            rates = rate * ((total - step).astype(np.float32) / np.float32(total))
        else:
            halvings = (step * 2 >= total).astype(np.int32) + (step * 4 >= total * 3) + (step * 8 >= total * 7)
            rates = rate * np.ldexp(np.float32(1), -halvings).astype(np.float32)
        return rates / np.float32(self.batch)

    def steps(self, emit: Emit, policy: str, bias: str, weights: bool = True) -> "Immediate | BiasesAlone | Summed":
        """What emits the updates of one program; ``weights``: whether there are some of weights."""
        if policy == "immediate" and not self.momentum:
            return Immediate(emit, bias) if weights else BiasesAlone(emit)
        if not weights:
            raise InputError("biases alone need policy 'immediate' without momentum; rows are updated whole elsewhere")
        if bias == "dense":
            raise InputError("bias 'dense' needs policy 'immediate' without momentum; rows are updated whole elsewhere")
        return Summed(emit, self.momentum, self.batch if policy == "accumulate" else None)


class Immediate:
    """Emits updates of the weights on the spot, without a gradient buffer."""

    def __init__(self, emit: Emit, bias: str) -> None:
        self.emit, self.dense_bias = emit, bias == "dense"

    def update(self, layer: Parametric, delta: Buffer, kept: Kept, x: Buffer) -> None:
        """The update of the layer at hand."""
        targets = self.emit.parameter("weights"), self.emit.parameter("bias")
        layer.update(self.emit, targets, delta, kept, x, self.dense_bias, 0.0)

    def finish(self) -> None:
        """Nothing is left to do."""


class BiasesAlone:
    """Emits updates of biases on the spot: weights are frozen, and what a layer takes is not looked at."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit

    def update(self, layer: Parametric, delta: Buffer, kept: Kept, x: Buffer) -> None:
        """The update of the layer at hand."""
        b, n = self.emit.parameter("bias"), delta.shape[0]
        self.emit("bias_update", b=b, delta=delta, **kept._asdict(), O=b.shape[0], n=n, rate=0.0)

    def finish(self) -> None:
        """Nothing is left to do."""


class Summed:
    """Emits sums of gradients (velocities, with momentum) by rows, and their application.

    ``batch`` is None where they are applied at every sample (momentum alone), layer by layer; else a counter in SRAM
    lets every batch-th trained sample go on to the rows that apply them all.
    """

    def __init__(self, emit: Emit, momentum: float, batch: int | None) -> None:
        self.emit, self.momentum, self.batch = emit, momentum, batch
        self.kind, self.category = ("velocity", "optimiser state") if momentum else ("gradient", "gradients")
        self.layers = []

    def update(self, layer: Parametric, delta: Buffer, kept: Kept, x: Buffer) -> None:
        """The sums of the layer at hand; also their application, if that is not put off."""
        emit = self.emit
        parameters = {kind: emit.parameter(kind) for kind in ("weights", "bias")}
        a, a_bias = (
            emit.state(f"{kind}_{self.kind}", p.shape, self.category, axes=p.axes) for kind, p in parameters.items()
        )
        sums, rows = (a, a_bias), a_bias.shape[0]
        touched = emit.state("touched_rows", (-(-rows // 8),), self.category, "uint8", ("output bits",))
        dimensions = dict(zip(("R", "K", "row_stride", "stride"), (rows, *layer.rows(emit.input_shape))))
        emit("begin_rows", a=a, a_bias=a_bias, touched=touched, **kept._asdict(), **dimensions, factor=self.momentum)
        layer.update(emit, sums, delta, kept, x, False, -1.0)  # s - (-1 delta) x: a sum of products
        self.layers.append((emit.index, sums, touched, dimensions))
        if self.batch is None:
            self._apply(*self.layers.pop())

    def finish(self) -> None:
        """At the end of the program: count the sample, and at the end of a batch apply everything."""
        if not self.layers:
            return
        counter = self.emit.state("batch", (1,), "optimiser state", "int32")
        self.emit("count_batch", counter=counter, batch=self.batch)
        for entry in self.layers:
            self._apply(*entry)

    def _apply(self, index, sums, touched, dimensions):
        emit, (a, a_bias) = self.emit, sums
        with emit.layer(index):
            w, b = emit.parameter("weights"), emit.parameter("bias")
            emit("apply_rows", w=w, b=b, touched=touched, a=a, a_bias=a_bias, **dimensions)
