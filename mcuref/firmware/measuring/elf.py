"""Reading ELF files of 32-bit little-endian cores: which sections and symbols there are, and which need which."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

SYMBOLS, ZEROS, EXECUTED, ALLOCATED, FUNCTION = 2, 8, 4, 2, 2  # sh_type, sh_flags, symbol type
RELOCATIONS = {9: "<II", 4: "<IIi"}  # sh_type: an entry, with an addend or without


@dataclass(frozen=True)
class Relocation:
    """A place at ``offset`` of a section that names ``symbol``; ``kind`` as the architecture numbers them."""

    offset: int
    kind: int
    symbol: "Symbol"


@dataclass(frozen=True)
class Symbol:
    """A name for ``bytes`` bytes from ``value`` on; section None where another file or the linker defines it."""

    name: str
    value: int
    bytes: int
    section: "Section | None"
    is_function: bool


@dataclass(eq=False)
class Section:
    """A section: bytes, alignment, whether it is loaded to flash and executed, its symbols and relocations."""

    name: str
    bytes: int
    align: int
    in_flash: bool
    executed: bool
    symbols: list[Symbol] = field(default_factory=list)
    relocations: list[Relocation] = field(default_factory=list)

    @property
    def functions(self) -> dict[int, str]:
        """{offset: name} of the functions in it, ascending; of several names the compiler's own, __aeabi_..."""
        names = {}
        for symbol in sorted(self.symbols, key=lambda s: (not s.name.startswith("__aeabi"), s.name)):
            if symbol.is_function:
                names.setdefault(symbol.value, symbol.name)
        return dict(sorted(names.items()))


def read_sections(path: Path) -> list[Section]:
    """All :class:`Section` of a file, in its order."""
    data = path.read_bytes()
    start, size, count, names_at = struct.unpack_from("<32xI10xHHH", data)
    headers = [struct.unpack_from("<10I", data, start + i * size) for i in range(count)]
    names = headers[names_at]
    sections = [_section(header, _text(data, names, header[0])) for header in headers]
    for header in headers:
        if header[1] == SYMBOLS:
            symbols = _symbols(data, header, headers[header[6]], sections)
    for header in headers:
        if header[1] in RELOCATIONS:
            _add_relocations(data, header, sections[header[7]], symbols)
    return sections


def _section(header, name):
    """A :class:`Section` without its symbols and relocations."""
    _, kind, flags, _, _, size, _, _, align, _ = header
    return Section(name, size, max(align, 1), bool(flags & ALLOCATED) and kind != ZEROS, bool(flags & EXECUTED))


def _text(data, table, offset):
    """The string at an offset of a string table."""
    start = table[4] + offset
    return data[start : data.index(b"\0", start)].decode()


def _symbols(data, header, strings, sections):
    """The symbols of a file; those in a section are added to it."""
    symbols = []
    for name, value, size, info, _, place in struct.iter_unpack("<IIIBBH", data[header[4] : header[4] + header[5]]):
        section = sections[place] if 0 < place < len(sections) else None
        is_function = info & 15 == FUNCTION
        symbol = Symbol(_text(data, strings, name), value & ~1 if is_function else value, size, section, is_function)
        symbols.append(symbol)
        if section is not None and symbol.name:
            section.symbols.append(symbol)
    return symbols


def _add_relocations(data, header, section, symbols):
    for offset, info, *_ in struct.iter_unpack(RELOCATIONS[header[1]], data[header[4] : header[4] + header[5]]):
        section.relocations.append(Relocation(offset, info & 255, symbols[info >> 8]))
