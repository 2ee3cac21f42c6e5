"""What a firmware is asked for, and what it answers: files beside it, as export/c/verify/trace.h defines them."""

import numpy as np

from mcuref.export.trace import BAD_LABELS, FLASH, RESTORING, Trace
from mcuref.firmware.toolchain import ToolError

TRACE, STEPS = range(2)  # modes of a request


def read_answer(content, materials):
    """The :class:`Trace` of every material in answer.bin; ToolError if it holds more or less than that."""
    answer = Answer(content)
    try:
        traces = [answer.trace(material) for material in materials]
        answer.end()
    except EOFError:
        raise ToolError(
            f"the firmware's trace of {len(content):,} bytes is not of the reference's samples and sizes: they do not "
            "belong together; export the project again"
        ) from None
    return traces


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
            trace.inferences.append((self._word(), np.frombuffer(self._bytes(4 * outputs), np.float32), self._word()))
        trace.checks = {name: self._word() for name in FLASH}
        trace.state = self._bytes(program.plan.state)
        for name in (*RESTORING, "restored", *(BAD_LABELS if material.labelled and material.steps else ())):
            trace.checks[name] = self._word() if name != "restored" else self._bytes(program.plan.state)
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
