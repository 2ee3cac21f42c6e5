"""FlatBuffers written by anybody: every offset and every length is checked against the file before it is used."""

from typing import Any, TypeVar

import flatbuffers.number_types as N
import numpy as np
from flatbuffers.table import Table
from numpy.typing import NDArray

from mcuref.errors import InputError

LONGEST_TEXT = 200  # bytes of a text that are read
Accessor = TypeVar("Accessor")


class Bounded(Table):
    """A table of which nothing outside of the file is read; InputError where it points there."""

    __slots__ = ()

    def inside(self, start: int, size: int) -> None:
        """InputError unless ``size`` bytes from ``start`` are in the file."""
        if not 0 <= start <= len(self.Bytes) - size:
            raise InputError(f"it is damaged: something of {size:,} bytes is at byte {start:,} of {len(self.Bytes):,}")

    def Get(self, flags: Any, off: int) -> Any:
        """A value of a type."""
        self.inside(off, flags.bytewidth)
        return flags.packer_type.unpack_from(self.Bytes, off)[0]

    def Indirect(self, off: int) -> int:
        """Where the offset that is stored at ``off`` points to."""
        at = off + self.Get(N.UOffsetTFlags, off)
        self.inside(at, N.UOffsetTFlags.bytewidth)
        return at

    def Vector(self, off: int) -> int:
        """Where the elements of a vector begin."""
        return self.Indirect(self.Pos + off) + N.UOffsetTFlags.bytewidth

    def VectorLen(self, off: int) -> int:
        """How many elements it has: at most as many as bytes are behind it."""
        start = self.Vector(off)
        length = self.Get(N.UOffsetTFlags, start - N.UOffsetTFlags.bytewidth)
        self.inside(start, length)
        return length

    def GetVectorAsNumpy(self, flags: Any, off: int) -> NDArray[Any]:
        """A vector of numbers; its bytes are the file's."""
        self.inside(self.Vector(off), self.VectorLen(off) * flags.bytewidth)
        return super().GetVectorAsNumpy(flags, off)

    def String(self, off: int) -> bytes:
        """A text, or its beginning."""
        at = self.Indirect(off)
        start, length = at + N.UOffsetTFlags.bytewidth, self.Get(N.UOffsetTFlags, at)
        self.inside(start, length)
        return bytes(self.Bytes[start : start + min(length, LONGEST_TEXT)])

    def Union(self, t2: Table, off: int) -> None:
        """Have ``t2`` be the table of a union."""
        t2.Bytes, t2.Pos = self.Bytes, self.Indirect(self.Pos + off)


def bounded(accessor: Accessor) -> Accessor:
    """A generated accessor that reads no further than the file; of one that it returns the same is not yet true."""
    accessor._tab = Bounded(accessor._tab.Bytes, accessor._tab.Pos)  # type: ignore[attr-defined]
    return accessor


def root(kind: type[Accessor], content: bytes) -> Accessor:
    """The accessor of a file's root table."""
    accessor = kind()
    accessor.Init(content, Bounded(content, 0).Indirect(0))  # type: ignore[attr-defined]
    return bounded(accessor)


def numbers(values: Any) -> NDArray[Any]:
    """What an accessor of a vector returned, which is 0 for one that is not there."""
    return values if isinstance(values, np.ndarray) else np.empty(0, np.int32)
