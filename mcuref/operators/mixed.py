"""The operator between the int8 body of a network and its float32 head, and those that a program of both may have."""

from mcuref.operators import float32, int8
from mcuref.operators.operator import declare

DEQUANTISE = declare(
    "dequantise_s8_f32", 300, "forward", "y[n]", "i8 x[n]", "n", "scale i32:zero", family="dequantise",
    module="mixed/dequantise", arguments="scale zero", sizes="n", features="int8 elements",
    note="y = (x - zero) scale, where a float32 layer takes what an int8 layer gives",
)  # fmt: skip

BODY = tuple(operator for operator in int8.FORWARD if operator.family not in ("softmax_forward", "measure", "adapt"))
HEAD = tuple(operator for operator in float32.OPERATORS if operator.phase != "input")
OPERATORS = (*HEAD, *BODY, DEQUANTISE)
