"""What a firmware is asked for, and what it answers: files beside it, as export/c/verify/trace.h defines them."""

from collections.abc import Sequence

import numpy as np

from mcuref.export.material import Material
from mcuref.export.trace import BAD_LABELS, FLASH, RESTORING, Trace
from mcuref.firmware.toolchain import ToolError

TRACE, STEPS, WATCHED = range(3)  # modes of a request
FORMAT = 0x4D435452  # the first word of a program's trace; 1 more where rows are watched
END, STRAY = -1, -2  # words that are no row


def read_answer(content: bytes, materials: Sequence[Material], mode: int = TRACE) -> list[Trace]:
    """The :class:`Trace` of every material in answer.bin; ToolError if it holds more or less than that."""
    answer = Answer(content, mode)
    try:
        traces = [answer.trace(material) for material in materials]
        answer.end()
    except EOFError:
        raise ToolError(
            f"the firmware's trace of {len(content):,} bytes is not of the reference's samples and sizes: they do not "
            "belong together; export the project again"
        ) from None
    return traces


def stopped_at(content: bytes, material: Material, mode: int) -> tuple[int, int, str]:
    """(sample, row, what was running) of a program whose answer.bin ends too early; -1 for what it is not known of."""
    answer = Answer(content, mode)
    try:
        answer.trace(material)
    except EOFError:
        return *answer.place, answer.doing
    return -1, -1, "at the end: "


class Answer:
    """Reads answer.bin: words and bytes in the order in which the firmware wrote them.

    Attributes
    ----------
    place : (sample, row) that is being read, -1 for what belongs to none.
    doing : str, what the firmware did there if it was no step row by row, such as "inference: ".
    """

    def __init__(self, content: bytes, mode: int = TRACE) -> None:
        self.content, self.mode, self.at = content, mode, 0
        self.place, self.doing = (-1, -1), "at the beginning: "

    def trace(self, material: Material) -> Trace:
        """The next program's :class:`Trace`; steps have no rows where the firmware was asked for whole ones."""
        watched, program = self._word() - FORMAT, material.program
        if watched not in (0, 1):
            raise EOFError("another version's trace")
        trace = Trace(watched=watched == 1)
        for sample in range(material.steps):
            self.doing = "mcuref_train: " if self.mode == STEPS else ""
            trace.steps.append((self._rows(trace, sample), self._word(), self._word()))
        output = program.listing.output
        for sample in range(material.inferences):
            self.place, self.doing = (sample, -1), "inference: "
            if self.mode != STEPS and not material.steps:
                trace.forward.append(self._rows(trace, sample))
            trace.inferences.append((self._word(), np.frombuffer(self._bytes(output.size), output.dtype), self._word()))
        self.place, self.doing = (-1, -1), "behind the last sample: "
        trace.checks = {name: self._word() for name in FLASH}
        trace.state = self._bytes(program.plan.state)
        for name in (*RESTORING, "restored", *(BAD_LABELS if material.labelled and material.steps else ())):
            trace.checks[name] = self._word() if name != "restored" else self._bytes(program.plan.state)
        return trace

    def _rows(self, trace, sample):
        """(row, hash) of every row that a sample ran."""
        self.place, rows = (sample, -1), []
        while (word := self._word()) != END:
            if word == STRAY and rows:
                trace.strays.setdefault((sample, rows[-1][0]), self._word())
                continue
            self.place = sample, word
            rows.append((word, self._word() & 0xFFFFFFFF))
            self.place = sample, -1
        return rows

    def end(self) -> None:
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
