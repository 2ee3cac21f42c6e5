"""What rules share: how many entries of an error a share of them is, and the instruction that selects them."""

from typing import Any, NamedTuple

import numpy as np

from mcuref.errors import InputError
from mcuref.layers.layer import Emit
from mcuref.memory.buffers import Buffer

LARGEST_N = 1 << 22  # rint of S n is exact in float32 below this


class Selection(NamedTuple):
    """Buffers of the kept entries of an error and of their number, by the names that operators have for them."""

    kept: Buffer
    count: Buffer  # type: ignore[assignment]  # hides what every tuple has


def kept_entries(ratio: float, n: int, floor: bool = False) -> int:
    """k = clamp(rint(ratio n), 1, n) in float32, ties to even; truncated if ``floor``. As the kernel of this name."""
    with np.errstate(over="ignore"):  # infinite is as good as n
        value = np.float32(ratio) * np.float32(n)
    if value >= n:
        return n
    return min(max(int(np.floor(value) if floor else np.rint(value)), 1), n)


def selection(emit: Emit, family: str, delta: Buffer, most: int, **more: Any) -> Selection:
    """Buffers for up to ``most`` kept entries and their number, and the instruction of a family that fills them."""
    n = delta.shape[0]
    if n > LARGEST_N:
        raise InputError(f"layer {emit.name!r} has {n} outputs; the rules' float32 arithmetic is exact up to {LARGEST_N}")
    kept = emit.buffer("kept", (most,), "selection", emit.index_type)
    count = emit.buffer("kept_count", (1,), "selection", "int32")
    emit(family, kept=kept, count=count, delta=delta, n=n, **more)
    return Selection(kept, count)
