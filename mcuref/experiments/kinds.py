"""What rows of a comparison are computed in: a type, and of int8 how weights are updated and what becomes of scales."""

from collections.abc import Sequence
from typing import NamedTuple

from mcuref.arguments import one_of
from mcuref.errors import InputError
from mcuref.program.arithmetic import FLOAT32, Arithmetic

DTYPES = ("float32", "int8", "mixed")


class Kind(NamedTuple):
    """A kind of rows.

    Attributes
    ----------
    dtype : "float32" or "int8"; "mixed": the layers that are trained are float32, those below int8.
    update, scales : of int8, as of :class:`mcuref.Int8`; None of others.
    """

    dtype: str = "float32"
    update: str | None = None
    scales: str | None = None

    def arithmetic(self) -> Arithmetic:
        """What its programs compute in."""
        if self.dtype == "float32":
            return FLOAT32
        if self.dtype == "mixed":
            from mcuref.program.arithmetic.mixed import MIXED

            return MIXED
        from mcuref.program.arithmetic.int8 import Int8

        return Int8(**{name: value for name, value in self._asdict().items() if name != "dtype" and value is not None})

    def __str__(self) -> str:
        return " ".join(filter(None, self))


def kinds(dtypes: Sequence[str], updates: Sequence[str] = (), scales: Sequence[str] = ()) -> list[Kind]:
    """The kinds that these make: int8 with each update and each way of scales, the first where none is named; others once.

    InputError for an unknown name, a type that comes twice, and for updates or scales without int8.
    """
    found = []
    for dtype in dtypes:
        if one_of("dtype", dtype, DTYPES) != "int8":
            found.append(Kind(dtype))
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
