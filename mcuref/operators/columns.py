"""The program table: int32[rows, 32], one row an instruction, which lies in flash as it is.

Operand columns hold byte offsets into the arena [sram | flash]; -1 means no operand. Columns f0..f5 hold the bits of the
constants. Unused columns are 0. What the operands, dimensions and constants of an operator are stands in its declaration.
Operands for which these columns are too few, first outputs, then inputs, are in those of `MORE`, which such an operator has
no dimensions or constants in.
"""

OUTPUTS = tuple(f"out{i}" for i in range(3))
INPUTS = tuple(f"in{i}" for i in range(5))
DIMENSIONS = tuple(f"d{i}" for i in range(14))
CONSTANTS = tuple(f"f{i}" for i in range(6))
COLUMNS = ("opcode", "layer", "jump", "reserved", *OUTPUTS, *INPUTS, *DIMENSIONS, *CONSTANTS)

# The first column of each kind
OPCODE, LAYER, JUMP, OUT, IN, D, F = (COLUMNS.index(name) for name in ("opcode", "layer", "jump", "out0", "in0", "d0", "f0"))

MORE = tuple(COLUMNS.index(name) for name in ("reserved", "d13", "f5", "f4"))
FIRST_OUTSIDE = 1000  # opcodes from here on are those of operators from outside, which Python runs

# What the executor counts for each row, int64[rows, 5]: how often it ran, chosen k and kept entries of selections (kept ones
# also of what they are used for), comparisons of selections, int8 values that came to an end of their range
COUNTS = ("runs", "chosen", "kept", "comparisons", "saturated")
RUNS, CHOSEN, KEPT, COMPARISONS, SATURATED = range(len(COUNTS))
