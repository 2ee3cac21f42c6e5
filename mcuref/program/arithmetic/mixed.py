"""mixed: the first layers of a network are int8 and stay as they are, those behind them are float32 and may be trained.

Each layer computes in its own arithmetic. Where a float32 layer takes what an int8 layer gives, an instruction between the
two makes it float32, once for all that take it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mcuref.operators import mixed
from mcuref.operators.operator import Operator
from mcuref.program.arithmetic.float32 import FLOAT32, Float32
from mcuref.program.arithmetic.int8 import Int8

BODY = Int8(scales="static")
DEQUANTISE = mixed.DEQUANTISE.family


class Mixed(Float32):
    """The arithmetic of mixed programs: see :class:`mcuref.program.arithmetic.Arithmetic`.

    What the host hands over, errors and all that training changes are float32's.
    """

    name = "mixed"
    executor = "mcuref.program.executor_mixed"

    def of_layer(self, network: Any, index: int) -> Any:
        """int8 of the body, float32 of the head."""
        return BODY if index < network.body else self

    def taken(self, emit: Any, source: int, out: Any) -> Any:
        """Of an int8 output, as a layer of the head takes it, the float32 values that it stands for."""
        if out.dtype != "int8" or emit.index < emit.network.body:
            return out
        if ("real", out) not in emit.notes:
            scale, zero = emit.network.quantization.outputs[source]
            real = emit.buffer(f"of_{emit.network.names[source]}", out.shape, "activations", "float32")
            emit(DEQUANTISE, y=real, x=out, n=out.shape[0], scale=np.float32(scale), zero=zero)
            emit.notes["real", out] = real
        return emit.notes["real", out]

    def instruction(self, emit: Any, family: str, values: Mapping[str, Any]) -> tuple[Operator, Mapping[str, Any]]:
        """That of float32, or what makes an int8 output float32."""
        if family == "reconstruction":
            values = {**values, "target": self.taken(emit, 0, values["target"])}
        return (mixed.DEQUANTISE, values) if family == DEQUANTISE else FLOAT32.instruction(emit, family, values)

    def start(self, parameters: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The parameters themselves."""
        return parameters


MIXED = Mixed()
