"""What each function of a relocatable file is made of: bytes, what it needs, what it calls, and its stack.

Relocations say who needs and calls whom. Functions that the compiler reported no frame of come from its own library,
libgcc: their frames, and calls inside a section, which need no relocation, are read off their instructions.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcuref.firmware.measuring.elf import CALL, JUMPS, read_sections
from mcuref.firmware.toolchain import ToolError, call, find_tool

INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t[0-9a-f ]+\t(\S+)\t?([^@;\n]*)", re.M)
REGISTER = re.compile(r"\b(?:r\d+|lr|ip|fp|sl)\b")
PADDING = (("nop", ""), ("mov", "r8, r8"), ("movs", "r0, r0"))
ENDS = re.compile(r"(b(\.n|\.w)?|bx|udf)$")  # nothing falls through these
RAISING = ("pop", "ldm", "ldr", "add")  # of the stack pointer


def read_functions(path: Path, frames: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """{name: entry} of all functions and constants of a relocatable file, in its order.

    An entry has bytes and align of its section, needs (names of what is linked with it), stack (bytes of its frame),
    calls and tails (names), indirect (whether it calls what a pointer names). A section with several functions is the
    first one's. frames : {function: bytes}, those that the compiler reported. ToolError if a frame cannot be told.
    """
    sections = [s for s in read_sections(path) if s.in_flash and s.bytes]
    code, names, table = _instructions(path, [s for s in sections if s.executed]), _names(sections), {}
    for section in sections:
        own = names[section, 0]
        needs = {names[r.symbol.section, 0] for r in section.relocations if (r.symbol.section, 0) in names}
        table[own] = _entry(section.bytes, section.align, needs - {own})
        starts = list(section.functions) if section.executed else []
        for start, end in zip(starts, [*starts[1:], section.bytes]):
            name = names[section, start]
            table.setdefault(name, _entry(0, 1, {own}))
            inside = [row for row in code[section] if start <= row[0] < end]
            frame = frames.get(section.functions[start])
            table[name] |= _calls(section, start, end, names, frame, inside)
    return table


def _entry(size, align, needs):
    """An entry of something without a stack."""
    return {"bytes": size, "align": align, "needs": sorted(needs), "stack": 0, "calls": [], "tails": [], "indirect": False}


def _names(sections):
    """{(section, offset): name} of every function and, at offset 0, of every section; no name twice."""
    names, taken = {}, {}
    for section in sections:
        own = {0: "vectors" if section.name == ".vectors" else section.name}
        for start, name in (own | section.functions if section.executed else own).items():
            taken[name] = taken.get(name, 0) + 1
            names[section, start] = name if taken[name] == 1 else f"{name}#{taken[name]}"
    return names


def _instructions(path, sections):
    """{section: [(offset, mnemonic, operands)]} of the executed sections, which objdump shows in their order."""
    text = call([find_tool("arm-none-eabi-objdump"), "-d", path], what="objdump")
    parts = text.split("Disassembly of section ")[1:]
    if len(parts) != len(sections):
        raise ToolError(f"objdump shows {len(parts)} sections with code, but there are {len(sections)}")
    rows = ([(int(at, 16), name, rest.strip()) for at, name, rest in INSTRUCTION.findall(part)] for part in parts)
    return dict(zip(sections, rows))


def _calls(section, start, end, names, frame, instructions):
    """stack, calls, tails and indirect of a function; ``frame`` is None if the compiler reported none."""
    calls, tails, placed = set(), set(), set()
    for r in section.relocations:
        if start <= r.offset < end and r.kind in (CALL, *JUMPS):
            (calls if r.kind == CALL else tails).add(names.get((r.symbol.section, r.symbol.value), r.symbol.name))
            placed.add(r.offset)
    if frame is None:  # what was pushed may still lie on the stack when it jumps: as good as a call
        inside = _reached(section, start, end, [row for row in instructions if row[0] not in placed])
        calls, tails = calls | tails | {names[section, target] for target in inside}, set()
        frame = sum(_lowered(name, operands) for _, name, operands in instructions)
    indirect = any(name == "blx" and operands.startswith("r") for _, name, operands in instructions)
    return {"stack": frame, "calls": sorted(calls), "tails": sorted(tails), "indirect": indirect}


def _reached(section, start, end, instructions):
    """Offsets of the other functions of a section that one jumps to, calls, or falls through to."""
    starts = list(section.functions)
    targets = (int(operands.split()[-2], 16) for _, name, operands in instructions if name[0] in "bc" and "<" in operands)
    reached = {starts[bisect_right(starts, target) - 1] for target in targets}
    real = [row for row in instructions if row[1:] not in PADDING]
    if end < section.bytes and real and not _leaves(*real[-1][1:]):
        reached.add(end)
    return reached - {start}


def _leaves(name, operands):
    """Whether an instruction never goes on to the next one."""
    return ENDS.match(name) is not None or (name.startswith(("pop", "ldr", "ldm", "mov")) and "pc" in operands)


def _lowered(name, operands):
    """Bytes by which an instruction lowers the stack pointer; ToolError if it changes it in an unknown way."""
    if name.startswith("push") or (name.startswith("stmdb") and "sp!" in operands):
        return 4 * len(REGISTER.findall(operands))
    lowered = re.search(r"\[sp, #-(\d+)\]!", operands)
    if lowered is None and name.startswith("sub"):
        lowered = re.match(r"sp, (?:sp, )?#(\d+)", operands)
    if lowered is None and (re.match(r"sp\b", operands) or "sp!" in operands) and not name.startswith(("cmp", *RAISING)):
        raise ToolError(f"the stack of a function of libgcc cannot be told: {name} {operands}")
    return int(lowered[1]) if lowered else 0
