"""Real values as integers and back, at the edges of a program: samples and targets that enter, outputs that leave."""

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.quantization.multipliers import nearest
from mcuref.quantization.scales import Scale

FARTHEST = 1 << 20  # steps, that a target may be away


def quantised_samples(x: NDArray[np.float32], scale: Scale) -> NDArray[np.int8]:
    """int8, x's shape: the nearest value of that scale, halves away from 0; what is beyond its ends becomes the end.

    InputError for NaN.
    """
    x = np.asarray(x, np.float32)
    if np.isnan(x).any():
        raise InputError("samples have NaN among them, which no int8 stands for; they must be numbers")
    with np.errstate(over="ignore"):
        whole = nearest(np.clip(x / np.float32(scale.scale), -1000, 1000))  # further than any end
    return np.clip(whole + np.float32(scale.zero), -128, 127).astype(np.int8)


def quantised_targets(y: NDArray[np.float32], scale: Scale) -> NDArray[np.int32]:
    """int32, y's shape: the nearest whole step of that scale, halves away from 0, beyond the ends of int8 too.

    What is beyond +-`FARTHEST` becomes that.
    """
    steps = nearest(y.astype(np.float64) / float(scale.scale)) + scale.zero
    return np.clip(steps, -FARTHEST, FARTHEST).astype(np.int32)


def real_values(q: NDArray[np.int8], scale: Scale) -> NDArray[np.float32]:
    """float32, q's shape: scale (q - zero), rounded once."""
    return np.float32(scale.scale) * (np.asarray(q, np.int32) - scale.zero).astype(np.float32)
