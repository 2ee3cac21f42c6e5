"""Samples and labels as they arrive at a learner: checked at the door."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.layers import Input
from mcuref.program.samples import checked_samples

LARGEST_LABEL = (1 << 31) - 1


def checked(layer: Input, x: Any, y: Any, what: str = "samples") -> tuple[NDArray[Any], NDArray[np.int64]]:
    """(x, y): samples for an Input layer, int64 labels; InputError, one sentence, if anything is wrong."""
    x = checked_samples(layer, x)
    try:
        y = np.asarray(y)
    except ValueError:
        y = np.zeros((), object)
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise InputError(f"labels of {what} are {y.dtype}{y.shape}; they must be whole numbers in one row")
    if len(x) == 0:
        raise InputError(f"there are no {what}: at least one is needed")
    if len(y) != len(x):
        raise InputError(f"there are {len(y)} labels for {len(x)} {what}; each needs one")
    outside = (y < 0) | (y > LARGEST_LABEL)
    if outside.any():
        first = int(np.argmax(outside))
        raise InputError(
            f"label {int(y[first])} of sample {first} of the {what} is not a class; they are whole numbers from 0"
        )
    return x.reshape(-1, *layer.shape), y.astype(np.int64)


def pair(held_out: Any) -> tuple[Any, Any]:
    """(x, y) of samples that were given together; InputError if they are not two things."""
    if not isinstance(held_out, (tuple, list)) or len(held_out) != 2:
        raise InputError(f"held_out is a {type(held_out).__name__}; it must be (x, y), samples and their labels")
    x, y = held_out
    return x, y


def checked_classes(labels: Sequence[Any], known: Collection[int]) -> None:
    """InputError unless these are labels of classes, each of them new."""
    for i, label in enumerate(labels):
        if isinstance(label, bool) or not isinstance(label, (int, np.integer)) or not 0 <= label <= LARGEST_LABEL:
            raise InputError(f"label {label!r} is not a class; they are whole numbers from 0")
        if label in known or label in labels[:i]:
            raise InputError(f"class {label} is known already")


def new_classes(known: Collection[int], y: NDArray[np.int64], most: int) -> list[int]:
    """Labels that are new, in the order in which they arrive; InputError if they are too many."""
    new = [label for label in dict.fromkeys(y.tolist()) if label not in set(known)]
    if len(known) + len(new) > most:
        raise InputError(
            f"class {new[most - len(known)]} would be number {most + 1}; the learner was declared for at most {most} classes"
        )
    return new


def all_there(y: NDArray[np.int64], classes: Sequence[int]) -> None:
    """InputError if held-out samples lack a class, or have one that is not known."""
    there = set(y.tolist())
    lacking = [label for label in classes if label not in there]
    if lacking:
        raise InputError(f"held-out samples lack class {lacking[0]}; they need samples of every class so far")
    unknown = sorted(there - set(classes))
    if unknown:
        raise InputError(f"held-out samples have class {unknown[0]}, which has not arrived yet")


def parted(
    x: NDArray[Any], y: NDArray[np.int64], share: float
) -> tuple[tuple[NDArray[Any], NDArray[np.int64]], tuple[NDArray[Any], NDArray[np.int64]]]:
    """((x, y) to learn, (x, y) to predict): of each class the last ``share`` of what arrives, at least one sample."""
    later = np.zeros(len(y), bool)
    for label in dict.fromkeys(y.tolist()):
        mine = np.flatnonzero(y == label)
        if len(mine) < 2:
            raise InputError(f"class {label} arrives with one sample; test-then-train needs two")
        later[mine[-max(1, int(share * len(mine))) :]] = True
    return (x[~later], y[~later]), (x[later], y[later])
