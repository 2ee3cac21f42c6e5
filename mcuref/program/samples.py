"""Samples, labels and order on their way into a program: checked once, at the door; kernels trust them."""

from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.layers import Input, find_loss
from mcuref.program.listing import Executable

TYPES = ("uint8", "int8", "int16", "float32")


@dataclass(frozen=True)
class Samples:
    """``arrays`` as the executor takes them (four sample arrays by type, labels, targets); ``order`` int32[S]."""

    arrays: tuple[NDArray[Any], ...]
    order: NDArray[np.int32]

    @classmethod
    def checked(cls, program: Executable, x: Any, y: Any, order: Any, labelled: bool) -> Self:
        """Validate against a program; InputError with one sentence if anything is wrong."""
        network = program.network
        x = checked_samples(network.input, x)
        labels, targets = _answers(program, y, len(x)) if labelled else _no_answers(program)
        if network.quantization is not None and x.dtype == np.float32:
            x = _entering(network, x)
        flat = x.reshape(-1)
        by_type = tuple(flat if x.dtype == t else np.zeros(0, t) for t in TYPES)
        return cls((*by_type, labels, targets), _order(order, len(x)))


def _array(name, values):
    """``values`` as an array; InputError if they are not one (rows of different lengths, say)."""
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name} cannot be made an array; every sample needs the same shape") from None


def _plain(values, dtype=None):
    """C-contiguous, aligned and writable, as the executor's one signature wants it; a copy only if it is not yet."""
    return np.require(values, dtype, ["C", "A", "W"])


def checked_samples(layer: Input, x: Any) -> NDArray[Any]:
    """Samples as an Input layer takes them, C-contiguous [N, ...]; InputError, one sentence, if they are not."""
    x = _array("samples", x)
    if x.dtype == np.float64 and layer.dtype == "float32":
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused below
            x = x.astype(np.float32)
    if x.dtype != layer.dtype:
        raise InputError(f"samples are {x.dtype}; the network's input takes {layer.dtype}")
    if x.ndim < 1 or prod(x.shape[1:]) != layer.size or (x.ndim > 2 and not layer.takes(x.shape[1:])):
        raise InputError(f"samples have shape {x.shape}; they must be (N, {', '.join(map(str, layer.shape))})")
    if x.dtype == np.float32 and not np.isfinite(x).all():
        raise InputError(f"sample {int(np.argwhere(~np.isfinite(x))[0][0])} has a NaN or infinite value")
    return _plain(x)


def _entering(network, x):
    """float32 samples as the int8 values that a network takes: what QUANTIZE does at the edge of a file."""
    from mcuref.quantization.edges import quantised_samples

    return quantised_samples(network.input.normalised(x), network.quantization.outputs[0])


def _no_answers(program):
    return np.zeros(0, np.int32), np.zeros(0, program.arithmetic.target)


def _answers(program, y, count):
    """Labels and targets for the loss."""
    network, loss, (no_labels, no_targets) = program.network, program.loss, _no_answers(program)
    kind = find_loss(loss).target
    if kind == "none":
        return no_labels, no_targets
    if y is None:
        raise InputError(f"loss {loss!r} needs y, one {'label' if kind == 'label' else 'row of targets'} a sample")
    y = _array("y", y)
    if len(np.atleast_1d(y)) != count:
        raise InputError(f"y has {len(np.atleast_1d(y))} entries for {count} samples; it needs one a sample")
    if kind == "label" or y.ndim == 1 and np.issubdtype(y.dtype, np.integer):
        labels = _labels(y, network.outputs)
        if kind == "label":
            return labels, no_targets
        return no_labels, _wanted(program, np.eye(network.outputs, dtype=np.float32)[labels])
    if y.shape != (count, network.outputs) or y.dtype.kind not in "iuf":
        raise InputError(f"targets are {y.dtype}{y.shape}; they must be numbers of shape ({count}, {network.outputs})")
    with np.errstate(over="ignore"):
        y = y.astype(np.float32)
    if not np.isfinite(y).all():
        raise InputError(f"target {int(np.argwhere(~np.isfinite(y))[0][0])} has a NaN or infinite value")
    return no_labels, _wanted(program, y)


def _wanted(program, targets):
    """Real targets as a program takes them: those of int8 outputs in their scale."""
    if program.arithmetic.target == "int32":
        from mcuref.quantization.edges import quantised_targets

        targets = quantised_targets(targets, program.network.quantization.outputs[-1])
    return _plain(targets).reshape(-1)


def _labels(y, classes):
    wrong = _first_outside("labels are", "they", y, classes)
    if wrong is not None:
        raise InputError(f"label {int(y[wrong])} of sample {wrong} is not a class; they are 0 to {classes - 1}")
    return _plain(y, np.int32)


def _order(order, count):
    if order is None:
        return np.arange(count, dtype=np.int32)
    order = _array("order", order)
    wrong = _first_outside("order is", "it", order, count)
    if wrong is not None:
        raise InputError(f"order names sample {int(order[wrong])} at position {wrong}; samples are 0 to {count - 1}")
    return _plain(order, np.int32)


def each(name: str, values: Any, count: int, least: int, most: int) -> NDArray[np.int32]:
    """int32[count], whole numbers of ``count`` samples: one for all, or as many; InputError if they are not."""
    values = _array(name, values)
    if values.shape not in ((), (count,)) or (values.size and not np.issubdtype(values.dtype, np.integer)):
        raise InputError(f"{name} is {values.dtype}{values.shape}; it must be a whole number, or {count} in one row")
    if values.size and not (least <= values.min() and values.max() <= most):
        odd = values.min() if values.min() < least else values.max()
        raise InputError(f"{name} {odd} must be from {least} to {most:,}")
    return _plain(np.broadcast_to(values, count), np.int32)


def _first_outside(subject, pronoun, values, limit):
    """Position of the first value that is not in 0 .. limit - 1, or None; InputError if they are no whole numbers."""
    if values.ndim != 1 or (values.size and not np.issubdtype(values.dtype, np.integer)):
        raise InputError(f"{subject} {values.dtype}{values.shape}; {pronoun} must be whole numbers in one row")
    outside = (values < 0) | (values >= limit)
    return int(np.argmax(outside)) if outside.any() else None
