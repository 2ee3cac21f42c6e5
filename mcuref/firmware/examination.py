"""What a firmware is asked for to find out whether it is equal, and the first difference if it is not.

It runs row by row, with all bytes overwritten that are no operand of the row, and then whole steps.
"""

from collections.abc import Callable
from dataclasses import replace

from mcuref.export.cores import Core
from mcuref.export.material import Material
from mcuref.export.trace import Trace
from mcuref.firmware.answer import STEPS, TRACE, WATCHED, read_answer, stopped_at
from mcuref.firmware.difference import Difference, stopped, trace_difference
from mcuref.firmware.toolchain import FirmwareStopped

PATTERNS = 4  # with which verify/watch.c overwrites; every sample has another than the one before it
FOREIGN = "it depends on bytes that are no operand of it"


def patterns(core: Core) -> range:
    """Patterns that the first sample gets, a run each: here all of them, in an emulator, which is slow, one."""
    return range(1 if core.emulator else PATTERNS)


def examine(
    material: Material, run: Callable[..., tuple[bytes, bytes]], core: Core
) -> tuple[Difference | None, Trace | None]:
    """(first :class:`Difference` or None, :class:`Trace` that was compared or None) of a firmware with one program.

    run : callable(mode, sample=-1, row=-1, pattern=0) -> (answer, dump), as of ``run_firmware``.
    """
    content, trace, whole = None, None, None
    for pattern in patterns(core):
        try:
            watched, _ = run(WATCHED, pattern=pattern)
        except FirmwareStopped as stop:
            return _explained(material, run, _stopped(material, stop, WATCHED)), trace
        if watched == content:
            continue
        content = watched
        (trace,) = read_answer(content, [material], WATCHED)
        try:
            whole = whole or read_answer(run(STEPS)[0], [material], STEPS)[0]
        except FirmwareStopped as stop:
            return _stopped(material, stop, STEPS), trace
        difference = trace_difference(material, trace, whole, lambda *place, p=pattern: run(WATCHED, *place, pattern=p)[1])
        if difference is not None and (difference.sample, difference.row) not in trace.strays:
            difference = _explained(material, run, difference)
        if difference is not None:
            return difference, trace
    return None, trace


def _stopped(material, stop, mode):
    """The :class:`Difference` of a firmware that crashed or did not end."""
    sample, row, what = stopped_at(stop.answer, material, mode)
    return stopped(material, sample, row, what, stop.how)


def _explained(material, run, difference):
    """The difference, with a note if it is there only when all but the row's operands is overwritten."""
    if difference.row < 0:
        return difference
    try:
        (plain,) = read_answer(run(TRACE)[0], [material], TRACE)
        other = trace_difference(material, plain, plain, lambda *place: run(TRACE, *place)[1])
    except FirmwareStopped as stop:
        other = _stopped(material, stop, TRACE)
    same = other is not None and (other.sample, other.row) == (difference.sample, difference.row)
    return difference if same else replace(difference, note=FOREIGN)
