"""Code and stack of every function, from the compiler: writes the tables that ``footprint`` reads, and checks them.

    python -m mcuref.firmware.measuring.footprint [--core m4f ...]
        compile, measure, write footprint-<core>.json in mcuref/cost/measured/
    python -m mcuref.firmware.measuring.footprint --check [--model NAME ...]
        the zoo's firmware, estimated and linked and run

All of mcuref's C, the example and what is linked from the compiler's own library (libgcc) go into one relocatable file:
there every function is still a section of its own, and what needs what can be read off. Frames come from the compiler
(-fcallgraph-info=su), of libgcc, which is not compiled here, from its instructions.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcuref import rules
from mcuref.cost.footprint import FOLDER, SCHEMA
from mcuref.errors import McurefError
from mcuref.export.cores import FLAGS, MEASURED_CORES, Core, find_core
from mcuref.export.names import COUNTS
from mcuref.export.project import write_project
from mcuref.export.sources import board_sources, library_sources
from mcuref.files import new_file
from mcuref.firmware.measuring.callgraph import read_functions
from mcuref.firmware.measuring.elf import read_sections
from mcuref.firmware.measuring.footprint_check import check_footprints, sample_material
from mcuref.firmware.toolchain import ToolError, call, compile_all, find_tool, version, workspace

HEAD = ("schema", "core", "compiler", "flags", "constants")  # of a table's file, before its functions
REPORTS = ("-fstack-usage", "-fcallgraph-info=su", "-w")
NODE = re.compile(r'^node: \{ title: "(?:[^"]*:)?([^":]+)" label: "[^"]*\\n(\d+) bytes \(([^)]*)\)', re.M)
EXAMPLES = {  # main.c is the same for all others like these
    f"{dtype}, {kind}{how}": (model, rule, dtype)
    for how, rule in (("", rules.Full()), (", rests", rules.TinyPropR(stored=8)))
    for dtype in ("float32", "int8")
    for kind, model in (("labels", "mlp-64-32-10"), ("no labels", "autoencoder-64-16-64"))
}
FIRST, *OTHERS = EXAMPLES  # the one that the table is of, and those of which the variants are


def measure_footprint(core: Core) -> dict[str, Any]:
    """Compile everything for a core; returns plain data: compiler, flags, constants of the example, table of functions.

    Each entry has bytes and align of its section (constants in it included), needs (names of what must be linked with
    it), stack (bytes of its frame), calls and tails (names), indirect (whether it calls what a pointer names).
    ToolError if the compiler is missing or fails, if a frame has no bound, or if a function calls one that is not there.
    """
    with workspace() as folder:
        narrow, wide = (_compile_sources(core, folder, index) for index in ("uint16_t", "uint32_t"))
        examples = {name: _compile_example(core, folder, name) for name in EXAMPLES}
        base, wider = (_table(core, folder, [*objects, examples[FIRST][0]]) for objects in (narrow, wide))
        others = {name: _table(core, folder, [*narrow, examples[name][0]]) for name in OTHERS}
        constants = _constants(*examples[FIRST][1:])
    return {
        "schema": SCHEMA,
        "core": core.name,
        "compiler": version(core),
        "flags": " ".join((*core.compiling, *FLAGS)),
        "constants": constants,
        "table": base,
        "variants": {name: _changed(base, table) for name, table in {"uint32": wider, **others}.items()},
    }


def write(measured: dict[str, Any]) -> Path:
    """Write what :func:`measure_footprint` returned to its place, one line an entry; returns the path."""
    path = FOLDER / f"footprint-{measured['core']}.json"
    head = "".join(f'  "{key}": {json.dumps(measured[key])},\n' for key in HEAD)
    variants = ",\n".join(f'    "{name}": {_lines(table, 4)}' for name, table in measured["variants"].items())
    text = f'{{\n{head}  "table": {_lines(measured["table"], 2)},\n  "variants": {{\n{variants}\n  }}\n}}\n'
    with new_file(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def _lines(table, indent):
    """A table as JSON, one line an entry."""
    rows = (f"{' ' * indent}  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(table.items()))
    return "{\n" + ",\n".join(rows) + f"\n{' ' * indent}}}"


# ---------------------------------------------------------------------------------------------------------------------
# compiling


def _compile_sources(core, folder, index_type):
    """Objects of all of mcuref's C for a board, with this type of kept indices; the reports lie beside them."""
    place = folder / index_type
    place.mkdir()
    return compile_all(core, library_sources() + board_sources(core), place, (*REPORTS, f"-DMCUREF_INDEX={index_type}"))


def _compile_example(core, folder, name):
    """(object of main.c, objects of model.c and samples.c, Program) of a network of `EXAMPLES`, as exported."""
    model, rule, dtype = EXAMPLES[name]
    material, place = sample_material(model, rule, dtype=dtype), folder / name
    place.mkdir()
    write_project(material, place / "project")
    sources = [place / "project" / source for source in ("main.c", "model.c", "samples.c")]
    main, *others = compile_all(core, sources, place, REPORTS, [place / "project"])
    return main, others, material.program


def _constants(objects, program):
    """{name: bytes} of model.c and samples.c: of every instruction, of every start image, of a program, of all counts."""
    sizes = {symbol.name: symbol.bytes for path in objects for part in read_sections(path) for symbol in part.symbols}
    return {
        "operation": sizes["operations"] // len(program.instructions),
        "image": sizes["images"] // len(program.listing.images),
        "program": sizes["model"],
        "counts": sum(sizes[name] for name in COUNTS),
    }


# ---------------------------------------------------------------------------------------------------------------------
# tables


def _table(core, folder, objects):
    """The table of everything that these objects, and what they need of libgcc, may bring to the flash."""
    whole = folder / "whole.o"
    parts = ("-r", "-Wl,--unique=.text,--unique=.text.*,--unique=.rodata,--unique=.rodata.*", *objects, "-lgcc", "-o", whole)
    call([find_tool(core.linker), *core.linking, *parts], folder, what="linker")
    table = read_functions(core, whole, _frames(objects))
    for name, entry in table.items():
        for called in entry["calls"] + entry["tails"]:
            if called not in table:
                raise ToolError(f"{name} calls {called}, which is neither mcuref's nor libgcc's")
    return table


def _frames(objects):
    """{function: bytes of stack} that the compiler reported beside its objects; ToolError if one has no bound."""
    frames = {}
    for path in objects:
        for name, size, kind in NODE.findall(path.with_suffix(".ci").read_text(encoding="utf-8")):
            if kind != "static":
                raise ToolError(f"the stack of {name} has no fixed size: the compiler calls it {kind}")
            frames[name] = max(int(size), frames.get(name, 0))
    return frames


def _changed(base, other):
    """The entries of ``other`` that ``base`` does not have like this."""
    return {name: entry for name, entry in other.items() if base.get(name) != entry}


# ---------------------------------------------------------------------------------------------------------------------
# the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or check; exit status 1 if an estimate is too small or more than 2 % off, 2 if a tool is missing."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m mcuref.firmware.measuring.footprint", description=description)
    parser.add_argument("--core", nargs="+", choices=MEASURED_CORES, default=MEASURED_CORES, help="default: all")
    parser.add_argument("--check", action="store_true", help="compare estimates with linked firmware and its stack")
    parser.add_argument("--model", nargs="+", help="with --check: these instead of the whole zoo")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.check:
            return 0 if check_footprints(chosen.core, chosen.model) else 1
        for name in chosen.core:
            measured = measure_footprint(find_core(name))
            size = sum(entry["bytes"] for entry in measured["table"].values())
            print(f"{write(measured).name}: {len(measured['table'])} functions and constants, {size:,} B")
    except McurefError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
