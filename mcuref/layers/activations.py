"""Activations: layers without parameters that compute element by element, each output from its own input.

All that runs over every activation (what a network is written with, random networks, the conformance list, the networks that
instructions are measured on) takes them from `ACTIVATIONS`. One that is new comes at its end: places in lists are seeds.
A Softmax is none of them: each of its outputs comes from all inputs, and it may only stand at the end.
"""

from dataclasses import dataclass
from math import inf

from mcuref.arguments import number
from mcuref.errors import InputError
from mcuref.layers.layer import Emit, Shape
from mcuref.memory.buffers import Buffer

__all__ = ["ReLU", "ReLU6", "Sigmoid", "Softmax", "Tanh"]


class _Elementwise:
    """What all of them share: no parameters, and the shape stays."""

    def output_shape(self, shape: Shape) -> Shape:
        """The input's."""
        return shape

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """No parameters."""
        return {}


@dataclass(frozen=True)
class ReLU(_Elementwise):
    """max(x, 0), element by element; the derivative at 0 is 0.

    Works in place; where the layer before does it, there is nothing to do. The way back needs to know where the output
    was positive: it reads the output itself if the weight gradient of a layer behind it keeps that anyway, else a mask of
    one bit an element.
    """

    kind = "relu"
    limit = inf

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, dict[str, Buffer]]:
        """Emit min(max(x, 0), limit), with a bit mask if that is all that the way back needs."""
        (n,) = x.shape
        if emit.fused:
            return x, {"y": x}
        out = emit.buffer("activation", x.shape, "activations")
        if emit.propagates and emit.masks and not emit.output_is_kept:
            mask = emit.buffer("mask", (-(-n // 8),), "activations", "uint8")
            emit("relu_mask_forward", y=out, mask=mask, x=x, n=n, limit=self.limit)
            return out, {"mask": mask}
        emit("relu_forward", y=out, x=x, n=n, limit=self.limit)
        return out, {"y": out}

    def backward(self, emit: Emit, dy: Buffer, saved: dict[str, Buffer]) -> Buffer:
        """Emit dx = dy where the output was inside its limits, else 0."""
        (n,) = dy.shape
        dx = emit.buffer("input_error", dy.shape, "errors")
        if "mask" in saved:
            emit("relu_mask_backward", dx=dx, dy=dy, n=n, **saved)
        else:
            emit("relu_backward", dx=dx, dy=dy, n=n, limit=self.limit, **saved)
        return dx


@dataclass(frozen=True)
class ReLU6(ReLU):
    """min(max(x, 0), 6), element by element; the derivative at 0 and at 6 is 0."""

    kind = "relu6"
    limit = 6.0


class _FromOutput(_Elementwise):
    """Those whose derivative follows from the output, which stays for it; they emit KIND_forward and KIND_backward."""

    kind: str

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, Buffer]:
        """Emit the function itself, over its operand if nobody needs that any more."""
        out = emit.buffer("activation", x.shape, "activations")
        emit(f"{self.kind}_forward", y=out, x=x, n=x.shape[0])
        return out, out

    def backward(self, emit: Emit, dy: Buffer, saved: Buffer) -> Buffer:
        """Emit dx = dy times the derivative."""
        dx = emit.buffer("input_error", dy.shape, "errors", emit.sums)
        emit(f"{self.kind}_backward", dx=dx, dy=dy, y=saved, n=dy.shape[0])
        return dx


@dataclass(frozen=True)
class Tanh(_FromOutput):
    """tanh x, element by element; the derivative is 1 - y^2, of the output y.

    Works in place. The way back reads the output, which therefore stays until then.
    """

    kind = "tanh"


@dataclass(frozen=True)
class Sigmoid(_FromOutput):
    """1 / (1 + e^-x), element by element; the derivative is y (1 - y), of the output y.

    Works in place. The way back reads the output, which therefore stays until then.
    """

    kind = "sigmoid"


@dataclass(frozen=True)
class Softmax(_Elementwise):
    """e^(beta x_i) / sum over j of e^(beta x_j): probabilities, of a flat input; the last layer of a network, or none.

    Works in place. Only a program that trains nothing computes it: the loss "softmax_cross_entropy" has the softmax in it,
    so a program that trains leaves this layer out, and its outputs are what the softmax takes. Other losses refuse it.

    Parameters
    ----------
    beta : float, beta > 0; in float32 it must be 1.
    """

    beta: float = 1.0

    kind = "softmax"

    def __post_init__(self) -> None:
        object.__setattr__(self, "beta", float(number("beta", self.beta, above=True)))

    def output_shape(self, shape: Shape) -> Shape:
        """The input's; InputError if it is not flat."""
        if len(shape) != 1:
            raise InputError(f"a softmax takes a flat input, not shape {shape}; a Flatten before it makes one")
        return shape

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, None]:
        """Emit the function itself, over its operand if nobody needs that any more."""
        out = emit.buffer("activation", x.shape, "activations")
        emit("softmax_forward", y=out, x=x, n=x.shape[0], beta=self.beta)
        return out, None


ACTIVATIONS = (ReLU, ReLU6, Tanh, Sigmoid)
