"""The input: what arrives from sensor or flash, and its normalisation."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import one_of
from mcuref.errors import InputError
from mcuref.layers.layer import Emit, Shape
from mcuref.memory.buffers import Buffer

TYPES = ("uint8", "int8", "int16", "float32")  # of samples


def checked_shape(what: str, shape: Any) -> Shape:
    """``shape`` as a tuple of positive int; InputError if it is none."""
    values = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not values or not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in values):
        raise InputError(f"{what} shape {shape!r} is not a tuple of positive whole numbers, such as (28, 28, 1)")
    return tuple(int(n) for n in values)


@dataclass(frozen=True, eq=False)
class Input:
    """First layer of every network: x[i] = (sample[i] - mean[i % c]) * scale[i % c].

    The sample stays outside the arena; only its normalised copy lies in it, or none (input="in-place" of
    :func:`mcuref.compile`).

    Parameters
    ----------
    shape : tuple of int, of one sample.
    dtype : str, "uint8", "int8", "int16" or "float32": how a sample is stored.
    mean, scale : float, or float32[c] with c dividing the number of values: 1, the channels, or one pair a value.
    """

    shape: Shape
    dtype: str = "float32"
    mean: Any = 0.0
    scale: Any = 1.0

    kind = "input"

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", checked_shape("input", self.shape))
        one_of("input dtype", self.dtype, TYPES)
        for name in ("mean", "scale"):
            try:
                with np.errstate(over="ignore"):
                    values = np.atleast_1d(np.asarray(getattr(self, name), np.float32))
            except (TypeError, ValueError):
                raise InputError(f"input {name} {getattr(self, name)!r} is not a number or a row of numbers") from None
            if values.ndim != 1 or not np.isfinite(values).all():
                raise InputError(f"input {name} must be finite numbers in one row, got {getattr(self, name)!r}")
            object.__setattr__(self, name, values)
        if self.mean.size != self.scale.size or self.size % self.mean.size:
            raise InputError(
                f"input mean has {self.mean.size} and scale {self.scale.size} values; both need the same number, "
                f"one that divides the {self.size} values of a sample"
            )

    @property
    def size(self) -> int:
        """Values of a sample."""
        return prod(self.shape)

    def takes(self, shape: Shape) -> bool:
        """Whether samples of a shape can only mean this one: axes of one value say nothing, a row takes any, in order."""
        own, given = ([n for n in axes if n > 1] for axes in (self.shape, shape))
        return own == given or len(own) < 2 and prod(given) == prod(own)

    def normalised(self, samples: NDArray[Any]) -> NDArray[np.float32]:
        """The values that stored samples [N, ...] stand for, float32[N, size]: what the load computes."""
        x = samples.reshape(len(samples), self.size).astype(np.float32)
        channel = np.arange(self.size) % self.mean.size
        return (x - self.mean[channel]) * self.scale[channel]

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """No parameters."""
        return {}

    @property
    def is_plain(self) -> bool:
        """Whether samples are the values that they stand for: float32, of mean 0 and scale 1."""
        return bool(self.dtype == "float32" and not self.mean.any() and (self.scale == 1).all())

    def forward(self, emit: Emit) -> tuple[Buffer | None, None]:
        """Emit the load; the normalisation constants lie in flash. None where the first layer reads the sample itself."""
        if emit.in_place:
            return None, None
        out = emit.buffer("sample", (self.size,), "input")
        emit(f"load_{self.dtype}", x=out, mean=self.mean, scale=self.scale, n=self.size, c=self.mean.size)
        return out, None
