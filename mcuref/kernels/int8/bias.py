"""Biases of a layer whose weights are frozen, int8: int32, in steps of the sums of products."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.int8.exponents import exponent
from mcuref.kernels.int8.weights import RIGHTMOST, moved_bias, step_of
from mcuref.kernels.jit import kernel


@kernel
def sum_of_output(delta: Int8s, o: Index, outputs: Index) -> tuple[bool | np.bool_, np.int64]:
    """(whether one is not 0, their sum) of the entries o, o + outputs, o + 2 outputs, ... of delta[n]."""
    any_error, total = False, np.int64(0)
    for e in range(o, delta.size, outputs):
        any_error |= delta[e] != 0
        total += np.int64(delta[e])
    return any_error, total


@kernel
def bias_update_s8(
    b: Int32s,
    delta: Int8s,
    rate: Uint8s,
    delta_exponent: Int32s,
    exponents: Int8s,
    sample_rate: Integer,
    x_slot: Index,
    bias_multiplier: Integer,
    bias_shift: Integer,
) -> None:
    """b[o] -= sum of delta[e] over entries e with e mod O = o, scaled as an update of weights does it; delta[n], b[O].

    See :func:`mcuref.kernels.int8.dense.dense_update_s8`. An output whose entries are all 0 is not touched.
    """
    ex = exponent(exponents, x_slot)
    for o in range(b.size):
        any_error, total = sum_of_output(delta, o, b.size)
        factor, shift = step_of(rate, o, sample_rate, delta_exponent, ex)
        if any_error and shift <= RIGHTMOST:
            b[o] = moved_bias(b[o], total * factor * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))
