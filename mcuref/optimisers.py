"""Optimisers: what is done with a gradient, and the learning rate of every step."""

from dataclasses import dataclass

import numpy as np

from mcuref.arguments import number, one_of

SCHEDULES = ("constant", "linear", "halving")


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, one sample a step: w <- w - rate * gradient.

    The rate of step t of T (a step is a sample that is *shown*, whether a rule trains or skips it) is given to the
    training step together with the sample, so that a skipped sample leaves no trace:

        constant   rate
        linear     rate * ((T - t) / T)                       in float32, t = 0 .. T - 1
        halving    rate * 2^-h, h = how many of T/2, 3T/4, 7T/8 have been reached: a shift in integer code

    Parameters
    ----------
    learning_rate : float, > 0.
    schedule : "constant", "linear" or "halving".
    """

    learning_rate: float = 0.01
    schedule: str = "linear"

    def __post_init__(self):
        number("learning rate", self.learning_rate, 0, above=True)
        one_of("schedule", self.schedule, SCHEDULES)

    def rates(self, first, count, total):
        """Learning rates of steps first .. first + count - 1 of ``total``: float32[count]."""
        rate = np.float32(self.learning_rate)
        step = np.arange(first, first + count, dtype=np.int64)
        if self.schedule == "constant":
            return np.full(count, rate)
        if self.schedule == "linear":
            return rate * ((total - step).astype(np.float32) / np.float32(total))
        halvings = (step * 2 >= total).astype(np.int32) + (step * 4 >= total * 3) + (step * 8 >= total * 7)
        return rate * np.ldexp(np.float32(1), -halvings).astype(np.float32)
