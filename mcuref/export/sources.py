"""The C sources that lie in c/: which there are, and which of them a program needs."""

import os
import re
from pathlib import Path

from mcuref.errors import InputError
from mcuref.export.calls import header
from mcuref.export.cores import Core
from mcuref.operators.operator import Operator
from mcuref.program.program import Program

SOURCES = Path(__file__).with_name("c")
LINKER_SCRIPT = SOURCES / "board" / "board.ld"
FIXED = {
    "board": ("port.h", "host.c", "semihosting.c", "startup.c", "machine.h", "cortex_m.c", "riscv.c", "board.ld"),
    "verify": ("trace.h", "trace.c", "watch.h", "watch.c", "mark.c"),
    "program": ("mcuref.h", "mcuref.c", "program.h", "program.c"),
    "kernels": ("hashing.h", "hashing.c", "numerics.h", "index.h"),  # of mcuref_save, the check and model.c
    "operations": ("operations.h",),
}  # fmt: skip


def in_c() -> dict[str, Operator]:
    """{name: operator} of those of which there is C."""
    from mcuref.operators import OPERATORS, int8, mixed, sample

    return {o.name: o for o in (*OPERATORS.values(), *sample.READING, *int8.OPERATORS, mixed.DEQUANTISE)}


def library_sources() -> list[Path]:
    """All C files that may end up in a firmware, and nothing else: kernels, operations, the program."""
    return [path for name in ("kernels", "operations", "program") for path in sorted((SOURCES / name).rglob("*.c"))]


def board_sources(core: Core) -> list[Path]:
    """C files that bring a core from its reset to main, and give it files; on the host, files alone."""
    return [SOURCES / "board" / f"{name}.c" for name in core.toolchain.board]


def verify_sources(*names: str) -> list[Path]:
    """C files that write the trace of a firmware, and those named."""
    return [SOURCES / "verify" / f"{name}.c" for name in ("trace", "watch", "mark", *names)]


def used_words() -> set[str]:
    """Names of files and symbols, and all words of the headers but for comments: what a model must not be called."""
    words = {path.stem for path in SOURCES.rglob("*.c")} | {"fault", "fault_handler", "reset_handler", "vectors"}
    for path in SOURCES.rglob("*.h"):
        words.add(path.stem)
        code = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        words.update(re.findall(r"[a-z_]\w*", code))
    return words - {"model"}


def needed_sources(program: Program) -> dict[str, list[str]]:
    """{folder: sorted names} of the C files that a program needs: its operations, and what they include.

    A name may be in a folder of its own: "int8/dense.c". InputError if there is no C of an operator.
    """
    names = {f"mcuref_run_{instruction.name}": instruction for instruction in reversed(program.instructions)}
    operations = {path: _defined(path) for path in (SOURCES / "operations").rglob("*.c")}
    if unknown := sorted(names.keys() - set().union(*operations.values())):
        lacking = names[unknown[0]]
        raise InputError(
            f"operator {lacking.name!r} of layer {lacking.layer!r} has no C: a program with it can be trained here, but not "
            "exported"
        )
    calls = Path(header(program))
    fixed = [SOURCES / name / file for name, files in FIXED.items() for file in files]
    fixed += [SOURCES / "program" / f"stored{kind}" for kind in (".h", ".c") if program.listing.rests]
    fixed += [SOURCES / calls, SOURCES / calls.with_suffix(".c"), SOURCES / "verify" / f"{calls.stem}.c"]
    needed = _included([*fixed, *(path for path, defined in operations.items() if names.keys() & defined)])
    return {name: _below(SOURCES / name, needed) for name in FIXED}


def _below(folder, paths):
    """Sorted names of those that lie in a folder, whatever the folders above it are called."""
    return sorted(path.relative_to(folder).as_posix() for path in paths if path.is_relative_to(folder))


def _included(paths):
    """C files, and those of kernels that they include, with what is compiled of these."""
    needed, queue = set(paths), list(paths)
    while queue:
        path = queue.pop()
        for include in re.findall(r'#include "([\w./]+\.h)"', path.read_text(encoding="utf-8")):
            header = Path(os.path.normpath(path.parent / include))
            found = {header, header.with_suffix(".c")} if header.is_relative_to(SOURCES / "kernels") else set()
            new = [file for file in found - needed if file.is_file()]
            needed.update(new)
            queue += new
    return needed


def _defined(path):
    """Names of the operations that a C file defines."""
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"^mcuref_next (mcuref_run_\w+)\(", text, re.M)) | {
        f"mcuref_run_{name}" for name in re.findall(r"^RUN_LOAD\((\w+)\)", text, re.M)
    }
