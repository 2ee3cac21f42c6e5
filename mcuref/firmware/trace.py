"""What a firmware writes down while it trains, and what Python computes for the same samples; see export/c/verify."""

from dataclasses import dataclass, field

import numpy as np

from mcuref.errors import NonFiniteError

STATUS = ("trained", "skipped", "not finite", "foreign state", "bad label")
TRAINED, SKIPPED, NOT_FINITE, FOREIGN = range(4)
TRACE, STEPS = range(2)  # modes of a request


@dataclass
class Trace:
    """One program's run over some samples.

    Attributes
    ----------
    steps : list of (rows, status, loss) for each sample; rows a list of (row, hash of its outputs), loss its bits.
    inferences : list of (class, outputs float32[n]).
    state : bytes, of SRAM that outlives a sample, at the end.
    restored : (int, int, bytes): statuses of restoring a foreign and the own state, and the state then.
    """

    steps: list = field(default_factory=list)
    inferences: list = field(default_factory=list)
    state: bytes = b""
    restored: tuple = ()


@dataclass(frozen=True)
class Material:
    """A program with what it is shown: samples in order, as one pass of the program's learning-rate schedule.

    Attributes
    ----------
    program : Program, in any state; it is put back to its start image before it runs.
    x : array [S, ...], samples of the type that the network takes.
    y : int[S] labels, float32[S, outputs] targets, or None.
    inferences : int, how many of the samples, from the first on, are run through the network after training.
    """

    program: object
    x: np.ndarray
    y: object = None
    inferences: int = 1

    @property
    def steps(self):
        """How many samples are trained on: none by a program for inference alone."""
        program = self.program
        return len(self.x) if len(program.instructions) > program.listing.forward_rows else 0

    @property
    def rates(self):
        """Learning rates, float32[steps]."""
        return self.program.optimiser.rates(0, self.steps, max(self.steps, 1))

    @property
    def answers(self):
        """What stands beside each sample in C: labels int32[S, 1] or targets float32[S, outputs]; int32[S, 0] for none."""
        from mcuref.program.samples import Samples

        if self.y is None:
            return np.zeros((len(self.x), 0), np.int32)
        *_, labels, targets = Samples.checked(self.program, self.x, self.y, None, labelled=True).arrays
        return (targets if targets.size else labels).reshape(len(self.x), -1)


def python_trace(material, upto=None):
    """The :class:`Trace` of mcuref itself. ``upto`` (sample, row): stop behind that row and leave the arena as it is."""
    program, trace = material.program, Trace()
    program.reset()
    for index in range(material.steps):
        trace.steps.append(_python_step(material, index, upto))
        if upto and upto[0] == index:
            return trace
    for x in material.x[: material.inferences]:
        outputs = program.outputs(x[None])[0]
        trace.inferences.append((int(outputs.argmax()), outputs))
    trace.state = program.arena.sram[: program.plan.state].tobytes()
    trace.restored = (FOREIGN, TRAINED, trace.state)
    return trace


def _python_step(material, index, upto):
    """One step of :class:`Trace`."""
    from mcuref.program.trace import output_hash

    program, rows, status, row = material.program, [], TRAINED, 0
    y = None if material.y is None else material.y[index : index + 1]
    step = program.step(material.x[index : index + 1], y, None, index, material.steps)
    while row < len(program.instructions):
        instruction = program.instructions[row]
        try:
            following = step.run(row, row + 1)
        except NonFiniteError:
            rows.append((row, 0))
            return rows, NOT_FINITE, _bits(step.shown.losses)
        rows.append((row, output_hash(program, instruction)))
        if instruction.phase == "decision" and following == instruction.jump:
            status = SKIPPED
        if upto == (index, row):
            break
        row = following
    return rows, status, _bits(step.shown.losses)


def _bits(losses):
    return int(losses.view(np.int32)[0])


class Answer:
    """Reads answer.bin: words and bytes in the order in which the firmware wrote them."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def trace(self, material):
        """The next program's :class:`Trace`; steps have no rows where the firmware was asked for whole ones."""
        trace, program = Trace(), material.program
        for _ in range(material.steps):
            rows = []
            while (row := self._word()) >= 0:
                rows.append((row, self._word() & 0xFFFFFFFF))
            trace.steps.append((rows, self._word(), self._word()))
        outputs = program.network.outputs
        for _ in range(material.inferences):
            trace.inferences.append((self._word(), np.frombuffer(self._bytes(4 * outputs), np.float32)))
        trace.state = self._bytes(program.plan.state)
        trace.restored = (self._word(), self._word(), self._bytes(program.plan.state))
        return trace

    def end(self):
        """EOFError unless everything has been read."""
        if self.at != len(self.content):
            raise EOFError("the firmware wrote more than was asked for")

    def _bytes(self, count):
        self.at += count
        if self.at > len(self.content):
            raise EOFError("the firmware stopped before the end")
        return self.content[self.at - count : self.at]

    def _word(self):
        return int.from_bytes(self._bytes(4), "little", signed=True)
