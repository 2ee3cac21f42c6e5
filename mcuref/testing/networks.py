"""Hypothesis strategies for small networks, update rules, samples and compiled programs of mcuref itself.

Unlike the rest of this package they need the rest of mcuref (not Numba): they test mcuref, and what is added to it. The
simplest value of each strategy comes first, because Hypothesis shrinks a failing case towards it.
"""

import numpy as np
from hypothesis import strategies as st

from mcuref.layers import Dense, Flatten, Input, ReLU
from mcuref.network import Network
from mcuref.optimisers import SCHEDULES, SGD
from mcuref.program.compiler import compile
from mcuref.rules import Full, TinyProp, TinyPropV2, TopK

WIDTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 33)  # around 8 lanes, 4 rows a pass and whole mask bytes
DTYPES = ("float32", "uint8", "int8", "int16")
SHAPES = ((1, 3), (2, 8), (5, 3), (2, 2, 1), (3, 1, 3), (4, 4, 2))
LOSSES = ("softmax_cross_entropy", "mean_squared_error")
# mean and scale that bring each type to about -1 .. 1, so that a few training steps stay finite
NORMALISATIONS = {"float32": (0.25, 0.5), "uint8": (127.5, 1 / 128), "int8": (-0.5, 1 / 128), "int16": (3, 1 / 32768)}


@st.composite
def inputs(draw):
    """An Input layer: 1 to 3 axes, any type, normalised by one pair, a pair a channel (last axis) or a pair a value."""
    shape = draw(st.sampled_from(WIDTHS).map(lambda width: (width,)) | st.sampled_from(SHAPES))
    dtype = draw(st.sampled_from(DTYPES))
    size = int(np.prod(shape))
    count = draw(st.sampled_from([1, shape[-1], size]))
    mean, scale = NORMALISATIONS[dtype]
    steps = np.arange(count, dtype=np.float32)  # every pair differs: one taken for another shows
    return Input(shape, dtype, mean + steps / 64, scale * (1 + steps / 128))


@st.composite
def networks(draw, max_dense=4):
    """A small Network: Input, Flatten where the input needs it, 1 to `max_dense` Dense layers, the last one last.

    Before and between them stand no, one or two ReLUs, so that masks, in-place results and their opposites all occur.
    """
    first = draw(inputs())
    layers = [first] + ([Flatten()] if len(first.shape) > 1 else [])
    for position in range(draw(st.integers(1, max_dense))):
        layers += [ReLU()] * draw(st.sampled_from([0, 0, 0, 1] if position == 0 else [1, 1, 0, 2]))
        layers.append(Dense(draw(st.sampled_from(WIDTHS))))
    return Network(layers, seed=draw(st.integers(0, 255)), name="drawn")


@st.composite
def rules_strategy(draw):
    """Full, TopK, TinyProp or TinyPropV2 with any valid settings; the bounds of each setting are among them."""

    def pick(*values):
        return draw(st.sampled_from(values))

    method = pick(Full, TopK, TinyProp, TinyPropV2)
    if method is Full:
        return Full()
    settings = {"output": pick("auto", "dense", "rule"), "bias": pick("masked", "dense")}
    if method is TopK:
        return TopK(pick(0.5, 0.01, 0.1, 0.25, 1.0), **settings)
    settings |= {"s_min": pick(0.0, 0.05, 0.25), "s_max": pick(0.25, 0.5, 1.0, 2.0), "zeta": pick(1.0, 0.5, 1.5)}
    settings |= {"rounding": pick("nearest", "floor"), "decay": pick(1.0, 0.5)}
    if method is TinyPropV2:
        settings |= {"threshold": pick(0.3, 0.0, 0.1, 0.75), "beta": pick(1.0, 0.5, "ratio")}
        settings |= {"d_min": pick(0.0, 0.2), "d_max": pick(1.0, 0.5)}
    return method(**settings)


@st.composite
def programs(draw, wrt=("parameters", "input"), losses=LOSSES, rules=None, least_trainable=0):
    """A compiled program: any network, rule, loss and number of trainable layers; nothing is allocated yet.

    Parameters
    ----------
    wrt, losses : those to choose from.
    rules : strategy of rules; `rules_strategy()` if None.
    least_trainable : fewest trainable layers.
    """
    network = draw(networks())
    count = len(network.parametric)
    trainable = draw(st.none() | st.integers(min(least_trainable, count), count))
    optimiser = SGD(draw(st.sampled_from([0.125, 0.01])), draw(st.sampled_from(SCHEDULES)))
    rule = draw(rules_strategy() if rules is None else rules)
    loss, wrt = draw(st.sampled_from(losses)), draw(st.sampled_from(wrt))
    return compile(network, rule, optimiser, loss=loss, trainable=trainable, wrt=wrt)


@st.composite
def samples(draw, program, count=4):
    """(x, y) for a program: `count` samples over the whole range of the input's type, labels or targets for its loss.

    Filled by NumPy from a drawn seed: drawing every value would be slow.
    """
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    layer, outputs = program.network.input, program.network.outputs
    shape = (count, *layer.shape)
    if layer.dtype == "float32":
        x = random.uniform(-2, 2, shape).astype(np.float32)
    else:
        limits = np.iinfo(layer.dtype)
        x = random.integers(limits.min, limits.max, shape, layer.dtype, endpoint=True)
    if program.loss == "softmax_cross_entropy" or draw(st.booleans()):
        return x, random.integers(0, outputs, count)
    return x, random.uniform(-1, 1, (count, outputs)).astype(np.float32)
