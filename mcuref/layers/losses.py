"""Losses: where the error starts. Those of models emit one instruction that turns the outputs z into delta = dLoss/dz."""

from dataclasses import dataclass
from typing import Protocol

from mcuref.arguments import one_of
from mcuref.errors import InputError
from mcuref.layers.layer import Emit
from mcuref.memory.buffers import Buffer


class Loss(Protocol):
    """What every loss has."""

    @property
    def name(self) -> str:
        """By which it is asked for."""

    @property
    def target(self) -> str:
        """What the host hands over with each sample: "label", "values" or "none"."""

    @property
    def dense_output(self) -> bool:
        """Whether sparse rules train the output layer densely unless told otherwise."""

    def error(self, emit: Emit, z: Buffer, sample: Buffer) -> Buffer:
        """Emit delta over the outputs z of a sample; returns it."""


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """L = -log softmax(z)[label]; delta = softmax(z) - onehot(label).

    ``dense_output``: under it, sparse rules train the output layer densely unless told otherwise. The entries of delta
    sum to 0, so the largest is always the true class; with k = 1 only that one would ever be pushed.
    """

    name = "softmax_cross_entropy"
    target = "label"
    dense_output = True

    def error(self, emit: Emit, z: Buffer, sample: Buffer) -> Buffer:
        """Emit delta over z."""
        return _error(emit, self.name, z)


@dataclass(frozen=True)
class MeanSquaredError:
    """L = sum of (z - target)^2 / n; delta = (2 / n) (z - target)."""

    name = "mean_squared_error"
    target = "values"
    dense_output = False

    def error(self, emit: Emit, z: Buffer, sample: Buffer) -> Buffer:
        """Emit delta over z."""
        return _error(emit, self.name, z)


@dataclass(frozen=True)
class Reconstruction:
    """Mean squared error against the normalised input itself: autoencoders."""

    name = "reconstruction"
    target = "none"
    dense_output = False

    def error(self, emit: Emit, z: Buffer, sample: Buffer) -> Buffer:
        """Emit delta over z; keeps the sample alive until then."""
        if z.shape != sample.shape:
            raise InputError(f"loss 'reconstruction' needs as many outputs ({z.shape[0]}) as inputs ({sample.shape[0]})")
        return _error(emit, self.name, z, target=sample)


@dataclass(frozen=True)
class DistributionMatching:
    """L = ||mean over s of f(s) - mu||^2, f the network's outputs, M samples s, mu the features to match.

    dL/df(s_j) = (2 / M) (mean f(s) - mu) is the same vector for all M samples: it lies in SRAM as state, written from
    outside once all f(s) are known, and no instruction computes it. For wrt="input" alone; the last layer may be any.
    Source: Zhao and Bilen, "Dataset condensation with distribution matching", arXiv 2110.04181.
    """

    name = "distribution_matching"
    target = "none"
    dense_output = False

    def error(self, emit: Emit, z: Buffer, sample: Buffer) -> Buffer:
        """The state that holds dL/df."""
        return emit.state("mean_difference", z.shape, "errors")


def _error(emit, family, z, **more):
    """Emit a loss: delta over the outputs z, which nothing needs afterwards."""
    delta = emit.buffer("error", z.shape, "errors")
    emit(family, delta=delta, z=z, n=z.shape[0], **more)
    return delta


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (SoftmaxCrossEntropy(), MeanSquaredError(), Reconstruction())}


MATCHING = DistributionMatching()  # of samples, not of models


def find_loss(name: str) -> Loss:
    """The loss called ``name``; InputError if there is none."""
    return MATCHING if name == MATCHING.name else LOSSES[one_of("loss", name, LOSSES)]
