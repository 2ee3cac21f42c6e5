"""The geometry of a window that slides over an image: what convolution and pooling have in common."""

from typing import NamedTuple


class Geometry(NamedTuple):
    """Height, width and channels of the input, then of the output; of the window its size, its strides, and the padding
    above and to the left.

    Output (oy, ox) sees the window that begins at row oy SH - TOP, column ox SW - LEFT; what lies outside the input counts
    as 0. Kernels take it as int32[12] in this order.
    """

    H: int
    W: int
    C: int
    HO: int
    WO: int
    O: int
    KH: int
    KW: int
    SH: int
    SW: int
    TOP: int
    LEFT: int

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(HO, WO, O)."""
        return self.HO, self.WO, self.O
