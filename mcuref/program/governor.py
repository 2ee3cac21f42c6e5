"""The governor of effort in a program: a row at its head, one behind each selection, and a decision that it moves.

See :mod:`mcuref.kernels.governor` for what it does. All that a step costs is known when the program is complete; only then
the rows get their figures, in units of which a dense step has 2^21 or more.
"""

from dataclasses import dataclass
from fractions import Fraction

from mcuref.errors import InputError
from mcuref.memory.buffers import Buffer
from mcuref.program.effort import network_macs
from mcuref.program.emitter import Emitter
from mcuref.rules import Rule

UNITS = 22  # bits of a dense step, in units that are whole parts of a multiply-accumulate
FULL = 4  # bits more of a full balance
MOST_MACS = (1 << 30) - 1  # of a dense step


@dataclass(frozen=True)
class Governor:
    """What all rows have in common: the balance, the share of dense training, and what a dense step is in MACs; 0 epochs
    where their number is not known.
    """

    balance: Buffer
    effort: float
    dense: int
    epochs: int

    @property
    def shift(self) -> int:
        """A multiply-accumulate is 2^shift units."""
        return max(UNITS - self.dense.bit_length(), 0)

    @property
    def full(self) -> int:
        """The logarithm of a full balance."""
        return self.dense.bit_length() + self.shift + FULL

    @property
    def part(self) -> int:
        """What a sample earns, on average over epochs."""
        return int(Fraction(self.effort) * (self.dense << self.shift))

    @property
    def slope(self) -> int:
        """By how much that is less in an epoch than half an epoch before, where their number is known."""
        return int(self.part * max(1 - 2 * Fraction(self.effort), Fraction(0)) / self.epochs) if self.epochs else 0


def govern(emit: Emitter, rule: Rule, streaks: Buffer | None, stored: int, bits: int, most: int) -> None:
    """Emit the row that earns, before all else, if the rule has an effort; ``emit.governor`` is then what others need."""
    effort = float(getattr(rule, "effort", 0.0))
    dense = sum(network_macs(emit.network, emit.trainable))
    if dense > MOST_MACS:
        raise InputError(f"a dense step has {dense:,} multiply-accumulates; an effort can be set for up to {MOST_MACS:,}")
    governor = Governor(emit.state("balance", (2,), dtype="int32"), effort, dense, int(getattr(rule, "epochs", 0)))
    earns = {"part": governor.part, "slope": governor.slope, "epochs": governor.epochs}
    own = {"N": stored, "bits": bits, "most": most, "forward": 0, "full": governor.full}
    emit("govern", balance=governor.balance, streaks=streaks, **earns, **own)
    emit.governor = governor


def spend(emit: Emitter, count: Buffer) -> None:
    """Emit, behind a selection, what its kept entries spend, if there is a governor."""
    if emit.governor is not None:
        emit("spend", balance=emit.governor.balance, count=count, each=0, fixed=0)


def finish(emit: Emitter) -> None:
    """Fill in what a forward pass and each kept entry cost, if there is a governor: sums over all rows that are counted."""
    if emit.governor is None:
        return
    unit = 1 << emit.governor.shift
    head, *others = emit.instructions
    forward = sum(i.macs(1, 0) for i in others if i.phase == "forward")
    head.dimensions = {**head.dimensions, "forward": forward * unit}
    back = [i for i in others if i.phase in ("propagate", "update")]
    fixed = sum(i.macs(1, 0) for i in back)
    for row in others:
        if row.phase == "effort":
            each = sum(i.macs(0, 1) for i in back if i.operands.get("count") is row["count"])
            row.dimensions = {"each": each * unit, "fixed": fixed * unit}
            fixed = 0
