"""Rotation of images with bilinear interpolation in fixed point: the same bytes on every machine."""

import numpy as np
from numpy.typing import NDArray

ONE = 1 << 16  # 1.0 in the fixed point of cosine and sine
CHUNK = 1 << 21  # values at a time


def angle(degrees: float) -> tuple[int, int]:
    """(cosine, sine) of an angle, in units of 2^-16."""
    return int(np.rint(ONE * np.cos(np.deg2rad(degrees)))), int(np.rint(ONE * np.sin(np.deg2rad(degrees))))


def rotate(x: NDArray[np.uint8], cosine: int, sine: int) -> NDArray[np.uint8]:
    """uint8 [N, H, W, C], each image rotated counter-clockwise about its centre, 0 where it did not reach.

    Each pixel is the mean of the four around the place that it comes from, weighted in steps of 1/256 and rounded
    half up.

    Parameters
    ----------
    cosine, sine : int, of the angle, in units of 2^-16.
    """
    count, height, width, channels = x.shape
    corners = _corners(height, width, cosine, sine)
    result = np.empty((count, height * width, channels), np.uint8)
    step = max(1, CHUNK // (height * width * channels))
    for first in range(0, count, step):
        pixels = x[first : first + step].reshape(-1, height * width, channels)
        total = np.full(pixels.shape, ONE // 2, np.uint32)
        for place, weight in corners:
            total += weight[:, None] * pixels[:, place]
        result[first : first + step] = total >> 16
    return result.reshape(x.shape)


def _corners(height, width, cosine, sine):
    """For each of the four neighbours: (place, weight) of every pixel of the result, int64 and uint32 [H * W].

    place is an index into the H * W pixels; weight is in units of 2^-16, and 0 for a neighbour outside the image.
    """
    row, column = np.mgrid[0:height, 0:width].reshape(2, -1)
    down, right = 2 * row - (height - 1), 2 * column - (width - 1)  # from the centre, in half pixels
    source_row = _in_256ths(cosine * down + sine * right + ONE * (height - 1))
    source_column = _in_256ths(cosine * right - sine * down + ONE * (width - 1))
    corners = []
    for below in (0, 1):
        for beside in (0, 1):
            i, j = (source_row >> 8) + below, (source_column >> 8) + beside
            weight = _share(source_row & 255, below) * _share(source_column & 255, beside)
            inside = (0 <= i) & (i < height) & (0 <= j) & (j < width)
            corners.append((np.where(inside, i * width + j, 0), np.where(inside, weight, 0).astype(np.uint32)))
    return corners


def _in_256ths(position):
    """A position in units of 2^-17 pixels, rounded half up to units of 2^-8."""
    return (position + (1 << 8)) >> 9


def _share(part, upper):
    """Weight of the lower or upper neighbour of a position `part` 256ths above the lower one."""
    return part if upper else 256 - part
