"""Operators: the kinds of instruction that programs are made of, each declared once.

From a declaration follow its opcode, its place in the table and in docs/operators.md, the checks when it is emitted, access
to operands by name, what runs it (:mod:`mcuref.operations`) in Python and C, its multiply-accumulates, and what its
instructions on a core are linear in (:mod:`mcuref.cost.features`).
"""

from mcuref.operators import float32
from mcuref.operators.operator import Operator

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in float32.OPERATORS}
OPCODES = {name: operator.number for name, operator in OPERATORS.items()}
NAMES = {number: name for name, number in OPCODES.items()}
