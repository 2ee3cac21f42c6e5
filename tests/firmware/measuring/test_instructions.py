"""Fitted formulas are near to what is measured."""

import pytest

import mcuref
from mcuref.cost.instructions import measured
from mcuref.datasets import load
from mcuref.export.material import Material
from mcuref.firmware.measuring import calibration_int8
from mcuref.firmware.measuring.calibration import zoo_material
from mcuref.firmware.measuring.instructions_check import METHODS, errors
from mcuref.firmware.toolchain import version
from mcuref.models import build


@pytest.mark.parametrize("name", ["m4f", *(pytest.param(n, marks=pytest.mark.slow) for n in ("m0", "rv32imac"))])
def test_formulas_are_near_measurements(need, name):
    core, data = need(name), load("digits")
    if version(core) != measured(name)["compiler"]:
        pytest.skip(f"the formulas are for {measured(name)['compiler']}, but here is {version(core)}")
    materials = [zoo_material(model, method, 4) for model in ("mlp-64-32-10", "cnn-8") for method in METHODS]
    materials += [Material(mcuref.compile(build("mlp-64-24-17-10", data)), data.x_train[:4], data.y_train[:4], 4)]
    materials += [
        calibration_int8.zoo_material(model, method, 4) for model in ("mlp-64-32-10", "cnn-8") for method in METHODS
    ]
    materials.append(zoo_material("mlp-64-32-10", "tinypropr", 12))
    for network, dtype, method, what, counted, formula, _ in errors(name, materials):
        assert formula == pytest.approx(counted, rel=0.05), (network, dtype, method, what)
