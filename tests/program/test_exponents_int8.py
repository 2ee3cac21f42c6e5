"""Running scales: exponents follow values that grow, and the trained network computes what the program does."""

import numba
import numpy as np
import pytest

from mcuref import SGD, Full, Int8, TinyProp, compile, quantise_to_train
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
    Tanh,
)
from mcuref.network import Network
from mcuref.program.saturation import exponents

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="minutes as plain Python; test_training_int8 compares whole steps there"
)

NETWORKS = {
    "dense": ((9,), [Dense(16), ReLU(), Dense(12), Tanh(), Dense(8), ReLU(), Dense(3)]),
    "image": (
        (6, 5, 2),
        [
            Conv2D(4, 3, padding="same"),
            ReLU(),
            MaxPool2D(2),
            DepthwiseConv2D(2, padding="same"),
            ReLU6(),
            GlobalAveragePool(),
            Dense(3),
        ],
    ),
    "blocks": (
        (6, 6, 2),
        [
            Conv2D(3, 1),
            Residual([Conv2D(3, 3, padding="same"), ReLU(), DepthwiseConv2D(3, padding="same")]),
            ReLU(),
            Residual([Conv2D(4, 3, 2, "same")], Conv2D(4, 1, 2)),
            AveragePool2D(2, 1),
            Flatten(),
            Dense(3),
        ],
    ),
}


def task(name, count=200):
    """(int8 network, samples, labels)."""
    shape, layers = NETWORKS[name]
    random = np.random.default_rng(2)
    x, y = random.normal(size=(count, *shape)).astype(np.float32), random.integers(0, 3, count)
    return quantise_to_train(Network([Input(shape), *layers], seed=3), x[:50], headroom=4), x, y


def with_exponents(program, network, seed):
    """The program with exponents drawn, those of the outputs not below 0."""
    random, state = np.random.default_rng(seed), program.state()
    values = random.integers(-2, 4, state["exponents"].size).astype(np.int8)
    values[0], values[-1] = 0, abs(values[-1])
    program.restore(state | {"exponents": values})
    return program


@pytest.mark.parametrize("name", NETWORKS)
def test_what_was_trained_computes_what_the_program_does(name):
    """Output by output, with exponents that training came to and with any others."""
    network, x, y = task(name)
    program = compile(network, Full(), SGD(0.1, "constant"))
    program.train(x, y)
    assert (program.outputs(x) == compile(program.trained(), trainable=0).outputs(x)).all()
    for seed in range(3):
        drawn = with_exponents(program, network, seed)
        trained = drawn.trained()
        assert (drawn.outputs(x) == compile(trained, trainable=0).outputs(x)).all()
        scales = {n: s.scale for n, s in zip(network.names, network.quantization.outputs)}
        for n, scale in zip(trained.names, trained.quantization.outputs):
            assert scale.scale == scales[n] * 2.0 ** exponents(drawn).get(n, exponent_of_source(drawn, trained, n))


def exponent_of_source(program, network, name):
    """Of a layer that passes values on, the exponent of what feeds it; 0 where there is none."""
    i, found = network.names.index(name), exponents(program)
    while i and (network.layers[i].kind in ("flatten", "maxpool", "avgpool") or i in network.quantization.fused):
        i = network.sources[i][0]
    return found.get(network.names[i], 0)


@pytest.mark.parametrize("name", NETWORKS)
def test_with_all_exponents_0_it_is_the_inference_program(name):
    """A program that trains, before it has: running scales or static ones."""
    network, x, _ = task(name)
    wanted = compile(network, trainable=0).outputs(x)
    for how in (Int8(), Int8(scales="static")):
        assert (compile(network, TinyProp(), arithmetic=how).outputs(x) == wanted).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_what_moves_an_exponent(name):
    """More than one of 500 values at an end; none beyond 100/255 of the range on either side, but for the outputs."""
    network, _, _ = task(name)
    program = compile(network)
    rows = [i for i in program.instructions if i.phase == "adapt"]
    assert [row.layer for row in rows] == list(exponents(program))
    for row in rows:
        zero = network.quantization.outputs[row.layer_index].zero
        assert row["most"] == int(np.prod(network.shapes[row.layer_index])) * 64 // 500
        reach = (zero + 128) * 100 // 255, (127 - zero) * 100 // 255
        assert (row["below"], row["above"]) == ((-1, -1) if row is rows[-1] else reach)


def test_exponents_grow_with_values_and_fall_with_them():
    """Of a layer whose biases become large, and 0 again."""
    network, x, y = task("dense", 1_200)
    program = compile(network, Full(), SGD(1e-9, "constant"))
    program.train(x[:64], y[:64])
    before = exponents(program)["dense1"]
    loud = dict(program.state())
    loud["dense1.bias"] = np.full_like(loud["dense1.bias"], 1 << 22)
    program.restore(loud)
    program.train(x[:640], y[:640])
    grown = exponents(program)["dense1"]
    assert grown >= before + 3
    values = program.step(x[:64], y[:64], None, 0, None).layer_outputs(1)
    assert np.mean(values == 127) <= 1 / 500  # nothing is cut off any more
    quiet = dict(program.state())
    quiet["dense1.bias"] = np.zeros_like(quiet["dense1.bias"])
    program.restore(quiet)
    program.train(x[:1_200], y[:1_200])
    assert exponents(program)["dense1"] < grown
