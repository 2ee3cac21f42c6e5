"""Checks of arguments at the door: InputError names the argument, its value and what would be right."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import numpy as np

from mcuref.errors import InputError
from mcuref.names import hint, near

MOST_EPOCHS = 1_000_000
Kind = TypeVar("Kind")


def number(name: str, value: Any, minimum: float = 0.0, maximum: float = np.inf, above: bool = False) -> np.float32:
    """``value`` as float32, in [minimum, maximum], or ]minimum, maximum] if ``above``, after rounding to float32."""
    wanted = f"a number {'above' if above else 'from'} {minimum:g}" + (f" to {maximum:g}" if maximum < np.inf else "")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{name} {shown(value)} is not {wanted}")
    try:
        exact = float(value)
    except OverflowError:  # an int beyond float64
        exact = np.inf
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.float32(exact)
    inside = minimum < rounded if above else minimum <= rounded
    if not inside or not rounded <= maximum or not np.isfinite(rounded):
        lost = np.isinf(rounded) or (rounded == 0 and exact != 0)
        raise InputError(f"{name} {shown(value)} is not {wanted}" + (f": it is {rounded:g} in float32" if lost else ""))
    return rounded


def whole(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """``value`` as int, minimum <= value <= maximum."""
    if maximum is None:
        wanted = f"a whole number from {minimum}"
    else:
        wanted = f"a whole number from {minimum} to {maximum}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} {shown(value)} is not {wanted}")
    if value < minimum or (maximum is not None and value > maximum):
        raise InputError(f"{name} {shown(value)} is not {wanted}")
    return int(value)


def one_of(name: str, value: Any, choices: Collection[str], also: Mapping[str, str] | tuple[()] = ()) -> str:
    """``value``, one of the words ``choices``; ``also`` are further spellings to know them by, as of :func:`near`."""
    if not isinstance(value, str) or value not in choices:
        may_be = hint(near(value, choices, also), f"it may be {', '.join(choices)}")
        raise InputError(f"{name} {shown(value)} is not known{may_be}")
    return value


def seed(value: Any) -> int:
    """A seed of mcuref's generator."""
    return whole("seed", value, 0, (1 << 32) - 1)


def epochs(value: Any) -> int:
    """A number of epochs."""
    return whole("epochs", value, 1, MOST_EPOCHS)


def instance(name: str, value: Any, kind: type[Kind] | tuple[type[Kind], ...], wanted: str) -> Kind:
    """``value``, an instance of ``kind``."""
    if not isinstance(value, kind):
        raise InputError(f"{name} {shown(value)} is not {wanted}")
    return value


def shown(value: Any) -> str:
    """Text of a value, short and on one line."""
    try:
        text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    except ValueError:  # Python refuses to write out integers of thousands of digits
        text = f"of {value.bit_length()} bits"
    return text if len(text) <= 60 else text[:57] + "..."
