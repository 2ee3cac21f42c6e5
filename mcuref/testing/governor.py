"""The governor of a run's effort in fractions of a dense step, from the definitions: nothing is scaled or packed."""

from fractions import Fraction


class Governor:
    """What was earned and not spent, and what follows from it.

    Parameters
    ----------
    effort : float, the share of dense training.
    dense : int, multiply-accumulates of a dense step.
    epochs : int, of the run; 0 if that is not known.

    Attributes
    ----------
    balance : Fraction, multiply-accumulates.
    """

    def __init__(self, effort: float, dense: int, epochs: int = 0) -> None:
        self.dense, self.epochs, self.balance = dense, epochs, Fraction(0)
        units = 2 ** max(22 - len(f"{dense:b}"), 0)  # of a multiply-accumulate: of these, what is earned is a whole number
        self.part = Fraction(Fraction(effort) * dense * units // 1, units)
        steeper = max(1 - 2 * Fraction(effort), Fraction(0)) / epochs if epochs else Fraction(0)
        self.slope = Fraction(self.part * units * steeper // 1, units)
        self.full = Fraction(2 ** (len(f"{dense:b}") + 4))

    def earn(self, epoch: int) -> None:
        """A sample is due."""
        if not self.epochs or epoch < self.epochs:
            self.balance += self.part + self.slope * (self.epochs - 1 - 2 * epoch)

    def leaves_out(self, hidden: bool) -> bool:
        """Whether it is left out; ``hidden`` if it rests by its streak."""
        return self.balance < 0 or (hidden and self.balance < self.full)

    def share(self) -> Fraction:
        """Of the threshold, cut off to 15 bits."""
        share = 1 - min(max(self.balance / self.full, Fraction(0)), Fraction(1))
        return Fraction(share * 2**15 // 1, 2**15)

    def spend(self, macs: int) -> None:
        """So many multiply-accumulates were done."""
        self.balance -= macs
