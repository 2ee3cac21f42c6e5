"""Fully connected layer."""

from dataclasses import dataclass

from mcuref.arguments import whole
from mcuref.errors import InputError
from mcuref.layers.layer import Emit, Kept, Shape
from mcuref.memory.buffers import Buffer

MOST_OUTPUTS = 1 << 22  # what the rules' float32 arithmetic is exact for


@dataclass(frozen=True)
class Dense:
    """z[O] = w[O, I] x[I] + b[O].

    Parameters
    ----------
    outputs : int, O.
    """

    outputs: int

    kind = "dense"
    parameter_axes = {"weights": ("outputs", "inputs"), "bias": ("outputs",)}  # what they count: see Buffer

    def __post_init__(self) -> None:
        whole("a dense layer's number of outputs", self.outputs, 1, MOST_OUTPUTS)

    def output_shape(self, shape: Shape) -> Shape:
        """(O,); the input must be flat."""
        if len(shape) != 1:
            raise InputError(f"a dense layer needs a flat input, got shape {shape}: put a Flatten before it")
        return (int(self.outputs),)

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """Weights [O, I] and bias [O]."""
        return {"weights": (int(self.outputs), shape[0]), "bias": (int(self.outputs),)}

    def macs(self, shape: Shape) -> int:
        """O * I."""
        return int(self.outputs) * shape[0]

    def macs_of_entry(self, shape: Shape) -> int:
        """I: a kept error entry touches one row of weights."""
        return shape[0]

    def rows(self, shape: Shape) -> tuple[int, int, int]:
        """An output's weights are one run: (I elements, I apart, 1)."""
        return shape[0], shape[0], 1

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, None]:
        """Emit z = w x + b."""
        out = emit.buffer("activation", (int(self.outputs),), "activations")
        weights, bias = emit.parameter("weights"), emit.parameter("bias")
        emit("dense_forward", z=out, x=x, w=weights, b=bias, **self._sizes(emit))
        return out, None

    def propagate(self, emit: Emit, delta: Buffer, kept: Kept) -> Buffer:
        """Emit dx = sum over kept j of delta[j] w[j, :]."""
        dx = emit.buffer("input_error", emit.input_shape, "errors", emit.sums)
        weights = emit.parameter("weights")
        emit("dense_backward_input", dx=dx, delta=delta, w=weights, **kept._asdict(), **self._sizes(emit))
        return dx

    def update(
        self, emit: Emit, targets: tuple[Buffer, Buffer], delta: Buffer, kept: Kept, x: Buffer, dense_bias: bool, rate: float
    ) -> None:
        """Emit w[j, :] -= (rate * delta[j]) x and b[j] -= rate * delta[j] for kept j, into ``targets``."""
        w, b = targets
        emit(
            "dense_update",
            w=w,
            b=b,
            delta=delta,
            x=x,
            **kept._asdict(),
            dense_bias=dense_bias,
            rate=rate,
            **self._sizes(emit),
        )

    def _sizes(self, emit):
        return {"O": int(self.outputs), "I": emit.input_shape[0]}
