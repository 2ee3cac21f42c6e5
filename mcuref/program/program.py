"""A program: a compiled network with its arena. It trains, predicts, traces, and says what it costs."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mcuref.arguments import instance, whole
from mcuref.cost.needs import memory_report
from mcuref.errors import InputError
from mcuref.memory.arena import Arena, Part
from mcuref.memory.buffers import Buffer
from mcuref.memory.targets import Budget
from mcuref.network import Network
from mcuref.operators.columns import COUNTS
from mcuref.optimisers import SGD
from mcuref.program.arithmetic import Arithmetic
from mcuref.program.instructions import encode
from mcuref.program.listing import Listing
from mcuref.program.samples import Samples, each
from mcuref.program.step import Shown, Step
from mcuref.program.trace import Record
from mcuref.rules import Rule

Place = TypeVar("Place", bound=Arena | Part)
MOST_STEPS = 1 << 48  # of a learning-rate schedule
MOST_STORED = MOST_EPOCH = (1 << 30) - 1  # so that their sum is an int32


class Program:
    """One network, rule and optimiser, compiled; state lies in one arena of exactly ``plan.sram + plan.flash`` bytes.

    Made by :func:`mcuref.compile`. The arena is allocated, and Numba loaded, when something is run.

    Attributes
    ----------
    network, rule, optimiser, loss, policy, wrt, trainable, budget : what it was compiled from.
    instructions : tuple of Instruction, the rows of the table.
    plan : :class:`mcuref.memory.accountant.Plan`.
    counts : int64[rows, 5], what training did so far, row by row: runs, chosen k, kept entries,
        comparisons, saturated values.
    """

    def __init__(
        self,
        network: Network,
        rule: Rule,
        optimiser: SGD,
        loss: str,
        policy: str,
        wrt: str,
        trainable: tuple[int, ...],
        budget: Budget | None,
        listing: Listing,
        prepare: Callable[[str, Arithmetic], None],
        part: Part | None = None,
    ) -> None:
        self.network, self.rule, self.optimiser, self.loss = network, rule, optimiser, loss
        self.policy, self.wrt, self.trainable, self.budget = policy, wrt, trainable, budget
        self.listing, self.plan, self.instructions = listing, listing.plan, listing.instructions
        self._prepare, self._part, self._offsets = prepare, part, listing.plan.offsets if part is None else part.offsets
        self.counts = np.zeros((len(self.instructions), len(COUNTS)), np.int64)

    # -- memory ---------------------------------------------------------------------------------------------------

    @cached_property
    def table(self) -> NDArray[np.int32]:
        """The program table, int32[rows, 32]: see :mod:`mcuref.operators.columns`."""
        return encode(self.instructions, self._offsets)

    @cached_property
    def arena(self) -> Arena | Part:
        """The memory, allocated on first use: flash as it would be written, SRAM as after a reset."""
        return self.fill(Arena(self.plan) if self._part is None else self._part)

    def allocate(self) -> Arena | Part:
        """Make the arena now, so that flash is written before anything runs; otherwise the first use makes it."""
        return self.arena

    def fill(self, arena: Place) -> Place:
        """Bring an arena of this plan into its start state; returns it."""
        start = self.arithmetic.start(self.network.parameters)
        for buffer, values in self.listing.constants.items():
            arena.view(buffer)[:] = values
        arena.view(self.listing.table)[:] = self.table
        for name, buffer in self.listing.parameters.items():
            image = self.listing.images.get(buffer, buffer)
            arena.view(image)[:] = start[name]
        for buffer, image in self.listing.images.items():
            arena.view(buffer)[:] = arena.view(image)
        for buffer in self.state_buffers:
            if buffer.name in start and buffer not in self.listing.images:
                arena.view(buffer)[:] = start[buffer.name]
        return arena

    def reset(self) -> None:
        """Back to the start image: parameters as compiled, rule state 0, counts 0."""
        self.__dict__.pop("arena", None)
        self.counts[:] = 0

    def fresh(self, part: Part | None = None) -> "Program":
        """The same program in its start state, with an arena of its own, or in a part of a larger one.

        part : :class:`mcuref.memory.arena.Part`, in which every buffer of the program has its place.
        """
        return Program(
            self.network,
            self.rule,
            self.optimiser,
            self.loss,
            self.policy,
            self.wrt,
            self.trainable,
            self.budget,
            self.listing,
            self._prepare,
            part,
        )

    def parameters(self) -> dict[str, NDArray[Any]]:
        """Copies of all parameters as they are now: {"dense1.weights": float32[O, I], ...}."""
        return {name: self.arena.view(buffer).copy() for name, buffer in self.listing.parameters.items()}

    def trained(self) -> Network:
        """The network as it is now: its parameters, and of int8 what its values now stand for.

        What a program of it computes is what this one does.
        """
        return self.arithmetic.trained(self.network, self.trainable, self.loss, self.parameters() | self.state())

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all that training changes and a later sample sees, by name: trainable parameters, rule state."""
        return {b.name: self.arena.view(b).copy() for b in self.state_buffers}

    def restore(self, state: Any) -> None:
        """Put back what :meth:`state` returned; InputError if it is another program's, or not finite."""
        instance("state", state, dict, "a dict, as Program.state() returns")
        names = {b.name for b in self.state_buffers}
        if set(state) != names:
            odd = sorted(set(state) ^ names)[0]
            raise InputError(f"state has {'an unknown' if odd in state else 'no'} entry {odd!r}; it is not this program's")
        for b in self.state_buffers:
            value = np.asarray(state[b.name])
            if value.shape != b.shape or value.dtype != b.dtype:
                raise InputError(f"state {b.name!r} is {value.dtype}{value.shape}; it must be {b.dtype}{b.shape}")
            if not np.isfinite(value).all():
                raise InputError(f"state {b.name!r} has NaN or infinite values")
        for b in self.state_buffers:
            self.arena.view(b)[:] = state[b.name]

    @property
    def state_buffers(self) -> list[Buffer]:
        """Buffers of all that :meth:`state` copies."""
        return [p.buffer for p in self.plan.placements if p.buffer.persistent and p.buffer.region == "sram"]

    def prepare(self) -> None:
        """Have the executor compiled, or loaded, that runs this program; otherwise the first use does that."""
        self._prepare(self.listing.index_type, self.arithmetic)

    # -- running --------------------------------------------------------------------------------------------------

    def train(
        self,
        x: Any,
        y: Any = None,
        order: Any = None,
        *,
        first: int = 0,
        total: int | None = None,
        progress: Callable[[int, int], Any] | None = None,
        shown: Shown | None = None,
        index: Any = None,
        epoch: Any = 0,
    ) -> Shown:
        """Show samples one by one and train on them by the rule.

        Parameters
        ----------
        x : array [N, ...], of the Input layer's dtype, N samples of its size.
        y : int[N] labels for softmax cross-entropy; float[N, outputs] or int[N] labels (one-hot) for mean squared
            error; None for reconstruction.
        order : int[S], which samples, in which order; 0 .. N - 1 if None.
        first, total : position of the first of them in the learning-rate schedule, and its length; a schedule of its
            own for this call if None.
        progress : callable(done, S) or None, called a few times a second, between two samples.
        shown : :class:`mcuref.program.step.Shown` to fill, for those who want to see part of it before the end.
        index, epoch : int, or int[S], of programs that let stored samples rest: which stored sample each of them is, -1 for
            one that is not stored (those of ``order`` if None), and in which epoch they are shown.

        Returns
        -------
        :class:`mcuref.program.step.Shown`: float32 losses[S], trained[S] (False where TinyPropv2 skipped) and rested[S].

        Raises
        ------
        InputError for bad arguments; NonFiniteError if an error became NaN or infinite.
        """
        if not self.trainable:
            raise InputError("this program was compiled without trainable layers (or for wrt='input'); it cannot train")
        step = self.step(x, y, order, first, total, index, epoch)
        return step.run_all(0, len(self.instructions), progress=progress, shown=shown)

    def outputs(
        self, x: Any, progress: Callable[[int, int], Any] | None = None, counts: NDArray[np.int64] | None = None
    ) -> NDArray[Any]:
        """Outputs z of the network for each sample, float32[N, outputs]; nothing is trained.

        counts : int64[rows, 5] to which the work is added, as in `counts`; None to count nothing.
        """
        step = Step(self, Samples.checked(self, x, None, None, labelled=False), None, self._counted(counts))
        return step.run_all(0, self.listing.forward_rows, self.listing.output, progress).results

    def predict(self, x: Any, progress: Callable[[int, int], Any] | None = None) -> NDArray[np.int64]:
        """Index of the largest output for each sample, int64[N]; the lowest index of equal ones."""
        return self.outputs(x, progress).argmax(axis=1)

    def input_gradient(self, x: Any, y: Any = None, counts: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """dLoss/dx of each sample with respect to the *normalised* input, float32[N, *shape]; needs wrt="input".

        counts : as in :meth:`outputs`.
        """
        if self.listing.input_error is None:
            raise InputError("this program was not compiled with wrt='input'; it has no input gradient")
        step = Step(self, Samples.checked(self, x, y, None, labelled=True), None, self._counted(counts))
        buffer = self.listing.input_error
        shown = step.run_all(0, len(self.instructions), buffer)
        return shown.results.reshape(-1, *self.network.input.shape)

    def _counted(self, counts):
        return np.zeros_like(self.counts) if counts is None else counts

    def trace(
        self,
        x: Any,
        y: Any = None,
        order: Any = None,
        *,
        first: int = 0,
        total: int | None = None,
        watched: bool = False,
        index: Any = None,
        epoch: Any = 0,
    ) -> list[Record]:
        """Train as :meth:`train`, row by row; returns (sample, row, opcode, layer, hash) of every instruction run.

        A program compiled with wrt="input" is traced as :meth:`input_gradient` runs, one without trainable layers as
        :meth:`outputs` does. See :mod:`mcuref.program.trace`.
        """
        from mcuref.program.trace import trace

        return trace(self, x, y, order, first, total, watched, index, epoch)

    @property
    def arithmetic(self) -> Arithmetic:
        """How it computes, :class:`mcuref.program.arithmetic.Arithmetic`."""
        return self.listing.arithmetic

    def step(self, x: Any, y: Any, order: Any, first: int, total: int | None, index: Any = None, epoch: Any = 0) -> Step:
        """Checked samples and, if there is a way back, their learning rates, ready to run through it: see :class:`Step`."""
        back = len(self.instructions) > self.listing.forward_rows
        samples = Samples.checked(self, x, y, order, labelled=back)
        count = samples.order.size
        first = whole("first", first, 0, MOST_STEPS)
        total = whole("total", first + count if total is None else total, 0, MOST_STEPS)
        if first + count > total:
            raise InputError(f"steps {first} to {first + count} lie outside a schedule of {total}")
        if not back:
            return Step(self, samples, None, self.counts)
        rates, first_rate = (
            self.optimiser.rates(first, count, max(total, 1)),
            self.optimiser.learning_rate / self.optimiser.batch,
        )
        known = self._known(samples.order, index, epoch)
        return Step(self, samples, self.arithmetic.rates(rates, first_rate), self.counts, *known)

    def _known(self, order, index, epoch):
        """Which stored sample each is that is shown, and its epoch, int32[S]; InputError if there is none of that number."""
        stored = self.instructions[0]["N"] if self.listing.rests else MOST_STORED
        index = order if index is None else each("index", index, order.size, -1, MOST_STORED)
        if index.size and index.max() >= stored:
            raise InputError(
                f"sample {index.max()} is not one of the {stored} stored ones that rule {self.rule.method!r} has rests of"
            )
        return index, each("epoch", epoch, order.size, 0, MOST_EPOCH)

    # -- cost -----------------------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """What the program needs and costs, as plain data: see :func:`mcuref.cost.needs.memory_report`."""
        return memory_report(self)
