"""SRAM and flash of a float32 head above an int8 body, beside those of float32 alone."""

import numpy as np
import pytest

from mcuref import TinyPropV2, build, compile
from mcuref.memory.buffers import aligned
from mcuref.quantization.mixed import nominal_body

# (SRAM, flash) of training the last layer by TinyPropv2. Of ds-cnn two activations of 25 x 5 x 64 int8 values lie in SRAM
# at the peak, beside the head's 780 parameters and its state: 2 * 8,000 + 4 * 780 + 4; float32 takes the same four times
EXACT = {"cnn-8": (3_244, 5_320), "ds-cnn": (19_124, 31_728)}


@pytest.mark.parametrize("name", EXACT)
def test_bytes_of_two_networks(name):
    network = build(name)
    mixed, float32 = (compile(n, TinyPropV2(), trainable=1).plan for n in (nominal_body(network, 1), network))
    print(f"{name}: {mixed.sram:,} B of SRAM, {mixed.sram / float32.sram:.1%} of float32's; {mixed.flash:,} B of flash")
    assert (mixed.sram, mixed.flash) == EXACT[name]
    assert mixed.sram == mixed.lower_bound("sram") and mixed.sram < 0.65 * float32.sram


def test_the_body_lies_in_flash_alone_and_the_head_in_both():
    mixed = nominal_body(build("ds-cnn"), 1)
    plan = compile(mixed, TinyPropV2()).plan
    weights = {"sram": {}, "flash": {}}
    for placement in plan.placements:
        if placement.buffer.category == "weights":
            weights[placement.buffer.region][placement.buffer.name.removesuffix(".image")] = placement.buffer
    assert set(weights["sram"]) == {"dense1.weights", "dense1.bias"} and set(weights["flash"]) == set(mixed.parameters)
    for name, values in mixed.parameters.items():
        assert weights["flash"][name].dtype == values.dtype and aligned(values.nbytes) == aligned(
            weights["flash"][name].size
        )
    assert plan.categories()["weights"]["sram"] == sum(
        values.nbytes for values in mixed.parameters.values() if values.dtype == np.float32
    )


def test_more_layers_in_float32_take_more():
    network = build("ds-cnn")
    need = [compile(nominal_body(network, n), TinyPropV2()).plan for n in (1, 2, 3, 5, 8)]
    assert sorted(plan.sram for plan in need) == [plan.sram for plan in need]
    assert need[-1].sram < compile(network, TinyPropV2()).plan.sram
