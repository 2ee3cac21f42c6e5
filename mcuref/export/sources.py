"""The C sources that lie in c/: which there are, and which of them a program needs."""

import re
from pathlib import Path

from mcuref.errors import InputError
from mcuref.export.cores import Core
from mcuref.program.program import Program

SOURCES = Path(__file__).with_name("c")
LINKER_SCRIPT = SOURCES / "board" / "board.ld"
FOLDERS = ("kernels", "operations", "program", "board", "verify")  # that are searched for what is included
FIXED = {
    "board": ("port.h", "host.c", "semihosting.c", "startup.c", "machine.h", "cortex_m.c", "riscv.c", "board.ld"),
    "verify": ("trace.h", "trace.c", "watch.h", "watch.c", "mark.c"),
    "program": ("mcuref.h", "mcuref.c", "program.h", "program.c"),
    "kernels": ("hashing.h", "hashing.c", "numerics.h"),  # of mcuref_save and the check
    "operations": ("operations.h",),
}  # fmt: skip


def library_sources() -> list[Path]:
    """All C files that may end up in a firmware, and nothing else: kernels, operations, the program."""
    return [path for name in ("kernels", "operations", "program") for path in sorted((SOURCES / name).glob("*.c"))]


def board_sources(core: Core) -> list[Path]:
    """C files that bring a core from its reset to main, and give it files; on the host, files alone."""
    return [SOURCES / "board" / f"{name}.c" for name in core.toolchain.board]


def verify_sources(*names: str) -> list[Path]:
    """C files that write the trace of a firmware, and those named."""
    return [SOURCES / "verify" / f"{name}.c" for name in ("trace", "watch", "mark", *names)]


def used_words() -> set[str]:
    """Names of files and symbols, and all words of the headers but for comments: what a model must not be called."""
    words = {path.stem for path in SOURCES.glob("*/*.c")} | {"fault", "fault_handler", "reset_handler", "vectors"}
    for path in SOURCES.glob("*/*.h"):
        words.add(path.stem)
        code = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        words.update(re.findall(r"[a-z_]\w*", code))
    return words - {"model"}


def include_folders() -> list[Path]:
    """Folders that are searched for what is included."""
    return [SOURCES / name for name in FOLDERS]


def needed_sources(program: Program) -> dict[str, list[str]]:
    """{folder: sorted names} of the C files that a program needs: its operations, and what they include.

    InputError if there is no C of an operator.
    """
    names = {f"mcuref_run_{instruction.name}": instruction for instruction in reversed(program.instructions)}
    defined = set().union(*map(_defined, (SOURCES / "operations").glob("*.c")))
    if unknown := sorted(names.keys() - defined):
        lacking = names[unknown[0]]
        raise InputError(
            f"operator {lacking.name!r} of layer {lacking.layer!r} has no C: a program with it can be trained here, but not "
            "exported"
        )
    needed = {name: set(files) for name, files in FIXED.items()}
    for path in (SOURCES / "operations").glob("*.c"):
        if names.keys() & _defined(path):
            needed["operations"].add(path.name)
    queue = [SOURCES / name / file for name, files in needed.items() for file in files]
    while queue:
        for include in re.findall(r'#include "(\w+\.h)"', queue.pop().read_text(encoding="utf-8")):
            for path in (SOURCES / "kernels").glob(include[:-1] + "[hc]"):
                if path.name not in needed["kernels"]:
                    needed["kernels"].add(path.name)
                    queue.append(path)
    return {name: sorted(files) for name, files in needed.items()}


def _defined(path):
    """Names of the operations that a C file defines."""
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"^mcuref_next (mcuref_run_\w+)\(", text, re.M)) | {
        f"mcuref_run_{name}" for name in re.findall(r"^RUN_LOAD\((\w+)\)", text, re.M)
    }
