"""What would fit: changes to a refused program, each one compiled and planned before it is suggested."""

from fractions import Fraction

from mcuref.memory.accountant import excess
from mcuref.memory.targets import TARGETS
from mcuref.models import narrowed


def suggestions(network, trainable, wrt, budget, variant):
    """Up to three changes that fit, as {"change", "sram", "flash"} with planned bytes.

    ``variant(network, trainable)`` compiles a listing without a budget. Tried: fewer trainable layers (the most that
    fit), narrower hidden layers (the widest that fit), a larger named part (the smallest that fits).
    """
    candidates = (
        _fewer_trainable(network, trainable, wrt, budget, variant),
        _narrower(network, trainable, budget, variant),
        _larger_part(variant(network, trainable).plan, budget),
    )
    return [
        {"change": change, "sram": plan.sram, "flash": plan.flash} for change, plan in filter(None, candidates)
    ]


def _fewer_trainable(network, trainable, wrt, budget, variant):
    if wrt != "parameters":
        return None
    most = len(network.parametric) if trainable is None else trainable
    for count in range(most - 1, 0, -1):
        plan = variant(network, count).plan
        if excess(plan, budget) is None:
            return f"--trainable {count}", plan
    return None


def _narrower(network, trainable, budget, variant):
    """Bisect the width of the widest hidden layer, the others in proportion: memory grows with width."""
    widest = max((network.layers[i].outputs for i in network.parametric[:-1]), default=1)
    fitting, low, high = None, 0, widest
    while high - low > 1:
        middle = (low + high) // 2
        smaller = narrowed(network, Fraction(middle, widest))
        if smaller is None:
            return None
        plan = variant(smaller, trainable).plan
        if excess(plan, budget) is None:
            low, fitting = middle, (f"--model {smaller.name}", plan)
        else:
            high = middle
    return fitting


def _larger_part(plan, budget):
    parts = [t for t in TARGETS.values() if t.sram > budget.stack]
    fitting = [t for t in parts if excess(plan, t.budget(budget.stack)) is None]
    if not fitting:
        return None
    return f"--target {min(fitting, key=lambda t: (t.sram, t.flash, t.name)).name}", plan
