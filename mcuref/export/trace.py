"""What training computes, row by row, as golden vectors hold it and a firmware writes it down; see export/c/verify."""

from dataclasses import dataclass, field

import numpy as np

from mcuref.errors import NonFiniteError
from mcuref.export.material import Material

STATUS = ("trained", "skipped", "not finite", "foreign state", "bad label", "rested")
TRAINED, SKIPPED, NOT_FINITE, FOREIGN, BAD_LABEL, RESTED = range(6)
ENDED = {"decision": SKIPPED, "rest": RESTED}  # what it is called if a row of that phase jumps
# What a firmware writes behind its samples, in this order; the state, and what is restored of it, stand between
FLASH = ("identity", "hash of the flash part")
RESTORING = (
    "answer to restoring another program's state", "answer to restoring a damaged state",
    "hash of the state after those", "answer to restoring its own state",
)  # fmt: skip
BAD_LABELS = ("answer to label -1", "answer to a label too many", "state kept at bad labels (1: yes)")


@dataclass
class Trace:
    """One program's run over some samples.

    Attributes
    ----------
    steps : list of (rows, status, loss) for each sample; rows a list of (row, hash of its outputs), loss its bits, those of
        -1 if the sample rests.
    inferences : list of (class, outputs [n], loss); the loss is its bits, those of -1 if there is none.
    forward : list of rows for each inference, as above, of a program for inference alone.
    state : bytes, of SRAM that outlives a sample, at the end.
    checks : {name: int}, words of FLASH, RESTORING and BAD_LABELS; "restored" is bytes, the state after it was restored.
    watched : bool, whether each row had nothing but its operands.
    strays : {(sample, row): byte of the arena that the row wrote first of those that are no output of it}.
    """

    steps: list = field(default_factory=list)
    inferences: list = field(default_factory=list)
    forward: list = field(default_factory=list)
    state: bytes = b""
    checks: dict = field(default_factory=dict)
    watched: bool = False
    strays: dict = field(default_factory=dict)


def python_trace(material: Material, upto: tuple[int, int] | None = None) -> Trace:
    """The :class:`Trace` of mcuref itself. ``upto`` (sample, row): stop behind that row and leave the arena as it is."""
    program, trace = material.program, Trace()
    program.reset()
    for index in range(material.steps):
        trace.steps.append(_python_step(material, index, upto))
        if upto and upto[0] == index:
            return trace
    for index, x in enumerate(material.x[: material.inferences]):
        if not material.steps:
            trace.forward.append(_python_forward(material, index, upto))
            if upto and upto[0] == index:
                return trace
        outputs = program.outputs(x[None])[0]
        trace.inferences.append((int(outputs.argmax()), outputs, _loss(material, index)))
    trace.state = program.arena.bytes[: program.plan.state].tobytes()
    trace.checks = _checks(material, trace.state)
    return trace


def _checks(material, state):
    """What is checked behind the samples."""
    from mcuref.export.image import Image

    program = material.program
    identity = int(np.uint32(Image(program).identity).view(np.int32))
    start = _hash(program.fresh().arena.bytes[: program.plan.state])
    checks = dict(zip((*FLASH, *RESTORING), (identity, identity, FOREIGN, FOREIGN, start, TRAINED)))
    checks["restored"] = state
    if material.labelled and material.steps:
        checks |= dict(zip(BAD_LABELS, (BAD_LABEL, BAD_LABEL, 1)))
    return checks


def _hash(values):
    """FNV-1a, as the word that C writes: int32."""
    from mcuref.kernels.hashing import START, fnv1a

    return int(np.uint32(fnv1a(values.view(np.uint8), START)).view(np.int32))


def _python_step(material, index, upto):
    """One step of :class:`Trace`."""
    from mcuref.program.trace import output_hash

    program, rows, status, row = material.program, [], TRAINED, 0
    y = None if material.y is None else material.y[index : index + 1]
    step = program.step(material.x[index : index + 1], y, None, index, material.steps, *material.shown[index])
    while row < len(program.instructions):
        instruction = program.instructions[row]
        try:
            following = step.run(row, row + 1)
        except NonFiniteError:
            rows.append((row, 0))
            return rows, NOT_FINITE, _bits(step.shown.losses)
        rows.append((row, output_hash(program, instruction)))
        if following == instruction.jump and instruction.phase in ENDED:
            status = ENDED[instruction.phase]
        if upto == (index, row):
            break
        row = following
    return rows, status, _no_loss(program) if status == RESTED else _bits(step.shown.losses)


def _python_forward(material, index, upto):
    """Rows of one inference."""
    from mcuref.program.samples import Samples
    from mcuref.program.step import Step
    from mcuref.program.trace import output_hash

    program, rows = material.program, []
    x = Samples.checked(program, material.x[index : index + 1], None, None, labelled=False)
    step = Step(program, x, None, program.counts)
    for row, instruction in enumerate(program.instructions):
        step.run(row, row + 1)
        rows.append((row, output_hash(program, instruction)))
        if upto == (index, row):
            break
    return rows


def _loss(material, index):
    """Bits of a sample's loss, without a step; those of -1 where there is no row that computes one."""
    if not material.steps:
        return _no_loss(material.program)
    y = None if material.y is None else material.y[index : index + 1]
    step = material.program.step(material.x[index : index + 1], y, None, 0, 1, -1)
    step.run(0, material.program.listing.forward_rows + 1)
    return _bits(step.shown.losses)


def _no_loss(program):
    return _bits(np.full(1, -1, program.arithmetic.loss))


def _bits(losses):
    return int(losses.view(np.int32)[0])
