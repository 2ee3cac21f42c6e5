"""Windows over an image: what convolution and pooling share. Shapes, padding, and the geometry that kernels take."""

from dataclasses import dataclass

from mcuref.arguments import one_of, whole
from mcuref.errors import InputError
from mcuref.operators.geometry import Geometry

LARGEST = 1 << 15  # of a kernel or stride

PADDINGS = ("valid", "same")


def pair(what, value):
    """(rows, columns) from a whole number or two of them; InputError if it is neither."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise InputError(f"{what} {value!r} is not a whole number or two of them, such as 3 or (3, 1)")
    return tuple(whole(what, v, 1, LARGEST) for v in values)


@dataclass(frozen=True)
class Window:
    """A window [kh, kw] that moves over an input [H, W, C] in strides.

    ``valid``: only windows that lie inside; ``same``: ceil(H / stride) x ceil(W / stride) of them, the padding shared
    out with the odd row or column below and to the right, as TensorFlow does.
    """

    kernel: tuple
    stride: tuple
    padding: str

    @classmethod
    def checked(cls, layer, kernel, stride, padding, dilation=1):
        """A window from a layer's arguments; InputError if one is wrong. A dilation other than 1 is refused."""
        if pair(f"{layer} dilation", dilation) != (1, 1):
            raise InputError(f"{layer} dilation {dilation!r} is not supported; it must be 1")
        padding = one_of(f"{layer} padding", padding, PADDINGS)
        return cls(pair(f"{layer} kernel", kernel), pair(f"{layer} stride", stride), padding)

    def geometry(self, shape, outputs):
        """The :class:`Geometry` over an input of ``shape``; InputError if it does not suit."""
        if len(shape) != 3:
            raise InputError(
                f"it needs an input of rows x columns x channels, got shape {shape}: put a Reshape before it, such as "
                "Reshape((1, 128, 9)) for a signal of 128 steps and 9 channels"
            )
        sizes, pads = [], []
        for name, extent, kernel, stride in zip(("rows", "columns"), shape, self.kernel, self.stride):
            size, pad = self._along(name, extent, kernel, stride)
            sizes.append(size)
            pads.append(pad)
        return Geometry(*shape, *sizes, outputs, *self.kernel, *self.stride, *pads)

    def _along(self, name, extent, kernel, stride):
        """Output size and padding in front, along one axis."""
        if self.padding == "same":
            size = -(-extent // stride)
            return size, max((size - 1) * stride + kernel - extent, 0) // 2
        if kernel > extent:
            raise InputError(f"its kernel of {kernel} {name} is larger than the input's {extent}; see padding='same'")
        return (extent - kernel) // stride + 1, 0


def is_padded(g):
    """Whether a window of this geometry reaches outside the input."""
    return g.TOP > 0 or g.LEFT > 0 or (g.HO - 1) * g.SH - g.TOP + g.KH > g.H or (g.WO - 1) * g.SW - g.LEFT + g.KW > g.W
