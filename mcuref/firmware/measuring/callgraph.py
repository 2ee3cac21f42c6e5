"""What each function of a relocatable file is made of: bytes, what it needs, what it calls, and its stack.

Relocations say who needs and calls whom. Functions that the compiler reported no frame of come from its own library,
libgcc: their frames, and calls inside a section, which need no relocation, are read off their instructions.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcuref.export.cores import Core
from mcuref.firmware.measuring.elf import read_sections
from mcuref.firmware.measuring.instruction_sets import CALL, INSTRUCTION_SETS, TAIL
from mcuref.firmware.toolchain import ToolError

INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t[0-9a-f ]+\t(\S+)\t?([^;\n]*)", re.M)
TARGET = re.compile(r"([0-9a-f]+) <")


def read_functions(core: Core, path: Path, frames: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """{name: entry} of all functions and constants of a relocatable file, in its order.

    An entry has bytes and align of its section, needs (names of what is linked with it), stack (bytes of its frame),
    calls and tails (names), indirect (whether it calls what a pointer names). A section with several functions is the
    first one's. frames : {function: bytes}, those that the compiler reported. ToolError if a frame cannot be told.
    """
    sections = [s for s in read_sections(path) if s.in_flash and s.bytes]
    kind, names, table = INSTRUCTION_SETS[core.toolchain.prefix], _names(sections), {}
    code = _instructions(kind, path, [s for s in sections if s.executed])
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
            table[name] |= _calls(kind, section, start, end, names, frame, inside)
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


def _instructions(kind, path, sections):
    """{section: [(offset, mnemonic, operands)]} of the executed sections, which objdump shows in their order."""
    parts = kind.disassembled(path).split("Disassembly of section ")[1:]
    if len(parts) != len(sections):
        raise ToolError(f"objdump shows {len(parts)} sections with code, but there are {len(sections)}")
    rows = (
        [(int(at, 16), name, rest.partition(kind.comment)[0].strip()) for at, name, rest in INSTRUCTION.findall(part)]
        for part in parts
    )
    return dict(zip(sections, rows))


def _calls(kind, section, start, end, names, frame, instructions):
    """stack, calls, tails and indirect of a function; ``frame`` is None if the compiler reported none."""
    ways, placed, at = {CALL: set(), TAIL: set()}, set(), {offset: rest for offset, *rest in instructions}
    for r in section.relocations:
        way = kind.way(r.kind, *at.get(r.offset, ("", "")))
        if way is None or not start <= r.offset < end:
            continue
        placed.add(r.offset)
        if way == CALL or r.symbol.section is not section or not start <= r.symbol.value < end:
            ways[way].add(_function(r.symbol, names))
    calls, tails = ways.values()
    if frame is None:  # what was pushed may still lie on the stack when it jumps: as good as a call
        inside = _reached(kind, section, start, end, [row for row in instructions if row[0] not in placed])
        calls, tails = calls | tails | {names[section, target] for target in inside}, set()
        frame = sum(kind.lowered(name, operands) for _, name, operands in instructions)
    indirect = any(kind.is_indirect(name, operands) for _, name, operands in instructions)
    return {"stack": frame, "calls": sorted(calls), "tails": sorted(tails), "indirect": indirect}


def _function(symbol, names):
    """Name of the function that a symbol, its own or a label's, lies in."""
    if symbol.section is None:
        return symbol.name
    return names[symbol.section, _start(symbol.section, symbol.value)]


def _start(section, offset):
    """Offset of the function of a section that an offset lies in."""
    starts = list(section.functions)
    return starts[bisect_right(starts, offset) - 1]


def _reached(kind, section, start, end, instructions):
    """Offsets of the other functions of a section that one jumps to, calls, or falls through to."""
    found = (TARGET.search(operands) for _, name, operands in instructions if name[0] in "bcj")
    reached = {_start(section, int(target[1], 16)) for target in found if target}
    real = [row for row in instructions if row[1:] not in kind.padding]
    if end < section.bytes and real and not kind.leaves(*real[-1][1:]):
        reached.add(end)
    return reached - {start}
