"""Light augmentation: each time a stored sample is shown, it is moved a little and its channels are scaled a little."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import instance, number, whole
from mcuref.incremental.storage import sample_axes, spread, type_limits
from mcuref.kernels.augment import augment_samples
from mcuref.kernels.random import AUGMENT, philox
from mcuref.layers import Input

SHIFT = np.uint64(32)


@dataclass(frozen=True)
class Augmentation:
    """Shifts and gains, each drawn uniformly for each sample shown.

    Parameters
    ----------
    shift : int, at most so many steps along every axis but the last: rows and columns of an image, time of a signal.
    wrap : bool: what moves out comes in on the other side; else 0 comes in.
    gain : float in [0, 1[: every channel is scaled about its mean by 1 - gain .. 1 + gain.
    """

    shift: int = 0
    wrap: bool = False
    gain: float = 0.0

    def __post_init__(self) -> None:
        whole("shift", self.shift, 0, 1 << 15)
        instance("wrap", self.wrap, bool, "True or False")
        number("gain", self.gain, 0, 0.999)

    @property
    def active(self) -> bool:
        """Whether it changes anything."""
        return bool(self.shift or self.gain)

    def work(self, layer: Input) -> dict[str, int]:
        """Values written and multiplications for one sample: {"moves", "multiplications"}; nothing if inactive."""
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
        gains = self._gains(c, seed, len(among), first)[among]
        mean = spread(layer.mean, c) if self.gain else layer.mean
        flat, out = x.reshape(len(x), layer.size), np.empty((len(x), layer.size), x.dtype)
        augment_samples(out, flat, *moves, gains, mean, a, b, c, self.wrap, *type_limits(str(x.dtype)))
        return out.reshape(x.shape)

    def _moves(self, length, seed, word, count, first):
        """int32[count] in -shift .. shift, 0 along an axis of length 1."""
        if length == 1 or not self.shift:
            return np.zeros(count, np.int32)
        draws = philox(seed, AUGMENT + word, count, first).astype(np.uint64)
        return ((draws * np.uint64(2 * self.shift + 1)) >> SHIFT).astype(np.int32) - np.int32(self.shift)

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
