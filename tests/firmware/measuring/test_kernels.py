"""Int8 layers on cores with DSP and vector instructions: their bits, and how many instructions beside CMSIS-NN's."""

import pytest

from mcuref.firmware.conformance import check
from mcuref.firmware.measuring import kernels

MOST = {"m4f": 1.1, "m55": 1.3}  # times CMSIS-NN's


@pytest.mark.parametrize("name", ["m55", pytest.param("m4f", marks=pytest.mark.slow)])
def test_layers_have_the_bits_of_python(need, name):
    assert check(need(name), [material for _, material in kernels.programs()]) == [None, None]


@pytest.mark.parametrize("name", MOST)
def test_forward_takes_hardly_more_than_cmsis_nn(need, name):
    costs = list(kernels.costs(need(name)))
    compared = {cost.layer: cost for cost in costs if cost.cmsis_nn}
    assert compared.keys() == kernels.LAYERS.keys() and len(costs) == 3 * len(compared)
    for cost in compared.values():
        assert 0.5 < cost.instructions / cost.cmsis_nn <= MOST[name], cost


def test_a_table_is_printed(need, capsys):
    need("m4f")
    assert kernels.main(["--core", "m4f"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "Cortex-M4F" and len(rows) == 8
    assert rows[2].split()[:5] == ["dense", "784", "to", "128", "forward"] and " 194,648 " in rows[2]


def test_a_core_that_is_not_emulated_is_refused(capsys):
    assert kernels.main(["--core", "host"]) == 2
    assert "instructions are counted on emulated boards" in capsys.readouterr().err
