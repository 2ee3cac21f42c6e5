"""Classes from outside, by "package.module:Class": rules and layers of one's own."""

import importlib
import re
from collections.abc import Collection
from typing import Any

from mcuref.errors import InputError
from mcuref.names import hint, near

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
    form = re.fullmatch(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)", reference)
    if not form:
        raise InputError(f"{what} {reference!r} is not written as {FORM}")
    found = _imported(f"{what} {reference!r}", form[1])
    if not hasattr(found, form[2]):
        classes = [name for name, value in vars(found).items() if isinstance(value, type)]
        raise InputError(f"{what} {reference!r} is not there{hint(near(form[2], classes), f'it must be {FORM}')}")
    found = getattr(found, form[2])
    if not isinstance(found, type):
        raise InputError(f"{what} {reference!r} is not a class; it must be {FORM}")
    for attribute in needed:
        if not hasattr(found, attribute):
            raise InputError(f"{what} {reference!r} has no {attribute!r}; {of} says what it needs")
    return found


def _imported(what, module):
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        where = "; Python looks for it where PYTHONPATH says" if error.name == module.partition(".")[0] else ""
        raise InputError(f"{what} cannot be imported: {error}{where}") from None
    except (Exception, SystemExit) as error:  # whatever that module's own code does
        raise InputError(f"{what} cannot be imported: {what_went_wrong(error)}") from None


def what_went_wrong(error: BaseException) -> str:
    """An error of code from outside in a line: its class and what it says."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def reference_of(kind: type) -> str:
    """What :func:`find_class` finds a class by."""
    return f"{kind.__module__}:{kind.__qualname__}"
