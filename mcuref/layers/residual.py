"""Residual block: a chain of layers whose result is added to its own input (He et al. 2016)."""

from dataclasses import dataclass
from typing import Any

from mcuref.errors import InputError
from mcuref.layers.layer import Emit, Layer, Shape
from mcuref.memory.buffers import Buffer


@dataclass(frozen=True)
class Residual:
    """body(x) + shortcut(x); the shortcut is x itself or a projection of it. No activation behind the sum.

    A network does not hold the block but its layers and an :class:`Add`.

    Parameters
    ----------
    body : list of layers in a chain.
    projection : a layer, such as a 1x1 Conv2D with the body's filters and stride; None if the shapes agree.
    """

    body: tuple[Layer, ...]
    projection: Any = None

    kind = "residual"

    def __post_init__(self) -> None:
        if not isinstance(self.body, (list, tuple)) or not self.body:
            raise InputError(f"a residual block's body {self.body!r} is not a list of at least one layer")
        object.__setattr__(self, "body", tuple(self.body))


@dataclass(frozen=True)
class Add:
    """a + b, element by element."""

    kind = "add"

    def output_shape(self, *shapes: Shape) -> Shape:
        """The shape of both inputs; InputError if they differ."""
        if shapes[0] != shapes[1]:
            raise InputError(
                f"the residual block's body has output shape {shapes[0]} and its shortcut {shapes[1]}; they must be equal "
                "(a projection can change the shortcut's)"
            )
        return shapes[0]

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """No parameters."""
        return {}

    def forward(self, emit: Emit, a: Buffer, b: Buffer) -> tuple[Buffer, None]:
        """Emit the sum, over a if nobody needs that any more."""
        out = emit.buffer("activation", a.shape, "activations")
        emit("add_forward", y=out, a=a, b=b, n=a.shape[0])
        return out, None

    def backward(self, emit: Emit, dy: Buffer, saved: Any) -> Buffer:
        """Both inputs get the error as it is."""
        return dy
