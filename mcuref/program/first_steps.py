"""The first steps of an executor: what tiny networks come to, which it must compute before anyone relies on it.

Together they run every instruction. The results were computed by the kernels as plain Python, which nothing compiled or
cached has a part in.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mcuref.baseline_rules import Biases, Channels, RandomK
from mcuref.errors import NonFiniteError
from mcuref.kernels.random import philox
from mcuref.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    Input,
    MaxPool2D,
    ReLU,
    ReLU6,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from mcuref.network import Network
from mcuref.optimisers import SGD
from mcuref.program.arithmetic import IN_PLACE
from mcuref.quantization.mixed import of_body
from mcuref.quantization.scales import FIXED, SAME_SCALE, Quantization, Scale
from mcuref.rules import Full, TinyProp, TinyPropR, TopK

# CRC-32 of the losses and of what was trained, case by case, for kept indices of each type. They hold on every machine and
# change only with the definition of a kernel or a rule: tests/program/test_first_steps.py computes them as plain Python
KNOWN = {
    "uint16": (
        0x45215A34, 0x291986A3, 0xD113AA59, 0x645D913D, 0xD4640509, 0x09C30C6F, 0x5964FADE, 0x057ACEF4, 0xD5CE0E34,
        0x0A0894DC, 0xFDAFABB8,
    ),
    "uint32": (0x34AA08B3,),
    "int8": (
        0xE28EDBB5, 0x5E4FA55D, 0xDE731402, 0xD307F069, 0x24C0F21D, 0x0A090EFD, 0x7E8445D5, 0xD48238ED, 0x65F120C5,
        0xAB692C25, 0x790A893E, 0x548DAC3A, 0xFBDFB606,
    ),
    "mixed": (
        0x8D1A4490, 0x900C394C, 0x6995A7A2, 0xF2F8499D, 0x95B55638, 0x36A63523, 0x0C8391F8, 0x12D0F512, 0x1E55F5C2,
        0xB5C0616F, 0x67849320, 0xD0BFA34C, 0xA46ED204, 0x3C27A1B1, 0xFF9F0C76,
    ),
    "master": (
        0x28201E6B, 0xA92A8008, 0x89524023, 0x7B877AA7, 0xDEAB959E, 0x25246E4D, 0x917FEB71, 0xAF9FE7B2, 0xEE49A8CA,
        0xE1FCC989, 0x18412AE4, 0xE3BF6646,
    ),
    "sample": (
        0x45215A34, 0x291986A3, 0x137023E2, 0x645D913D, 0xD4640509, 0x09C30C6F, 0x5964FADE, 0x057ACEF4, 0xD5CE0E34,
        0x0A0894DC, 0xFDAFABB8, 0x24351F11, 0x5DA364E1, 0x70866753, 0xDEB0E4A9, 0xC6733C65, 0x1CDF51ED, 0x21A1D9D5,
        0x16178BE0, 0x931860FF, 0x8298C78C, 0x4A47A877, 0x60D08F7C, 0x01A3B3AB, 0x05CC6156, 0x77BB0110,
    ),
}  # fmt: skip


def fault(compile: Callable[..., Any], kind: str) -> str | None:
    """What an executor computes wrong, one sentence, or None.

    compile : :func:`mcuref.compile`, which makes the programs. kind : "int8", "mixed", "master" or "sample", or of float32
    the type of kept indices.
    """
    results = computed(compile, kind)
    for number, (found, known) in enumerate(zip(results, KNOWN[kind])):
        if found != known:
            return (
                f"the compiled kernels are wrong in case {number} of mcuref/program/first_steps.py: {found:08x}, where "
                f"plain Python has {known:08x}; this machine miscalculates, or a kernel was edited and not its result there"
            )
    if len(results) != len(KNOWN[kind]):
        new = ", ".join(f"0x{found:08X}" for found in results[len(KNOWN[kind]) :])
        return f"KNOWN of mcuref/program/first_steps.py lacks what its last cases come to; here that is {new}"
    return None


def computed(compile: Callable[..., Any], kind: str) -> tuple[int, ...]:
    """The results of an executor, as in `KNOWN`."""
    if kind == "int8":
        return tuple(_int8_result(compile, *case) for case in (*_int8_cases(), *_int8_training_cases()))
    own = {"mixed": _mixed_cases, "master": _master_cases, "sample": _in_place_cases}
    cases = own.get(kind) or partial(_cases, kind)
    return tuple(_result(compile, *case) for case in cases())


def _cases(index_type):
    """(samples, shape and dtype of one, layers, rule, optimiser, loss), a millisecond each."""
    body = [Conv2D(3, 3, padding="same"), ReLU(), DepthwiseConv2D(3, padding="same")]
    windows = [
        Conv2D(2, 1),
        Residual(body, Conv2D(3, 1)),
        ReLU6(),
        MaxPool2D(2, padding="same"),
        Conv2D(9, (1, 2)),
        AveragePool2D(2, 1),
        Flatten(),
        Dense(5),
    ]
    dense = [Dense(9), ReLU(), Dense(17)]
    skipping = TinyPropR(0.1, 0.8, threshold=0.9, decay=0.99, rounding="floor", stored=6)
    batches = SGD(0.25, momentum=0.5, batch=2)
    if index_type == "uint32":  # for layers of more than 65,536 outputs
        wide = [Conv2D(1, 1), AveragePool2D((64, 51)), *windows]
        yield 1, (256, 257, 1), "float32", wide, Full(), SGD(0.25), "softmax_cross_entropy"
        return
    yield 6, (4, 5, 2), "uint8", windows, skipping, SGD(0.25), "softmax_cross_entropy"
    yield 6, (4, 5, 2), "int8", windows, Full(), batches, "mean_squared_error"
    yield 6, (17,), "int16", dense, TopK(0.3, bias="dense"), SGD(0.25), "reconstruction"
    yield 6, (17,), "float32", dense, TinyProp(0.1, 0.8, 0.9, output="rule"), SGD(0.25), "softmax_cross_entropy"
    yield 6, (9,), "float32", [Dense(9), Tanh(), Dense(5)], Full(), SGD(0.25), "softmax_cross_entropy"
    yield 6, (9,), "float32", [Dense(9), Sigmoid(), Dense(5)], Full(), SGD(0.25), "softmax_cross_entropy"
    yield 6, (9,), "float32", [Dense(5), Softmax()], Full(), SGD(0.25), "softmax_cross_entropy"
    yield 6, (4, 5, 2), "uint8", windows, RandomK(0.3, "rule"), SGD(0.25), "softmax_cross_entropy"
    yield 6, (4, 5, 2), "uint8", windows, Biases(), SGD(0.25), "softmax_cross_entropy"
    yield 6, (4, 5, 2), "uint8", windows, Channels(0.4, 2), SGD(0.25), "softmax_cross_entropy"
    yield 6, (17,), "float32", dense, replace(skipping, effort=0.4), SGD(0.25), "softmax_cross_entropy"


def _as_it_is(network):
    return network


def _result(compile, samples, shape, dtype, layers, rule, optimiser, loss, made=_as_it_is, arithmetic=None):
    """CRC-32 of the losses and the state, in the order of their names, after a few samples; outputs of a softmax."""
    size = int(np.prod(shape))
    scale = 1.0 if dtype == "float32" else 2.0 ** (1 - 8 * np.dtype(dtype).itemsize)
    network = made(Network([Input(shape, dtype, 0, scale), *layers], seed=3))
    random = philox(1, 1, samples * (size + 1))
    x, y = random[:-samples].reshape(samples, size), (random[-samples:] % 5).astype(np.int32)
    x = (x.astype(np.float64) / 2**31 - 1).astype(np.float32) if dtype == "float32" else x.astype(dtype)
    program = compile(network, rule, optimiser, loss=loss, arithmetic=arithmetic)
    try:
        losses = program.train(x, None if loss == "reconstruction" else y).losses
    except NonFiniteError:
        return 0
    arrays = [losses, *map(program.state().get, sorted(program.state()))]
    if isinstance(layers[-1], Softmax):  # which only inference computes
        arrays.append(compile(network, trainable=0, arithmetic=arithmetic).outputs(x))
    return zlib.crc32(b"".join(array.tobytes() for array in arrays))


def _int8_cases():
    """(samples, shape and dtype of one, layers, of which fused); every operator of inference is in one of them."""
    body = [Conv2D(3, 3, padding="same"), ReLU(), DepthwiseConv2D(3, padding=((1, 1), (2, 0)))]
    windows = [
        Conv2D(2, 1),
        Residual(body, Conv2D(3, 1)),
        ReLU6(),
        MaxPool2D(2, padding="same"),
        DepthwiseConv2D((1, 2), multiplier=3),
        Tanh(),
        ReLU(),
        AveragePool2D(2, 1),
        GlobalAveragePool(),
        Dense(5),
        Softmax(),
    ]
    yield 6, (4, 5, 2), "uint8", windows, ("relu1", "relu61")
    yield 6, (17,), "int16", [Dense(9), Sigmoid(), Dense(33)], ()
    yield 6, (1, 2, 3), "int8", [Flatten(), Dense(17)], ()
    yield 6, (3, 3, 1), "float32", [Conv2D(4, 2), Flatten(), Dense(3)], ()


def _int8_training_cases():
    """The same with rule, optimiser, loss and how weights are trained; every operator of training is in one of them."""
    from mcuref.program.arithmetic.int8 import Int8

    body = [Conv2D(3, 3, padding="same"), ReLU(), DepthwiseConv2D(3, padding="same")]
    apart = [
        Conv2D(2, 1),
        Residual(body, Conv2D(3, 1)),
        ReLU6(),
        MaxPool2D(2),
        Conv2D(4, 1),
        AveragePool2D((2, 1)),
        Flatten(),
    ]
    overlapping = [
        DepthwiseConv2D(2, multiplier=2),
        Tanh(),
        MaxPool2D(2, 1),
        Conv2D(3, 1),
        ReLU(),
        AveragePool2D(2, 1, padding="same"),
        GlobalAveragePool(),
        Dense(5),
        Softmax(),
    ]
    skipping = TinyPropR(0.1, 0.8, threshold=0.9, decay=0.99, rounding="floor", stored=70)
    batches, labels = SGD(0.25, momentum=0.5, batch=2), "softmax_cross_entropy"
    yield 70, (4, 5, 2), "uint8", [*apart, Dense(5)], ("relu1", "relu61"), skipping, SGD(0.25), labels, Int8()
    yield 6, (4, 5, 2), "int8", overlapping, (), Full(), batches, labels, Int8("stochastic")
    yield 6, (4, 5, 2), "int8", overlapping[:-1], (), TinyProp(0.2, 0.9), SGD(0.25), "mean_squared_error", Int8("residual16")
    dense = [Dense(18), ReLU(), Dense(17)]
    yield 6, (17,), "int16", dense, ("relu1",), TopK(0.3), SGD(0.0625), "reconstruction", Int8()
    yield 6, (17,), "float32", [Dense(9), Sigmoid(), Dense(5)], (), Full(), SGD(0.25), labels, Int8("truncated", "static")
    yield 6, (4, 5, 2), "uint8", [*apart, Dense(5)], ("relu1", "relu61"), RandomK(0.3, "rule"), SGD(0.25), labels, Int8()
    yield 70, (4, 5, 2), "uint8", [*apart, Dense(5)], ("relu1", "relu61"), Biases(), SGD(0.25), labels, Int8()
    yield 6, (4, 5, 2), "uint8", [*apart, Dense(5)], ("relu1", "relu61"), Channels(0.4, 2), SGD(0.25), labels, Int8()
    governed = replace(skipping, effort=0.4)
    yield 70, (4, 5, 2), "uint8", [*apart, Dense(5)], ("relu1", "relu61"), governed, SGD(0.25), labels, Int8()


def _mixed_cases():
    """The cases of float32 behind an int8 layer; and layers of int8, all that it has, before a float32 one."""
    for samples, shape, dtype, layers, *rest in _cases("uint16"):
        first = Conv2D(shape[-1], 1) if len(shape) > 1 else Dense(shape[0])
        yield samples, shape, dtype, [first, *layers], *rest, partial(mixed_network, place=1)
    for samples, shape, dtype, layers, fused in _int8_cases():
        body = [layer for layer in layers if not isinstance(layer, Softmax)]
        made = partial(mixed_network, place=-1, fused=fused)
        yield samples, shape, dtype, [*body, Dense(5)], Full(), SGD(0.25), "softmax_cross_entropy", made


def _master_cases():
    """The cases of float32, but for a rule that int8 has not, and layers that it has not; with a master of every weight."""
    from mcuref.program.arithmetic.int8 import Int8

    own = int8_network, Int8("master")
    for *case, rule, optimiser, loss in _cases("uint16"):
        yield *case, replace(rule, bias="masked") if isinstance(rule, TopK) else rule, optimiser, loss, *own
    layers = [
        DepthwiseConv2D((1, 2), multiplier=3), ReLU(), AveragePool2D(2), Conv2D(3, 1), MaxPool2D(2, 1), GlobalAveragePool(),
        Dense(5), Softmax(),
    ]  # fmt: skip
    yield 6, (5, 6, 2), "uint8", layers, Full(), SGD(0.25), "softmax_cross_entropy", *own


def _in_place_cases():
    """The cases of float32, and each layer that can be the first over each type of samples; the sample is read in place."""
    for *case, loss in _cases("uint16"):
        yield *case, "mean_squared_error" if loss == "reconstruction" else loss, _as_it_is, IN_PLACE
    firsts = [Flatten(), Dense(9)], [Conv2D(5, (2, 3), padding="same")], [DepthwiseConv2D(2)]
    for dtype, pairs in (("uint8", 1), ("int8", 3), ("int16", 36), ("float32", 3), ("float32", 0)):
        for first in firsts:
            layers = [*first, ReLU(), Flatten(), Dense(5)]
            made = partial(_in_pairs, pairs)
            yield 3, (3, 4, 3), dtype, layers, Full(), SGD(0.25), "softmax_cross_entropy", made, IN_PLACE


def _in_pairs(count, network):
    """A network whose samples are normalised by so many pairs, each of its own; by none, those that it has."""
    layer, steps = network.input, np.arange(count, dtype=np.float32) / 64
    if count:
        layer = replace(layer, mean=steps + steps.size, scale=layer.scale * (1 + steps))
    return Network([layer, *network.written[1:]], seed=network.seed)


def _int8_result(compile, samples, shape, dtype, layers, fused, *training):
    """CRC-32 of the outputs for a few samples; of training, of the losses, what was trained, and the state."""
    program = int8_program(compile, shape, dtype, layers, fused, *training)
    size = int(np.prod(shape))
    random = philox(1, 1, samples * size)
    x = (random.astype(np.float64) / 2**29).astype(np.float32) if dtype == "float32" else random.astype(dtype)
    x = x.reshape(samples, size)
    if not training:
        return zlib.crc32(program.outputs(x).tobytes())
    y = None if program.loss == "reconstruction" else (philox(1, 2, samples) % 5).astype(np.int32)
    shown = program.train(x, y)
    arrays = [shown.losses, shown.trained, *map(program.state().get, sorted(program.state()))]
    return zlib.crc32(b"".join(array.tobytes() for array in arrays))


def int8_program(
    compile: Callable[..., Any],
    shape: tuple[int, ...],
    dtype: str,
    layers: list[Any],
    fused: tuple[str, ...],
    rule: Any = None,
    optimiser: SGD | None = None,
    loss: str = "softmax_cross_entropy",
    how: Any = None,
) -> Any:
    """The program of a case; one of inference without a rule."""
    scale = 1 if dtype == "float32" else 2.0 ** (3 - 8 * np.dtype(dtype).itemsize)
    network = int8_network(Network([Input(shape, dtype, 0, scale), *layers]), fused)
    trainable = 0 if rule is None else None
    return compile(network, rule, optimiser, loss=loss, trainable=trainable, arithmetic=how)


def int8_network(plain: Network, fused: tuple[str, ...] = ()) -> Network:
    """Layers of a network with drawn int8 parameters, in drawn scales: of any use to those who check kernels alone."""
    outputs, draw = [Scale(0.0625, -3)], iter(philox(2, 1, 4 * len(plain.layers)).tolist())
    for i, layer in enumerate(plain.layers[1:], 1):
        source = outputs[plain.sources[i][0]]
        own = Scale(0.03125 * (1 + next(draw) % 5), next(draw) % 256 - 128)
        outputs.append(FIXED.get(layer.kind, source if layer.kind in SAME_SCALE or plain.names[i] in fused else own))
    parameters: dict[str, Any] = {}
    weights = {}
    for i in plain.parametric:
        shapes, name = plain.parameter_shapes(i), plain.names[i]
        values = philox(3, i, sum(int(np.prod(shape)) for shape in shapes.values()))
        own = np.maximum(values[shapes["bias"][0] :].astype(np.int8), -127)  # as those that are trained are
        parameters[f"{name}.weights"] = own.reshape(shapes["weights"])
        parameters[f"{name}.bias"] = (values[: shapes["bias"][0]] >> 20).astype(np.int32) - 2048
        weights[name] = np.float32(0.001) * (1 + np.arange(shapes["bias"][0], dtype=np.float32) % 7)
    indices = frozenset(plain.names.index(name) for name in fused)
    scales = Quantization(tuple(outputs), weights, indices)
    return Network(plain.written, name=plain.name, parameters=parameters, quantization=scales)


def mixed_network(plain: Network, place: int, fused: tuple[str, ...] = ()) -> Network:
    """The same with a head of the network's own float32 parameters from the layer on that is number ``place`` of those with
    parameters.
    """
    drawn, body = int8_network(plain, fused), plain.parametric[place]
    own = {f"{plain.names[i]}.{kind}" for i in plain.parametric if i < body for kind in plain.parameter_shapes(i)}
    parameters = {name: (drawn if name in own else plain).parameters[name] for name in plain.parameters}
    return drawn.replaced(parameters=parameters, quantization=of_body(drawn, body))
