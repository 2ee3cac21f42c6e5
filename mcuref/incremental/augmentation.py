"""Light augmentation: each time a stored sample is shown, it is moved, mirrored, scaled or hidden in part, a little."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import instance, number, whole
from mcuref.errors import InputError
from mcuref.incremental.storage import sample_axes, spread, type_limits
from mcuref.kernels.augment import augment_samples
from mcuref.kernels.random import AUGMENT, philox
from mcuref.layers import Input

SHIFT = np.uint64(32)
# Words of a step behind those of moves and gains, of which there are 2 + C
FLIP, BANDS = 1 << 24, (1 << 24) + 1


@dataclass(frozen=True)
class Augmentation:
    """Shifts, gains, mirrors and masks, each drawn for each sample shown.

    Parameters
    ----------
    shift : int, at most so many steps along every axis but the last: rows and columns of an image, time of a signal.
    wrap : bool: what moves out comes in on the other side; else 0 comes in.
    gain : float in [0, 1[: every channel is scaled about its mean by 1 - gain .. 1 + gain.
    flip : bool: with probability 1/2 the sample is mirrored, columns left to right.
    mask : (int, int): a band of 0 to mask[0] steps along the first axis, and one of 0 to mask[1] along the second, are set
        to the mean (SpecAugment, arXiv 1904.08779); every width is as likely, and every place where it fits. Samples of
        one axis have no bands.
    """

    shift: int = 0
    wrap: bool = False
    gain: float = 0.0
    flip: bool = False
    mask: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        whole("shift", self.shift, 0, 1 << 15)
        instance("wrap", self.wrap, bool, "True or False")
        number("gain", self.gain, 0, 0.999)
        instance("flip", self.flip, bool, "True or False")
        if not isinstance(self.mask, tuple) or len(self.mask) != 2:
            raise InputError(
                f"mask {self.mask!r} is not two whole numbers, the widest bands along two axes, such as (10, 2)"
            )
        for width in self.mask:
            whole("mask", width, 0, 1 << 15)

    @property
    def active(self) -> bool:
        """Whether it changes anything."""
        return bool(self.shift or self.gain or self.flip or any(self.mask))

    def work(self, layer: Input) -> dict[str, int]:
        """Values written and multiplications for one sample: {"moves", "multiplications"}; nothing if inactive.

        Every value is written once, mirrored, moved or masked; what a mask hides is multiplied by no gain, but counted.
        """
        return {"moves": layer.size * self.active, "multiplications": layer.size * bool(self.gain)}

    def apply(
        self, layer: Input, x: NDArray[Any], seed: int, first: int, among: NDArray[np.bool_] | None = None
    ) -> NDArray[Any]:
        """Raw samples x [S, ...] as they are shown at steps first .. first + S - 1: a new array of the same type.

        layer : the Input layer they are for. What a step draws depends on (seed, step) alone.
        among : bool[N] with S that are True, which of N steps from the first on they are shown at; None: all.
        """
        if not self.active:
            return x
        a, b, c = sample_axes(layer.shape)
        among = np.ones(len(x), bool) if among is None else among
        moves = [self._moves(length, seed, word, len(among), first)[among] for word, length in enumerate((a, b))]
        flips = self._flips(seed, len(among), first)[among]
        bands = self._bands(layer.shape, seed, len(among), first)[among]
        gains = self._gains(c, seed, len(among), first)[among]
        mean = spread(layer.mean, c) if self.gain or any(self.mask) else layer.mean
        flat, out = x.reshape(len(x), layer.size), np.empty((len(x), layer.size), x.dtype)
        augment_samples(out, flat, *moves, flips, bands, gains, mean, a, b, c, self.wrap, *type_limits(str(x.dtype)))
        return out.reshape(x.shape)

    def _moves(self, length, seed, word, count, first):
        """int32[count] in -shift .. shift, 0 along an axis of length 1."""
        if length == 1 or not self.shift:
            return np.zeros(count, np.int32)
        draws = philox(seed, AUGMENT + word, count, first).astype(np.uint64)
        return ((draws * np.uint64(2 * self.shift + 1)) >> SHIFT).astype(np.int32) - np.int32(self.shift)

    def _flips(self, seed, count, first):
        """int32[count], 1 where a sample is mirrored."""
        if not self.flip:
            return np.zeros(count, np.int32)
        return (philox(seed, AUGMENT + FLIP, count, first) >> np.uint32(31)).astype(np.int32)

    def _bands(self, shape, seed, count, first):
        """int32[count, 6]: begin and end of a band of rows, of columns, of channels; or [count, 0] where there are none."""
        if not any(self.mask) or len(shape) == 1:
            return np.zeros((count, 0), np.int32)
        bands = np.zeros((count, 3, 2), np.int32)
        for band, (length, most, axis) in enumerate(zip(shape, self.mask, (0, 1 if len(shape) == 3 else 2))):
            draws = [philox(seed, AUGMENT + BANDS + 2 * band + i, count, first).astype(np.uint64) for i in (0, 1)]
            width = (draws[0] * np.uint64(min(most, length) + 1)) >> SHIFT
            begin = (draws[1] * (np.uint64(length + 1) - width)) >> SHIFT
            bands[:, axis] = np.stack([begin, begin + width], axis=1)
        return bands.reshape(count, 6)

    def _gains(self, channels, seed, count, first):
        """float32[count, C], or [count, 0] where there are none."""
        if not self.gain:
            return np.zeros((count, 0), np.float32)
        draws = np.stack([philox(seed, AUGMENT + 2 + c, count, first) for c in range(channels)], axis=1)
        unit = (draws >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
        return np.float32(1) + unit * np.float32(self.gain)


# What suits a kind of data, if nothing else is said
BY_KIND = {
    "image": Augmentation(shift=2),
    "signal": Augmentation(shift=16, wrap=True, gain=0.1),
    "mfcc": Augmentation(shift=3, wrap=True),
    "features": Augmentation(),
}
