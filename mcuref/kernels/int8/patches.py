"""Patches of a convolution, int8: the input under a window as one run."""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s
from mcuref.kernels.geometry import KH, KW, C, W
from mcuref.kernels.int8.runs import copy_run_s8, fill_run_s8
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import Place, under


@kernel
def gather_patch_s8(patch: Int8s, x: Int8s, x_zero: np.int32, at: Place, g: Int32s) -> None:
    """patch[kh, kw, C] = the input under a window; x_zero outside it."""
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    first, last = at.kx0 * c, at.kx1 * c  # of a row of the patch, what lies inside
    source, run = under(at, at.ky0, at.kx0, g), last - first
    for row in range(at.ky0 * width, at.ky1 * width, width):
        copy_run_s8(patch, row + first, x, source, run)
        source += line
    if run < width:
        for row in range(at.ky0 * width, at.ky1 * width, width):
            fill_run_s8(patch, row, first, np.int8(x_zero))
            fill_run_s8(patch, row + last, width - last, np.int8(x_zero))
    if at.ky1 - at.ky0 < g[KH]:
        fill_run_s8(patch, 0, at.ky0 * width, np.int8(x_zero))
        fill_run_s8(patch, at.ky1 * width, (g[KH] - at.ky1) * width, np.int8(x_zero))
