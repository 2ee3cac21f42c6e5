"""Convolution over rows and columns; of a signal, which is an image of height 1, over time."""

from dataclasses import dataclass, field
from math import prod
from typing import Any

from mcuref.arguments import whole
from mcuref.layers.layer import Emit, Kept, Shape
from mcuref.layers.window import Window, is_padded
from mcuref.memory.buffers import Buffer
from mcuref.operators.geometry import Geometry

MOST_FILTERS = 1 << 16


@dataclass(frozen=True)
class Conv2D:
    """z[oy, ox, o] = sum over ky, kx, c of w[o, ky, kx, c] x[oy sh - top + ky, ox sw - left + kx, c] + b[o].

    Parameters
    ----------
    filters : int, O.
    kernel, stride : int, or (rows, columns).
    padding : "valid", "same" or ((above, below), (left, right)).
    dilation : 1; anything else is refused.
    """

    filters: int
    kernel: Any
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = field(default=1, repr=False)

    kind = "conv"
    parameter_axes = {"weights": ("outputs", "", "", "inputs"), "bias": ("outputs",)}  # what they count: see Buffer

    def __post_init__(self) -> None:
        whole("a conv layer's number of filters", self.filters, 1, MOST_FILTERS)
        self._window()

    def _window(self):
        return Window.checked("conv", self.kernel, self.stride, self.padding, self.dilation, sides=True)

    def geometry(self, shape: Shape) -> Geometry:
        """The :class:`mcuref.operators.geometry.Geometry` for an input of ``shape``."""
        return self._window().geometry(shape, int(self.filters))

    def output_shape(self, shape: Shape) -> Shape:
        """(Ho, Wo, O)."""
        return self.geometry(shape).output_shape

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Weights [O, kh, kw, C] and bias [O]."""
        return {"weights": (int(self.filters), *self._window().kernel, shape[2]), "bias": (int(self.filters),)}

    def macs(self, shape: Shape) -> int:
        """Ho Wo O kh kw C; a tap on the padding counts, as everywhere."""
        return prod(self.output_shape(shape)) * self.macs_of_entry(shape)

    def macs_of_entry(self, shape: Shape) -> int:
        """kh kw C: a kept error entry touches the weights of one filter."""
        return prod(self._window().kernel) * shape[2]

    def rows(self, shape: Shape) -> tuple[int, int, int]:
        """A filter is one run: (kh kw C elements, kh kw C apart, 1)."""
        return self.macs_of_entry(shape), self.macs_of_entry(shape), 1

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, None]:
        """Emit the convolution; a patch that is not one run of the input is gathered into scratch first."""
        geometry = self.geometry(emit.input_shape)
        out, patch = emit.buffer("activation", (prod(geometry.output_shape),), "activations"), None
        if geometry.KH > 1 or is_padded(geometry):
            patch = emit.buffer("patch", (self.macs_of_entry(emit.input_shape),), "scratch")
        weights, bias = emit.parameter("weights"), emit.parameter("bias")
        emit("conv_forward", z=out, patch=patch, x=x, w=weights, b=bias, **geometry._asdict())
        return out, None

    def propagate(self, emit: Emit, delta: Buffer, kept: Kept) -> Buffer:
        """Emit dx = sum over kept entries of delta times their filter, at their patch."""
        dx = emit.buffer("input_error", (prod(emit.input_shape),), "errors", emit.sums)
        geometry = self.geometry(emit.input_shape)
        weights = emit.parameter("weights")
        emit("conv_backward_input", dx=dx, delta=delta, w=weights, **kept._asdict(), **geometry._asdict())
        return dx

    def update(
        self, emit: Emit, targets: tuple[Buffer, Buffer], delta: Buffer, kept: Kept, x: Buffer, dense_bias: bool, rate: float
    ) -> None:
        """Emit w[o] -= (rate * delta) patch and b[o] -= rate * delta for kept entries, into ``targets``."""
        w, b = targets
        emit(
            "conv_update",
            w=w,
            b=b,
            delta=delta,
            x=x,
            **kept._asdict(),
            dense_bias=dense_bias,
            rate=rate,
            **self.geometry(emit.input_shape)._asdict(),
        )
