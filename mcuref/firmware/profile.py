"""Executed instructions of a firmware, exact: between its marks, and function by function. Not cycles: see docs/firmware.md.

An emulator counts, with the plugin counter.c. What is counted is the binary that the core's compiler made, so the
counts belong to its version and flags.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.export.cores import Core
from mcuref.export.material import Material
from mcuref.firmware.answer import TRACE, Answer
from mcuref.firmware.conformance import build_conformance, encode_case, run_firmware
from mcuref.firmware.toolchain import ToolError, call, find_tool, workspace

PLUGIN = Path(__file__).with_name("counter.c")
SECONDS = 3600  # that a measurement may take
LARGE = 0xF00000  # bytes of RAM that boards have on which every network of the zoo fits
POOL = f"-DPOOL_BYTES={LARGE:#x}"
OUTSIDE = "(outside functions)"


@dataclass(frozen=True)
class Profile:
    """Executed instructions of one run of a firmware.

    Attributes
    ----------
    spans : int64[n], instructions between each pair of marks, without what a mark itself costs.
    functions : {name: instructions}, of each function alone, without those it calls; the largest first.
    """

    spans: NDArray[np.int64]
    functions: dict[str, int]


@dataclass(frozen=True)
class Measurement:
    """Executed instructions of one program.

    Attributes
    ----------
    steps : for each sample trained on, a list of (row, instructions), or the whole step's in mode STEPS; of a program for
        inference alone, rows of each inference in mode TRACE.
    inferences : list of int, of each inference, the search for the largest output included.
    """

    steps: list[list[tuple[int, int]]] | list[int]
    inferences: list[int]


@contextmanager
def counting(core: Core, flags: Sequence[str] = (), wide: bool = False) -> Iterator[Callable[..., Any]]:
    """What runs programs on a core through the conformance firmware, built once, and counts: see :func:`count_instructions`.

    It is a callable of (materials, mode), for kept indices of 32 bits if ``wide``, else of 16.
    """
    require_board(core)
    with workspace() as folder:
        pool = (POOL,) if core.ram[1] > LARGE else ()
        firmware = build_conformance(core, folder, (*flags, *pool), wide)

        def count(materials, mode=TRACE):
            (folder / "cases.bin").write_bytes(b"".join(map(encode_case, materials)))
            content, profile = run_profiled(core, firmware, folder, mode)
            answer, spans = Answer(content), iter(profile.spans.tolist())
            return [_measurement(answer.trace(m), spans, mode) for m in materials], profile.functions

        yield count


def count_instructions(
    core: Core, materials: Sequence[Material], mode: int = TRACE, flags: Sequence[str] = ()
) -> tuple[list[Measurement], dict[str, int]]:
    """Run programs on a core through the conformance firmware and count.

    Parameters
    ----------
    core : Core of an emulated board.
    materials : list of Material, programs with what they are shown.
    mode : TRACE counts each instruction of the program (row), STEPS whole training steps.
    flags : tuple of str, more flags of the compiler.

    Returns
    -------
    (list of Measurement, one a material; {function: instructions} of the whole run)

    Raises
    ------
    ToolError : a tool is missing or failed, or the core has no board.
    """
    with counting(core, flags, materials[0].program.listing.index_type == "uint32") as count:
        return count(materials, mode)


def _measurement(trace, spans, mode):
    """The :class:`Measurement` of a trace, from the spans that follow."""
    if mode == TRACE:
        steps = [[(row, next(spans)) for row, _ in rows] for rows, *_ in trace.steps]
    else:
        steps = [next(spans) for _ in trace.steps]
    inferences = []
    for index in range(len(trace.inferences)):
        steps += [[(row, next(spans)) for row, _ in rows] for rows in trace.forward[index : index + 1]]
        inferences.append(next(spans))
    return Measurement(steps, inferences)


def run_profiled(
    core: Core, firmware: Path, folder: Path, mode: int = TRACE, seconds: float = SECONDS
) -> tuple[bytes, Profile]:
    """Run a firmware that answers requests under the counter; returns (its answer as bytes, :class:`Profile`)."""
    require_board(core)
    symbols = read_symbols(core, firmware)
    plugin = build_plugin(folder)
    mark = next(address for address, _, name in symbols if name == "mark")
    argument = f"{plugin.name},mark={mark:#x},marks=marks.bin,functions=functions.txt"
    try:
        content, _ = run_firmware(core, firmware, folder, mode, plugin=argument, seconds=seconds)
    except ToolError as error:
        if "plugin" not in str(error):
            raise
        raise ToolError(f"this {core.emulator[0]} does not run the instruction counter, a plugin: {error}") from None
    spans = between_marks(np.fromfile(folder / "marks.bin", np.uint64).astype(np.int64))
    return content, Profile(spans, by_function((folder / "functions.txt").read_text(encoding="ascii"), symbols))


def require_board(core: Core) -> None:
    """ToolError if a core has no board."""
    if not core.is_board:
        raise ToolError(f"instructions are counted on emulated boards only, and core {core.name!r} is none: name another")


def build_plugin(folder: Path) -> Path:
    """Compile the plugin for this computer's QEMU into ``folder``; returns its path."""
    plugin = folder / "counter.so"
    call(
        [find_tool("gcc"), "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", PLUGIN, "-o", plugin],
        folder,
        what="compiler",
    )
    return plugin


def between_marks(marks: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[n / 2 - 1]: instructions of each pair of marks but the first, which measures nothing and is subtracted."""
    spans = marks[1::2] - marks[: marks.size - 1 : 2]
    return spans[1:] - spans[0]


def read_symbols(core: Core, firmware: Path) -> list[tuple[int, int, str]]:
    """(address, bytes, name) of every function of a firmware, in ascending order."""
    text = call([find_tool(f"{core.toolchain.prefix}nm"), "-S", firmware], what="nm")
    fields = (line.split() for line in text.splitlines())
    symbols = [(int(f[0], 16) & ~1, int(f[1], 16), f[3]) for f in fields if len(f) == 4 and f[2] in "tTwW"]
    return sorted(symbols)


def by_function(histogram: str, symbols: Sequence[tuple[int, int, str]]) -> dict[str, int]:
    """{name: instructions} of lines "address count", the largest first; what lies in no function under its own name."""
    starts, totals = [address for address, *_ in symbols], {}
    for line in histogram.splitlines():
        address, count = line.split()
        address = int(address, 16)
        at = bisect_right(starts, address) - 1
        inside = at >= 0 and address < symbols[at][0] + symbols[at][1]
        name = symbols[at][2] if inside else OUTSIDE
        totals[name] = totals.get(name, 0) + int(count)
    return dict(sorted(totals.items(), key=lambda item: -item[1]))
