"""Networks to resize, and what is compared of them."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from mcuref import (
    SGD,
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    Network,
    ReLU,
    ReLU6,
    Reshape,
    Residual,
    compile,
)

RANDOM = settings(max_examples=150, deadline=None, database=None, derandomize=True)

SIZES = (1, 2, 3, 7, 15, 17, 33)  # around 8 lanes and whole bytes of touched rows

IMAGES = ((3, 5, 2), (4, 3, 1), (1, 6, 3), (5, 2, 7))  # not square: rows and columns taken for each other show

MOMENTUM = SGD(0.05, "constant", momentum=0.9, batch=4)

PADDED = [Input((3, 5, 2)), Conv2D(3, (2, 3), padding="same"), ReLU(), DepthwiseConv2D((3, 2), 1, "same"), ReLU6()]

IMAGE = [*PADDED, MaxPool2D((1, 2)), Flatten(), Dense(7), ReLU(), Dense(3)]

BLOCK = Residual([Conv2D(2, 3, padding="same"), ReLU(), Conv2D(2, 1)])

BLOCKS = [Input((3, 5, 2)), BLOCK, ReLU(), BLOCK, ReLU(), MaxPool2D(2), Flatten(), Dense(3)]


def learned(layers, seed=0, name="learned"):
    """A network whose parameters are no start parameters: biases are not 0."""
    network = Network(layers, seed=seed, name=name)
    random = np.random.default_rng(seed)
    return network.with_parameters({n: random.normal(0, 0.5, v.shape) for n, v in network.parameters.items()})


def dense(*widths, seed=0):
    """A perceptron of these widths with a ReLU behind each hidden layer."""
    layers = [Input((widths[0],))]
    for width in widths[1:-1]:
        layers += [Dense(width), ReLU()]
    return learned([*layers, Dense(widths[-1])], seed)


@st.composite
def chains(draw):
    """A small network without residual blocks: dense, or convolutions on an image that is not square."""
    size = st.sampled_from(SIZES)
    if draw(st.booleans()):
        layers = [Input((draw(size),)), Dense(draw(size)), ReLU()]
    else:
        layers, small = [Input(draw(st.sampled_from(IMAGES)))], st.sampled_from(SIZES[:4])
        for _ in range(draw(st.integers(1, 2))):
            kernel = draw(st.sampled_from([(1, 1), (3, 2), (2, 2)]))
            layers += [Conv2D(draw(small), kernel, draw(st.integers(1, 2)), "same"), draw(activations)]
            layers += draw(st.sampled_from([[], [DepthwiseConv2D((3, 2), 1, "same"), ReLU6()]]))
            layers += draw(st.sampled_from([[], [MaxPool2D(2, 1, "same")], [AveragePool2D((1, 2), None, "same")]]))
        layers.append(draw(st.sampled_from([Flatten(), GlobalAveragePool()])))
    for _ in range(draw(st.integers(0, 2))):
        layers += [Dense(draw(size)), draw(activations)]
    return learned([*layers, Dense(draw(st.integers(2, 9)))], draw(st.integers(0, 99)))


activations = st.sampled_from([ReLU(), ReLU6()])


def samples(network, count=5, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *network.input.shape)).astype(np.float32)


def labels(network, count):
    return np.arange(count) % network.outputs


def outputs(network, x):
    return compile(network, trainable=0).outputs(x)


def bits(arrays):
    return {name: (value.dtype, value.shape, value.tobytes()) for name, value in arrays.items()}


def old_part(value, name, old, new):
    """The part of a new layer's parameter that its old units and old inputs have: flattened inputs by position."""
    i = old.names.index(name.partition(".")[0])
    shape = old.parameters[name].shape
    if name.endswith("bias") or old.layers[i].kind == "depthwise":
        return value[..., : shape[-1]]
    flat = old.layers[i - 1].kind == "flatten"
    before, after = ((net.input_shape(i - 1) if flat else net.input_shape(i))[-1] for net in (old, new))
    parts = value[: shape[0]].reshape(shape[0], -1, after)
    return parts[:, :, :before].reshape(shape)


TWO, SHAPED = dense(4, 7, 3, 2), learned([Input((4,)), Dense(6), Reshape((1, 3, 2)), Conv2D(2, 1), Flatten(), Dense(2)])
