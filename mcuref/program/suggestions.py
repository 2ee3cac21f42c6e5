"""What would fit: changes to a refused program, each one compiled and planned before it is suggested."""

from fractions import Fraction
from typing import NamedTuple

from mcuref.memory.accountant import excess
from mcuref.memory.targets import TARGETS
from mcuref.models import narrowed


class Needs(NamedTuple):
    """Planned bytes."""

    sram: int
    flash: int


def suggestions(network, trainable, wrt, budget, needs):
    """Up to three changes that fit, as {"change", "sram", "flash"} with planned bytes.

    ``needs(network, trainable)`` plans a variant and returns its :class:`Needs`. Tried: fewer trainable layers (the most
    that fit), narrower hidden layers (the widest that fit), a larger named part (the smallest that fits, with an FPU if
    one has it: the arithmetic is float32).
    """
    candidates = (
        _fewer_trainable(network, trainable, wrt, budget, needs),
        _narrower(network, trainable, budget, needs),
        _larger_part(needs(network, trainable), budget),
    )
    return [{"change": change} | need._asdict() for change, need in filter(None, candidates)]


def _fewer_trainable(network, trainable, wrt, budget, needs):
    if wrt != "parameters":
        return None
    most = len(network.parametric) if trainable is None else trainable
    for count in range(most - 1, 0, -1):
        need = needs(network, count)
        if excess(need, budget) is None:
            return f"--trainable {count}", need
    return None


def _narrower(network, trainable, budget, needs):
    """Bisect the width of the widest hidden layer, the others in proportion: memory grows with width."""
    widest = max((network.layers[i].outputs for i in network.parametric[:-1]), default=1)
    fitting, low, high = None, 0, widest
    while high - low > 1:
        middle = (low + high) // 2
        smaller = narrowed(network, Fraction(middle, widest))
        if smaller is None:
            return None
        need = needs(smaller, trainable)
        if excess(need, budget) is None:
            low, fitting = middle, (f"--model {smaller.name}", need)
        else:
            high = middle
    return fitting


def _larger_part(need, budget):
    parts = [t for t in TARGETS.values() if t.sram > budget.stack]
    fitting = [t for t in parts if excess(need, t.budget(budget.stack)) is None]
    if not fitting:
        return None
    smallest = min(fitting, key=lambda t: (t.fpu == "none", t.sram, t.flash, t.name))
    return f"--target {smallest.name}", need
