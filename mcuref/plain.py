"""Plain data that something else may have changed since mcuref wrote it: read strictly, checked against a shape.

A shape is a type; a tuple of types; a list with the shape of its entries; a dict with the shapes of the values that must
be there, or with ``str`` alone as its key and the shape of all values. ``float`` takes whole numbers too, ``None`` null.
"""

import hashlib
import json
from math import isfinite
from typing import Any

DEEPEST = 40  # lists and objects in one another
LARGEST = 1 << 63  # of a whole number
# What comes of nonsense that was taken for data of our own; ours in the normal path are not to be caught with these
NONSENSE = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)


def parse(content: bytes) -> Any:
    """What a JSON text, bytes in UTF-8, means; ValueError for what mcuref never writes: NaN, huge numbers, deep nesting."""
    try:
        value = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    check_limits(value)
    return value


def check_limits(value: Any) -> None:
    """ValueError for a number that JSON or an int64 has not, and for what is nested too deeply."""
    left = [(value, 0)]
    while left:
        inner, depth = left.pop()
        if isinstance(inner, (dict, list)):
            if depth == DEEPEST:
                raise ValueError("it is nested too deeply")
            left += [(entry, depth + 1) for entry in (inner.values() if isinstance(inner, dict) else inner)]
        elif isinstance(inner, float) and not isfinite(inner) or isinstance(inner, int) and abs(inner) >= LARGEST:
            raise ValueError(f"it has a number that is {'too large' if inner == inner else 'NaN'}")


def digest(value: Any) -> str:
    """sha256 of plain data, whatever order the keys are in."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def check(value: Any, shape: Any, where: str = "it") -> None:
    """ValueError, which says where, unless a value has a shape."""
    if isinstance(shape, list):
        _check_type(value, list, where)
        for i, entry in enumerate(value):
            check(entry, shape[0], f"{where}[{i}]")
    elif isinstance(shape, dict):
        _check_type(value, dict, where)
        for name in value if str in shape else shape:
            if name not in value:
                raise ValueError(f"{where} has no {name!r}")
            check(value[name], shape.get(str, shape.get(name)), f"{where}.{name}")
    else:
        _check_type(value, shape, where)


def _check_type(value, kinds, where):
    """ValueError unless a value is of one of some types, or null where None is among them."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if float in kinds:
        kinds += (int,)
    if not (value is None and None in kinds or type(value) in kinds):
        raise ValueError(f"{where[:200]} is {repr(value)[:60]}")
