"""A step: samples on their way through a program, in chunks that leave Python time for progress and Ctrl-C."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mcuref.errors import NonFiniteError
from mcuref.memory.buffers import Buffer
from mcuref.operators import columns, run_of
from mcuref.operators.columns import OPCODE, F
from mcuref.program.listing import Executable
from mcuref.program.samples import Samples

CHUNK_SECONDS = 0.25  # Python gets control back at least this often (roughly), for Ctrl-C and progress
JUMP_COLUMN = columns.JUMP


class Shown:
    """What came of showing samples: ``losses`` [S], bool ``trained`` and ``rested`` [S], ``results`` [S, n] of a buffer.

    A sample that rested has loss 0. Types of losses and results are those of the program's arithmetic and of the buffer.
    """

    def __init__(self, size: int, loss: DTypeLike, result: Buffer | None = None) -> None:
        self.losses = np.zeros(size, loss)
        self.trained = np.ones(size, bool)
        self.rested = np.zeros(size, bool)
        self.results = np.zeros((size, 0), np.uint8) if result is None else np.zeros((size, *result.shape), result.dtype)

    def part(self, first: int) -> "Shown":
        """The same from sample ``first`` on: views, not copies."""
        part = Shown(0, self.losses.dtype)
        for name in ("losses", "trained", "rested", "results"):
            setattr(part, name, getattr(self, name)[first:])
        return part


class Step:
    """Samples on their way through a program: the executor's arguments, and its calls in chunks.

    Parameters
    ----------
    program : Program.
    samples : checked :class:`mcuref.program.samples.Samples`.
    rates : learning rates [S], or None where nothing is trained.
    counts : int64[rows, 5] that the executor adds to.
    index, epoch : int32[S], which stored sample each is, -1 for none, and in which epoch it is shown; None: none, 0.

    Attributes
    ----------
    shown : :class:`Shown`, what came of the rows that :meth:`run` ran.
    """

    def __init__(
        self,
        program: Executable,
        samples: Samples,
        rates: NDArray[Any] | None,
        counts: NDArray[np.int64],
        index: NDArray[np.int32] | None = None,
        epoch: NDArray[np.int32] | None = None,
    ) -> None:
        from mcuref.operations import loop
        from mcuref.operations.views import Memory
        from mcuref.program.executor import compiled_loop

        arithmetic, size = program.arithmetic, samples.order.size
        self.loop, self.program, self.samples, self.counts = loop, program, samples, counts
        self.execute = compiled_loop(arithmetic)
        self.rates = np.zeros(size, arithmetic.rate) if rates is None else rates
        self.index = np.full(size, -1, np.int32) if index is None else index
        self.epoch = np.zeros(size, np.int32) if epoch is None else epoch
        self.status = np.zeros(3, np.int64)
        self.shown = Shown(size, arithmetic.loss)
        table = program.arena.view(program.listing.table)
        arena, index_type = program.arena.bytes, program.listing.index_type
        self.tables = table, table.view(np.float32)
        self.memory = Memory(*(arena.view(dtype) for dtype in ("u1", index_type, "i4", "f4", "i1")))
        program.prepare()

    def run(self, first_row: int, end_row: int) -> int:
        """Run some rows for all samples; returns the row that would come next for the last one. See ``shown``."""
        self._call(slice(None), first_row, end_row, self.shown, 0)
        return int(self.status[self.loop.ROW])

    def run_all(
        self,
        first_row: int,
        end_row: int,
        result: Buffer | None = None,
        progress: Callable[[int, int], Any] | None = None,
        shown: Shown | None = None,
    ) -> Shown:
        """Run rows for all samples in chunks of a fraction of a second; returns :class:`Shown`.

        ``result`` is a buffer that is copied out after each sample.
        """
        size = self.samples.order.size
        shown = Shown(size, self.program.arithmetic.loss, result) if shown is None else shown
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

    def layer_outputs(self, index: int) -> NDArray[Any]:
        """Outputs of a layer that has an instruction, for all samples, [S, n]: read behind the last row of the layer."""
        instructions = self.program.instructions
        row = max(row for row, instruction in enumerate(instructions) if instruction.layer_index == index)
        return self.run_all(0, row + 1, instructions[row].outputs[0]).results

    def _call(self, part, first_row, end_row, shown, offset):
        """Run rows for some samples; where an operator is not compiled in, Python runs that row, and then it goes on."""
        loop, status, begin_row, start = self.loop, self.status, first_row, part.start or 0
        while True:
            host = self._host(slice(start, part.stop), shown)
            results = shown.results[start : part.stop].view(np.uint8)
            self.execute(
                *self.tables, self.memory, host, begin_row, first_row, end_row, results, offset, self.counts, status
            )
            if status[loop.CODE] == loop.UNKNOWN:
                begin_row = self._run_outside(host, *status[[loop.POSITION, loop.ROW]].tolist())
            if status[loop.CODE] == loop.DONE:
                return
            start += int(status[loop.POSITION])
            if status[loop.CODE] == loop.NONFINITE:
                raise NonFiniteError(self.program.instructions[status[loop.ROW]].layer, start)

    def _host(self, part, shown):
        """What the host hands over for some samples."""
        from mcuref.operations.views import Host

        order, rates, trained = self.samples.order[part], self.rates[part], shown.trained[part].view(np.uint8)
        rested = shown.rested[part].view(np.uint8)
        known = self.index[part], self.epoch[part]
        return Host(*self.samples.arrays, order, rates, shown.losses[part], trained, rested, *known)

    def _run_outside(self, host, position, row):
        """Run a row whose operator is from outside; returns the row that comes next."""
        from mcuref.operations.views import END, JUMP, Sample

        table, constants = self.tables
        sample = Sample(position, int(host.order[position]), host.rates[position])
        arguments = table[row], constants[row, F:], self.memory, host, sample, self.counts[row]
        following = run_of(int(table[row, OPCODE]))(*arguments)
        if following == END:
            self.status[self.loop.CODE] = self.loop.NONFINITE
        return int(table[row, JUMP_COLUMN]) if following == JUMP else row + 1
