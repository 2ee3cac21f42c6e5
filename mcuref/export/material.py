"""What is exported, and what a firmware is compared with: a program and the samples that it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.export.calls import stored
from mcuref.layers import find_loss
from mcuref.program.program import Program


@dataclass(frozen=True)
class Material:
    """A program with what it is shown: samples in order, as one pass of the program's learning-rate schedule.

    Attributes
    ----------
    program : Program, in any state; it is put back to its start image before it runs.
    x : array [S, ...], samples of the type that the network takes.
    y : int[S] labels, float32[S, outputs] targets, or None.
    inferences : int, how many of the samples, from the first on, are run through the network after training.
    run : {name: sha256} of the files of the run that it comes from, or None.
    """

    program: Program
    x: NDArray[Any]
    y: NDArray[Any] | None = None
    inferences: int = 1
    run: dict[str, str] | None = None

    @property
    def steps(self) -> int:
        """How many samples are trained on: none by a program for inference alone."""
        program = self.program
        return len(self.x) if len(program.instructions) > program.listing.forward_rows else 0

    @property
    def slots(self) -> int:
        """How many stored samples the steps go through time and again, each step with values of its own: step i shows sample
        i % slots in epoch i // slots. A quarter of the steps at most, so that some rest; 0 where the program lets none rest.
        """
        return min(stored(self.program), -(-self.steps // 4))

    @property
    def shown(self) -> NDArray[np.int32]:
        """int32[steps, 2]: of which stored sample each step is, -1 of none, and in which epoch."""
        if not self.slots:
            return np.full((self.steps, 2), (-1, 0), np.int32)
        return np.stack(np.divmod(np.arange(self.steps, dtype=np.int32), np.int32(self.slots))[::-1], axis=1)

    @property
    def samples(self) -> NDArray[Any]:
        """The samples as the program loads them, [S, values]: real ones of an int8 network are int8 in its scale."""
        from mcuref.program.samples import Samples

        *arrays, _, _ = Samples.checked(self.program, self.x, None, None, labelled=False).arrays
        return max(arrays, key=np.size).reshape(len(self.x), -1)

    @property
    def rates(self) -> NDArray[Any]:
        """Learning rates as the program takes them: [steps], float32 or, of an int8 program, int32."""
        optimiser = self.program.optimiser
        rates = optimiser.rates(0, self.steps, max(self.steps, 1))
        return self.program.arithmetic.rates(rates, optimiser.learning_rate / optimiser.batch)

    @property
    def labelled(self) -> bool:
        """Whether a sample's answer is one label."""
        return self.y is not None and find_loss(self.program.loss).target == "label"

    @property
    def answers(self) -> NDArray[Any]:
        """What stands beside each sample in C: labels int32[S, 1]; targets [S, outputs] as the program takes them, float32
        or int32; int32[S, 0] for none.
        """
        from mcuref.program.samples import Samples

        if self.y is None:
            return np.zeros((len(self.x), 0), np.int32)
        *_, labels, targets = Samples.checked(self.program, self.x, self.y, None, labelled=True).arrays
        return (targets if targets.size else labels).reshape(len(self.x), -1)
