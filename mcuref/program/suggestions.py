"""What would fit: changes to a refused program, each one compiled and planned before it is suggested."""

from fractions import Fraction
from math import prod
from shlex import quote
from typing import Any, Protocol

from mcuref.errors import InputError
from mcuref.memory.accountant import Needs, excess
from mcuref.memory.targets import Budget, by_size
from mcuref.models import narrowed
from mcuref.network import Network
from mcuref.program.arithmetic import IN_PLACE, Arithmetic
from mcuref.quantization.mixed import nominal_body
from mcuref.quantization.nominal import nominal


class Planned(Protocol):
    """What plans a variant, and says what it needs."""

    def __call__(self, network: Network, trainable: int | None, budget: Budget, own: Arithmetic | None = None) -> Needs:
        """:class:`mcuref.memory.accountant.Needs` under a budget, in an arithmetic of its own if one is given."""


def suggestions(
    network: Network, trainable: int | None, wrt: str, budget: Budget, needs: Planned, in_place: bool = False
) -> list[dict[str, Any]]:
    """Up to five changes that fit, as {"change", "sram", "flash"} with the bytes that are then needed.

    Tried: the sample read in place, fewer trainable layers (the most that fit), narrower hidden layers (the widest that
    fit), int8 instead of float32, or without residuals, a larger named part (the smallest that fits, with an FPU if one has
    it). ``in_place``: whether it is read so already.
    """
    candidates = (
        None if in_place else _in_place(network, trainable, wrt, budget, needs),
        _fewer_trainable(network, trainable, wrt, budget, needs),
        _narrower(network, trainable, budget, needs),
        _integers(network, trainable, wrt, budget, needs, " --input copy" * in_place),
        _larger_part(network, trainable, budget, needs),
    )
    return [{"change": change, "sram": n.sram, "flash": n.flash} for change, n in filter(None, candidates)]


def _in_place(network, trainable, wrt, budget, needs):
    """The same without a copy of the sample, where there was one and the first layer can read it in place."""
    if network.dtype != "float32" or wrt != "parameters":
        return None
    try:
        need = needs(network, trainable, budget, IN_PLACE)
    except InputError:
        return None
    return ("--input in-place", need) if excess(need, budget) is None else None


def _fewer_trainable(network, trainable, wrt, budget, needs):
    if wrt != "parameters":
        return None
    most = len(network.trainable) if trainable is None else trainable

    def variant(count):
        changed = nominal_body(network, count) if network.dtype == "mixed" else network
        return f"--trainable {count}", needs(changed, count, budget)

    return _largest_fitting(most, budget, variant)


def _narrower(network, trainable, budget, needs):
    """The width of the widest hidden layer, the others in proportion."""
    widest = max((network.shapes[i][-1] for i in network.parametric[:-1]), default=1)

    def variant(width):
        smaller = narrowed(network, Fraction(width, widest))
        if smaller is not None and network.dtype == "int8":
            smaller = nominal(smaller)
        if smaller is not None and network.dtype == "mixed":
            smaller = nominal_body(smaller, len(network.trainable) if trainable is None else trainable)
        return smaller and (f"--model {quote(smaller.name)}", needs(smaller, trainable, budget))

    return _largest_fitting(widest, budget, variant)


def _integers(network, trainable, wrt, budget, needs, more):
    """The same network as int8, if it can be, which takes ``more`` options; what is int8 already, without residuals."""
    if network.dtype == "mixed" or wrt != "parameters" or _too_many(network, trainable, budget):
        return None
    from mcuref.program.arithmetic.int8 import Int8

    try:
        if network.dtype == "int8":
            change, need = "--update stochastic", needs(network, trainable, budget, Int8("stochastic"))
        else:
            change, need = "--dtype int8" + more, needs(nominal(network), trainable, budget)
    except InputError:
        return None
    return (change, need) if excess(need, budget) is None else None


def _too_many(network, trainable, budget):
    """Whether a byte a weight is too much already; to make the int8 form takes many times that."""
    sizes = [prod(network.parameter_shapes(i)["weights"]) for i in network.parametric]
    trained = sizes[len(sizes) - (len(sizes) if trainable is None else trainable) :]
    return excess(Needs(sum(trained), sum(sizes)), budget) is not None


def _largest_fitting(most, budget, variant):
    """Bisect 1 .. most - 1 for the largest (change, need) that fits: memory grows with each of the sizes tried."""
    fitting, low, high = None, 0, most
    while high - low > 1:
        middle = (low + high) // 2
        candidate = variant(middle)
        if candidate is None:
            return None
        if excess(candidate[1], budget) is None:
            low, fitting = middle, candidate
        else:
            high = middle
    return fitting


def _larger_part(network, trainable, budget, needs):
    for part in by_size():
        if part.sram > budget.stack:
            need = needs(network, trainable, part.budget(budget.stack))
            if excess(need, part.budget(budget.stack)) is None:
                return f"--target {part.name}", need
    return None
