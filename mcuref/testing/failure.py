"""A failed check, told so that it can be acted on: the property, expected, got, and the input as code to paste."""

import keyword
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from mcuref.errors import InputError


class CheckFailed(AssertionError):
    """The code under test breaks a property; the message says which, on what input, and how to repeat it.

    Attributes
    ----------
    violated : str, the property in one sentence.
    snippet : str, Python source that repeats the failure once the code under test is in scope by its name.
    """

    violated = snippet = ""


@dataclass(frozen=True)
class Case:
    """The code under test on one input.

    Attributes
    ----------
    function : str, the public function that repeats the case, such as "check_topk_case".
    implementation : the code under test, given to that function first; None if the inputs alone are judged.
    inputs : dict, name -> value, given to that function after it.
    """

    function: str
    implementation: Callable | None
    inputs: dict

    def call(self, function: Callable, *arguments: Any) -> Any:
        """function(*arguments); an exception in it becomes a CheckFailed with that exception as its cause."""
        try:
            return function(*arguments)
        except Exception as error:
            self.fail("raises no exception", "a result", f"{type(error).__name__}: {error}", error)

    def fail(self, violated: str, expected: object, got: object, cause: BaseException | None = None) -> NoReturn:
        """Raise CheckFailed; `expected` and `got` are printed after those words."""
        code = [] if self.implementation is None else [self._name()]
        check = self.function.removesuffix("_case")
        numpy = ["import numpy as np"] if any(isinstance(value, np.ndarray) for value in self.inputs.values()) else []
        snippet = "\n".join(
            [
                *numpy,
                f"from mcuref.testing import {self.function}",
                *(f"{argument} = {literal(value)}" for argument, value in self.inputs.items()),
                f"{self.function}({', '.join([*code, *self.inputs])})",
            ]
        )
        who = f"{code[0]} fails {check}" if code else check
        failure = CheckFailed(f"{who}: {violated}\nexpected: {expected}\ngot:      {got}\nTo repeat it:\n{snippet}")
        failure.violated, failure.snippet = violated, snippet
        raise failure from cause

    def _name(self):
        """The name under which the snippet calls the code: its own if that is usable, else "implementation"."""
        name = getattr(self.implementation, "__name__", "")
        taken = {"np", self.function, *self.inputs}
        return name if name.isidentifier() and not keyword.iskeyword(name) and name not in taken else "implementation"


def require_callable(implementation: object) -> None:
    """Raise InputError unless the code under test can be called."""
    if not callable(implementation):
        raise InputError(f"the implementation must be a function, not {implementation!r}")


def literal(value: object) -> str:
    """Python source of an array, number, string or list of tuples; floats come back with the same bits (NaN as NaN)."""
    if isinstance(value, np.ndarray):
        return f"np.array({_nested(value)}, np.{value.dtype.name})"
    return repr(value)


def _nested(array):
    """The array's values as nested lists in Python source."""
    if array.ndim:
        return "[" + ", ".join(_nested(part) for part in array) + "]"
    if array.dtype.kind != "f":
        return repr(array.item())
    if not np.isfinite(array):
        return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}[str(array.item())]
    shortest = str(array.dtype.type(array))
    # the shortest decimal names this float32 when read as float32; reading it as float64 first could round twice
    return shortest if array.dtype.type(float(shortest)) == array else repr(float(array))
