"""SRAM of inference in int8 beside that of float32: a quarter, and nothing that makes it more."""

import pytest

from mcuref import build, compile
from mcuref.calibration import nominal
from mcuref.models import ZOO

# (SRAM of inference, flash) in int8. In SRAM, at the peak: three times 32 x 32 x 16 values and the patch of a convolution, 3 x
# 3 x 16; and twice 25 x 5 x 64
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
