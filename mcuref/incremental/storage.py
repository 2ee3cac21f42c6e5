"""How a sample is stored: 8, 4, 2 or 1 bits a value, at full or half resolution or on a grid, packed."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import instance, one_of
from mcuref.errors import InputError
from mcuref.kernels.packing import decode_samples, encode_samples
from mcuref.layers import Input

BITS = (1, 2, 4, 8)
# Largest code, in standard deviations from the mean, of signals whose type is wider than what is stored: the ends of the
# uniform quantiser with least squared error for a normal distribution (Max 1960), for 8 bits a little more
SPAN = {1: 0.8, 2: 1.5, 4: 2.5, 8: 5.0}


@dataclass(frozen=True)
class Storage:
    """A format of stored samples.

    Parameters
    ----------
    bits : 1, 2, 4 or 8 a value.
    half : bool, whether every axis but the last (channels, coefficients) is stored at half resolution: means of two by two.
    grid : bool, whether with ``half`` the first of two by two values is stored in place of their mean, which takes no
        arithmetic: grid-based patch sampling, arXiv 2504.10409.
    """

    bits: int = 8
    half: bool = False
    grid: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.bits, (int, np.integer)) or isinstance(self.bits, bool) or self.bits not in BITS:
            raise InputError(f"bits {self.bits!r} of a stored value are not known; they may be 1, 2, 4 or 8")
        instance("half", self.half, bool, "True or False")
        if instance("grid", self.grid, bool, "True or False") and not self.half:
            raise InputError("a grid has half of the values along each axis: grid True needs half True")

    @property
    def resolution(self) -> str:
        """ "full", "half" or "grid"."""
        return "grid" if self.grid else "half" if self.half else "full"

    def codec(self, layer: Input) -> "Codec":
        """What stores and brings back the samples of an Input layer."""
        return Codec(layer, self)


class Codec:
    """Stores the samples of one Input layer in one :class:`Storage`.

    Codes are levels low[c] + step[c] q, q = 0 .. 2^bits - 1, of each channel: of images (uint8, normalised to 0 .. 1)
    from 0 to 1 / scale, with 8 bits of the whole range of an 8-bit type, else of ``SPAN`` standard deviations to both
    sides of the mean, as the layer's normalisation knows them.

    Attributes
    ----------
    shape : (A, B, C), as :mod:`mcuref.kernels.packing` has it.
    low, step : float32[C], in the units of a raw sample.
    bytes : int, of a stored sample.
    scale_bytes : int, of low and step.
    """

    def __init__(self, layer: Input, storage: Storage) -> None:
        instance("layer", layer, Input, "an Input layer")
        if not layer.scale.all():
            raise InputError("samples of an input with a scale of 0 cannot be stored: nothing is left of their values")
        self.layer, self.storage = layer, storage
        self.shape = sample_axes(layer.shape)
        self.low, self.step = self._levels()
        self._limits = type_limits(layer.dtype)

    def _levels(self):
        channels, largest = self.shape[2], 2**self.storage.bits - 1
        mean, scale = (spread(values, channels) for values in (self.layer.mean, self.layer.scale))
        if self._is_image:
            return mean, np.float32(1) / scale / np.float32(largest)
        if self._holds_type:
            return np.full(channels, type_limits(self.layer.dtype)[1]), np.ones(channels, np.float32)
        reach = np.float32(SPAN[self.storage.bits]) / np.abs(scale)
        return mean - reach, reach * np.float32(2 / largest)

    @property
    def _is_image(self):
        """Whether samples are bytes that the normalisation brings from 0 .. 1 / scale to 0 .. 1, as those of images."""
        layer = self.layer
        scaled = (layer.scale * np.float32(255) >= 0.999) & (layer.scale < 1)  # 1 is no normalisation
        return layer.dtype == "uint8" and not layer.mean.any() and bool(scaled.all())

    @property
    def _holds_type(self):
        """Whether a code has as many bits as the samples' type."""
        return self.layer.dtype in ("uint8", "int8") and self.storage.bits == 8

    @property
    def _stored_values(self):
        a, b, c = self.shape
        return (-(-a // 2) * -(-b // 2) if self.storage.half else a * b) * c

    @property
    def bytes(self) -> int:
        """Bytes of one stored sample."""
        return -(-self._stored_values * self.storage.bits // 8)

    @property
    def scale_bytes(self) -> int:
        """Bytes of low and step, stored once; 0 where they follow from the type."""
        return 0 if self._is_image or self._holds_type else 8 * self.shape[2]

    @cached_property
    def bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(low, high) float32[C] of what can be stored, in normalised units."""
        highest = self.low + self.step * np.float32(2**self.storage.bits - 1)
        mean, scale = (spread(values, self.shape[2]) for values in (self.layer.mean, self.layer.scale))
        ends = (self.low - mean) * scale, (highest - mean) * scale
        return np.minimum(*ends), np.maximum(*ends)

    def encode(self, x: NDArray[Any]) -> NDArray[np.uint8]:
        """packed uint8[N, bytes] of raw samples x [N, ...]."""
        flat = np.ascontiguousarray(x, np.float32).reshape(len(x), self.layer.size)
        packed = np.zeros((len(x), self.bytes), np.uint8)
        storage = self.storage
        encode_samples(packed, flat, self.low, self.step, storage.bits, *self.shape, storage.half, storage.grid)
        return packed

    def encode_normalised(self, x: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The same from normalised samples float32[N, ...]: raw = x / scale + mean."""
        c = self.layer.mean.size
        return self.encode(x.reshape(len(x), self.layer.size // c, c) / self.layer.scale + self.layer.mean)

    def decode(self, packed: NDArray[np.uint8], order: NDArray[np.int32] | None = None) -> NDArray[Any]:
        """Raw samples [S, *layer.shape] of the layer's type: those of ``order`` int32[S], all if None."""
        order = np.arange(len(packed), dtype=np.int32) if order is None else order
        out = np.zeros((len(order), self.layer.size), self.layer.dtype)
        storage = self.storage
        shape = *self.shape, storage.half, storage.grid
        decode_samples(out, packed, order, self.low, self.step, storage.bits, *shape, *self._limits)
        return out.reshape(-1, *self.layer.shape)


def sample_axes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(A, B, C) of a sample: rows, columns, channels of an image; times, 1, channels of a signal; 1, 1, features."""
    if len(shape) > 3:
        raise InputError(f"samples of shape {shape} have {len(shape)} axes; at most 3 can be stored")
    rows, columns = (*shape[:-1], 1, 1)[:2]
    return rows, columns, shape[-1]


def spread(values: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """One value a channel, float32[C], of a normalisation with one for all, one a channel, or one for each value."""
    if channels % values.size:
        raise InputError(
            f"a normalisation of {values.size} values cannot be given to {channels} channels; one for all, or one a "
            "channel is needed"
        )
    return np.resize(values, channels).astype(np.float32)


def type_limits(dtype: str) -> tuple[bool, np.float32, np.float32]:
    """(whole, lowest, highest): whether a type is of whole numbers, and what it can hold, float32."""
    one_of("dtype", dtype, ("uint8", "int8", "int16", "float32"))
    if dtype == "float32":
        return False, np.float32(0), np.float32(0)
    limits = np.iinfo(dtype)
    return True, np.float32(limits.min), np.float32(limits.max)
