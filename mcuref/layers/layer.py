"""What layers, rules and optimisers go by: what a layer has, and what it writes a program with."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from mcuref.memory.buffers import Buffer

Shape = tuple[int, ...]
NEEDED = ("kind", "output_shape", "parameter_shapes", "forward")  # of what is a layer


class Emit(Protocol):
    """What a program is written with: :class:`mcuref.program.emitter.Emitter`."""

    index: int
    governor: Any

    @property
    def name(self) -> str:
        """Name of the layer at hand."""

    @property
    def index_type(self) -> str:
        """NumPy type of kept indices."""

    @property
    def input_shape(self) -> Shape:
        """Shape of what the layer at hand takes."""

    @property
    def propagates(self) -> bool:
        """Whether an error will pass back through the layer at hand."""

    @property
    def fused(self) -> bool:
        """Whether the layer before does what the layer at hand does."""

    @property
    def sums(self) -> str:
        """NumPy type of sums that an error comes to."""

    @property
    def masks(self) -> bool:
        """Whether a bit for each value can say where it was positive."""

    @property
    def in_place(self) -> bool:
        """Whether the first layer reads the sample where it lies, so that no buffer holds it: None stands for it."""

    @property
    def output_is_kept(self) -> bool:
        """Whether a weight gradient reads the output of the layer at hand."""

    def __call__(self, family: str, **values: Any) -> None:
        """Append an instruction of a family of operators."""

    def layer(self, index: int) -> AbstractContextManager[None]:
        """Everything emitted inside belongs to this layer."""

    def buffer(self, kind: str, shape: Shape, category: str, dtype: str | None = None) -> Buffer:
        """A new buffer in SRAM that lives while instructions need it."""

    def constant(self, kind: str, values: Any, dtype: str | None = None) -> Buffer:
        """A constant in flash."""

    def parameter(self, kind: str) -> Buffer:
        """A parameter of the layer at hand."""

    def state(
        self,
        kind: str,
        shape: Shape = (1,),
        category: str = "rule state",
        dtype: str | None = None,
        axes: tuple[str, ...] = (),
    ) -> Buffer:
        """State in SRAM that outlives a sample."""


class Kept(Protocol):
    """Buffers of the kept entries of an error and of their number: :class:`mcuref.rules.Selection`."""

    def _asdict(self) -> dict[str, Any]:
        """{"kept": buffer, "count": buffer}, as operators take them."""


class Layer(Protocol):
    """What every layer has: a frozen description without arrays.

    One without parameters also is :class:`Passing`, one with them :class:`Parametric`. Two are made for a network alone: an
    :class:`mcuref.layers.Input` takes nothing, an :class:`mcuref.layers.Add` two shapes and two values.
    """

    @property
    def kind(self) -> str:
        """A lower-case word; layers of a network are named kind1, kind2, ... from the input."""

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the output for an input of ``shape``, or InputError."""

    def parameter_shapes(self, shape: Shape) -> dict[str, Shape]:
        """{"weights": ..., "bias": ...}; empty for layers without parameters."""

    def forward(self, emit: Emit, x: Buffer) -> tuple[Buffer, Any]:
        """Emit the forward instructions; returns (output buffer, what backward will need)."""


class Passing(Layer, Protocol):
    """What a layer without parameters also has."""

    def backward(self, emit: Emit, dy: Buffer, saved: Any) -> Buffer:
        """Emit the way back; returns the error at the input."""


class Parametric(Layer, Protocol):
    """What a layer with parameters also has."""

    @property
    def parameter_axes(self) -> Mapping[str, tuple[str, ...]]:
        """What each axis of a parameter counts: see :class:`mcuref.memory.buffers.Buffer`."""

    def macs(self, shape: Shape) -> int:
        """Multiply-accumulates of one forward pass; a dense weight gradient costs the same."""

    def macs_of_entry(self, shape: Shape) -> int:
        """Multiply-accumulates per kept error entry, of weight gradient or propagation."""

    def rows(self, shape: Shape) -> tuple[int, int, int]:
        """Where the weights of one output channel lie: (elements, row stride, stride)."""

    def propagate(self, emit: Emit, delta: Buffer, kept: Kept) -> Buffer:
        """Emit the error at the input, from the kept entries and the old weights."""

    def update(
        self, emit: Emit, targets: tuple[Buffer, Buffer], delta: Buffer, kept: Kept, x: Buffer, dense_bias: bool, rate: float
    ) -> None:
        """Emit the weight gradient of the kept entries, times a rate, into ``targets``: weights and biases, or sums."""
