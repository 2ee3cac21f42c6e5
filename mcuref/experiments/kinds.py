"""What rows of a comparison are computed in: a type, and of int8 how weights are updated and what becomes of scales."""

from collections.abc import Sequence
from typing import NamedTuple

from mcuref.arguments import one_of
from mcuref.errors import InputError
from mcuref.program.arithmetic import FLOAT32, IN_PLACE, INPUTS, Arithmetic

DTYPES = ("float32", "int8", "mixed")


class Kind(NamedTuple):
    """A kind of rows.

    Attributes
    ----------
    dtype : "float32" or "int8"; "mixed": the layers that are trained are float32, those below int8.
    update, scales : of int8, as of :class:`mcuref.Int8`; None of others.
    input : as of :func:`mcuref.compile`; "in-place" of float32 alone.
    """

    dtype: str = "float32"
    update: str | None = None
    scales: str | None = None
    input: str = "copy"

    def arithmetic(self) -> Arithmetic:
        """What its programs compute in."""
        if self.dtype == "float32":
            return IN_PLACE if self.input == "in-place" else FLOAT32
        if self.dtype == "mixed":
            from mcuref.program.arithmetic.mixed import MIXED

            return MIXED
        from mcuref.program.arithmetic.int8 import Int8

        given = {"update": self.update, "scales": self.scales}
        return Int8(**{name: value for name, value in given.items() if value is not None})

    def __str__(self) -> str:
        return " ".join(filter(None, (self.dtype, self.update, self.scales, self.input * (self.input != "copy"))))


def kinds(dtypes: Sequence[str], updates: Sequence[str] = (), scales: Sequence[str] = (), input: str = "copy") -> list[Kind]:
    """The kinds that these make: int8 with each update and each way of scales, the first where none is named; others once.

    InputError for an unknown name, a type that comes twice, for updates or scales without int8, and for others than float32
    whose input is in place.
    """
    found = []
    if one_of("input", input, INPUTS) == "in-place" and set(dtypes) != {"float32"}:
        raise InputError(f"input 'in-place' is of float32; the types are {', '.join(dtypes)}")
    for dtype in dtypes:
        if one_of("dtype", dtype, DTYPES) != "int8":
            found.append(Kind(dtype, input=input))
            continue
        from mcuref.program.arithmetic.int8 import SCALES, UPDATES

        found += [Kind(dtype, update, scale) for update in updates or UPDATES[:1] for scale in scales or SCALES[:1]]
    for name, values in (("update", updates), ("scales", scales)):
        if values and "int8" not in dtypes:
            raise InputError(f"{name} {values[0]!r} is of int8; of the types {', '.join(dtypes)} none is that")
    for kind in found:
        kind.arithmetic()
        if found.count(kind) > 1:
            raise InputError(f"rows of {str(kind)!r} are named twice; once is enough")
    return found
