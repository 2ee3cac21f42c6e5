"""From a graph to what a network is written with: a chain of layers, with residual blocks in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mcuref.errors import InputError
from mcuref.importers import scales
from mcuref.importers.graph import Graph, Operation, Tensor
from mcuref.importers.operators import OPERATORS, Padding, Site, Step, lowered
from mcuref.layers import Flatten, Input, Residual, Softmax
from mcuref.layers.layer import Shape
from mcuref.quantization.scales import Scale

DEEPEST = 8  # residual blocks in one another
SHARED = 4 << 20  # bytes by which parameters may be more than the file: what is left out of it, or shared in it
LEAST = 12 << 20  # bytes of parameters that any file may have: int8 weights that become float32 take four times the file


@dataclass(frozen=True, eq=False)
class Block:
    """A residual block; ``sum`` is the step of its Add, whose layer the network makes."""

    body: tuple[Any, ...]
    projection: Any
    sum: Step


class Ends(NamedTuple):
    """Where a network begins and ends in a graph.

    Attributes
    ----------
    input : Input layer.
    first : int, tensor that it has the values of.
    scale : of that, or None.
    type : str, what is computed with: "INT8" or "FLOAT32".
    """

    input: Input
    first: int
    scale: Scale | None
    type: str


@dataclass(frozen=True, eq=False)
class Chain:
    """What a graph becomes: its ends, steps and blocks in order, and the type in which outputs leave it."""

    ends: Ends
    parts: tuple[Any, ...]
    output_type: str


def follow(graph: Graph, size: int) -> Chain:
    """The chain of a graph that stands in a file of ``size`` bytes; InputError if it is none."""
    for operation in graph.operations:
        _check_known(operation)
    _check_order(graph)
    walk = _Walk(graph, size)
    walk.ends = walk.begin()
    parts, tensor, shape, end = walk.chain(walk.ends.first, walk.ends.input.shape, 0)
    if end is not None:
        raise end.wrong("adds something that is not made from the same values: only residual blocks are supported")
    if walk.output_type is None and tensor != graph.output:
        raise InputError(f"its output is tensor {graph.output}, and its operators end at tensor {tensor}")
    left = sorted(set(range(len(graph.operations))) - walk.met)
    if left:
        raise graph.operations[left[0]].wrong("is not on the way from the input to the output")
    if not parts:
        raise InputError("it has no operator that is a layer")
    for step in steps_of(parts)[:-1]:
        if isinstance(step.layer, Softmax):
            raise InputError(
                f"tensor {step.tensor} is made by a SOFTMAX and read again; a SOFTMAX must be the last operator"
            )
    if len(shape) > 1:  # programs have flat outputs
        parts.append(Step(Flatten(), tensor, steps_of(parts)[-1].scale))
    return Chain(walk.ends, tuple(parts), walk.output_type or walk.ends.type.lower())


def steps_of(parts: Sequence[Any]) -> list[Step]:
    """The steps of all layers, in the order in which a network has them."""
    found: list[Step] = []
    for part in parts:
        if isinstance(part, Block):
            found += steps_of(part.body) + ([] if part.projection is None else [part.projection]) + [part.sum]
        else:
            found.append(part)
    return found


def layers_of(parts: Sequence[Any]) -> list[Any]:
    """The layers, residual blocks whole, as a network is written."""
    return [
        Residual(tuple(layers_of(part.body)), None if part.projection is None else part.projection.layer)
        if isinstance(part, Block)
        else part.layer
        for part in parts
    ]


def _check_known(operation):
    """InputError unless it is an operator of a version that is known, with inputs and an output."""
    if operation.name not in OPERATORS:
        raise operation.wrong(f"is not supported; these are: {', '.join(OPERATORS)}")
    supported = OPERATORS[operation.name]
    if not 1 <= operation.version <= supported.version:
        raise operation.wrong(f"is of version {operation.version}; 1 to {supported.version} are supported")
    if len(operation.inputs) not in supported.inputs or len(operation.outputs) != 1 or operation.inputs[0] < 0:
        raise operation.wrong(f"has {len(operation.inputs)} inputs and {len(operation.outputs)} outputs, or lacks the first")


def _check_order(graph):
    """InputError unless every tensor is made once, by an operator before those that read it, or stands in the file."""
    made = {graph.input}
    if graph.tensors[graph.input].data is not None:
        raise InputError(f"its input, tensor {graph.input}, has values in the file")
    for operation in graph.operations:
        for index in operation.inputs:
            if index >= 0 and index not in made and graph.tensors[index].data is None:
                raise operation.wrong(f"reads tensor {index}, which nothing before it makes")
        (output,) = operation.outputs
        if output in made or graph.tensors[output].data is not None:
            raise operation.wrong(f"makes tensor {output}, which is there already")
        made.add(output)


class _Walk:
    """The way from the input to the output. ``met``: the operators that were passed."""

    ends: Ends

    def __init__(self, graph: Graph, size: int) -> None:
        self.graph, self.left = graph, max(size + SHARED, LEAST)
        self.met: set[int] = set()
        self.output_type: str | None = None
        self.readers: dict[int, list[Operation]] = {}
        for operation in graph.operations:
            for index in operation.inputs:
                self.readers.setdefault(index, []).append(operation)

    def begin(self) -> Ends:
        """The input: of the graph, or of what a QUANTIZE makes of it."""
        tensor, readers = self.graph.tensors[self.graph.input], self.readers.get(self.graph.input, [])
        if len(tensor.shape) < 2 or tensor.shape[0] != 1:
            raise InputError(f"its input has shape {tensor.shape}; it must be one sample, with a batch of 1 before its axes")
        if [operation.name for operation in readers] == ["QUANTIZE"]:
            return self.quantised(tensor, readers[0])
        if tensor.type == "FLOAT32":
            return Ends(Input(tensor.shape[1:], "float32"), tensor.index, None, "FLOAT32")
        if tensor.type != "INT8":
            raise InputError(
                f"its input is {tensor.type}; INT8 and FLOAT32 are supported, and UINT8 that is made INT8 at once"
            )
        if not readers:
            raise InputError(f"its input, tensor {tensor.index}, is read by no operator")
        scale = scales.scale_of(readers[0], tensor)
        return Ends(_input(tensor, "int8", scale, scale.zero), tensor.index, scale, "INT8")

    def quantised(self, tensor: Tensor, operation: Operation) -> Ends:
        """The input of a network that begins with QUANTIZE."""
        made = self.graph.tensors[operation.outputs[0]]
        if made.type != "INT8" or tensor.type not in ("FLOAT32", "UINT8") or made.shape != tensor.shape:
            raise operation.wrong(f"makes {made.type} of {tensor.type}; only FLOAT32 or UINT8 to INT8 is supported")
        self.met.add(operation.index)
        scale = scales.scale_of(operation, made)
        if tensor.type == "FLOAT32":
            return Ends(Input(tensor.shape[1:], "float32"), made.index, scale, "INT8")
        zero = int(tensor.zeros[0]) if len(tensor.zeros) == 1 else None
        if zero != scale.zero + 128 or float(tensor.scales[0]) != scale.scale:
            raise operation.wrong("has UINT8 inputs of another scale, or a zero point that is not 128 more; it must be")
        return Ends(_input(tensor, "uint8", scale, zero), made.index, scale, "INT8")

    def chain(self, tensor, shape, depth, first=None):
        """Follow what is made from a tensor, or by ``first`` from it, until the output or an ADD with another side.

        Returns (parts, the last tensor, its shape, that ADD or None).
        """
        parts = []
        while True:
            readers = [first] if first else self.readers.get(tensor, [])
            first = None
            if len(readers) == 2:
                block, tensor, shape = self.fork(tensor, shape, readers, depth)
                parts += block
            elif len(readers) > 2:
                raise readers[2].wrong(f"is the third that reads tensor {tensor}; at most two are supported")
            elif not readers or readers[0].name == "ADD":
                return parts, tensor, shape, readers[0] if readers else None
            elif readers[0].name == "DEQUANTIZE":
                self.end(readers[0], tensor)
                return parts, tensor, shape, None
            else:
                steps, tensor, shape = self.operation(readers[0], shape)
                parts += steps

    def operation(self, operation: Operation, shape: Shape) -> tuple[list[Step], int, Shape]:
        """(steps, tensor, shape) of an operator, or of a PAD with the convolution behind it."""
        padding: Padding | None = None
        site = self.site(operation, shape)
        if operation.name == "PAD":
            padding = lowered(site)
            readers = self.readers.get(site.y.index, [])
            if [reader.name for reader in readers] not in (["CONV_2D"], ["DEPTHWISE_CONV_2D"]):
                raise operation.wrong("is not before one CONV_2D or DEPTHWISE_CONV_2D; no other PAD is supported")
            shape = site.y.shape[1:]
            site = self.site(readers[0], shape, padding)
            shape = tuple(size - sum(more) for size, more in zip(shape, (*padding, (0, 0))))
        if site.operation.name == "QUANTIZE":
            raise operation.wrong("is not at the input; no other QUANTIZE is supported")
        steps = lowered(site)
        for step in steps:
            self.count(site, step)
            try:
                shape = step.layer.output_shape(shape)
            except InputError as error:
                raise site.operation.wrong(f"cannot be a layer: {error}") from None
        keeps = operation.name == "MEAN" and site.option("keeps")
        if site.y.shape != ((1, 1, 1, *shape) if keeps else (1, *shape)):
            raise site.operation.wrong(f"has an output of shape {site.y.shape}; of these operands it is {(1, *shape)}")
        return steps, site.y.index, shape

    def site(self, operation: Operation, shape: Shape, padding: Padding | None = None) -> Site:
        """An operator where it stands, its types checked."""
        self.met.add(operation.index)
        site = Site(self.graph, operation, self.ends.type, shape, padding)
        if site.x.type != site.type or site.y.type != site.type:
            raise operation.wrong(f"makes {site.y.type} of {site.x.type}; in this network both must be {site.type}")
        return site

    def count(self, site: Site, step: Step) -> None:
        """Count the bytes of a layer's parameters."""
        self.left -= sum(values.nbytes for values in step.parameters.values())
        if self.left < 0:
            raise site.operation.wrong(
                "brings parameters to far more bytes than the file has: too many operators share them"
            )

    def end(self, operation: Operation, tensor: int) -> None:
        """The DEQUANTIZE at the output."""
        made = self.graph.tensors[operation.outputs[0]]
        self.met.add(operation.index)
        if self.ends.type != "INT8" or made.type != "FLOAT32" or made.index != self.graph.output:
            raise operation.wrong("is not from INT8 to FLOAT32 at the output; no other DEQUANTIZE is supported")
        if made.shape != self.graph.tensors[tensor].shape or self.readers.get(made.index):
            raise operation.wrong("has an output of another shape, or one that is read again")
        self.output_type = "float32"

    def fork(self, tensor, shape, readers, depth):
        """([block, an activation behind it], tensor, shape) of the residual block that begins at a tensor."""
        if depth == DEEPEST:
            raise readers[0].wrong(f"is in more than {DEEPEST} residual blocks in one another")
        sides = []
        for reader in readers:
            if reader.name == "ADD":
                sides.append(([], tensor, shape, reader))
            else:
                sides.append(self.chain(tensor, shape, depth + 1, reader))
        (a, a_end, a_shape, join), (b, b_end, _, other) = sides
        if join is None or other is not join or sorted(join.inputs) != sorted((a_end, b_end)) or not (a or b):
            raise readers[1].wrong(f"reads tensor {tensor} beside operator {readers[0].index}, and no ADD joins the two")
        site = self.site(join, a_shape)
        steps = lowered(site)
        body, shortcut = (a, b) if len(a) > len(b) or (len(a) == len(b) and join.inputs[0] == a_end) else (b, a)
        if len(shortcut) > 1 or (shortcut and isinstance(shortcut[0], Block)):
            raise join.wrong(f"has sides of {len(body)} and {len(shortcut)} layers; one of them may have at most one layer")
        block = Block(tuple(body), shortcut[0] if shortcut else None, steps[0])
        return [block, *steps[1:]], site.y.index, a_shape


def _input(tensor, dtype, scale, zero):
    """The Input layer whose samples stand for scale (sample - zero)."""
    return Input(tensor.shape[1:], dtype, mean=zero, scale=scale.scale)
