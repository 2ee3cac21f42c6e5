"""Hypothesis strategies for small networks, update rules, samples and compiled programs of mcuref itself.

Unlike the rest of this package they need the rest of mcuref (not Numba): they test mcuref, and what is added to it. The
simplest value of each strategy comes first, because Hypothesis shrinks a failing case towards it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from mcuref.baseline_rules import RandomK
from mcuref.layers import (
    ACTIVATIONS,
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    ReLU,
    Reshape,
    Residual,
    Softmax,
)
from mcuref.network import Network
from mcuref.optimisers import SCHEDULES, SGD
from mcuref.program.compiler import compile
from mcuref.program.program import Program
from mcuref.quantization.quantise import measured_layers, quantised_parameters
from mcuref.quantization.ranges import Range
from mcuref.rules import Full, TinyProp, TinyPropR, TinyPropV2, TopK

WIDTHS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 33)  # around 8 lanes, 4 rows a pass and whole mask bytes
DTYPES = ("float32", "uint8", "int8", "int16")
SHAPES = ((1, 3), (2, 8), (5, 3), (2, 2, 1), (3, 1, 3), (4, 4, 2))
IMAGES = ((4, 4, 2), (1, 7, 1), (5, 3, 3), (3, 6, 1), (2, 2, 9))  # rows, columns, channels
SIGNALS = ((9, 2), (7, 1))  # steps, channels: they become images of height 1
FILTERS = (2, 1, 3, 5, 9)  # the kernels take four at a time
RANGES = ((-4.0, 4.0), (-1.0, 3.0), (0.0, 6.0), (-0.5, 0.25), (-32.0, 16.0))  # of int8 values
LOSSES = ("softmax_cross_entropy", "mean_squared_error")
# mean and scale that bring each type to about -1 .. 1, so that a few training steps stay finite
NORMALISATIONS = {"float32": (0.25, 0.5), "uint8": (127.5, 1 / 128), "int8": (-0.5, 1 / 128), "int16": (3, 1 / 32768)}


@st.composite
def inputs(draw: st.DrawFn, shapes: st.SearchStrategy | None = None) -> Input:
    """An Input layer: 1 to 3 axes, any type, normalised by one pair, a pair a channel (last axis) or a pair a value."""
    shape = draw(st.sampled_from(WIDTHS).map(lambda width: (width,)) | st.sampled_from(SHAPES) if shapes is None else shapes)
    dtype = draw(st.sampled_from(DTYPES))
    size = int(np.prod(shape))
    count = draw(st.sampled_from([1, shape[-1], size]))
    mean, scale = NORMALISATIONS[dtype]
    steps = np.arange(count, dtype=np.float32)  # every pair differs: one taken for another shows
    return Input(shape, dtype, mean + steps / 64, scale * (1 + steps / 128))


@st.composite
def networks(draw: st.DrawFn, max_dense: int = 4, convolutional: bool | None = None) -> Network:
    """A small Network, dense or convolutional (drawn if `convolutional` is None).

    Dense: Input, Flatten where the input needs it, 1 to `max_dense` Dense layers, the last one last. Before and between
    them stand no, one or two activations, so that masks, in-place results and their opposites all occur. Convolutional: an
    image or a signal, up to three convolutions, pools, activations and residual blocks in any order, blocks inside
    blocks among them, then one value a channel or all of them, and one or two Dense layers.
    """
    if draw(st.booleans()) if convolutional is None else convolutional:
        layers: list[Any] = draw(_convolutional())
    else:
        first = draw(inputs())
        layers = [first] + ([Flatten()] if len(first.shape) > 1 else [])
        for position in range(draw(st.integers(1, max_dense))):
            activation = draw(st.sampled_from(ACTIVATIONS))()
            layers += [activation] * draw(st.sampled_from([0, 0, 0, 1] if position == 0 else [1, 1, 0, 2]))
            layers.append(Dense(draw(st.sampled_from(WIDTHS))))
    return Network(layers, seed=draw(st.integers(0, 255)), name="drawn")


@st.composite
def _convolutional(draw):
    """Layers of a convolutional network."""
    first = draw(inputs(st.sampled_from(IMAGES + SIGNALS)))
    layers, shape = [first], first.shape
    if len(shape) == 2:
        layers.append(Reshape((1, *shape)))
        shape = layers[-1].output_shape(shape)
    for _ in range(draw(st.integers(1, 3))):
        part, shape = draw(_parts(shape, depth=0))
        layers += part
    layers.append(draw(st.sampled_from([GlobalAveragePool(), Flatten()])))
    layers += [Dense(draw(st.sampled_from(WIDTHS[:5]))), ReLU()] * draw(st.sampled_from([0, 0, 1]))
    return [*layers, Dense(draw(st.sampled_from(WIDTHS[1:6])))]


@st.composite
def _parts(draw, shape, depth, same_shape=False):
    """(layers, output shape): a convolution or a residual block with or without activation, or a pool."""
    kind = draw(st.sampled_from(["conv", "depthwise", "pool", "residual", "residual"][: 5 if depth < 2 else 3]))
    if kind == "residual":
        block, shape = draw(_blocks(shape, depth + 1, same_shape))
        return [block, *draw(_activations())], shape
    kernel, stride, padding = draw(_windows(shape, same_shape))
    if kind == "pool":
        stride = stride if same_shape else draw(st.sampled_from([None, stride]))
        pool = draw(st.sampled_from([MaxPool2D, AveragePool2D]))(kernel, stride, padding)
        return [pool], pool.output_shape(shape)
    if kind == "conv":
        layer = Conv2D(shape[2] if same_shape else draw(st.sampled_from(FILTERS)), kernel, stride, padding)
    else:
        layer = DepthwiseConv2D(kernel, stride, padding)
    return [layer, *draw(_activations())], layer.output_shape(shape)


@st.composite
def _windows(draw, shape, same_shape):
    """(kernel, stride, padding) that suit an input of that shape, and keep it if they must."""
    padding = "same" if same_shape else draw(st.sampled_from(["same", "valid"]))
    most = (3, 3) if padding == "same" else tuple(min(3, extent) for extent in shape[:2])
    kernel = tuple(draw(st.integers(1, m)) for m in most)
    return kernel, 1 if same_shape else draw(st.sampled_from([1, 1, 2, (1, 2), 3])), padding


@st.composite
def _blocks(draw, shape, depth, same_shape):
    """(Residual, output shape): a body that keeps the shape, or any body with a projection to its shape."""
    plain = same_shape or draw(st.booleans())
    body, reached = [*draw(_activations())], shape
    for _ in range(draw(st.integers(1, 2))):
        part, reached = draw(_parts(reached, depth, plain))
        body += part
    if plain:
        return Residual(body), shape
    # a 1x1 convolution whose stride gives the body's size, if there is one; else one over as many rows and columns
    stride = tuple(-(-extent // size) for extent, size in zip(shape, reached[:2]))
    projection = Conv2D(reached[2], 1, stride, "same")
    if projection.output_shape(shape) != reached:
        projection = Conv2D(reached[2], tuple(extent - size + 1 for extent, size in zip(shape, reached[:2])))
    return Residual(body, projection), reached


def _activations():
    """No, one or (rarely) two activations."""
    others = [[layer()] for layer in ACTIVATIONS if layer is not ReLU]
    return st.sampled_from([[ReLU()], [], *others, [ReLU(), ReLU()]])


@st.composite
def optimisers(draw: st.DrawFn, immediate: bool = False) -> SGD:
    """SGD with any schedule, momentum and batch; without momentum and batch if `immediate`."""
    momentum, batch = (0.0, 1) if immediate else draw(st.sampled_from([(0.0, 1), (0.0, 2), (0.5, 1), (0.875, 3)]))
    return SGD(draw(st.sampled_from([0.125, 0.01])), draw(st.sampled_from(SCHEDULES)), momentum, batch)


@st.composite
def rules_strategy(draw: st.DrawFn) -> Full | TopK | RandomK | TinyProp | TinyPropV2:
    """Full, TopK, RandomK, TinyProp, TinyPropV2 or TinyPropR with any valid settings; the bounds of each are among them.

    Samples rest of nine stored ones, or of more.
    """

    def pick(*values):
        return draw(st.sampled_from(values))

    method = pick(Full, TopK, TinyProp, TinyPropV2, TinyPropR, RandomK)
    if method is Full:
        return Full()
    settings = {"output": pick("auto", "dense", "rule"), "bias": pick("masked", "dense")}
    if method in (TopK, RandomK):
        return method(pick(0.5, 0.01, 0.1, 0.25, 1.0), **settings)
    settings |= {"s_min": pick(0.0, 0.05, 0.25), "s_max": pick(0.25, 0.5, 1.0, 2.0), "zeta": pick(1.0, 0.5, 1.5)}
    settings |= {"rounding": pick("nearest", "floor"), "decay": pick(1.0, 0.5)}
    if issubclass(method, TinyPropV2):
        rests = method is TinyPropR
        settings |= {"threshold": pick(0.3, 0.1 if rests else 0.0, 0.1, 0.75), "beta": pick(1.0, 0.5, "ratio")}
        settings |= {"d_min": pick(0.0, 0.2), "d_max": pick(1.0, 0.5)}
        settings |= {"rests": pick(3, 1, 2, 4, 15), "stored": pick(9, 16, 1001)} if rests else {}
    return method(**settings)


@st.composite
def programs(
    draw: st.DrawFn,
    wrt: Sequence[str] = ("parameters", "input"),
    losses: Sequence[str] = LOSSES,
    rules: st.SearchStrategy | None = None,
    least_trainable: int = 0,
) -> Program:
    """A compiled program: any network, rule, optimiser, loss and number of trainable layers; nothing is allocated yet.

    Behind networks of which nothing is trained, there may be a Softmax.

    Parameters
    ----------
    wrt, losses : those to choose from.
    rules : strategy of rules; `rules_strategy()` if None.
    least_trainable : fewest trainable layers.
    """
    network = draw(networks())
    count = len(network.parametric)
    trainable = draw(st.none() | st.integers(min(least_trainable, count), count))
    rule = draw(rules_strategy() if rules is None else rules)
    dense_bias = getattr(rule, "bias", "masked") == "dense"  # its gradients are not summed
    optimiser = draw(optimisers(immediate=dense_bias))
    policy = None if dense_bias or optimiser.batch > 1 else draw(st.sampled_from([None, "accumulate"]))
    loss, what = draw(st.sampled_from(losses)), draw(st.sampled_from(wrt))
    if trainable == 0 and what == "parameters" and draw(st.booleans()):
        network = Network([*network.written, Softmax()], seed=network.seed, name=network.name)
    return compile(network, rule, optimiser, loss=loss, policy=policy, trainable=trainable, wrt=what)


@st.composite
def int8_networks(draw: st.DrawFn, convolutional: bool | None = None) -> Network:
    """The int8 form of any of `networks`, in scales that are drawn: wide and narrow ones, 0 in the middle or not."""
    plain = draw(networks(convolutional=convolutional))
    ranges = {i: Range(*draw(st.sampled_from(RANGES))) for i in measured_layers(plain)}
    parameters, quantization = quantised_parameters(plain, ranges)
    return plain.replaced(parameters=parameters, quantization=quantization)


@st.composite
def int8_programs(draw: st.DrawFn, losses: Sequence[str] = LOSSES, rules: st.SearchStrategy | None = None) -> Program:
    """A compiled int8 program that trains: any network, rule, optimiser, loss, update and scales, one layer at least.

    losses : those to choose from.
    rules : strategy of rules; those of `rules_strategy()` that int8 has if None.
    """
    from mcuref.program.arithmetic.int8 import SCALES, UPDATES, Int8

    network = draw(int8_networks())
    rule = draw(rules_strategy() if rules is None else rules)
    if getattr(rule, "bias", "masked") == "dense":
        rule = replace(rule, bias="masked")
    optimiser = draw(optimisers())
    policy = None if optimiser.batch > 1 else draw(st.sampled_from([None, "accumulate"]))
    trainable = draw(st.none() | st.integers(1, len(network.parametric)))
    arithmetic = Int8(draw(st.sampled_from(UPDATES)), draw(st.sampled_from(SCALES)))
    loss = draw(st.sampled_from(losses))
    return compile(network, rule, optimiser, loss=loss, policy=policy, trainable=trainable, arithmetic=arithmetic)


@st.composite
def samples(draw: st.DrawFn, program: Program, count: int = 4) -> tuple[np.ndarray, np.ndarray]:
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
