"""SRAM in int8 beside that of float32: of inference a quarter, of training half, and nothing that makes it more."""

import numpy as np
import pytest

from mcuref import Full, TinyPropV2, build, compile, quantise_to_train
from mcuref.models import ZOO, find_model
from mcuref.quantization.nominal import nominal

# (SRAM of inference, flash) in int8. In SRAM, at the peak: three times 32 x 32 x 16 values and the patch of a convolution,
# 3 x 3 x 16; and twice 25 x 5 x 64
EXACT = {"resnet-8": (3 * 16_384 + 144, 82_396), "ds-cnn": (2 * 8_000, 28_844)}


def inference(name):
    """Plans of float32 and int8."""
    network = build(name)
    return compile(network, trainable=0).plan, compile(nominal(network), trainable=0).plan


@pytest.mark.parametrize("name", ZOO)
def test_a_quarter_of_float32(name):
    float32, int8 = inference(name)
    print(f"{name}: {int8.sram:,} B, {int8.sram / float32.sram:.1%} of float32's {float32.sram:,}")
    assert int8.sram <= 0.27 * float32.sram
    assert int8.flash < 0.5 * float32.flash
    assert int8.lower_bound("sram") <= int8.sram <= 1.01 * int8.lower_bound("sram")


@pytest.mark.parametrize("name", EXACT)
def test_bytes_of_two_networks(name):
    _, int8 = inference(name)
    assert (int8.sram, int8.flash) == EXACT[name]


@pytest.mark.parametrize("name", ["mlp-784-32-10", "cnn-8", "cnn-har", "autoencoder"])
def test_what_is_planned_without_data_is_what_is_trained(name):
    """Training from start weights, whatever the samples; its way back has as many MACs as that of float32."""
    network, loss = build(name), find_model(name).loss
    x = np.random.default_rng(0).normal(size=(4, *network.input.shape)).astype(np.float32)
    made = quantise_to_train(network, x, loss=loss)
    planned, trained, float32 = (compile(n, TinyPropV2(), loss=loss) for n in (nominal(network), made, network))
    assert (planned.plan.sram, planned.plan.flash) == (trained.plan.sram, trained.plan.flash)
    most = [[row["macs_backward"] for row in program.report()["layers"]] for program in (planned, float32)]
    assert most[0] == most[1] and sum(most[0]) > 0


# of a training step, all layers; networks of a few kB take more, for the state of exponents
MLPS = ("mlp-784-32-10", "mlp-784-128-64-10", "mlp-har", "autoencoder")
CNNS = ("cnn-28", "cnn-32", "cnn-har", "convnet-32", "ds-cnn", "mobilenet-v1-0.25", "resnet-8")


@pytest.mark.parametrize("name, most", [*((name, 0.51) for name in MLPS), *((name, 0.50) for name in CNNS)])
def test_half_of_float32_to_train(name, most):
    network, loss = build(name), find_model(name).loss
    for rule in (Full(), TinyPropV2()):
        float32, int8 = (compile(n, rule, loss=loss).plan for n in (network, nominal(network)))
        print(f"{name}, {rule.method}: {int8.sram:,} B, {int8.sram / float32.sram:.1%} of float32's {float32.sram:,}")
        assert int8.sram <= most * float32.sram
