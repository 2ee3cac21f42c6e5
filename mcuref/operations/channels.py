"""What runs restrictions to channels."""

import numpy as np

from mcuref.kernels.channels import keep_channels, renew_channels
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i32, indices, u8, words
from mcuref.operators.columns import KEPT, MORE, OUT, D, F


@kernel(inlined=True)
def run_keep_channels_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """kept[], count[1], mask[(O + 7) // 8], left[1], draws[1]."""
    outputs, k, every = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2])
    mask, count = u8(memory, row[OUT + 2], (outputs + 7) // 8), i32(memory, row[OUT + 1])
    left, draws = words(memory, row[MORE[0]], 1), words(memory, row[MORE[1]], 1)
    renew_channels(mask, left, draws, outputs, k, every, row[F])
    found = keep_channels(indices(memory, row[OUT], count), mask, count, outputs)
    words(memory, row[OUT + 1], 1)[0] = np.int32(found)
    counts[KEPT] += found
    return GO_ON
