"""Pooling: the largest or the mean value of each window. Padding belongs to no window."""

from dataclasses import dataclass
from math import prod
from typing import Any

from mcuref.errors import InputError
from mcuref.layers.layer import Emit, Shape
from mcuref.layers.window import Window
from mcuref.memory.buffers import Buffer
from mcuref.operators.geometry import Geometry

MOST_TAPS = 256  # of a maximum: which tap it was is kept in a byte


class _Pool:
    """What the pooling layers share."""

    kind: str
    kernel: Any
    stride: Any
    padding: str

    def window(self, shape: Any) -> Window:
        """The window for an input of ``shape``; its strides default to its size."""
        stride = self.kernel if self.stride is None else self.stride
        return Window.checked(self.kind, self.kernel, stride, self.padding)

    def geometry(self, shape: Shape) -> Geometry:
        """The :class:`mcuref.operators.geometry.Geometry` for an input of ``shape``."""
        return self.window(shape).geometry(shape, shape[-1])

    def output_shape(self, shape: Shape) -> Shape:
        """(Ho, Wo, C)."""
        return self.geometry(shape).output_shape

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """No parameters."""
        return {}

    def _output(self, emit):
        return emit.buffer("activation", (prod(self.output_shape(emit.input_shape)),), "activations")


@dataclass(frozen=True)
class MaxPool2D(_Pool):
    """Largest value of each window [kh, kw] and channel, of equal ones the first.

    Parameters
    ----------
    kernel : int, or (rows, columns); at most 256 values.
    stride : the same; the kernel's size if None.
    padding : "valid" or "same".
    """

    kernel: Any
    stride: Any = None
    padding: str = "valid"

    kind = "maxpool"

    def __post_init__(self) -> None:
        taps = prod(self.window(None).kernel)
        if taps > MOST_TAPS:
            raise InputError(f"maxpool kernel {self.kernel!r} has {taps} values; it may have at most {MOST_TAPS}")

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, Buffer | None]:
        """Emit the maximum; which value it was takes a byte an output, if an error will come back."""
        out, taps = self._output(emit), None
        if emit.propagates:
            taps = emit.buffer("taps", out.shape, "activations", "uint8")
        emit("max_pool_forward", y=out, taps=taps, x=x, **self.geometry(emit.input_shape)._asdict())
        return out, taps

    def backward(self, emit: Emit, dy: Buffer, saved: Any) -> Buffer:
        """Emit dx: each error goes to where the largest value was."""
        dx = emit.buffer("input_error", (prod(emit.input_shape),), "errors", emit.sums)
        emit("max_pool_backward", dx=dx, dy=dy, taps=saved, **self.geometry(emit.input_shape)._asdict())
        return dx


class _AveragePool(_Pool):
    """What the means share."""

    family = "average_pool"  # of what computes it

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, None]:
        """Emit the mean."""
        out = self._output(emit)
        emit(f"{self.family}_forward", y=out, x=x, **self.geometry(emit.input_shape)._asdict())
        return out, None

    def backward(self, emit: Emit, dy: Buffer, saved: Any) -> Buffer:
        """Emit dx: each error is shared out evenly over its window."""
        dx = emit.buffer("input_error", (prod(emit.input_shape),), "errors", emit.sums)
        emit("average_pool_backward", dx=dx, dy=dy, **self.geometry(emit.input_shape)._asdict())
        return dx


@dataclass(frozen=True)
class AveragePool2D(_AveragePool):
    """Mean of the values of each window [kh, kw] that lie inside the input, channel by channel.

    Parameters
    ----------
    kernel : int, or (rows, columns).
    stride : the same; the kernel's size if None.
    padding : "valid" or "same".
    """

    kernel: Any
    stride: Any = None
    padding: str = "valid"

    kind = "avgpool"

    def __post_init__(self) -> None:
        self.window(None)


@dataclass(frozen=True)
class GlobalAveragePool(_AveragePool):
    """Mean over all positions, channel by channel: [H, W, C] becomes [C]."""

    kind = "globalavgpool"
    family = "mean"

    def window(self, shape: Shape) -> Window:
        """As large as the input."""
        return Window(tuple(shape[:2]), (1, 1), "valid")  # type: ignore[arg-type]  # of other ranks: refused there

    def output_shape(self, shape: Shape) -> Shape:
        """(C,)."""
        return super().output_shape(shape)[2:]
