"""Classes from outside, by "package.module:Class": rules and layers of one's own."""

import importlib
from collections.abc import Collection
from typing import Any

from mcuref.errors import InputError

FORM = "package.module:Class"


def find_class(what: str, reference: str, needed: Collection[str], of: str) -> Any:
    """The class that a reference means, which is imported, but not called.

    The reference may come from a file of others: only a class that has all that is ``needed`` is handed out.

    Parameters
    ----------
    what : str, what the sentence of an InputError begins with, such as "method".
    reference : str, "package.module:Class".
    needed : names that the class must have.
    of : str, where it stands what they are.

    Raises
    ------
    InputError : it cannot be imported, or is no such class.
    """
    module, _, name = reference.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise InputError(f"{what} {reference!r} cannot be imported: {' '.join(str(error).split())}") from None
    except (AttributeError, ValueError):
        raise InputError(f"{what} {reference!r} is not there; it must be {FORM}") from None
    except Exception as error:  # whatever that module's own code does
        raise InputError(f"{what} {reference!r} cannot be imported: {type(error).__name__}: {error}") from None
    if not isinstance(found, type):
        raise InputError(f"{what} {reference!r} is not a class; it must be {FORM}")
    for attribute in needed:
        if not hasattr(found, attribute):
            raise InputError(f"{what} {reference!r} has no {attribute!r}; {of} says what it needs")
    return found


def reference_of(kind: type) -> str:
    """What :func:`find_class` finds a class by."""
    return f"{kind.__module__}:{kind.__qualname__}"
