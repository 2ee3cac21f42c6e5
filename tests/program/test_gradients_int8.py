"""What a step of int8 training changes, in real numbers, beside the gradients of the network that its integers stand for.

That network is float32: its parameters are those of the int8 one times their scales. A step of the int8 program goes where
the float32 gradient points, and as far, but for what stands between them:

- errors have 7 bits: of a tensor whose largest is 127 each is off by a quarter on average, 0.5 % of the usual ones;
- values have 8 bits, of a range with room for twice as much: 0.5 % of what is seen, and of all that is computed from them;
- logits are in steps of 1/8, off by up to 1/16: which a probability is by 6 %, and the size of all errors with it;
- rectifiers and maxima choose otherwise where values are within a step: an entry of the error is there or not. Behind
  convolutions, gradients are sums over positions, of entries of both signs, and such an entry is much of what is left.

So sizes are within 15 %; the cosine of directions is 0.99 at least, behind rectified convolutions 0.97, and 0.9 where there
are several, or ends on both sides.
"""

import numba
import numpy as np
import pytest

from mcuref import SGD, Full, compile, quantise_to_train
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
    Tanh,
)
from mcuref.network import Network
from mcuref.program.arithmetic.int8 import Int8

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="minutes as plain Python; test_training_int8 compares whole steps there"
)

COSINE, SIZE = 0.99, 1.15
RECTIFIED = {"conv": 0.97, "conv, padding and stride": 0.9, "blocks": 0.9}  # of these, the cosine
# Of weights, the rate brings none to an end, and moves all by many steps of a residual of 16 bits; biases, which have
# no residual, have to move by many steps of their own
STEPS = {"weights": (2.0**-10, Int8("residual16")), "bias": (0.25, Int8())}
HEAD = [Flatten(), Dense(4)]
IMAGE = (8, 7, 3)
NETWORKS = {
    "dense": ((12,), [Dense(20), ReLU(), Dense(16), Tanh(), Dense(4)]),
    "sigmoid": ((12,), [Dense(20), Sigmoid(), Dense(4)]),
    "conv": (IMAGE, [Conv2D(6, 3), ReLU(), *HEAD]),
    "conv, padding and stride": (IMAGE, [Conv2D(6, 3, 2, "same"), ReLU6(), Conv2D(5, (3, 2), (1, 2), "same"), *HEAD]),
    "depthwise": (IMAGE, [DepthwiseConv2D(3, padding="same"), ReLU(), DepthwiseConv2D(3, 2), *HEAD]),
    "pools": (IMAGE, [Conv2D(6, 3), ReLU(), MaxPool2D(2), Conv2D(6, 1), AveragePool2D((1, 2)), *HEAD]),
    "pools that overlap": (
        IMAGE,
        [Conv2D(6, 3), MaxPool2D(3, 2), Conv2D(8, 1), AveragePool2D(2, 1, "same"), GlobalAveragePool(), Dense(4)],
    ),
    "blocks": (
        IMAGE,
        [
            Conv2D(6, 1),
            Residual([Conv2D(6, 3, padding="same"), ReLU(), Conv2D(6, 3, padding="same")]),
            ReLU(),
            Residual([Conv2D(8, 3, 2, "same")], Conv2D(8, 1, 2)),
            *HEAD,
        ],
    ),
}


def made(name, loss, seed=0):
    """(int8 network, float32 network of what it stands for, samples, targets): biases are not 0."""
    shape, layers = NETWORKS[name]
    random, plain = np.random.default_rng(seed), Network([Input(shape), *layers], seed=seed + 1)
    parameters = {
        key: random.normal(0, 0.1, v.shape).astype(np.float32) if key.endswith("bias") else v
        for key, v in plain.parameters.items()
    }
    plain = plain.with_parameters(parameters)
    x = random.normal(size=(40, *shape)).astype(np.float32)
    y = random.integers(0, 4, 40) if loss == "softmax_cross_entropy" else random.uniform(-1, 1, (40, 4)).astype(np.float32)
    network = quantise_to_train(plain, x, loss=loss)
    scale, zero = network.quantization.outputs[0]
    x = ((np.clip(np.rint(x / scale) + zero, -128, 127) - zero) * scale).astype(np.float32)
    return network, plain.with_parameters(real(network, network.parameters)), x, y


def units(network):
    """{name: the real value of a step of each of its elements}."""
    found = {}
    for i in network.parametric:
        name, scales = network.names[i], network.quantization.weights[network.names[i]].astype(np.float64)
        axis = network.parametric_layer(i).parameter_axes["weights"].index("outputs")
        shape = network.parameters[f"{name}.weights"].shape
        found[f"{name}.weights"] = scales.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        found[f"{name}.bias"] = scales * network.quantization.outputs[network.sources[i][0]].scale
    return found


def real(network, parameters):
    return {name: (parameters[name] * unit).astype(np.float32) for name, unit in units(network).items()}


def int8_gradients(network, x, y, loss):
    """{name: what a step changes, over the rate}, float64; of weights with the 16 bits of their residuals."""
    found = {}
    for kind, (rate, how) in STEPS.items():
        program = compile(network, Full(), SGD(rate, "constant"), loss=loss, arithmetic=how)
        program.train(x, y)
        state = program.state()
        for name, unit in units(network).items():
            layer, _, own = name.partition(".")
            change = state[name].astype(np.float64) - network.parameters[name]
            if own == kind == "weights":
                change += (state[f"{layer}.residual"] * 256.0 + state[f"{layer}.residual2"].view(np.uint8)) / 2**16
            if own == kind:
                found[name] = -change * unit / rate
    return found


def gradients(network, x, y, loss):
    """The same of float32."""
    program = compile(network, Full(), SGD(1.0, "constant"), loss=loss)
    program.train(x, y)
    return {name: network.parameters[name] - v.astype(np.float64) for name, v in program.parameters().items()}


def cosine(a, b):
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_goes_where_the_gradient_points_and_as_far(name, loss):
    network, plain, x, y = made(name, loss)
    for n in range(3):
        one = x[n : n + 1], y[n : n + 1], loss
        wanted = gradients(plain, *one)
        for tensor, found in int8_gradients(network, *one).items():
            size, same = np.linalg.norm(found) / np.linalg.norm(wanted[tensor]), cosine(found, wanted[tensor])
            print(f"{name}, {loss}, {tensor}: cosine {same:.4f}, size {size:.3f}")
            assert same >= RECTIFIED.get(name, COSINE) and 1 / SIZE <= size <= SIZE, (n, tensor)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("name", ["dense", "conv, padding and stride", "depthwise", "blocks"])
def test_the_real_loss_falls_as_fast_as_a_step_says(name, loss):
    """Finite differences of the float32 network's loss along the change of each tensor."""
    network, plain, x, y = made(name, loss, seed=1)
    x, y = x[:1], y[:1]
    for tensor, gradient in int8_gradients(network, x, y, loss).items():
        length = np.linalg.norm(gradient)
        h = 1e-2 * gradient / length
        losses = []
        for moved in (h, -h):
            parameters = dict(plain.parameters) | {tensor: (plain.parameters[tensor] + moved).astype(np.float32)}
            losses.append(float(compile(plain.with_parameters(parameters), loss=loss).train(x, y).losses[0]))
        slope = (losses[0] - losses[1]) / 2e-2
        print(f"{name}, {loss}, {tensor}: {slope / length:.3f}")
        assert 1 / SIZE <= slope / length <= SIZE, tensor
