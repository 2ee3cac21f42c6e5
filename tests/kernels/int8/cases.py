"""Cases for which int8 kernels are compared with LiteRT's reference kernels: a model of one operator, and what ours come to.

A case is made from a number alone, so that golden outputs need no more than that. Scales are of any size that LiteRT takes,
powers of two among them, which have exact halves; zeros lie at both ends, too. Draws are of the NumPy generator that all its
versions have the same, and take no function that differs between machines.
"""

from typing import Any, NamedTuple

import numpy as np

from mcuref.kernels.int8.add import add_forward_s8
from mcuref.kernels.int8.conv import conv_forward_s8
from mcuref.kernels.int8.dense import dense_forward_s8
from mcuref.kernels.int8.depthwise import depthwise_forward_s8
from mcuref.kernels.int8.load import load_s8
from mcuref.kernels.int8.lookup import lookup_s8
from mcuref.kernels.int8.pooling import average_pool_forward_s8, max_pool_forward_s8, mean_forward_s8
from mcuref.kernels.int8.relu import rescale_s8
from mcuref.kernels.int8.softmax import softmax_forward_s8
from mcuref.layers.window import Window
from mcuref.quantization import multipliers
from mcuref.quantization.edges import quantised_samples, real_values
from mcuref.quantization.scales import Scale
from mcuref.quantization.tables import exponentials, sigmoid, tanh
from tests.litert import Tensor

from .problems import NO_TAPS, NONE

ACTIVATIONS = ((0, None), (1, np.inf), (3, 6.0))  # numbers in the schema, and limits
TANH, SIGMOID = Scale(2.0**-7, 0), Scale(2.0**-8, -128)


class Case(NamedTuple):
    """One operator with its input.

    Attributes
    ----------
    model : arguments of :func:`tests.litert.model_of`.
    inputs : list of arrays.
    ours : array, what our kernels come to.
    """

    model: dict[str, Any]
    inputs: list[np.ndarray]
    ours: np.ndarray


def sizes(random, low, high, shape=None):
    """Numbers from 2^low to below 2^high, every third a power of two."""
    mantissa = np.where(random.random_sample(shape) < 0.3, 1, random.uniform(1, 2, shape))
    return np.ldexp(mantissa, random.randint(low, high, shape))


def scale(random, low=-8, high=3):
    """Any scale of such a size; zeros at the ends more often than others."""
    zero = random.choice([-128, 127, 0, random.randint(-128, 128)])
    return Scale(float(np.float32(sizes(random, low, high))), int(zero))


def any_int8(random, *shape):
    return random.randint(-128, 128, shape).astype(np.int8)


def each(kernel, samples, shape, arguments, scratch=()):
    """int8[samples, *shape] of a kernel that is called for each sample: arguments(i) are what stands behind the outputs."""
    out = np.empty((samples, int(np.prod(shape))), np.int8)
    for i in range(samples):
        kernel(out[i], *scratch, *arguments(i))
    return out.reshape(samples, *shape)


def numbers(*values):
    return [np.int32(value) for value in values]


def weights_scale(random, count, x, z, terms):
    """float32[count] with which sums of so many terms about fill the outputs; some far off, some powers of two."""
    usual = np.ldexp(1, np.frexp(z.scale / (x.scale * 64 * np.sqrt(terms)))[1])
    far = np.where(random.random_sample(count) < 0.1, sizes(random, -12, 8, count), 1)
    return (usual * sizes(random, -2, 2, count) * far).astype(np.float32)


def summing(random, kind, shape, w_shape, outputs, out_shape, samples, options, version, scales=None, more=()):
    """A dense layer or a convolution: its model, and what the kernel takes behind the outputs."""
    x, z = scale(random), scale(random)
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    terms = int(np.prod(w_shape)) // outputs
    w_scale = weights_scale(random, outputs if scales is None else scales, x, z, terms)
    fused, limit = ACTIVATIONS[random.randint(3)]
    values, w = any_int8(random, samples, *shape), any_int8(random, *w_shape)
    b = random.randint(-4000, 4000, outputs).astype(np.int32)
    b_scale = np.float32(x.scale) * w_scale
    tensors = [
        Tensor((samples, *shape), *x),
        Tensor(w_shape, w_scale, 0, w, axis=axis),
        Tensor((outputs,), b_scale, 0, b, "int32"),
    ]
    name, fields = options
    model = {
        "operator": kind,
        "inputs": tensors,
        "output": Tensor((samples, *out_shape), *z),
        "options": (name, {**fields, "fusedActivationFunction": fused}),
        "version": version,
    }
    factors = multipliers.of_sums(x.scale, w_scale, z.scale)
    behind = [w.reshape(-1), b, *factors, np.int8([]), *numbers(x.zero, z.zero, *multipliers.ends(z, limit), 0, 0), *more]
    return model, values, lambda i: [values[i].reshape(-1), *behind]


def dense(random):
    per_tensor = random.random_sample() < 0.5
    inputs, outputs = int(random.choice([1, 3, 16, 40, 255, 256])), int(random.choice([1, 7, 8, 33, 64]))
    options = "FullyConnectedOptions", {}
    version, scales = (4, 1) if per_tensor else (5, None)
    shape = (inputs,)
    model, x, arguments = summing(
        random, "FULLY_CONNECTED", shape, (outputs, inputs), outputs, (outputs,), 100, options, version, scales
    )
    return Case(model, [x], each(dense_forward_s8, 100, (outputs,), arguments))


def window(random, depthwise=False, pooled=False):
    """(geometry, fields of the options) of any small window."""
    shape = int(random.choice([1, 4, 9, 17])), int(random.choice([2, 3, 7, 15])), int(random.choice([1, 2, 3, 8, 17]))
    padding = random.choice(["same", "valid"])
    kernel = tuple(int(random.randint(1, (5 if padding == "same" else min(4, n)) + 1)) for n in shape[:2])
    stride = int(random.randint(1, 4)), int(random.randint(1, 4))
    copies = int(random.choice([1, 1, 2, 3, 8])) if depthwise else 1
    outputs = shape[2] * copies if depthwise or pooled else int(random.choice([1, 3, 8, 17]))
    fields = {"padding": 0 if padding == "same" else 1, "strideH": stride[0], "strideW": stride[1]}
    if depthwise:
        fields["depthMultiplier"] = copies
    if pooled:
        fields |= {"filterHeight": kernel[0], "filterWidth": kernel[1]}
    return Window(kernel, stride, padding).geometry(shape, outputs), fields


def conv(random):
    g, fields = window(random)
    patch, more = np.empty(g[6] * g[7] * g[2], np.int8), [np.int32(g)]
    model, x, arguments = summing(
        random, "CONV_2D", g[:3], (g[5], *g[6:8], g[2]), g[5], g[3:6], 8, ("Conv2DOptions", fields), 3, more=more
    )
    return Case(model, [x], each(conv_forward_s8, 8, g[3:6], arguments, [patch]))


def depthwise_conv(random):
    g, fields = window(random, depthwise=True)
    options, shape = ("DepthwiseConv2DOptions", fields), (1, *g[6:8], g[5])
    model, x, arguments = summing(random, "DEPTHWISE_CONV_2D", g[:3], shape, g[5], g[3:6], 8, options, 3, more=[np.int32(g)])
    return Case(model, [x], each(depthwise_forward_s8, 8, g[3:6], arguments))


def pool(random, operator, kernel, scratch=()):
    g, fields = window(random, pooled=True)
    q, (fused, limit) = scale(random), ACTIVATIONS[random.randint(3)]
    x = any_int8(random, 8, *g[:3])
    model = {
        "operator": operator,
        "inputs": [Tensor(x.shape, *q)],
        "output": Tensor((8, *g[3:6]), *q),
        "options": ("Pool2DOptions", {**fields, "fusedActivationFunction": fused}),
        "version": 2,
    }
    behind = [*numbers(*multipliers.ends(q, limit)), np.int32(g)]
    return Case(model, [x], each(kernel, 8, g[3:6], lambda i: [x[i].reshape(-1), *behind], scratch))


def average_pool(random):
    return pool(random, "AVERAGE_POOL_2D", average_pool_forward_s8)


def max_pool(random):
    return pool(random, "MAX_POOL_2D", max_pool_forward_s8, [NO_TAPS])


def mean(random):
    h, w, c = (int(random.choice([1, 2, 3, 7, 8, 17])) for _ in range(3))
    x, y = scale(random), scale(random)
    y = Scale(float(np.float32(x.scale * sizes(random, -4, 1))), y.zero) if random.random_sample() < 0.7 else x
    values, kept = any_int8(random, 40, h, w, c), bool(random.random_sample() < 0.5)
    shape = (1, 1, c) if kept else (c,)
    model = {
        "operator": "MEAN",
        "inputs": [Tensor(values.shape, *x), Tensor((2,), values=np.int32([1, 2]), dtype="int32")],
        "output": Tensor((40, *shape), *y),
        "options": ("ReducerOptions", {"keepDims": kept}),
        "version": 2,
    }
    factor = multipliers.divided(*multipliers.quantised(x.scale / y.scale), h * w)
    behind = [*numbers(x.zero, y.zero, *factor, -128, 127), np.int32([h, w, c, 1, 1, c, h, w, 1, 1, 0, 0])]
    return Case(model, [values], each(mean_forward_s8, 40, shape, lambda i: [values[i].reshape(-1), NONE, NONE, *behind]))


def add(random):
    a, b = scale(random), scale(random)
    y = Scale(float(np.float32(max(a.scale, b.scale) * sizes(random, -3, 2))), scale(random).zero)
    if random.random_sample() < 0.2:
        b = y = a
    fused, limit = ACTIVATIONS[random.randint(3)]
    x = [any_int8(random, 2000), any_int8(random, 2000)]
    model = {
        "operator": "ADD",
        "inputs": [Tensor((2000,), *a), Tensor((2000,), *b)],
        "output": Tensor((2000,), *y),
        "options": ("AddOptions", {"fusedActivationFunction": fused}),
        "version": 2,
    }
    factors = multipliers.of_addition(a.scale, b.scale, y.scale)
    behind = [value for zero, factor in zip((a.zero, b.zero, y.zero), factors) for value in (zero, *factor)]
    out = np.empty(2000, np.int8)
    add_forward_s8(out, *x, NONE, *numbers(*behind, *multipliers.ends(y, limit), 0, 0, 0))
    return Case(model, x, out)


def rectified(random, operator, limit):
    x, y = scale(random), scale(random)
    if random.random_sample() < 0.5:
        y = Scale(float(np.float32(x.scale * sizes(random, -2, 2))), y.zero)
    if random.random_sample() < 0.5:  # next to a factor that has halves: which side of them is decided by its last bits
        factor = random.randint(1, 240, dtype=np.int64) / random.randint(3, 255, dtype=np.int64) / 2
        x = Scale(float(np.float32(y.scale * factor)), x.zero)
    values = np.tile(np.arange(-128, 128), 4).astype(np.int8)
    model = {"operator": operator, "inputs": [Tensor(values.shape, *x)], "output": Tensor(values.shape, *y), "version": 2}
    arguments = x.zero, y.zero, *multipliers.of_rescaling(x.scale, y.scale), *multipliers.ends(y, limit)
    out = np.empty_like(values)
    rescale_s8(out, values, NONE, *numbers(*arguments, 0, 0))
    return Case(model, [values], out)


def relu(random):
    return rectified(random, "RELU", np.inf)


def relu6(random):
    return rectified(random, "RELU6", 6.0)


def tabled(random, operator, make, y):
    x, values = scale(random, -9, 2), np.tile(np.arange(-128, 128), 4).astype(np.int8)
    out = np.empty_like(values)
    lookup_s8(out, values, make(x, y))
    return Case(
        {"operator": operator, "inputs": [Tensor(values.shape, *x)], "output": Tensor(values.shape, *y)}, [values], out
    )


def hyperbolic(random):
    y = TANH if random.random_sample() < 0.5 else scale(random, -8, -6)
    return tabled(random, "TANH", tanh, y)


def logistic(random):
    return tabled(random, "LOGISTIC", sigmoid, SIGMOID)


def softmax(random):
    n, x, beta = int(random.choice([1, 2, 3, 10, 12, 100])), scale(random), float(random.choice([1, 1, 0.5, 2.5]))
    values = any_int8(random, 100, n)
    if random.random_sample() < 0.3:
        values = (values // 16).astype(np.int8)  # near each other
    table = exponentials(x.scale, beta)
    model = {
        "operator": "SOFTMAX",
        "inputs": [Tensor(values.shape, *x)],
        "output": Tensor(values.shape, *SIGMOID),
        "options": ("SoftmaxOptions", {"beta": beta}),
        "version": 2,
    }
    return Case(model, [values], each(softmax_forward_s8, 100, (n,), lambda i: [values[i], table]))


def quantize(random):
    y = scale(random)
    x = (random.uniform(-200, 200, 1000) * y.scale - y.scale * y.zero).astype(np.float32)
    x[::3] = (np.round(x[::3] / y.scale) + random.choice([-0.5, 0, 0.5], x[::3].size)) * y.scale  # halves, or next to them
    model = {"operator": "QUANTIZE", "inputs": [Tensor(x.shape, dtype="float32")], "output": Tensor(x.shape, *y)}
    return Case(model, [x], quantised_samples(x, y))


def dequantize(random):
    x, values = scale(random), np.tile(np.arange(-128, 128), 4).astype(np.int8)
    output = Tensor(values.shape, dtype="float32")
    model = {"operator": "DEQUANTIZE", "inputs": [Tensor(values.shape, *x)], "output": output, "version": 2}
    return Case(model, [values], real_values(values, x))


def requantize(random):
    """uint8 or int8 of the output's scale and another zero: what a load is, whose factor is 1."""
    y, dtype = scale(random), random.choice(["uint8", "int8"])
    ends = np.iinfo(dtype)
    zero = int(random.randint(ends.min, ends.max + 1))
    x = np.tile(np.arange(ends.min, ends.max + 1), 4).astype(dtype)
    model = {
        "operator": "QUANTIZE",
        "inputs": [Tensor(x.shape, y.scale, zero, dtype=str(dtype))],
        "output": Tensor(x.shape, *y),
        "version": 2,
    }
    out = np.empty(x.shape, np.int8)
    load_s8(out, x, np.int32([1]), np.int32([y.zero - zero]), np.int8([0]))
    return Case(model, [x], out)


KINDS = {
    make.__name__: make
    for make in (
        dense, conv, depthwise_conv, average_pool, max_pool, mean, add, relu, relu6, hyperbolic, logistic, softmax,
        quantize, dequantize, requantize,
    )
}  # fmt: skip


def case(kind: str, number: int) -> Case:
    """The case of that kind and number."""
    return KINDS[kind](np.random.RandomState([sorted(KINDS).index(kind), number]))
