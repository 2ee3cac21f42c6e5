"""Depthwise convolution: one filter a channel."""

from dataclasses import dataclass, field
from math import prod

from mcuref.layers.window import Window


@dataclass(frozen=True)
class DepthwiseConv2D:
    """z[oy, ox, c] = sum over ky, kx of w[ky, kx, c] x[oy sh - top + ky, ox sw - left + kx, c] + b[c].

    Parameters
    ----------
    kernel, stride : int, or (rows, columns).
    padding : "valid" or "same".
    dilation : 1; anything else is refused.
    """

    kernel: object
    stride: object = 1
    padding: str = "valid"
    dilation: object = field(default=1, repr=False)

    kind = "depthwise"
    parameter_axes = {"weights": ("", "", "outputs"), "bias": ("outputs",)}  # what they count: see Buffer

    def __post_init__(self):
        self._window()

    def _window(self):
        return Window.checked("depthwise", self.kernel, self.stride, self.padding, self.dilation)

    def geometry(self, shape):
        """The :class:`mcuref.operators.geometry.Geometry` for an input of ``shape``."""
        return self._window().geometry(shape, shape[-1])

    def output_shape(self, shape):
        """(Ho, Wo, C)."""
        return self.geometry(shape).output_shape

    def parameter_shapes(self, shape):
        """Weights [kh, kw, C] and bias [C]."""
        return {"weights": (*self._window().kernel, shape[2]), "bias": (shape[2],)}

    def macs(self, shape):
        """Ho Wo C kh kw; a tap on the padding counts, as everywhere."""
        return prod(self.output_shape(shape)) * self.macs_of_entry(shape)

    def macs_of_entry(self, shape):
        """kh kw."""
        return prod(self._window().kernel)

    def rows(self, shape):
        """A channel's weights lie C apart: (kh kw elements, 1, C)."""
        return self.macs_of_entry(shape), 1, shape[2]

    def forward(self, emit, x):
        """Emit the convolution."""
        geometry = self.geometry(emit.input_shape)
        out = emit.buffer("activation", (prod(geometry.output_shape),), "activations")
        weights, bias = emit.parameter("weights"), emit.parameter("bias")
        emit("depthwise_forward", z=out, x=x, w=weights, b=bias, **geometry._asdict())
        return out, None

    def propagate(self, emit, delta, kept):
        """Emit dx = sum over kept entries of delta times their channel's taps."""
        dx = emit.buffer("input_error", (prod(emit.input_shape),), "errors")
        geometry = self.geometry(emit.input_shape)
        weights = emit.parameter("weights")
        emit("depthwise_backward_input", dx=dx, delta=delta, w=weights, **kept._asdict(), **geometry._asdict())
        return dx

    def update(self, emit, targets, delta, kept, x, dense_bias, rate):
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
