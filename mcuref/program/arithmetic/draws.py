"""What draws at random takes: the counter of all of a program, and the key that its network's seed is."""

from typing import Any

import numpy as np

from mcuref.memory.buffers import Buffer

RANDOM, CHANNELS = "select_random_k", "keep_channels"


def drawing(emit: Any) -> dict[str, Any]:
    """The operands and constants of what draws."""
    if RANDOM not in emit.notes:
        emit.notes[RANDOM] = Buffer("selections", "int32", (1,), "rule state", persistent=True)
    return {"draws": emit.notes[RANDOM], "key": int(np.uint32(emit.network.seed).astype(np.int32))}
