"""A listing: what the compiler makes of a network, rule and optimiser; and what can be run, a program, to those below it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mcuref.memory.accountant import Plan
from mcuref.memory.buffers import Buffer
from mcuref.network import Network
from mcuref.program.arithmetic import Arithmetic
from mcuref.program.instructions import Instruction


@dataclass(frozen=True)
class Listing:
    """What the compiler makes: instructions, their plan, and where things are.

    Attributes
    ----------
    instructions : tuple of Instruction, one training step (or one input gradient) of one sample.
    forward_rows : int, the first rows, which are the forward pass.
    plan : Plan.
    output : Buffer, the network's outputs z after the forward rows.
    input_error : Buffer or None, dLoss/d(normalised input), if compiled with wrt="input".
    constants : {Buffer: array} contents of flash constants.
    table : Buffer of the program table.
    images : {Buffer in sram: Buffer in flash} start images of trainable parameters.
    parameters : {name: Buffer} where the program reads each parameter.
    index_type : "uint16" or "uint32", of kept indices.
    loss : str, its name, also where nothing is trained.
    arithmetic : :class:`mcuref.program.arithmetic.Arithmetic`.
    rests : bool, whether samples may rest, by the first instruction.
    """

    instructions: tuple[Instruction, ...]
    forward_rows: int
    plan: Plan
    output: Buffer
    input_error: Buffer | None
    constants: Mapping[Buffer, NDArray[Any]]
    table: Buffer
    images: Mapping[Buffer, Buffer]
    parameters: Mapping[str, Buffer]
    index_type: str
    loss: str
    arithmetic: Arithmetic
    rests: bool = False


class Executable(Protocol):
    """What runs and traces samples ask of a program: :class:`mcuref.program.program.Program`.

    Attributes
    ----------
    network, loss : what it was compiled from.
    listing, plan, instructions : what it was compiled to.
    counts : int64[rows, 5], what training did so far.
    """

    network: Network
    loss: str
    listing: Listing
    plan: Plan
    instructions: tuple[Instruction, ...]
    counts: NDArray[np.int64]

    @property
    def arithmetic(self) -> Arithmetic:
        """How it computes."""

    @property
    def arena(self) -> Any:
        """The memory: an Arena, or a Part of one."""

    def prepare(self) -> None:
        """Have the executor compiled, or loaded, that runs it."""

    def step(self, x: Any, y: Any, order: Any, first: int, total: int | None, index: Any = None, epoch: Any = 0) -> Any:
        """Checked samples, ready to run: a :class:`mcuref.program.step.Step`."""
