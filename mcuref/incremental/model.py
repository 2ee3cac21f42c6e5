"""The model of a learner in its memory: what it has cost so far, and how another of another size takes its place."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.incremental.charges import DEFAULT_CORE, Charges
from mcuref.incremental.integers import perturbed
from mcuref.incremental.memory import LearnerMemory
from mcuref.incremental.plans import LearnerPlans
from mcuref.incremental.resizing import Resized
from mcuref.network import Network
from mcuref.program.program import Program


class LearnerModel:
    """The present model.

    Parameters
    ----------
    network : :class:`mcuref.Network` to begin with, with one output in place of its own.
    plans : :class:`mcuref.incremental.plans.LearnerPlans`, which it and every change of it must fit.
    core : str, whose instructions are counted: see :class:`mcuref.incremental.charges.Charges`.

    Attributes
    ----------
    memory : :class:`mcuref.incremental.memory.LearnerMemory` of the present model, allocated; a change replaces it.
    charges : :class:`mcuref.incremental.charges.Charges`, work so far.
    peaks : {"sram", "flash"}, bytes: the largest plan so far.
    """

    def __init__(self, network: Network, plans: LearnerPlans, core: str = DEFAULT_CORE) -> None:
        self.plans, self.memory = plans, plans.memory(network, outputs=1).allocate()
        self.charges, self.peaks = Charges(core), {"sram": 0, "flash": 0}
        self._compare_peaks()

    @property
    def macs(self) -> dict[str, int]:
        """{stage: multiply-accumulates so far}, stages as in :mod:`mcuref.incremental.charges`."""
        return self.charges.macs

    @property
    def program(self) -> Program:
        """Its program."""
        return self.memory.program

    @property
    def network(self) -> Network:
        """Its layers; the parameters are those that it had when it got this size."""
        return self.memory.network

    def network_now(self) -> Network:
        """Its layers with the present parameters."""
        return self.network.with_parameters(self.program.parameters())

    def change(self, resized: Resized, accepted: Callable[[], bool] | None = None) -> dict[str, int] | None:
        """Replace the model, if all plans fit and the new one is ``accepted``; else not a bit of it changes.

        Parameters
        ----------
        resized : :class:`mcuref.incremental.resizing.Resized` from :meth:`network_now`.
        accepted : callable() -> bool, asked while the new model is the present one; None accepts it.

        Returns
        -------
        {"sram", "flash"}, bytes of the plan with both models in memory; None if nothing changed.
        """
        plans = self.plans.of_change(resized, self.memory)
        both, after = next(plans), next(plans)
        if not (both.fits and after.fits and all(memory.fits for memory in plans)):
            return None
        before = self.memory
        both.allocate()
        both.program.restore(resized.state(both.program, self.program.state()))
        self._enter(both)
        if accepted is not None and not accepted():
            self.count_work()
            self.memory = before
            return None
        after.allocate()
        after.program.restore(self.program.state())
        self._enter(after)
        return {"sram": both.plan.sram, "flash": both.plan.flash}

    def _enter(self, memory):
        """Go on in another memory; what is stored moves along."""
        self.count_work()
        memory.take_over(self.memory)
        memory.replaces = None  # its arena is needed no more
        self.memory = memory
        self._compare_peaks()

    def _compare_peaks(self):
        for region in self.peaks:
            self.peaks[region] = max(self.peaks[region], getattr(self.memory.plan, region))

    def resume(self, memory: LearnerMemory, charges: Charges, peaks: dict[str, int]) -> None:
        """Go on in a memory that holds all that was saved, with work and peaks as they were then."""
        self.memory, self.charges, self.peaks = memory, charges, peaks
        memory.record()

    def perturb(self, keep: float, seed: int) -> None:
        """W <- keep W + (1 - keep) fresh, b <- keep b; fresh is what the network starts from with a seed.

        Of int8, weights with their residuals, by integers: see :mod:`mcuref.incremental.integers`.
        """
        if self.network.dtype == "int8":
            self.program.restore(perturbed(self.network, self.program.state(), keep, seed))
            return
        keep, state = np.float32(keep), self.program.state()
        for name, values in self.network.with_seed(seed).parameters.items():
            state[name] = keep * state[name] + (np.float32(1) - keep) * values
        self.program.restore(state)

    def outputs(self, x: Any, stage: str | None = None) -> NDArray[Any]:
        """Outputs [N, outputs], float32 or int8, of raw samples; their inferences are charged to a stage, if given."""
        counts = np.zeros_like(self.program.counts)
        outputs = self.program.outputs(x, counts=counts)
        if stage is not None:
            self.charges.inferences(stage, self.program, counts)
        return outputs

    def count_work(self, stage: str = "training") -> None:
        """Charge the work of training, to that stage, and of distilling since the last call."""
        for i, (program, counts, distances) in enumerate(self.memory.new_work()):
            self.charges.passes("distillation" if i else stage, program, counts, distances)
