"""A program: a compiled network with its arena. It trains, predicts, traces, and says what it costs."""

import time
from functools import cached_property

import numpy as np

from mcuref.arguments import instance, whole
from mcuref.cost.needs import memory_report
from mcuref.errors import InputError, NonFiniteError
from mcuref.memory.arena import Arena
from mcuref.operators.columns import COUNTS
from mcuref.program.instructions import encode
from mcuref.program.samples import Samples

MOST_STEPS = 1 << 48  # of a learning-rate schedule
CHUNK_SECONDS = 0.25  # Python gets control back at least this often (roughly), for Ctrl-C and progress


class Program:
    """One network, rule and optimiser, compiled; state lies in one arena of exactly ``plan.sram + plan.flash`` bytes.

    Made by :func:`mcuref.compile`. The arena is allocated, and Numba loaded, when something is run.

    Attributes
    ----------
    network, rule, optimiser, loss, policy, wrt, trainable, budget : what it was compiled from.
    instructions : tuple of Instruction, the rows of the table.
    plan : :class:`mcuref.memory.accountant.Plan`.
    counts : int64[rows, 4], what training did so far, row by row: runs, chosen k, kept entries, comparisons.
    """

    def __init__(self, network, rule, optimiser, loss, policy, wrt, trainable, budget, listing, prepare, part=None):
        self.network, self.rule, self.optimiser, self.loss = network, rule, optimiser, loss
        self.policy, self.wrt, self.trainable, self.budget = policy, wrt, trainable, budget
        self.listing, self.plan, self.instructions = listing, listing.plan, listing.instructions
        self._prepare, self._part, self._offsets = prepare, part, listing.plan.offsets if part is None else part.offsets
        self.counts = np.zeros((len(self.instructions), len(COUNTS)), np.int64)

    # -- memory ---------------------------------------------------------------------------------------------------

    @cached_property
    def table(self):
        """The program table, int32[rows, 32]: see :mod:`mcuref.operators.columns`."""
        return encode(self.instructions, self._offsets)

    @cached_property
    def arena(self):
        """The memory, allocated on first use: flash as it would be written, SRAM as after a reset."""
        return self.fill(Arena(self.plan) if self._part is None else self._part)

    def allocate(self):
        """Make the arena now, so that flash is written before anything runs; otherwise the first use makes it."""
        return self.arena

    def fill(self, arena):
        """Bring an arena of this plan into its start state; returns it."""
        start = self.listing.arithmetic.start(self.network.parameters)
        for buffer, values in self.listing.constants.items():
            arena.view(buffer)[:] = values
        arena.view(self.listing.table)[:] = self.table
        for name, buffer in self.listing.parameters.items():
            image = self.listing.images.get(buffer, buffer)
            arena.view(image)[:] = start[name]
        for buffer, image in self.listing.images.items():
            arena.view(buffer)[:] = arena.view(image)
        return arena

    def reset(self):
        """Back to the start image: parameters as compiled, rule state 0, counts 0."""
        self.__dict__.pop("arena", None)
        self.counts[:] = 0

    def fresh(self, part=None):
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

    def parameters(self):
        """Copies of all parameters as they are now: {"dense1.weights": float32[O, I], ...}."""
        return {name: self.arena.view(buffer).copy() for name, buffer in self.listing.parameters.items()}

    def state(self):
        """Copies of all that training changes and a later sample sees, by name: trainable parameters, rule state."""
        return {b.name: self.arena.view(b).copy() for b in self.state_buffers}

    def restore(self, state):
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
    def state_buffers(self):
        """Buffers of all that :meth:`state` copies."""
        return [p.buffer for p in self.plan.placements if p.buffer.persistent and p.buffer.region == "sram"]

    def prepare(self):
        """Have the executor compiled, or loaded, that runs this program; otherwise the first use does that."""
        self._prepare(self.listing.index_type)

    # -- running --------------------------------------------------------------------------------------------------

    def train(self, x, y=None, order=None, *, first=0, total=None, progress=None, shown=None):
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
        shown : :class:`Shown` to fill, for those who want to see part of it before the end.

        Returns
        -------
        :class:`Shown`: float32 losses[S] and trained[S] (False where TinyPropv2 skipped).

        Raises
        ------
        InputError for bad arguments; NonFiniteError if an error became NaN or infinite.
        """
        if not self.trainable:
            raise InputError("this program was compiled without trainable layers (or for wrt='input'); it cannot train")
        step = self.step(x, y, order, first, total)
        return step.run_all(0, len(self.instructions), progress=progress, shown=shown)

    def outputs(self, x, progress=None, counts=None):
        """Outputs z of the network for each sample, float32[N, outputs]; nothing is trained.

        counts : int64[rows, 4] to which the work is added, as in `counts`; None to count nothing.
        """
        step = Step(self, Samples.checked(self, x, None, None, labelled=False), None, self._counted(counts))
        return step.run_all(0, self.listing.forward_rows, self.listing.output, progress).results

    def predict(self, x, progress=None):
        """Index of the largest output for each sample, int64[N]; the lowest index of equal ones."""
        return self.outputs(x, progress).argmax(axis=1)

    def input_gradient(self, x, y=None, counts=None):
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

    def trace(self, x, y=None, order=None, *, first=0, total=None, watched=False):
        """Train as :meth:`train`, row by row; returns (sample, row, opcode, layer, hash) of every instruction run.

        A program compiled with wrt="input" is traced as :meth:`input_gradient` runs. See :mod:`mcuref.program.trace`.
        """
        from mcuref.program.trace import trace

        return trace(self, x, y, order, first, total, watched)

    def step(self, x, y, order, first, total):
        """Checked samples and their learning rates, ready to run through the whole program: see :class:`Step`."""
        if len(self.instructions) == self.listing.forward_rows:
            raise InputError("this program was compiled for inference only (trainable 0); there is no way back in it")
        samples = Samples.checked(self, x, y, order, labelled=True)
        count = samples.order.size
        first = whole("first", first, 0, MOST_STEPS)
        total = whole("total", first + count if total is None else total, 0, MOST_STEPS)
        if first + count > total:
            raise InputError(f"steps {first} to {first + count} lie outside a schedule of {total}")
        return Step(self, samples, self.optimiser.rates(first, count, max(total, 1)), self.counts)

    # -- cost -----------------------------------------------------------------------------------------------------

    def report(self):
        """What the program needs and costs, as plain data: see :func:`mcuref.cost.needs.memory_report`."""
        return memory_report(self)


class Shown:
    """What came of showing samples: ``losses`` [S], ``trained`` bool[S], and ``results`` [S, n], what a buffer held then.

    Types of losses and results are those of the program's arithmetic and of the buffer.
    """

    def __init__(self, size, loss="float32", result=None):
        self.losses = np.zeros(size, loss)
        self.trained = np.ones(size, bool)
        self.results = np.zeros((size, 0), np.uint8) if result is None else np.zeros((size, *result.shape), result.dtype)

    def part(self, first):
        """The same from sample ``first`` on: views, not copies."""
        part = Shown(0)
        part.losses, part.trained, part.results = self.losses[first:], self.trained[first:], self.results[first:]
        return part


class Step:
    """Samples on their way through a program: the executor's arguments, and its calls in chunks.

    Parameters
    ----------
    program : Program.
    samples : checked :class:`mcuref.program.samples.Samples`.
    rates : learning rates [S], or None where nothing is trained.
    counts : int64[rows, 4] that the executor adds to.

    Attributes
    ----------
    shown : :class:`Shown`, what came of the rows that :meth:`run` ran.
    """

    def __init__(self, program, samples, rates, counts):
        from mcuref.operations.views import Memory
        from mcuref.program import executor

        arithmetic, size = program.listing.arithmetic, samples.order.size
        self.executor, self.program, self.samples, self.counts = executor, program, samples, counts
        self.rates = np.zeros(size, arithmetic.rate) if rates is None else rates
        self.status = np.zeros(3, np.int64)
        self.shown = Shown(size, arithmetic.loss)
        table = program.arena.view(program.listing.table)
        arena, index_type = program.arena.bytes, program.listing.index_type
        self.tables = table, table.view(np.float32)
        self.memory = Memory(*(arena.view(dtype) for dtype in ("u1", index_type, "i4", "f4")))
        program.prepare()

    def run(self, first_row, end_row):
        """Run some rows for all samples; returns the row that would come next for the last one. See ``shown``."""
        self._call(slice(None), first_row, end_row, self.shown, 0)
        return int(self.status[self.executor.ROW])

    def run_all(self, first_row, end_row, result=None, progress=None, shown=None):
        """Run rows for all samples in chunks of a fraction of a second; returns :class:`Shown`.

        ``result`` is a buffer that is copied out after each sample.
        """
        size = self.samples.order.size
        shown = Shown(size, self.program.listing.arithmetic.loss, result) if shown is None else shown
        offset = 0 if result is None else self.program.arena.offsets[result]
        done, chunk = 0, 64
        while done < size:
            part = slice(done, min(done + chunk, size))
            began = time.perf_counter()
            self._call(part, first_row, end_row, shown, offset)
            elapsed = time.perf_counter() - began
            done = part.stop
            chunk = int(np.clip(chunk * CHUNK_SECONDS / max(elapsed, 1e-9), max(chunk // 4, 1), chunk * 8))
            if progress:
                progress(done, size)
        return shown

    def _call(self, part, first_row, end_row, shown, offset):
        from mcuref.operations.views import Host

        trained, results = shown.trained[part].view(np.uint8), shown.results[part]
        host = Host(*self.samples.arrays, self.samples.order[part], self.rates[part], shown.losses[part], trained)
        self.executor.execute(
            *self.tables, self.memory, host, first_row, end_row, results.view(np.uint8), offset, self.counts, self.status
        )
        if self.status[self.executor.CODE] == self.executor.NONFINITE:
            layer = self.program.instructions[self.status[self.executor.ROW]].layer
            raise NonFiniteError(layer, (part.start or 0) + int(self.status[self.executor.POSITION]))
