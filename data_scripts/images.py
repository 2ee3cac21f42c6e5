"""Images: files of any size to small square arrays, with Pillow, which only some scripts need."""

import io
from importlib import import_module

import numpy as np
from common import InputError


def optional(module):
    """The module of that name, of a package that only some scripts need; InputError says how to install it."""
    try:
        return import_module(module)
    except ImportError:
        how = "pip install '.[data]' in the clone of mcuref brings it"
        raise InputError(f"Python lacks the module {module}; {how}") from None


def colour_image(content, name):
    """Pillow's RGB image of an image file (bytes).

    Raises
    ------
    InputError : Pillow is missing, or cannot read the image, which name is for.
    """
    pillow = optional("PIL.Image")
    try:
        with pillow.open(io.BytesIO(content)) as image:
            return image.convert("RGB")  # a few are grey or CMYK
    except Exception as error:  # damaged bytes surface as nearly any exception of Pillow's decoders
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{name} is not an image that can be read: {reason}") from None


def square_image(content, name, side):
    """The uint8 array (side, side, 3) of an image file (bytes): centre square crop, then average over boxes.

    Raises
    ------
    InputError : as of colour_image.
    """
    pillow, image = optional("PIL.Image"), colour_image(content, name)
    edge = min(image.size)
    left, top = ((extent - edge) // 2 for extent in image.size)
    box = (left, top, left + edge, top + edge)
    return np.asarray(image.resize((side, side), pillow.Resampling.BOX, box))


def box_average(content, name, side, factor):
    """The uint8 array (side, side, 3) of an image file (bytes) of factor times that size: exact means, halves upwards.

    Raises
    ------
    InputError : as of colour_image, or the image has another size.
    """
    image = colour_image(content, name)
    if image.size != (side * factor, side * factor):
        raise InputError(f"{name} is of {image.width}x{image.height} pixels; {side * factor} in both directions are needed")
    boxes = np.asarray(image, np.uint32).reshape(side, factor, side, factor, 3)
    return ((boxes.sum(axis=(1, 3)) + factor**2 // 2) // factor**2).astype(np.uint8)
