"""Exported projects: built with their own Makefile, run, and compared with mcuref."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mcuref.errors import InputError
from mcuref.export import reference
from mcuref.export.cores import Core, find_core
from mcuref.export.image import SAVED_HEAD
from mcuref.export.material import Material
from mcuref.export.reference import read_reference
from mcuref.firmware.answer import STEPS, TRACE, Answer
from mcuref.firmware.difference import Difference
from mcuref.firmware.examination import examine
from mcuref.firmware.toolchain import SECONDS, ToolError, call, explained, find_tool, run_firmware, tools, workspace
from mcuref.names import hint, near_paths

ARENA, SAVED = "arena", "saved"  # symbols of verify.c
CHECK = {  # functions that verify.c alone calls
    "main", "reset_handler", "mcuref_fnv1a", "mcuref_init", "mcuref_save", "mcuref_restore", "mark", "ask", "address",
    "trace_bad_labels", "try_damaged", "state_hash", "trace_begin", "trace_start", "trace_step", "trace_rows", "run_row",
    "trace_inference", "trace_state", "trace_end", "write_word", "watch_row", "watch_begin", "watch_pattern", "find_parts",
    "find_stray", "operand", "copy", "port_open", "port_read", "port_write", "port_close", "port_print", "port_memory",
    "hash_outputs", "dump_outputs", "bytes_of", "paint_stack", "offer",
}  # fmt: skip


@dataclass(frozen=True)
class Verification:
    """What came of a comparison.

    Attributes
    ----------
    core, compiler : str.
    samples, instructions, inferences : int, how many were compared.
    watched : bool, whether each instruction had nothing but its operands: there was memory for that.
    arena : (int, int), bytes planned and bytes of the array in the program that was built.
    difference : :class:`Difference` or None.
    """

    core: str
    compiler: str
    samples: int
    instructions: int
    inferences: int
    watched: bool
    arena: tuple[int, int]
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return self.difference is None and self.arena[0] == self.arena[1]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        difference = None if self.difference is None else self.difference.as_dict()
        return {
            "core": self.core,
            "compiler": self.compiler,
            "equal": self.equal,
            "samples": self.samples,
            "instructions": self.instructions,
            "inferences": self.inferences,
            "watched": self.watched,
            "arena": {"planned": self.arena[0], "elf": self.arena[1]},
            "difference": difference,
        }


def read_project(folder: Path | str) -> Material:
    """The Material of an exported project; InputError if the folder is none, or its reference is not as it was written."""
    return read_reference(_reference(folder))


def changed_files(folder: Path | str) -> list[str]:
    """Names of the files of an exported project that are not as they were exported; InputError if the folder is none."""
    return reference.changed_files(_reference(folder))


def _reference(folder):
    """The folder of what mcuref compares a project with; InputError if the folder is no project."""
    folder = Path(folder)
    if not _is_project(folder):
        right = hint(near_paths(folder, _is_project), "mcuref export makes one")
        if not folder.is_dir():
            raise InputError(f"there is no folder {str(folder)!r}{right}")
        raise InputError(f"{str(folder)!r} is no exported project: it has no Makefile{right}")
    return folder / "reference"


def _is_project(folder):
    return os.path.isfile(folder / "Makefile")


def build_project(folder: Path | str, core: Core, place: Path) -> Path:
    """Build the check of an exported project for a core in ``place``, a folder for that; returns its path.

    A copy is built, with relative paths alone: make takes no name with a space, a colon or a percent sign, and hands names
    to a shell. InputError if there is what cannot be copied, ToolError with the compiler's message.
    """
    for tool in (core.compiler, core.linker):
        find_tool(tool)
    copy, build = place / "project", Path("build", core.name)
    try:
        shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(".*", "build", "reference"))
    except OSError as error:
        why = error.args[0][0][2].rpartition("] ")[2] if isinstance(error, shutil.Error) else error.strerror
        raise InputError(f"project {str(folder)!r} cannot be copied to be built: {why}") from None
    with explained(core):
        call(
            [find_tool("make"), "-s", f"-j{os.cpu_count()}", f"CORE={core.name}", f"BUILD={build}", build / "check"],
            copy,
            what="building with",
        )
    if not (copy / build / "check").is_file():
        raise ToolError("the project's Makefile built no check")
    return copy / build / "check"


def symbol_bytes(program: Path, names: Iterable[str]) -> dict[str, int]:
    """{name: bytes} of symbols in a program that was built; ToolError if one is missing."""
    found = {}
    for line in call([find_tool("nm"), "-S", program]).splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[-1] in names:
            found[fields[-1]] = int(fields[1], 16)
    for name in names:
        if name not in found:
            raise ToolError(f"{program.name} has no symbol {name!r}")
    return found


def verify_project(folder: Path | str, core_name: str, seconds: float = SECONDS) -> Verification:
    """Build and run an exported project on a core and compare it with mcuref; returns a :class:`Verification`."""
    core, material = find_core(core_name), read_project(folder)
    from mcuref.firmware.toolchain import version

    for tool in (*tools(core), "make", "nm"):
        find_tool(tool)
    with workspace() as place:
        firmware = build_project(folder, core, place)
        difference, trace = examine(material, partial(run_firmware, core, firmware, place, seconds=seconds), core)
        plan, sizes = material.program.plan, symbol_bytes(firmware, (ARENA, SAVED))
        if difference is None and sizes[SAVED] != plan.state + SAVED_HEAD:
            difference = Difference(
                -1, -1, "", "", "size of a saved state", -1, f"{plan.state + SAVED_HEAD}", f"{sizes[SAVED]}"
            )
        arena = plan.sram, sizes[ARENA]
    instructions = sum(len(rows) for rows, _, _ in trace.steps) if trace else 0
    return Verification(
        core.name,
        version(core),
        material.steps,
        instructions,
        material.inferences,
        trace is not None and trace.watched,
        arena,
        difference,
    )


def profile_project(folder: Path | str, core_name: str, seconds: float = SECONDS) -> dict[str, Any]:
    """Executed instructions of an exported project on an emulated core, exact, as plain data.

    {"training_step", "inference": mean instructions; "rows": by instruction of the program; "functions": {name:
    instructions} over all steps and inferences; "samples", "inferences"}. ToolError for a core without a board.
    """
    from mcuref.firmware.profile import require_board, run_profiled

    core, material = find_core(core_name), read_project(folder)
    require_board(core)
    with workspace() as place:
        firmware = build_project(folder, core, place)
        content, by_row = run_profiled(core, firmware, place, TRACE, seconds)
        _, by_step = run_profiled(core, firmware, place, STEPS, seconds)
    steps, runs = material.steps, [row for rows, _, _ in Answer(content).trace(material).steps for row, _ in rows]
    rows: list[dict[str, Any]] = [
        {"row": i, "opcode": instruction.name, "layer": instruction.layer, "phase": instruction.phase}
        | {"runs": 0, "instructions": 0}
        for i, instruction in enumerate(material.program.instructions)
    ]
    for row, count in zip(runs, by_row.spans.tolist()):
        rows[row]["runs"] += 1
        rows[row]["instructions"] += count
    for row in rows:
        row["per_step"] = row["instructions"] / max(steps, 1)
    return {
        "training_step": float(by_step.spans[:steps].mean()) if steps else 0.0,
        "inference": float(by_step.spans[steps:].mean()),
        "samples": steps,
        "inferences": material.inferences,
        "rows": rows,
        "functions": {name: count for name, count in by_step.functions.items() if name not in CHECK},
    }
