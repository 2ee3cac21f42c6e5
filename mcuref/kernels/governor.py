"""The governor of a run's effort: multiply-accumulates are budgeted as bytes are.

The budget of a run is a share E of what dense training of every sample in every epoch would take. The balance is what was
earned and not spent. Every sample that is due earns, also one that is then left out: E of a dense step; where the number T
of epochs is known, 1 + a (T - 1 - 2 e) / T of that in epoch e. a is 1 - 2 E, at least 0: little effort does most at the
start. A forward pass spends its multiply-accumulates when it begins, the way back those of the entries that each selection
kept.

    balance < 0            the sample is left out: so never more than one step is owed
    0 <= balance < full    samples rest as their streaks say; the threshold is the rule's, times 1 - balance / full
    full <= balance        every sample is shown, and trained unless its error is 0

full is 16 to 32 dense steps, a power of two. So the threshold settles where as much is spent as earned, and a run ends with
less than that unspent, unless there is nothing left to spend it on.

All of it is integers, in units of which a dense step has 2^21 or more. The balance is an int64 in int32[2]: its lowest 30
bits, which are not negative, and the rest.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int32s, Uint8s
from mcuref.kernels.jit import kernel
from mcuref.kernels.rests import is_hidden

LOW = 30  # bits of the balance in its first word
SHARE = 15  # bits behind the point of a share of the threshold


@kernel
def balance_of(balance: Int32s) -> np.int64:
    """The balance, int64."""
    return (np.int64(balance[1]) << np.int64(LOW)) + np.int64(balance[0])


@kernel
def change_balance(balance: Int32s, by: Index) -> np.int64:
    """Add to the balance; returns the new one."""
    value = balance_of(balance) + by
    balance[0] = np.int32(value & np.int64((1 << LOW) - 1))
    balance[1] = np.int32(value >> np.int64(LOW))
    return value


@kernel
def earned(part: Index, slope: Index, epochs: Index, epoch: Index) -> np.int64:
    """What a sample earns in an epoch of a run of so many, ``part`` on average; of 0, their number is not known."""
    if 0 < epochs <= epoch:
        return np.int64(0)
    return np.int64(part) + np.int64(slope) * (np.int64(epochs) - 1 - 2 * np.int64(epoch))


@kernel
def is_left_out(left: Index, full: Index, streaks: Uint8s, index: Index, epoch: Index, bits: Index) -> bool | np.bool_:
    """Whether a sample is left out with a balance of ``left``; bits 0 if there are no streaks."""
    if left < 0:
        return True
    return bits > 0 and left >> np.int64(full) == 0 and is_hidden(streaks, index, epoch, bits)


@kernel
def threshold_share(balance: Int32s, full: Index) -> np.int64:
    """1 - balance / 2^full within 0 and 1, int64, with 15 bits behind the point; full >= 15."""
    whole = np.int64(1) << np.int64(full)
    return (whole - min(max(balance_of(balance), np.int64(0)), whole)) >> np.int64(full - SHARE)
