"""float32: values, errors, weights and sums are float32; a parameter is one tensor."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mcuref.errors import InputError
from mcuref.operators import float32, registered
from mcuref.operators.operator import Operator


class Float32:
    """The arithmetic of float32 programs: see :class:`mcuref.program.arithmetic.Arithmetic`."""

    name = rate = loss = target = "float32"
    _operators = {operator.family: operator for operator in float32.OPERATORS}

    def operator(self, family: str) -> Operator:
        """The operator of a family; InputError if there is none."""
        operator = self._operators.get(family) or registered(family)
        if operator is None:
            raise InputError(f"there is no operator {family!r} for {self.name}")
        return operator

    def type(self, category: str) -> str:
        """float32, whatever it is."""
        return self.name

    def tensors(
        self, kind: str, shape: tuple[int, ...], axes: tuple[str, ...]
    ) -> Mapping[str, tuple[str, tuple[int, ...], tuple[str, ...]]]:
        """The parameter itself."""
        return {kind: (self.name, shape, axes)}

    def complete(self, emit: Any, operator: Operator, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was emitted is all there is; InputError for a softmax whose beta is not 1."""
        if operator.family != "softmax_forward":
            return values
        if values["beta"] != 1:
            raise InputError(f"beta {values['beta']:g} of layer {emit.name!r} is not 1; in {self.name} it must be")
        return {name: value for name, value in values.items() if name != "beta"}

    def start(self, parameters: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The parameters themselves; InputError if one is not float32."""
        for name, values in parameters.items():
            if values.dtype != np.float32:
                raise InputError(f"parameter {name!r} is {values.dtype}; a float32 program takes float32 alone")
        return parameters


FLOAT32 = Float32()
