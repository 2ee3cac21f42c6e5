"""The emitter: what layers, rules and optimisers write a program with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from mcuref.errors import InputError
from mcuref.memory.buffers import Buffer
from mcuref.network import Network
from mcuref.operators.operator import TYPES
from mcuref.program.arithmetic import FLOAT32, Arithmetic
from mcuref.program.instructions import Instruction

MOST_UINT16 = 1 << 16


class Emitter:
    """Buffers and instructions of the layer at hand.

    Attributes
    ----------
    network : Network.
    trainable : tuple of int, indices of the layers that are trained.
    wrt : "parameters" or "input".
    weights : bool, whether weights are trained, and not biases alone.
    whole, arithmetic : :class:`mcuref.program.arithmetic.Arithmetic` of the program, and of the layer at hand.
    instructions : list of Instruction, in order.
    constants : {Buffer: array}, contents of what lies in flash beside the parameters.
    images : {Buffer in sram: Buffer in flash}, start images of trainable parameters.
    index_type : dtype of kept indices: "uint16" while no trained layer has more than 65,536 outputs, else "uint32".
    loss : str, its name.
    rate : float, the learning rate at the start of its schedule, over the batch.
    notes : dict, what the arithmetic has to know of buffers that it has seen.
    governor : :class:`mcuref.program.governor.Governor` of the rule's effort, or None.
    """

    def __init__(
        self,
        network: Network,
        trainable: tuple[int, ...],
        wrt: str,
        arithmetic: Arithmetic = FLOAT32,
        loss: str = "softmax_cross_entropy",
        rate: float = 0.0,
        weights: bool = True,
    ) -> None:
        self.weights = weights
        self.network, self.trainable, self.wrt, self.loss, self.rate = network, trainable, wrt, loss, rate
        self.whole = self.arithmetic = arithmetic
        self.notes: dict[Any, Any] = {}
        self.governor: Any = None
        self.instructions: list[Instruction] = []
        self.constants: dict[Buffer, np.ndarray] = {}
        self.images: dict[Buffer, Buffer] = {}
        self._named: dict[str, Buffer] = {}
        self._reached = [True] * len(network.layers) if wrt == "input" else network.reached(trainable)
        most = max((prod(network.shapes[i]) for i in network.parametric if self._reached[i]), default=0)
        self.index_type = "uint16" if most <= MOST_UINT16 else "uint32"
        self.index = 0

    @contextmanager
    def layer(self, index: int) -> Iterator[None]:
        """Everything emitted inside belongs to this layer."""
        previous = self.index, self.arithmetic
        self.index, self.arithmetic = index, self.whole.of_layer(self.network, index)
        yield
        self.index, self.arithmetic = previous

    @property
    def name(self) -> str:
        """Name of the layer at hand."""
        return self.network.names[self.index]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of what the layer at hand takes."""
        return self.network.input_shape(self.index)

    @property
    def propagates(self) -> bool:
        """Whether an error will pass back through the layer at hand."""
        return any(self.reached(j) for j in self.network.sources[self.index])

    @property
    def fused(self) -> bool:
        """Whether the layer before does what the layer at hand does, in an int8 network."""
        quantization = self.network.quantization
        return quantization is not None and self.index in quantization.fused

    @property
    def sums(self) -> str:
        """NumPy type of sums that an error comes to."""
        return self.arithmetic.type("sums")

    @property
    def masks(self) -> bool:
        """Whether a bit for each value can say where it was positive."""
        return self.arithmetic.masks

    @property
    def in_place(self) -> bool:
        """Whether the first layer reads the sample where it lies, so that no buffer holds it: None stands for it."""
        return self.whole.in_place

    @property
    def trains(self) -> bool:
        """Whether the program has a way back."""
        return self.reached(len(self.network.layers) - 1)

    @property
    def output_is_kept(self) -> bool:
        """Whether a weight gradient reads the output of the layer at hand."""
        return self.weights and any(i in self.trainable for i in self._readers(self.index))

    def _readers(self, index: int) -> Iterator[int]:
        """Layers that read the bytes layer ``index`` wrote: those it feeds, and through layers that pass them on."""
        for i, sources in enumerate(self.network.sources):
            if index in sources:
                yield i
                if self.network.layers[i].kind in ("flatten", "reshape"):
                    yield from self._readers(i)

    def reached(self, index: int) -> bool:
        """Whether an error must reach the output of layer ``index``: something at or below it wants a gradient."""
        return self._reached[index]

    def __call__(self, family: str, **values: Any) -> None:
        """Append an instruction of a family of operators: operands, dimensions and constants by the names declared.

        An operand that may be missing may be None; one that is an array is a constant of that name. InputError, a sentence
        about the first that is wrong, if they are not those that the operator takes.
        """
        operator, values = self.arithmetic.instruction(self, family, values)
        values = dict(values)
        operands = {name: self._operand(operator, name, values.pop(name)) for name in operator.operands if name in values}
        operands = {name: buffer for name, buffer in operands.items() if buffer is not None}
        numbers = operator.dimensions + operator.constants
        if odd := sorted(set(values) ^ set(numbers)):
            what = "is not one of them" if odd[0] in values else "is missing"
            raise InputError(f"{operator.name} in layer {self.name!r} takes {', '.join(numbers)}; {odd[0]!r} {what}")
        dimensions = {name: int(values[name]) for name in operator.dimensions}
        operator.check(self.name, operands, dimensions)
        constants = {name: values[name] for name in operator.constants}
        self.instructions.append(Instruction(operator, self.name, self.index, operands, dimensions, constants))

    def _operand(self, operator, name, value):
        return self.constant(name, value, TYPES[operator.operands[name].type]) if isinstance(value, np.ndarray) else value

    def buffer(self, kind: str, shape: tuple[int, ...], category: str, dtype: str | None = None) -> Buffer:
        """A new buffer in SRAM that lives while instructions need it; its type is the arithmetic's if none is given."""
        return Buffer(f"{self.name}.{kind}", dtype or self.arithmetic.type(category), tuple(shape), category, self.name)

    def _once(self, kind: str, make: Callable[[str], Buffer]) -> Buffer:
        name = f"{self.name}.{kind}"
        if name not in self._named:
            self._named[name] = make(name)
        return self._named[name]

    def constant(self, kind: str, values: Any, dtype: str | None = None) -> Buffer:
        """A constant in flash; its type is the arithmetic's if none is given."""
        values = np.asarray(values, dtype or self.arithmetic.type("constants"))

        def make(name: str) -> Buffer:
            buffer = Buffer(name, values.dtype.name, values.shape, "constants", self.name, "flash", True)
            self.constants[buffer] = values
            return buffer

        return self._once(kind, make)

    def state(
        self,
        kind: str,
        shape: tuple[int, ...] = (1,),
        category: str = "rule state",
        dtype: str | None = None,
        axes: tuple[str, ...] = (),
    ) -> Buffer:
        """State in SRAM that outlives a sample, 0 at the start; its type is the arithmetic's if none is given.

        axes : how it follows when the network is resized, as a :class:`mcuref.memory.buffers.Buffer` says it.
        """
        dtype = dtype or self.arithmetic.type(category)
        return self._once(
            kind, lambda name: Buffer(name, dtype, tuple(shape), category, self.name, persistent=True, axes=axes)
        )

    def parameter(self, kind: str) -> Buffer:
        """A parameter of the layer at hand: in SRAM with its start image in flash if it is trained, else in flash only.

        Of what consists of several tensors, the one that has the parameter's name.
        """
        layer = self.network.parametric_layer(self.index)
        shape, axes = self.network.parameter_shapes(self.index)[kind], layer.parameter_axes[kind]
        tensors = self.arithmetic.tensors(kind, shape, axes)
        return [self._tensor(name, *tensor) for name, tensor in tensors.items()][0]

    def _tensor(self, kind: str, dtype: str, shape: tuple[int, ...], axes: tuple[str, ...]) -> Buffer:
        def make(name: str) -> Buffer:
            """The buffer the program reads, and its start image if it has one."""
            flash = Buffer(name, dtype, shape, "weights", self.name, "flash", True, axes)
            if self.index not in self.trainable or not (self.weights or kind == "bias"):
                return flash
            buffer = Buffer(name, dtype, shape, "weights", self.name, persistent=True, axes=axes)
            self.images[buffer] = Buffer(f"{name}.image", dtype, shape, "weights", self.name, "flash", True, axes)
            return buffer

        return self._once(kind, make)

    @property
    def parameters(self) -> dict[str, Buffer]:
        """{name: buffer} of all parameters emitted so far."""
        network = self.network
        names = {f"{network.names[i]}.{kind}" for i in network.parametric for kind in network.parameter_shapes(i)}
        return {name: b for name, b in self._named.items() if name in names}
