"""The governor of a run's effort: multiply-accumulates are budgeted as bytes are.

The budget of a run is a share E of what dense training of every sample in every epoch would take. The balance is what has
been earned and not been spent. Every sample that is due earns its share of the budget, also one that is then left out: as
much as any other, or, where the number T of epochs is known, the more the earlier, (2 (T - e) - 1) / T of it in epoch e. A
forward pass spends its multiply-accumulates when it begins, the way back those of the entries that each selection kept.

    balance < 0                      the sample is left out, so that never more than one step is owed
    0 <= balance < full              the rule's threshold, times 1 - balance / full; samples rest as their streaks say
    full <= balance                  every sample is shown, and trained unless its error is 0

full is 16 to 32 dense steps, a power of two. So the threshold comes to where as much is spent as earned; a run ends with
less than that unspent, unless it has nothing left to spend it on. All of it is integers. The balance is int64, of which
int32[2] hold the lowest 30 bits, not negative, and the rest.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int32s
from mcuref.kernels.jit import kernel

LOW = 30  # bits of the balance in its first word
SHARE = 15  # bits behind the point of a share of the threshold


@kernel
def saved(balance: Int32s) -> np.int64:
    """The balance, int64."""
    return (np.int64(balance[1]) << np.int64(LOW)) + np.int64(balance[0])


@kernel
def change(balance: Int32s, by: Index) -> np.int64:
    """Add to the balance; returns the new one."""
    value = saved(balance) + by
    balance[0] = np.int32(value & np.int64((1 << LOW) - 1))
    balance[1] = np.int32(value >> np.int64(LOW))
    return value


@kernel
def earned(part: Index, epochs: Index, epoch: Index) -> np.int64:
    """What a sample earns in an epoch: ``part``, or, of a run of so many epochs, as often as the docstring above says."""
    if epochs == 0:
        return np.int64(part)
    return np.int64(part) * max(2 * (np.int64(epochs) - np.int64(epoch)) - 1, np.int64(0))


@kernel
def share_of_threshold(balance: Int32s, full: Index) -> np.int64:
    """1 - balance / 2^full within 0 and 1, int64, with 15 bits behind the point; full >= 15."""
    whole = np.int64(1) << np.int64(full)
    return (whole - min(max(saved(balance), np.int64(0)), whole)) >> np.int64(full - SHARE)
