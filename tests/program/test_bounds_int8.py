"""What int8 training refuses to compile because it would overflow, and that at the bounds of sums nothing does."""

import numpy as np
import pytest

from mcuref import SGD, Full, InputError, Int8, TopK, compile
from mcuref.layers import Conv2D, Dense, DepthwiseConv2D, GlobalAveragePool, Input
from mcuref.network import Network
from mcuref.quantization.scales import Quantization, Scale


def int8(layers, scales=None, weights=None, seed=0):
    """An int8 network of such layers, with these scales of outputs and of weights; weights are anything, biases 0."""
    plain, random = Network([*layers], seed=seed), np.random.default_rng(seed)
    parameters, own = {}, {}
    for i in plain.parametric:
        for kind, shape in plain.parameter_shapes(i).items():
            values = random.integers(-100, 101, shape) if kind == "weights" else np.zeros(shape)
            parameters[f"{plain.names[i]}.{kind}"] = values.astype(np.int8 if kind == "weights" else np.int32)
        own[plain.names[i]] = np.full(shape[-1], 0.01 if weights is None else weights, np.float32)
    outputs = tuple(scales or [Scale(0.05, 0)] * len(plain.layers))
    fused = frozenset(i for i, layer in enumerate(plain.layers) if layer.kind == "relu" and outputs[i] == outputs[i - 1])
    return Network(plain.written, parameters=parameters, quantization=Quantization(outputs, own, fused))


@pytest.mark.parametrize("kind", [Conv2D, DepthwiseConv2D])
@pytest.mark.parametrize("width, refused", [(66_311, False), (66_312, True)])
def test_positions_of_a_convolution(kind, width, refused):
    """127 255 of each position; one position more would be beyond 2^31."""
    assert 127 * 255 * 66_311 < 2**31 <= 127 * 255 * 66_312
    layer = Conv2D(1, 1) if kind is Conv2D else DepthwiseConv2D(1)
    network = int8([Input((1, width, 1)), layer, GlobalAveragePool(), Dense(2)])
    if refused:
        with pytest.raises(
            InputError, match="^layer '(conv|depthwise)1' has 66312 positions; int8 sums of gradients hold up to 66311$"
        ):
            compile(network)
        compile(network, trainable=1)  # where it is not trained, there are no such sums
    else:
        compile(network)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_outputs_of_a_loss(loss):
    compile(int8([Input((1,)), Dense(65_536)]), loss=loss)
    with pytest.raises(InputError, match="^layer 'dense1' has 65537 outputs; int8 losses take up to 65536$"):
        compile(int8([Input((1,)), Dense(65_537)]), loss=loss)


@pytest.mark.parametrize("weights, rate", [(1e-37, 1e3), (1e37, 1e-30)])
def test_factors_out_of_range(weights, rate):
    scale = Scale(2.0**-100, 0) if weights > 1 else Scale(1.0, 0)
    network = int8([Input((3,)), Dense(2)], [scale, Scale(1.0, 0) if weights > 1 else Scale(1e-37, 0)], weights)
    with pytest.raises(InputError, match="^layer 'dense1' would be updated by factors of 2.*; int8 holds 2"):
        compile(network, Full(), SGD(rate))


def test_a_bias_of_every_output_is_refused():
    with pytest.raises(InputError, match="^layer 'dense1': bias 'dense' needs the whole error;"):
        compile(int8([Input((3,)), Dense(2)]), TopK(0.5, bias="dense"))


@pytest.mark.parametrize("outputs, halvings", [(1_040, 0), (1_041, 1), (2_080, 1), (2_081, 2), (5_000, 3)])
def test_sums_at_their_bounds_do_not_overflow(outputs, halvings):
    """Errors and weights of a dense layer at their ends, all of one sign: what reaches the layer before has that sign.

    Targets make every error 127 or -127; all weights are 127, so that every input's sum is the largest there is.
    """
    scales = [Scale(1.0, 0), Scale(1.0, 0), Scale(300.0, 0)]
    network = int8([Input((1,)), Dense(3), Dense(outputs)], scales, 1.0)
    parameters = {
        n: np.full_like(v, 127 if n == "dense2.weights" else 1 if n == "dense1.weights" else 0)
        for n, v in network.parameters.items()
    }
    network = network.replaced(parameters=parameters)
    for sign in (1, -1):
        program = compile(
            network, Full(), SGD(2.0**-40, "constant"), loss="mean_squared_error", arithmetic=Int8("residual16", "static")
        )
        (row,) = [i for i in program.instructions if i.name == "dense_backward_input_s8"]
        assert row["halvings"] == halvings
        x = np.ones((1, 1), np.float32)
        target = 300 * (program.outputs(x) + np.float32(sign * 127))
        step = program.step(x, target, None, 0, None)
        step.run(0, program.instructions.index(row) + 1)
        v = (-sign * 127 * 128 + (1 << halvings >> 1)) >> halvings
        assert program.arena.view(row["delta"]).tolist() == [-sign * 127] * outputs
        assert program.arena.view(row["dx"]).tolist() == [v * 127 * outputs] * 3 and abs(v * 127 * outputs) < 2**31


def test_weights_beyond_what_is_trained():
    """A step of 0 leaves a weight alone, and one within the limits never leaves them."""
    network = int8([Input((3,)), Dense(4), Dense(2)])
    values = network.parameters["dense1.weights"].copy()
    values.flat[5] = -128
    network = network.with_parameters({**network.parameters, "dense1.weights": values})
    with pytest.raises(InputError, match="^layer 'dense1' has weights of -128; those that are trained are -127 to 127"):
        compile(network)
    compile(network, trainable=1)  # where it is not trained, it is a weight like others
