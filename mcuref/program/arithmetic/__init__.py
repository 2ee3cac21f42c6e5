"""Arithmetics: how a program computes. Layers, rules and optimisers emit families of operators over values and errors; the
arithmetic chooses operators, types and tensors.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from mcuref.errors import InputError
from mcuref.network import Network
from mcuref.operators.operator import Operator
from mcuref.program.arithmetic.float32 import FLOAT32


class Arithmetic(Protocol):
    """What a program's arithmetic has.

    Attributes
    ----------
    name : str, in reports: "float32".
    masks : bool, whether a bit for each value can say where it was positive.
    executor : str, the module whose ``execute`` runs its programs.
    rate, loss, target : str, NumPy types of what the host hands over for each sample: learning rates and targets, and of the
        losses that it gets.
    """

    name: str
    masks: bool
    executor: str
    rate: str
    loss: str
    target: str

    def __hash__(self) -> int:
        """One that is always the same for the same settings."""

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
        """Contents of the tensors, by name with the layer's before it, for a network's parameters."""


def arithmetic_of(network: Network, given: Arithmetic | None = None) -> Arithmetic:
    """The arithmetic that a network's programs compute in: int8 for one with scales, else float32.

    given : that it was asked for, which must be of the network's type; None: any.
    """
    if network.dtype == "float32":
        if given is not None and given.name != "float32":
            raise InputError(f"network {network.name!r} is float32; arithmetic {given.name!r} takes a quantised network")
        return FLOAT32
    from mcuref.program.arithmetic.int8 import INT8

    return given or INT8


__all__ = ["FLOAT32", "Arithmetic", "arithmetic_of"]
