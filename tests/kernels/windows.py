"""Windows for the tests of convolution and pooling: geometries with edges, their taps, problems to try on them."""

import numpy as np
import pytest
from hypothesis import strategies as st

from mcuref.layers.window import Window

from .bits import drawn


def geometry(shape, outputs, kernel, stride=(1, 1), padding="valid"):
    """H, W, C, Ho, Wo, O, kh, kw, sh, sw, top, left; ``padding`` may also be ((above, below), (left, right))."""
    if isinstance(padding, str):
        return Window(kernel, stride, padding).geometry(shape, outputs)
    sizes = [(n + sum(pad) - k) // s + 1 for n, k, s, pad in zip(shape, kernel, stride, padding)]
    return (*shape, *sizes, outputs, *kernel, *stride, padding[0][0], padding[1][0])


GEOMETRIES = [
    geometry((1, 1, 1), 1, (1, 1)),
    geometry((1, 1, 3), 2, (3, 3), padding="same"),  # nothing but padding round one place
    geometry((2, 1, 1), 3, (7, 5), padding="same"),  # kernel larger than the input
    geometry((2, 3, 2), 9, (2, 3)),  # kernel as large as the input
    geometry((1, 33, 9), 8, (1, 7)),  # signals
    geometry((1, 17, 3), 9, (1, 5), (1, 3), "same"),
    geometry((1, 33, 1), 17, (1, 3), (1, 2)),
    geometry((33, 1, 2), 7, (3, 1), (2, 1), "same"),
    geometry((5, 6, 4), 5, (1, 3), padding="same"),  # height 1: patches in the input beside gathered ones
    geometry((7, 7, 9), 9, (1, 1)),
    geometry((7, 7, 3), 16, (1, 1), (2, 3)),
    geometry((5, 5, 2), 3, (2, 2), (3, 3)),  # places between the windows
    geometry((3, 7, 16), 17, (2, 2), padding="same"),  # padding below and to the right only
    geometry((7, 3, 17), 1, (3, 2), (2, 1)),
    geometry((15, 7, 8), 7, (3, 3)),
    geometry((7, 15, 7), 8, (3, 3), (2, 2), "same"),
    geometry((17, 15, 1), 2, (5, 3), (3, 2), "same"),
    geometry((9, 7, 2), 4, (3, 1), (1, 2), "same"),
    geometry((3, 17, 3), 2, (2, 3), (3, 1), "same"),
    geometry((9, 9, 2), 3, (3, 3), (2, 2)),  # TinyProp's published code: a silently wrong weight gradient
    geometry((8, 8, 2), 3, (3, 3), (2, 2), ((1, 1), (1, 1))),  # and two that it refuses
    geometry((10, 10, 1), 2, (3, 3), (2, 2)),
    geometry((4, 5, 2), 3, (3, 4), (2, 1), ((2, 0), (1, 3))),  # as uneven as it gets
]


def label(g):
    """Short name of a geometry."""
    h, w, c, ho, wo, o, kh, kw, sh, sw, top, left = g
    return f"{h}x{w}x{c}-{ho}x{wo}x{o}-kernel{kh}x{kw}-stride{sh}x{sw}-pad{top}x{left}"


def depthwise(g):
    """The same windows with O = C."""
    return (*g[:5], g[2], *g[6:])


every_geometry = pytest.mark.parametrize("g", GEOMETRIES, ids=label)
every_channelwise_geometry = pytest.mark.parametrize("g", [depthwise(g) for g in GEOMETRIES], ids=label)


@st.composite
def geometries(draw, channelwise=False):
    """Any small geometry in which every window sees something: valid, same, or padding that no layer asks for."""
    channels = st.sampled_from([1, 2, 3, 7, 8, 9])
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(channels))
    outputs = shape[2] if channelwise else draw(channels)
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding = draw(st.sampled_from(["valid", "same", "uneven"]))
    if padding == "valid":
        kernel = tuple(draw(st.integers(1, min(4, n))) for n in shape[:2])
    else:
        kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    if padding == "uneven":
        least = [max(k - n, 0) for n, k in zip(shape, kernel)]  # together with the input as long as the kernel
        above = [draw(st.integers(0, k - 1)) for k in kernel]
        padding = [(a, draw(st.integers(max(0, m - a), k - 1))) for a, m, k in zip(above, least, kernel)]
    return geometry(shape, outputs, kernel, stride, padding)


def int32(g):
    """A geometry as kernels take it."""
    return np.array(g, np.int32)


def positions(g):
    """[(oy, ox)] of all outputs, in order."""
    return list(np.ndindex(*g[3:5]))


def taps(g, oy, ox):
    """[(ky, kx, y, x)] of one window, in order: kernel and input coordinates of what lies inside the input."""
    h, w, _, _, _, _, kh, kw, sh, sw, top, left = g
    every = [(ky, kx, oy * sh - top + ky, ox * sw - left + kx) for ky in range(kh) for kx in range(kw)]
    return [(ky, kx, y, x) for ky, kx, y, x in every if 0 <= y < h and 0 <= x < w]


def problem(g, pool, seed, channelwise=False):
    """x[H, W, C], w[O, kh, kw, C] or w[kh, kw, C], b[O] and delta[Ho, Wo, O] with entries of ``pool``."""
    h, width, c, ho, wo, o, kh, kw, *_ = g
    shapes = (h, width, c), (kh, kw, c) if channelwise else (o, kh, kw, c), (o,), (ho, wo, o)
    return [drawn(pool, shape, 4 * seed + i) for i, shape in enumerate(shapes)]
