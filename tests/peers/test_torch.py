"""Against PyTorch: full training of the same network on the same samples gives the same weights, up to rounding."""

import itertools

import numpy as np
import pytest

import mcuref
from mcuref import SGD, Dense, Full, Input, Network, ReLU
from mcuref.layers import (
    ACTIVATIONS,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    ReLU6,
    Reshape,
    Residual,
)
from mcuref.operators.columns import KEPT

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[peers]'")

F = torch.nn.functional
STEPS = 300
U = 2.0**-24


def tensors(network):
    """The start parameters, float64: {"dense1.weights": ...}."""
    torch.set_num_threads(1)
    return {name: torch.tensor(v.astype(np.float64), requires_grad=True) for name, v in network.parameters.items()}


def windows(layer, shape):
    """(padding as PyTorch's pad() takes it, kernel, strides), the padding by TensorFlow's rule."""
    kernel = shape[:2] if layer.kind == "globalavgpool" else layer.kernel
    stride = kernel if getattr(layer, "stride", None) is None else layer.stride
    kernel, stride = (tuple(v) if isinstance(v, tuple) else (v, v) for v in (kernel, stride))
    pads = []
    for extent, k, s in reversed(list(zip(shape, kernel, stride))):
        missing = max((-(-extent // s) - 1) * s + k - extent, 0) if getattr(layer, "padding", "") == "same" else 0
        pads += [missing // 2, missing - missing // 2]
    return pads, kernel, stride


def torch_forward(network, parameters, x):
    """Outputs z of the network for one sample, in PyTorch's operators."""
    values = [x]
    for i in range(1, len(network.layers)):
        layer, name = network.layers[i], network.names[i]
        inputs = [values[j] for j in network.sources[i]]
        x, w, b = inputs[0], parameters.get(f"{name}.weights"), parameters.get(f"{name}.bias")
        if layer.kind == "dense":
            out = F.linear(x, w, b)
        elif layer.kind in ("flatten", "reshape"):
            out = x.reshape(network.shapes[i])
        elif isinstance(layer, ACTIVATIONS):
            out = getattr(torch.nn, type(layer).__name__)()(x)
        elif layer.kind == "add":
            out = inputs[0] + inputs[1]
        else:
            pads, kernel, stride = windows(layer, network.input_shape(i))
            image = x.permute(2, 0, 1)[None]
            if layer.kind == "conv":
                out = F.conv2d(F.pad(image, pads), w.permute(0, 3, 1, 2), b, stride)
            elif layer.kind == "depthwise":
                out = F.conv2d(F.pad(image, pads), w.permute(2, 0, 1)[:, None], b, stride, groups=image.shape[1])
            elif layer.kind == "maxpool":
                out = F.max_pool2d(F.pad(image, pads, value=-torch.inf), kernel, stride)
            else:
                total, number = (
                    F.avg_pool2d(F.pad(v, pads), kernel, stride, divisor_override=1) for v in (image, torch.ones_like(image))
                )
                out = total / number
            out = out[0].permute(1, 2, 0).reshape(network.shapes[i])
        values.append(out)
    return values[-1]


def torch_weights(network, x, y, optimiser):
    """Parameters after dense SGD by PyTorch's optimiser, float64; a batch's loss is the mean over it."""
    parameters = tensors(network)
    # ours sums gradients and divides the rate by the batch: with a constant rate that is the mean
    sgd = torch.optim.SGD(parameters.values(), lr=optimiser.learning_rate, momentum=optimiser.momentum)
    samples = torch.tensor(np.asarray(x, np.float64))
    for step, (sample, label) in enumerate(zip(samples, torch.tensor(y))):
        loss = F.cross_entropy(torch_forward(network, parameters, sample)[None], label[None]) / optimiser.batch
        loss.backward()
        if (step + 1) % optimiser.batch == 0:
            sgd.step()
            sgd.zero_grad()
    return {name: parameter.detach().numpy() for name, parameter in parameters.items()}


def assert_trained_alike(network, optimiser, steps, seed=0):
    """A few steps by both; every parameter moves, and the two differ by a thousandth of how far."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((steps, *network.input.shape)).astype(np.float32)
    y = random.integers(0, network.outputs, steps)
    program = mcuref.compile(network, Full(), optimiser)
    program.train(x, y)
    expected = torch_weights(network, x, y, optimiser)
    for name, value in program.parameters().items():
        moved = np.abs(expected[name] - network.parameters[name]).max()
        # rounding of weights about 1 in each step, and of the sums over a few dozen products that a gradient is
        allowed = 2e-4 * moved + steps * 4 * U
        assert moved > 20 * allowed, f"{name} hardly moves: nothing is proved"
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=allowed, err_msg=name)
    return program


def test_full_training_equals_pytorch_to_rounding():
    data = mcuref.load_data("digits")
    network = mcuref.build("mlp-64-33-17-10", data, seed=3)
    program = mcuref.compile(network, mcuref.Full(), mcuref.SGD(0.02, "constant"))
    program.train(data.x_train[:STEPS], data.y_train[:STEPS])
    x = data.x_train[:STEPS].reshape(STEPS, -1) / 16.0
    flat = Network([Input((64,)), *network.layers[2:]], seed=3).with_parameters(network.parameters)
    expected = torch_weights(flat, x, data.y_train[:STEPS].astype(np.int64), SGD(float(np.float32(0.02)), "constant"))
    for name, value in program.parameters().items():
        # each of 300 updates rounds a weight below 1 by at most 2^-25: 9e-6 if all rounded alike (measured: 5e-7);
        # one forgotten step would be about 1e-2
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=STEPS * 2.0**-25, err_msg=name)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel, stride", [*itertools.product([1, 2, 3], [1, 2, 3]), ((1, 3), (3, 1)), ((3, 2), (2, 3))])
def test_a_convolution_of_any_stride_and_padding(kernel, stride, padding):
    """The authors' code has a wrong weight gradient, or none, for most of these."""
    for height, width in ((7, 8), (9, 7), (10, 15)):
        layers = [Input((height, width, 3)), Conv2D(5, kernel, stride, padding), ReLU(), GlobalAveragePool(), Dense(4)]
        assert_trained_alike(Network(layers, seed=2), SGD(0.05, "constant"), 3)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3, (1, 2)])
@pytest.mark.parametrize("layer", [DepthwiseConv2D, MaxPool2D, AveragePool2D], ids=lambda layer: layer.kind)
def test_depthwise_and_pools_of_any_stride_and_padding(layer, stride, padding):
    """Between two convolutions, so that an error comes from above and goes on below."""
    for kernel in (1, 2, (3, 2)):
        if layer.kind != "depthwise" and np.prod(kernel) == 1 and stride == 1:
            continue
        network = Network(
            [Input((8, 9, 2)), Conv2D(6, 2), layer(kernel, stride, padding), ReLU(), Conv2D(5, 1), Flatten(), Dense(4)],
            seed=1,
        )
        assert_trained_alike(network, SGD(0.05, "constant"), 3, seed=3)


EVERYTHING = [
    Input((9, 7, 3)), Conv2D(8, 3, 1, "same"), ReLU(),
    Residual([Conv2D(8, 3, 1, "same"), ReLU6(), Conv2D(8, (1, 3), 1, "same")]),
    ReLU(), Residual([Residual([DepthwiseConv2D(3, 1, "same")]), Conv2D(12, 3, 2, "same"), ReLU()], Conv2D(12, 1, 2)),
    MaxPool2D(2, 1, "same"), AveragePool2D((2, 1)), Conv2D(6, 1), ReLU6(), GlobalAveragePool(), Dense(4),
]  # fmt: skip


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "layers",
    [
        EVERYTHING,
        [
            Input((16, 4)),
            Reshape((1, 16, 4)),
            Conv2D(8, (1, 5), (1, 2), "same"),
            ReLU(),
            DepthwiseConv2D((1, 3)),
            ReLU6(),
            MaxPool2D((1, 2)),
            Flatten(),
            Dense(7),
            ReLU(),
            Dense(4),
        ],
    ],
    ids=["everything", "signal"],
)
def test_momentum_and_batch(layers, batch, momentum):
    """Where every row is touched in every batch PyTorch's definition and ours agree; elsewhere ours does not decay.

    So no channel may be at a limit of its ReLU in all its places: small weights, none negative, and large biases.
    """
    network = Network(layers, seed=4)
    if not momentum:
        assert_trained_alike(network, SGD(0.05, "constant", momentum, batch), 6)
        return
    start = {n: np.full(v.shape, 0.75) if n.endswith("bias") else abs(v) / 8 for n, v in network.parameters.items()}
    program = assert_trained_alike(network.with_parameters(start), SGD(0.01 * batch, "constant", momentum, batch), 6)
    for instruction, counts in zip(program.instructions, program.counts):
        if instruction.phase == "apply":
            assert counts[KEPT] == 6 // batch * instruction["R"], f"a row of {instruction.layer} has no error"


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda layer: layer.kind)
def test_every_activation(activation):
    """Its output kept for a weight gradient, and in front of a pool."""
    layers = [Input((7, 6, 3)), Conv2D(6, 3), activation(), Conv2D(5, 2), activation(), AveragePool2D(2), Flatten()]
    assert_trained_alike(Network([*layers, Dense(7), activation(), Dense(4)], seed=2), SGD(0.05, "constant"), 5)


def test_input_gradient():
    network = Network(EVERYTHING, seed=4)
    random = np.random.default_rng(1)
    x, y = random.standard_normal((3, 9, 7, 3)).astype(np.float32), np.array([0, 1, 3])
    gradient = mcuref.compile(network, wrt="input").input_gradient(x, y)
    parameters = tensors(network)
    samples = torch.tensor(x.astype(np.float64), requires_grad=True)
    for sample, label in zip(samples, torch.tensor(y)):
        F.cross_entropy(torch_forward(network, parameters, sample)[None], label[None]).backward(retain_graph=True)
    expected = samples.grad.numpy()
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
