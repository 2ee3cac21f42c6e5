"""Arithmetics: how a program computes. Layers, rules and optimisers emit families of operators over values and errors; the
arithmetic chooses operators, types and tensors.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from mcuref.arguments import one_of
from mcuref.errors import InputError
from mcuref.network import Network
from mcuref.operators.operator import Operator
from mcuref.program.arithmetic.float32 import FLOAT32
from mcuref.program.arithmetic.sample import IN_PLACE


class Arithmetic(Protocol):
    """What a program's arithmetic has."""

    @property
    def name(self) -> str:
        """In reports: "float32"."""

    @property
    def masks(self) -> bool:
        """Whether a bit for each value can say where it was positive."""

    @property
    def in_place(self) -> bool:
        """Whether the first layer reads the sample where it lies."""

    @property
    def rate(self) -> str:
        """NumPy type of learning rates, of which the host hands over one for each sample."""

    @property
    def loss(self) -> str:
        """NumPy type of the losses that it gets."""

    @property
    def target(self) -> str:
        """NumPy type of the targets that it hands over."""

    @property
    def executor(self) -> str:
        """The module whose ``execute`` runs its programs."""

    def __hash__(self) -> int:
        """One that is always the same for the same settings."""

    def of_layer(self, network: Network, index: int) -> "Arithmetic":
        """What a layer computes in: the arithmetic itself, unless it has parts."""

    def taken(self, emit: Any, source: int, out: Any) -> Any:
        """What the layer at hand takes of the output of layer ``source``; what makes it so is emitted."""

    def type(self, category: str) -> str:
        """NumPy type of the buffers of a category, where a layer names none."""

    def tensors(
        self, kind: str, shape: tuple[int, ...], axes: tuple[str, ...]
    ) -> Mapping[str, tuple[str, tuple[int, ...], tuple[str, ...]]]:
        """{name: (NumPy type, shape, axes)} of what a parameter of that kind consists of; the first has the kind's name."""

    def instruction(self, emit: Any, family: str, values: Mapping[str, Any]) -> tuple[Operator, Mapping[str, Any]]:
        """The operator of a family, and its operands, dimensions and constants by name: what the arithmetic makes of those
        that were emitted. InputError if there is none.
        """

    def computed(self, emit: Any, out: Any) -> None:
        """Emit what follows when the output of the layer at hand has been computed."""

    def waiting(self, emit: Any, error: Any) -> Any:
        """An error that another will be added to, as it is kept until then; what makes it so is emitted."""

    def finish(self, emit: Any) -> None:
        """Emit what stands at the end of a step, whether the sample was trained or skipped."""

    def rates(self, rates: np.ndarray, first: float) -> np.ndarray:
        """Learning rates of some steps, float32[S], as the host hands them over; ``first`` is the rate as compiled."""

    def losses(self, network: Network, loss: str, values: np.ndarray) -> np.ndarray:
        """Real losses, of those that the host got."""

    def trained(self, network: Network, trainable: tuple[int, ...], loss: str, tensors: Mapping[str, np.ndarray]) -> Network:
        """The network as a program of it now computes it: ``tensors`` are its parameters and its state, by name."""

    def start(self, parameters: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Contents of the tensors, by name with the layer's before it, for a network's parameters; also of state that does
        not begin as 0.
        """


INPUTS = ("copy", "in-place")  # how a program comes by the sample


def arithmetic_of(network: Network, given: Arithmetic | None = None, input: str = "copy") -> Arithmetic:
    """The arithmetic that a network's programs compute in: int8 for one with scales, mixed for one whose first layers alone
    have them, else float32.

    given : that it was asked for, which must be of the network's type; None: any.
    input : of `INPUTS`; of a given arithmetic that reads in place it may be either.
    """
    dtype = network.dtype
    if one_of("input", input, INPUTS) == "in-place" and dtype != "float32":
        raise InputError(f"network {network.name!r} is {dtype}; input 'in-place' is of float32 networks")
    if given is not None and given.name != dtype:
        takes = {"float32": "a float32", "int8": "a quantised", "mixed": "a mixed"}[given.name]
        raise InputError(f"network {network.name!r} is {dtype}; arithmetic {given.name!r} takes {takes} network")
    if dtype == "float32":
        return IN_PLACE if input == "in-place" else given or FLOAT32
    if given is not None:
        return given
    if dtype == "mixed":
        from mcuref.program.arithmetic.mixed import MIXED

        return MIXED
    from mcuref.program.arithmetic.int8 import INT8

    return INT8


__all__ = ["FLOAT32", "INPUTS", "IN_PLACE", "Arithmetic", "arithmetic_of"]
