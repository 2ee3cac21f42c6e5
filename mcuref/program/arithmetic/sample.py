"""float32 whose first layer reads the sample where it lies: there is no load, and no buffer that holds the sample.

The first layer takes None for its input. What it emits becomes the operator that reads samples of the network's type, with
mean and scale where they are not 0 and 1; everything else is float32's, and all results have the bits of float32's.
"""

from collections.abc import Mapping
from typing import Any

from mcuref.errors import InputError
from mcuref.network import Network
from mcuref.operators.operator import Operator
from mcuref.operators.sample import FAMILIES, LAYERS, READING
from mcuref.program.arithmetic.float32 import Float32

PASSED = ("flatten", "reshape")  # layers that hand on what they take


class InPlace(Float32):
    """The arithmetic of such programs: see :class:`mcuref.program.arithmetic.Arithmetic`."""

    in_place = True
    executor = "mcuref.program.executor_sample"
    _reading = {operator.family: operator for operator in READING}

    def instruction(self, emit: Any, family: str, values: Mapping[str, Any]) -> tuple[Operator, Mapping[str, Any]]:
        """That of float32; of the sample, which is None, one that reads it."""
        if family not in FAMILIES or values["x"] is not None:
            return super().instruction(emit, family, values)
        if family == "depthwise_forward":
            super().instruction(emit, family, values)  # which refuses what float32 has not
        layer = emit.network.input
        values = {name: value for name, value in values.items() if name != "x"}
        if layer.is_plain:
            return self._reading[f"{family}_of_values"], values
        if family.startswith("conv"):
            patch = emit.buffer("patch", (values["KH"] * values["KW"] * values["C"],), "scratch")
            values["patch"] = values.get("patch") or patch
        values |= {"mean": layer.mean, "scale": layer.scale, "c": layer.mean.size}
        return self._reading[f"{family}_of_{layer.dtype}"], values


IN_PLACE = InPlace()


def check_in_place(network: Network, loss: str, wrt: str) -> None:
    """InputError, with what would be right, unless the first layer of a program can read the sample where it lies."""
    if wrt == "input":
        raise InputError("input 'in-place' is of programs that train weights; one with wrt='input' takes input 'copy'")
    if loss == "reconstruction":
        raise InputError(
            "input 'in-place' leaves no sample for loss 'reconstruction' to compare with; it takes input 'copy'"
        )
    index, readers = 0, _readers(network, 0)
    while len(readers) == 1 and network.layers[readers[0]].kind in PASSED:
        index, readers = readers[0], _readers(network, readers[0])
    if len(readers) > 1:
        names = ", ".join(network.names[i] for i in readers)
        raise InputError(f"the sample of network {network.name!r} is read by {names}; read by several it takes input 'copy'")
    kinds = [network.layers[i].kind for i in readers]
    if not set(kinds) & set(LAYERS):
        first = network.names[readers[0]] if readers else network.names[index]
        raise InputError(
            f"the first layer of network {network.name!r} is {first!r}; with input 'in-place' it must be {', '.join(LAYERS)}"
        )


def _readers(network, index):
    """Indices of the layers that take the output of one."""
    return [i for i, sources in enumerate(network.sources) if index in sources]
