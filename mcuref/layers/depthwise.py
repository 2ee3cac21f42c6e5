"""Depthwise convolution: each filter sees one channel."""

from dataclasses import dataclass, field
from math import prod
from typing import Any

from mcuref.arguments import whole
from mcuref.layers.layer import Emit, Kept, Shape
from mcuref.layers.window import Window
from mcuref.memory.buffers import Buffer
from mcuref.operators.geometry import Geometry

MOST_MULTIPLIER = 1 << 10


@dataclass(frozen=True)
class DepthwiseConv2D:
    """z[oy, ox, o] = sum over ky, kx of w[ky, kx, o] x[oy sh - top + ky, ox sw - left + kx, o // multiplier] + b[o].

    Parameters
    ----------
    kernel, stride : int, or (rows, columns).
    padding : "valid", "same" or ((above, below), (left, right)).
    dilation : 1; anything else is refused.
    multiplier : int, filters of each channel; more than 1 in int8 networks alone.
    """

    kernel: Any
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = field(default=1, repr=False)
    multiplier: int = 1

    kind = "depthwise"
    parameter_axes = {"weights": ("", "", "outputs"), "bias": ("outputs",)}  # what they count: see Buffer

    def __post_init__(self) -> None:
        whole("a depthwise layer's multiplier", self.multiplier, 1, MOST_MULTIPLIER)
        self._window()

    def _window(self):
        return Window.checked("depthwise", self.kernel, self.stride, self.padding, self.dilation, sides=True)

    def _filters(self, shape):
        return shape[-1] * int(self.multiplier)

    def geometry(self, shape: Shape) -> Geometry:
        """The :class:`mcuref.operators.geometry.Geometry` for an input of ``shape``."""
        return self._window().geometry(shape, self._filters(shape))

    def output_shape(self, shape: Shape) -> Shape:
        """(Ho, Wo, C multiplier)."""
        return self.geometry(shape).output_shape

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Weights [kh, kw, C multiplier] and bias [C multiplier]."""
        return {"weights": (*self._window().kernel, self._filters(shape)), "bias": (self._filters(shape),)}

    def macs(self, shape: Shape) -> int:
        """Ho Wo C multiplier kh kw; a tap on the padding counts, as everywhere."""
        return prod(self.output_shape(shape)) * self.macs_of_entry(shape)

    def macs_of_entry(self, shape: Shape) -> int:
        """kh kw."""
        return prod(self._window().kernel)

    def rows(self, shape: Shape) -> tuple[int, int, int]:
        """A filter's weights lie as far apart as there are filters: (kh kw elements, 1, C multiplier)."""
        return self.macs_of_entry(shape), 1, self._filters(shape)

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, None]:
        """Emit the convolution."""
        geometry = self.geometry(emit.input_shape)
        out = emit.buffer("activation", (prod(geometry.output_shape),), "activations")
        weights, bias = emit.parameter("weights"), emit.parameter("bias")
        emit("depthwise_forward", z=out, x=x, w=weights, b=bias, **geometry._asdict())
        return out, None

    def propagate(self, emit: Emit, delta: Buffer, kept: Kept) -> Buffer:
        """Emit dx = sum over kept entries of delta times their channel's taps."""
        dx = emit.buffer("input_error", (prod(emit.input_shape),), "errors", emit.sums)
        geometry = self.geometry(emit.input_shape)
        weights = emit.parameter("weights")
        emit("depthwise_backward_input", dx=dx, delta=delta, w=weights, **kept._asdict(), **geometry._asdict())
        return dx

    def update(
        self, emit: Emit, targets: tuple[Buffer, Buffer], delta: Buffer, kept: Kept, x: Buffer, dense_bias: bool, rate: float
    ) -> None:
        """Emit w[:, c] -= (rate * delta) x at the taps and b[c] -= rate * delta for kept entries, into ``targets``."""
        w, b = targets
        emit(
            "depthwise_update",
            w=w,
            b=b,
            delta=delta,
            x=x,
            **kept._asdict(),
            dense_bias=dense_bias,
            rate=rate,
            **self.geometry(emit.input_shape)._asdict(),
        )
