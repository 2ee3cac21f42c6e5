"""Domain shifts: what a data set becomes after its surroundings have changed, the same on every machine.

    image                        turned by 45 degrees about the centre
    uci_har                      the phone turned by 90 degrees about its z axis in the pocket
    MFCC of MLPerf Tiny          stationary noise
    anomalies, several machines  a machine not heard before: the test clips of others are left out

Only integers decide a value of the result. Normalisation stays that of the original domain: a network on a device
cannot know the new one before it learns.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mcuref.datasets.catalogue import CATALOGUE
from mcuref.datasets.data import Data
from mcuref.datasets.noise import add_noise
from mcuref.datasets.rotation import EIGHTH_TURN, rotate
from mcuref.errors import InputError

# Streams of the random numbers (mcuref.kernels.random) of the noise on each side
TRAIN, TEST = 0x40000000, 0x40000001


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
    return replace(data, x_train=change(data.x_train, TRAIN), x_test=change(data.x_test, TEST))


def no_shift(data: Data) -> InputError:
    """The error for a data set without a domain shift."""
    return InputError(
        f"data set {data.name!r} has no domain shift; regime 'shift' is for image (uint8), HAR and speech MFCC data, and "
        "for anomalies of several machines"
    )


def turn_phone(x: NDArray[np.int16]) -> NDArray[np.int16]:
    """int16 [N, T, 9] after a turn by 90 degrees about z: each sensor's (x, y, z) is (-y, x, z) now.

    The one value without an opposite, -32768, becomes 32767.
    """
    axes = x.reshape(*x.shape[:2], 3, 3)
    opposite = -np.maximum(axes[..., 1], -32767)
    return np.stack([opposite, axes[..., 0], axes[..., 2]], axis=-1).reshape(x.shape)


def _change(data):
    """callable(x, stream) -> x in the changed domain; None if the data set has none."""
    if data.kind == "image" and data.x_train.dtype == np.uint8 and len(data.input_shape) == 3:
        return lambda x, _: rotate(x, *EIGHTH_TURN)
    entry = CATALOGUE.get(data.name)  # a folder of the user's may have such a name, and hold something else
    if entry is None or (data.input_shape, data.x_train.dtype) != (entry.shape, np.dtype(entry.dtype)):
        return None
    if data.name == "uci_har":
        return lambda x, _: turn_phone(x)
    return add_noise if data.name in ("speech_commands_mfcc49x10", "speech_commands_kws12") else None
