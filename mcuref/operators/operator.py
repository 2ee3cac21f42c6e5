"""What an operator is: a kind of instruction, declared once. Everything else that knows operators is derived from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import prod
from types import CodeType

from mcuref.errors import InputError
from mcuref.operators.columns import COLUMNS, CONSTANTS, DIMENSIONS, IN, INPUTS, MORE, OUT, OUTPUTS, D, F

TYPES = {"u8": "uint8", "i8": "int8", "i16": "int16", "i32": "int32", "f32": "float32", "index": "index"}
INDEX_TYPES = ("uint16", "uint32")  # of kept entries: the one that a program needs
OPERAND = re.compile(r"(outside )?(?:(\w+) )?(\w+)\[([^\]]*)\](\?)?")
# Parts of a training step, in the order in which they come
PHASES = (
    "rest",
    "input",
    "forward",
    "loss",
    "decision",
    "selection",
    "effort",
    "propagate",
    "restriction",
    "gradient",
    "update",
    "batch",
    "apply",
    "adapt",
)


@dataclass(frozen=True)
class Operand:
    """A named operand: type and shape, and whether it may be missing.

    Attributes
    ----------
    name : str.
    type : str, a key of `TYPES`; "index" is uint16 or uint32.
    axes : tuple of str, expressions over the operator's dimensions; none: any number of elements.
    optional : bool.
    outside : bool, whether it is the sample, which lies outside of the arena: it has no column and no buffer.
    """

    name: str
    type: str
    axes: tuple[str, ...]
    optional: bool = False
    outside: bool = False

    def __str__(self) -> str:
        kind = "outside " * self.outside + ("" if self.type == "f32" else f"{self.type} ")
        return f"{kind}{self.name}[{', '.join(self.axes)}]{'?' * self.optional}"

    def elements(self, dimensions: Mapping[str, int]) -> int | None:
        """How many elements it has; None for any number."""
        return prod(evaluate(axis, dimensions) for axis in self.axes) if self.axes else None

    def is_type(self, dtype: str) -> bool:
        """Whether a buffer of that NumPy type can be this operand."""
        return dtype in INDEX_TYPES if self.type == "index" else dtype == TYPES[self.type]


@dataclass(frozen=True)
class Operator:
    """A kind of instruction.

    Attributes
    ----------
    name : str, family and arithmetic: "dense_forward_f32".
    family : str, what layers, rules and optimisers emit: "dense_forward".
    number : int, its opcode, which never changes.
    phase : str, of `PHASES`: the part of the training step that it belongs to.
    outputs, inputs : tuple of :class:`Operand`, in the order of the table's columns, which those from outside have none of;
        an update's outputs are read, too.
    dimensions, constants : tuple of str, names of the columns d0.. and f0..
    constant_types : tuple of str, keys of `TYPES`, of the constants.
    in_place : (output, input) that may share bytes where nobody needs the input afterwards, or none.
    macs : str, multiply-accumulates, an expression over dimensions, ``runs`` and ``kept``.
    module : str, of its kernel: mcuref/kernels/<module>.py, mcuref/operations/<module>.py, and their twins in C.
    kernel : str, the kernel's function.
    kernel_in_c : str, the same in C: where samples of several types are taken, there is one for each.
    arguments : tuple of str or None: what the kernel takes behind its operands, names of dimensions and constants, ``g``
        for a geometry, ``sample_rate`` for the learning rate that comes with the sample. None: what runs it is written by
        hand, not by :mod:`mcuref.export.generate`.
    sizes : tuple of str, dimensions that the kernel in C takes behind those, because arrays have no size there.
    features : str, a key of mcuref.cost.features.KINDS: what its instructions on a core are linear in.
    note : str, what else there is to know.
    """

    name: str
    family: str
    number: int
    phase: str
    outputs: tuple[Operand, ...]
    inputs: tuple[Operand, ...]
    dimensions: tuple[str, ...]
    constants: tuple[str, ...] = ()
    constant_types: tuple[str, ...] = ()
    in_place: tuple[str, ...] = ()
    macs: str = "0"
    module: str = ""
    kernel: str = ""
    kernel_in_c: str = ""
    arguments: tuple[str, ...] | None = None
    sizes: tuple[str, ...] = ()
    features: str = ""
    note: str = ""
    operands: dict[str, Operand] = field(init=False, repr=False, compare=False)
    columns: dict[str, int] = field(init=False, repr=False, compare=False)  # of the table, of each operand

    def __post_init__(self) -> None:
        inputs = tuple(operand for operand in self.inputs if not operand.outside)
        object.__setattr__(self, "operands", {operand.name: operand for operand in self.outputs + inputs})
        more = self.outputs[len(OUTPUTS) :] + inputs[len(INPUTS) :]
        columns = [*zip(self.outputs, range(OUT, IN)), *zip(inputs, range(IN, D)), *zip(more, MORE)]
        object.__setattr__(self, "columns", {operand.name: column for operand, column in columns})
        names = [operand.name for operand in self.outputs + inputs] + [*self.dimensions, *self.constants]
        used = {*range(D, D + len(self.dimensions)), *range(F, F + len(self.constants))} | set(self.columns.values())
        fits = len(more) <= len(MORE) and len(self.dimensions) <= len(DIMENSIONS) and len(self.constants) <= len(CONSTANTS)
        if not fits or max(used, default=0) >= len(COLUMNS) or len(used) != len(names) or len(set(names)) != len(names):
            raise ValueError(f"operator {self.name}: too many operands, dimensions or constants, or two of one name")

    @property
    def signature(self) -> str:
        """Outputs and inputs, as they are declared."""
        outputs, inputs = (", ".join(map(str, operands)) for operands in (self.outputs, self.inputs))
        return f"{outputs} from {inputs}" if inputs else outputs

    def count_macs(self, dimensions: Mapping[str, int], runs: int, kept: int) -> int:
        """Multiply-accumulates of so many runs, in which so many entries were kept altogether."""
        return evaluate(self.macs, {**dimensions, "runs": runs, "kept": kept})

    def check(self, layer: str, buffers: Mapping, dimensions: Mapping[str, int]) -> None:
        """InputError unless buffers, by operand, are those that it takes: all there, of the right type and size."""
        for operand in self.operands.values():
            buffer, what = buffers.get(operand.name), f"operand {operand.name!r} of {self.name} in layer {layer!r}"
            if buffer is None:
                if not operand.optional:
                    raise InputError(f"{what} is missing; it is {operand}")
                continue
            if not operand.is_type(buffer.dtype):
                raise InputError(f"{what} is {buffer.dtype}; it must be {TYPES[operand.type]}")
            elements, given = operand.elements(dimensions), prod(buffer.shape)
            if elements is not None and elements != given:
                raise InputError(f"{what} has {given} elements; {operand} has {elements}")


def declare(
    name: str,
    number: int,
    phase: str,
    outputs: str,
    inputs: str,
    dimensions: str = "",
    constants: str = "",
    *,
    family: str = "",
    in_place: str = "",
    macs: str = "0",
    module: str,
    kernel: str = "",
    kernel_in_c: str = "",
    arguments: str | None = None,
    sizes: str = "",
    features: str,
    note: str = "",
) -> Operator:
    """An :class:`Operator` from text: operands such as "z[O], u8 mask[(O + 7) // 8]?", other names with spaces between.

    An operand's type is f32 if none is given; no axes stand for any number of elements; ``?`` for one that may be missing;
    "outside u8 x[I]" for the sample, which is read where it lies.
    A constant is float32, or as said before its name: "i32:shift". The family is the name without its last part if none is
    given.
    """
    if phase not in PHASES:
        raise ValueError(f"operator {name}: phase {phase!r} is none of {', '.join(PHASES)}")
    return Operator(
        name=name,
        family=family or name.rpartition("_")[0],
        number=number,
        phase=phase,
        outputs=_operands(outputs),
        inputs=_operands(inputs),
        dimensions=tuple(dimensions.split()),
        constants=tuple(name.rpartition(":")[2] for name in constants.split()),
        constant_types=tuple(name.rpartition(":")[0] or "f32" for name in constants.split()),
        in_place=tuple(in_place.split()),
        macs=macs,
        module=module,
        kernel=kernel or name,
        kernel_in_c=kernel_in_c or kernel or name,
        arguments=None if arguments is None else tuple(arguments.split()),
        sizes=tuple(sizes.split()),
        features=features,
        note=note,
    )


def _operands(text: str) -> tuple[Operand, ...]:
    found = [
        Operand(name, kind or "f32", tuple(axis.strip() for axis in axes.split(",") if axis), bool(optional), bool(outside))
        for outside, kind, name, axes, optional in OPERAND.findall(text)
    ]
    if ", ".join(map(str, found)) != text:
        raise ValueError(f"operands {text!r} cannot be read; they are written as {', '.join(map(str, found))!r} would be")
    return tuple(found)


def evaluate(expression: str, values: Mapping[str, int]) -> int:
    """The value of a declared expression, such as "(n + 7) // 8"."""
    return int(eval(_compiled(expression), {"__builtins__": {}}, values))  # of a declaration: never of what users write


@cache
def _compiled(expression: str) -> CodeType:
    return compile(expression, f"<{expression}>", "eval")
