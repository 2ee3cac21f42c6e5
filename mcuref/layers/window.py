"""Windows over an image: what convolution and pooling share. Shapes, padding, and the geometry that kernels take."""

from dataclasses import dataclass
from typing import Any, Self

from mcuref.arguments import one_of, whole
from mcuref.errors import InputError
from mcuref.layers.layer import Shape
from mcuref.operators.geometry import Geometry

LARGEST = 1 << 15  # of a kernel or stride

PADDINGS = ("valid", "same")


def pair(what: str, value: Any) -> tuple[int, int]:
    """(rows, columns) from a whole number or two of them; InputError if it is neither."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise InputError(f"{what} {value!r} is not a whole number or two of them, such as 3 or (3, 1)")
    rows, columns = (whole(what, v, 1, LARGEST) for v in values)
    return rows, columns


@dataclass(frozen=True)
class Window:
    """A window [kh, kw] that moves over an input [H, W, C] in strides.

    ``valid``: only windows that lie inside; ``same``: ceil(H / stride) x ceil(W / stride) of them, the padding shared
    out with the odd row or column below and to the right, as TensorFlow does.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: str

    @classmethod
    def checked(cls, layer: str, kernel: Any, stride: Any, padding: Any, dilation: Any = 1) -> Self:
        """A window from a layer's arguments; InputError if one is wrong. A dilation other than 1 is refused."""
        if pair(f"{layer} dilation", dilation) != (1, 1):
            raise InputError(f"{layer} dilation {dilation!r} is not supported; it must be 1")
        padding = one_of(f"{layer} padding", padding, PADDINGS)
        return cls(pair(f"{layer} kernel", kernel), pair(f"{layer} stride", stride), padding)

    def geometry(self, shape: Shape, outputs: int) -> Geometry:
        """The :class:`Geometry` over an input of ``shape``; InputError if it does not suit."""
        if len(shape) != 3:
            raise InputError(
                f"it needs an input of rows x columns x channels, got shape {shape}: put a Reshape before it, such as "
                "Reshape((1, 128, 9)) for a signal of 128 steps and 9 channels"
            )
        height, width, channels = shape
        rows, top = self._along("rows", height, self.kernel[0], self.stride[0])
        columns, left = self._along("columns", width, self.kernel[1], self.stride[1])
        return Geometry(height, width, channels, rows, columns, outputs, *self.kernel, *self.stride, top, left)

    def _along(self, name, extent, kernel, stride):
        """Output size and padding in front, along one axis."""
        if self.padding == "same":
            size = -(-extent // stride)
            return size, max((size - 1) * stride + kernel - extent, 0) // 2
        if kernel > extent:
            raise InputError(f"its kernel of {kernel} {name} is larger than the input's {extent}; see padding='same'")
        return (extent - kernel) // stride + 1, 0


def is_padded(g: Geometry) -> bool:
    """Whether a window of this geometry reaches outside the input."""
    return g.TOP > 0 or g.LEFT > 0 or (g.HO - 1) * g.SH - g.TOP + g.KH > g.H or (g.WO - 1) * g.SW - g.LEFT + g.KW > g.W
