"""Code and stack of every function, from the compiler: writes the tables that ``footprint`` reads, and checks them.

    python -m mcuref.firmware.measure [--core m4f ...]      compile, measure, write measured/footprint-CORE.json
    python -m mcuref.firmware.measure --check [--model NAME ...]   the zoo's firmware, estimated and linked and run

All of mcuref's C, the example and what is linked from the compiler's own library (libgcc) go into one relocatable file:
there every function is still a section of its own, and what needs what can be read off. Frames come from the compiler
(-fcallgraph-info=su), of libgcc, which is not compiled here, from its instructions.
"""

import argparse
import json
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from mcuref.errors import McurefError
from mcuref.export.cores import BARE, FLAGS, MEASURED_CORES, find_core
from mcuref.export.sources import SOURCES, board_sources, library_sources
from mcuref.files import new_file
from mcuref.firmware.callgraph import read_functions
from mcuref.firmware.elf import read_sections
from mcuref.firmware.footprint_check import check_footprints
from mcuref.firmware.toolchain import ToolError, call, compile_all, find_tool, version, workspace
from mcuref.memory.footprint import FOLDER, SCHEMA

REPORTS = ("-fstack-usage", "-fcallgraph-info=su", "-w")
NODE = re.compile(r'^node: \{ title: "(?:[^"]*:)?([^":]+)" label: "[^"]*\\n(\d+) bytes \(([^)]*)\)', re.M)
# What main.c is compiled for, with numbers that multiply and load in different ways: the largest and the deepest of
# these counts, so that an example is not larger than it is said to be.
COUNTS = {"SAMPLES": (8, 1000, 60_001), "MODEL_INPUTS": (27_648, 27_651)}
ANSWERS = {
    "labels": {"MODEL_LABELS": (1,), "ANSWER": (1,)},
    "no labels": {"MODEL_LABELS": (0,), "ANSWER": (0, 10, 640, 641)},
}


def measure(core):
    """Compile everything for a core; returns plain data: compiler, flags and the table of functions.

    Each entry has bytes and align of its section (constants in it included), needs (names of what must be linked with
    it), stack (bytes of its frame), calls and tails (names), indirect (whether it calls what a pointer names).
    ToolError if the compiler is missing or fails, or if a frame has no bound.
    """
    with workspace() as folder:
        narrow, wide = (_compile_sources(core, folder, index) for index in ("uint16_t", "uint32_t"))
        headers = _example_headers(folder)
        mains = {name: _worst_mains(core, folder, headers, COUNTS | answers) for name, answers in ANSWERS.items()}
        base, targets, wider = (
            _largest([_table(core, folder, [*objects, main]) for main in mains[name]])
            for objects, name in ((narrow, "labels"), (narrow, "no labels"), (wide, "labels"))
        )
    return {
        "schema": SCHEMA, "core": core.name, "compiler": version(core), "flags": " ".join((*core.flags, *BARE, *FLAGS)),
        "table": base, "variants": {"uint32": _changed(base, wider), "no labels": _changed(base, targets)},
    }  # fmt: skip


def write(measured):
    """Write what :func:`measure` returned to its place, one line an entry; returns the path."""
    path = FOLDER / f"footprint-{measured['core']}.json"
    head = "".join(f'  "{key}": {json.dumps(measured[key])},\n' for key in ("schema", "core", "compiler", "flags"))
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


def _example_headers(folder):
    """{name: text} of the headers that the example includes, as they are exported for a small network."""
    import numpy as np

    from mcuref.export.material import Material
    from mcuref.export.project import write_project
    from mcuref.models import build
    from mcuref.program.compiler import compile

    program = compile(build("mlp-64-32-10"))
    write_project(Material(program, np.zeros((1, *program.network.input.shape), np.float32), [0]), folder / "project")
    return {name: (folder / "project" / name).read_text(encoding="utf-8") for name in ("model.h", "samples.h")}


def _worst_mains(core, folder, headers, choices):
    """Objects of the example, the largest and the one with the deepest stack, of all these sizes in its headers."""
    every = [dict(zip(choices, values)) for values in product(*choices.values())]
    with ThreadPoolExecutor() as pool:
        mains = list(pool.map(lambda sizes: _compile_main(core, folder, headers, sizes), every))
    size = {main: sum(s.bytes for s in read_sections(main) if s.in_flash) for main in mains}
    return {max(mains, key=size.get), max(mains, key=lambda main: _frames([main])["main"])}


def _compile_main(core, folder, headers, sizes):
    """Object of the example, with these sizes in its headers."""
    place = folder / "-".join(map(str, sizes.values()))
    place.mkdir()
    for header, text in headers.items():
        for name, value in sizes.items():
            text = re.sub(rf"^#define {name} \d+", f"#define {name} {value}", text, flags=re.M)
        (place / header).write_text(text, encoding="utf-8")
    return compile_all(core, [SOURCES / "example" / "main.c"], place, REPORTS, [place])[0]


# ---------------------------------------------------------------------------------------------------------------------
# tables


def _table(core, folder, objects):
    """The table of everything that these objects, and what they need of libgcc, may bring to the flash."""
    whole = folder / "whole.o"
    parts = ("-r", "-Wl,--unique=.text,--unique=.rodata", *objects, "-lgcc", "-o", whole)
    call([find_tool(core.compiler), *core.flags, *BARE, *parts], folder, what="linker")
    return read_functions(whole, _frames(objects))


def _frames(objects):
    """{function: bytes of stack} that the compiler reported beside its objects; ToolError if one has no bound."""
    frames = {}
    for path in objects:
        for name, size, kind in NODE.findall(path.with_suffix(".ci").read_text(encoding="utf-8")):
            if kind != "static":
                raise ToolError(f"the stack of {name} has no fixed size: the compiler calls it {kind}")
            frames[name] = max(int(size), frames.get(name, 0))
    return frames


def _largest(tables):
    """One table out of several: of each entry the largest figures and all that any of them names."""
    merged = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        entries = [table[name] for table in tables if name in table]
        merged[name] = {key: _join([entry[key] for entry in entries]) for key in entries[0]}
    return merged


def _join(values):
    return sorted(set().union(*values)) if isinstance(values[0], list) else max(values)


def _changed(base, other):
    """The entries of ``other`` that ``base`` does not have like this."""
    return {name: entry for name, entry in other.items() if base.get(name) != entry}


# ---------------------------------------------------------------------------------------------------------------------
# the command


def main(arguments=None):
    """Measure, or check; exit status 1 if an estimate is too small or more than 2 % off, 2 if a tool is missing."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m mcuref.firmware.measure", description=description)
    parser.add_argument("--core", nargs="+", choices=MEASURED_CORES, default=MEASURED_CORES, help="default: all")
    parser.add_argument("--check", action="store_true", help="compare estimates with linked firmware and its stack")
    parser.add_argument("--model", nargs="+", help="with --check: these instead of the whole zoo")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.check:
            return 0 if check_footprints(chosen.core, chosen.model) else 1
        for name in chosen.core:
            measured = measure(find_core(name))
            size = sum(entry["bytes"] for entry in measured["table"].values())
            print(f"{write(measured).name}: {len(measured['table'])} functions and constants, {size:,} B")
    except McurefError as error:
        print(error)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
