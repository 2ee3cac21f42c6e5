"""Operators: the kinds of instruction that programs are made of, each declared once.

From a declaration follow its opcode, its place in the table and in docs/operators.md, the checks when it is emitted, access
to operands by name, what runs it (:mod:`mcuref.operations`) in Python and C, its multiply-accumulates, and what its
instructions on a core are linear in (:mod:`mcuref.cost.features`).
"""

from collections.abc import Callable
from typing import Any

from mcuref.errors import InputError
from mcuref.operators import float32
from mcuref.operators.columns import FIRST_OUTSIDE
from mcuref.operators.operator import Operator

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in float32.OPERATORS}
OPCODES = {name: operator.number for name, operator in OPERATORS.items()}
NAMES = {number: name for name, number in OPCODES.items()}
_OUTSIDE: dict[int, tuple[Operator, Callable[..., int]]] = {}


def register(operator: Operator, run: Callable[..., int]) -> None:
    """Let programs have an operator of one's own, which Python runs: rules and layers emit its family.

    Parameters
    ----------
    operator : as :func:`mcuref.operators.operator.declare` makes it; its number is from 1,000 on.
    run : callable(row, f, memory, host, sample, counts) -> GO_ON, JUMP or END, as those of :mod:`mcuref.operations`; plain
        Python, called for each sample. It is slower than what is compiled, costs an unknown amount of code and
        instructions, and cannot be exported.

    Raises
    ------
    InputError : its number or name is another's.
    """
    name, number = operator.name, operator.number
    if number < FIRST_OUTSIDE:
        raise InputError(f"operator {name!r} has number {number}; those from outside begin at {FIRST_OUTSIDE:,}")
    for other in (*OPERATORS.values(), *(known for known, _ in _OUTSIDE.values())):
        if (other.name == name) != (other.number == number):  # both: it is registered once more, edited
            same, theirs = "name" if other.name == name else "number", f"{other.name!r}, number {other.number:,}"
            raise InputError(f"operator {name!r}, number {number:,}, has the {same} of {theirs}")
    _OUTSIDE[number] = operator, run


def registered(family: str) -> Operator | None:
    """The operator from outside that a family means, or None."""
    return next((operator for operator, _ in _OUTSIDE.values() if operator.family == family), None)


def run_of(number: int) -> Callable[..., Any]:
    """What runs an operator from outside."""
    return _OUTSIDE[number][1]
