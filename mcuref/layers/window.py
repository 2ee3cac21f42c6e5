"""Windows over an image: what convolution and pooling share. Shapes, padding, and the geometry that kernels take."""

from dataclasses import dataclass
from typing import Any, Self

from mcuref.arguments import one_of, whole
from mcuref.errors import InputError
from mcuref.layers.layer import Shape
from mcuref.operators.geometry import Geometry

LARGEST = 1 << 15  # of a kernel or stride

PADDINGS = ("valid", "same")
Padding = str | tuple[tuple[int, int], tuple[int, int]]


def pair(what: str, value: Any) -> tuple[int, int]:
    """(rows, columns) from a whole number or two of them; InputError if it is neither."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise InputError(f"{what} {value!r} is not a whole number or two of them, such as 3 or (3, 1)")
    rows, columns = (whole(what, v, 1, LARGEST) for v in values)
    return rows, columns


def _sides(layer: str, padding: Any, kernel: tuple[int, int]) -> Padding:
    """((above, below), (left, right)) from two pairs of whole numbers below the kernel's size."""
    if len(padding) != 2 or not all(isinstance(side, (tuple, list)) and len(side) == 2 for side in padding):
        raise InputError(
            f"{layer} padding {padding!r} is not known; it may be valid, same, or ((above, below), (left, right))"
        )
    rows, columns = (tuple(whole(f"{layer} padding", n, 0, size - 1) for n in side) for side, size in zip(padding, kernel))
    return rows, columns  # type: ignore[return-value]  # pairs, as was checked


@dataclass(frozen=True)
class Window:
    """A window [kh, kw] that moves over an input [H, W, C] in strides.

    ``valid``: only windows that lie inside; ``same``: ceil(H / stride) x ceil(W / stride) of them, the padding shared
    out with the odd row or column below and to the right, as TensorFlow does; or ((above, below), (left, right)), rows and
    columns of padding, for a layer that takes them: those in which padding counts as 0.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding

    @classmethod
    def checked(cls, layer: str, kernel: Any, stride: Any, padding: Any, dilation: Any = 1, sides: bool = False) -> Self:
        """A window from a layer's arguments; InputError if one is wrong. A dilation other than 1 is refused.

        sides : whether the padding may be given side by side.
        """
        if pair(f"{layer} dilation", dilation) != (1, 1):
            raise InputError(f"{layer} dilation {dilation!r} is not supported; it must be 1")
        kernel = pair(f"{layer} kernel", kernel)
        if sides and isinstance(padding, (tuple, list)):
            padding = _sides(layer, padding, kernel)
        else:
            padding = one_of(f"{layer} padding", padding, PADDINGS)
        return cls(kernel, pair(f"{layer} stride", stride), padding)

    def geometry(self, shape: Shape, outputs: int) -> Geometry:
        """The :class:`Geometry` over an input of ``shape``; InputError if it does not suit."""
        if len(shape) != 3:
            raise InputError(
                f"it needs an input of rows x columns x channels, got shape {shape}: put a Reshape before it, such as "
                "Reshape((1, 128, 9)) for a signal of 128 steps and 9 channels"
            )
        height, width, channels = shape
        rows, top = self._along(0, height)
        columns, left = self._along(1, width)
        return Geometry(height, width, channels, rows, columns, outputs, *self.kernel, *self.stride, top, left)

    def _along(self, axis, extent):
        """Output size and padding in front, along one axis."""
        kernel, stride = self.kernel[axis], self.stride[axis]
        if self.padding == "same":
            size = -(-extent // stride)
            return size, max((size - 1) * stride + kernel - extent, 0) // 2
        before, after = (0, 0) if self.padding == "valid" else self.padding[axis]
        padded = before + extent + after
        if kernel > padded:
            name = ("rows", "columns")[axis]
            raise InputError(f"its kernel of {kernel} {name} is larger than the input's {padded}; see padding='same'")
        return (padded - kernel) // stride + 1, before


def is_padded(g: Geometry) -> bool:
    """Whether a window of this geometry reaches outside the input."""
    return g.TOP > 0 or g.LEFT > 0 or (g.HO - 1) * g.SH - g.TOP + g.KH > g.H or (g.WO - 1) * g.SW - g.LEFT + g.KW > g.W
