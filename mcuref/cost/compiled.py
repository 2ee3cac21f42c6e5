"""What costs are read off: those parts of a program, which is made above, that are looked at here."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from mcuref.memory.accountant import Plan
from mcuref.memory.buffers import Buffer
from mcuref.memory.targets import Budget
from mcuref.network import Network
from mcuref.operators.operator import Operator
from mcuref.optimisers import SGD

Counts = Sequence[Sequence[int]] | NDArray[Any]  # [rows, 5] as ``program.counts``
Zeros = Mapping[Buffer, Any]  # share of zeros in the values of activations; of rates of int8 what becomes of steps


class Row(Protocol):
    """An instruction: :class:`mcuref.program.instructions.Instruction`."""

    @property
    def operator(self) -> Operator:
        """What it is an instruction of."""

    @property
    def name(self) -> str:
        """The operator's."""

    @property
    def phase(self) -> str:
        """Part of the training step."""

    @property
    def layer(self) -> str:
        """Name of the layer that it belongs to."""

    @property
    def layer_index(self) -> int:
        """Number of that layer."""

    @property
    def dimensions(self) -> Mapping[str, int]:
        """By the names of the operator's declaration."""

    @property
    def constants(self) -> Mapping[str, Any]:
        """The same."""

    @property
    def inputs(self) -> Sequence[Buffer]:
        """Buffers that it reads."""

    def __getitem__(self, name: str) -> Any:
        """The operand, dimension or constant of that name."""

    def __contains__(self, name: str) -> bool:
        """Whether it has an operand of that name."""


class Listing(Protocol):
    """What the compiler makes: :class:`mcuref.program.listing.Listing`."""

    @property
    def instructions(self) -> Sequence[Row]:
        """One training step of one sample."""

    @property
    def forward_rows(self) -> int:
        """How many of them are the forward pass."""

    @property
    def plan(self) -> Plan:
        """Places of all buffers."""

    @property
    def images(self) -> Mapping[Buffer, Buffer]:
        """{buffer: its start image}."""

    @property
    def index_type(self) -> str:
        """Of kept indices."""

    @property
    def loss(self) -> str:
        """Its name."""

    @property
    def rests(self) -> bool:
        """Whether stored samples rest."""

    @property
    def arithmetic(self) -> Any:
        """How it computes; its ``name`` is looked at."""


class Compiled(Protocol):
    """A program: :class:`mcuref.program.program.Program`."""

    network: Network
    optimiser: SGD
    policy: str
    budget: Budget | None

    @property
    def trainable(self) -> Sequence[int]:
        """Indices of the layers that are trained."""

    @property
    def listing(self) -> Listing:
        """What the compiler made."""

    @property
    def instructions(self) -> Sequence[Row]:
        """The listing's."""

    @property
    def plan(self) -> Plan:
        """The listing's."""
