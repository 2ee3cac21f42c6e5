"""Domain shifts: what a data set becomes after its surroundings have changed, the same on every machine.

    image                        turned by 45 degrees about the centre
    uci_har                      the phone turned by 90 degrees about its z axis in the pocket
    MFCC of MLPerf Tiny          stationary noise
    anomalies, several machines  a machine not heard before: the test clips of others are left out

Only integers decide a value of the result. Normalisation stays that of the original domain: a network on a device
cannot know the new one before it learns. The first three have a size, and can come in parts: a smaller angle, less noise.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets.catalogue import CATALOGUE
from mcuref.datasets.data import Data
from mcuref.datasets.noise import add_noise
from mcuref.datasets.rotation import ONE, angle, rotate
from mcuref.errors import InputError

# Streams of the random numbers (mcuref.kernels.random) of the noise on each side
TRAIN, TEST, HELD_OUT = 0x40000000, 0x40000001, 0x40000002

Change = Callable[[NDArray[Any], int, int, float], NDArray[Any]]


def has_shift(data: Data) -> bool:
    """Whether `shift` knows a domain shift for data."""
    return _change(data) is not None or len(data.machines) > 1


def shift(data: Data) -> Data:
    """Data in the changed domain: the same but for x_train and x_test, whose shape and dtype stay too.

    Of machines that can be anomalous, training samples are what they were, and test clips of machines without any go.

    Raises
    ------
    InputError : there is no shift for this data set.
    """
    if data.machines:
        return data.of_its_machines()
    change = _change(data)
    if change is None:
        raise no_shift(data)
    return replace(data, x_train=change(data.x_train, TRAIN, 0, 1), x_test=change(data.x_test, TEST, 0, 1))


def change_of(data: Data) -> Change:
    """callable(x, stream, first, part) -> samples x in the changed domain, or a part of the way there.

    Parameters
    ----------
    data : :class:`mcuref.Data`; x has samples like its own.

    Of the function: stream, of random numbers, `TRAIN`, `TEST` or `HELD_OUT`; first, int, the number of the first sample
    in it; part, float in ]0, 1], of the angle, or of the noise's energy.

    Raises
    ------
    InputError : there is no change of its samples.
    """
    change = _change(data)
    if change is None:
        raise InputError(
            f"data set {data.name!r} has no change of its samples that could come over time; image (uint8), HAR and speech "
            "MFCC data have one"
        )
    return change


def no_shift(data: Data) -> InputError:
    """The error for a data set without a domain shift."""
    return InputError(
        f"data set {data.name!r} has no domain shift; regime 'shift' is for image (uint8), HAR and speech MFCC data, and "
        "for anomalies of several machines"
    )


def turn_phone(x: NDArray[np.int16], cosine: int = 0, sine: int = ONE) -> NDArray[np.int16]:
    """int16 [N, T, 9] after a turn about z, each sensor's (x, y, z); by 90 degrees it is (-y, x, z) now.

    Values are rounded half up; the one without an opposite, -32768, becomes 32767, as do others beyond the type.

    Parameters
    ----------
    cosine, sine : int, of the angle, in units of 2^-16.
    """
    axes = x.reshape(*x.shape[:2], 3, 3).astype(np.int64)
    turned = cosine * axes[..., 0] - sine * axes[..., 1], sine * axes[..., 0] + cosine * axes[..., 1]
    level = [np.clip((values + ONE // 2) >> 16, -32768, 32767) for values in turned]
    return np.stack([*level, axes[..., 2]], axis=-1).astype(np.int16).reshape(x.shape)


def _change(data):
    """As of `change_of`; None if the data set has none."""
    if data.kind == "image" and data.x_train.dtype == np.uint8 and len(data.input_shape) == 3:
        return lambda x, stream, first, part: rotate(x, *angle(45 * part))
    entry = CATALOGUE.get(data.name)  # a folder of the user's may have such a name, and hold something else
    if entry is None or (data.input_shape, data.x_train.dtype) != (entry.shape, np.dtype(entry.dtype)):
        return None
    if data.name == "uci_har":
        return lambda x, stream, first, part: turn_phone(x, *angle(90 * part))
    return add_noise if data.name in ("speech_commands_mfcc49x10", "speech_commands_kws12") else None
