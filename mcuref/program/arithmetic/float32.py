"""float32: values, errors, weights and sums are float32; a parameter is one tensor."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mcuref.errors import InputError
from mcuref.operators import float32, registered
from mcuref.operators.operator import Operator
from mcuref.program.arithmetic.draws import CHANNELS, RANDOM, drawing

SEARCHING = ("select_top_k", "select_adaptive")
BINS = 64  # of magnitudes, in which these count entries


class Float32:
    """The arithmetic of float32 programs: see :class:`mcuref.program.arithmetic.Arithmetic`."""

    name = rate = loss = target = "float32"
    masks = True
    in_place = False
    executor = "mcuref.program.executor"
    _operators = {operator.family: operator for operator in float32.OPERATORS}
    _operators["mean_forward"] = _operators["average_pool_forward"]  # of a window that is the whole image

    def of_layer(self, network: Any, index: int) -> Any:
        """Itself."""
        return self

    def taken(self, emit: Any, source: int, out: Any) -> Any:
        """The output itself."""
        return out

    def type(self, category: str) -> str:
        """float32, whatever it is."""
        return "float32"

    def tensors(
        self, kind: str, shape: tuple[int, ...], axes: tuple[str, ...]
    ) -> Mapping[str, tuple[str, tuple[int, ...], tuple[str, ...]]]:
        """The parameter itself."""
        return {kind: ("float32", shape, axes)}

    def instruction(self, emit: Any, family: str, values: Mapping[str, Any]) -> tuple[Operator, Mapping[str, Any]]:
        """The operator of a family, and what was emitted; InputError if there is none, or none for such values."""
        operator = self._operators.get(family) or registered(family)
        if operator is None:
            raise InputError(f"there is no operator {family!r} for {self.name}")
        if family == "depthwise_forward" and values["O"] != values["C"]:
            multiplier = values["O"] // values["C"]
            raise InputError(f"layer {emit.name!r} has a multiplier of {multiplier}; in {self.name} it must be 1")
        if family in SEARCHING:
            values = {**values, "tally": emit.buffer("tally", (BINS,), "scratch", "int32")}
        if family in (RANDOM, CHANNELS):
            values = {**values, **drawing(emit)}
        if family == "softmax_forward":
            if values["beta"] != 1:
                raise InputError(f"beta {values['beta']:g} of layer {emit.name!r} is not 1; in {self.name} it must be")
            values = {name: value for name, value in values.items() if name != "beta"}
        return operator, values

    def computed(self, emit: Any, out: Any) -> None:
        """Nothing."""

    def waiting(self, emit: Any, error: Any) -> Any:
        """The error itself."""
        return error

    def finish(self, emit: Any) -> None:
        """Nothing."""

    def rates(self, rates: np.ndarray, first: float) -> np.ndarray:
        """The rates themselves."""
        return rates

    def losses(self, network: Any, loss: str, values: np.ndarray) -> np.ndarray:
        """The losses themselves."""
        return values

    def trained(self, network: Any, trainable: tuple[int, ...], loss: str, tensors: Mapping[str, np.ndarray]) -> Any:
        """The network with its parameters."""
        return network.with_parameters({name: tensors[name] for name in network.parameters})

    def start(self, parameters: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The parameters themselves; InputError if one is not float32."""
        for name, values in parameters.items():
            if values.dtype != np.float32:
                raise InputError(f"parameter {name!r} is {values.dtype}; a float32 program takes float32 alone")
        return parameters


FLOAT32 = Float32()
