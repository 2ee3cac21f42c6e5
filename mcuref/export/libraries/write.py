"""A program as a library: sources in src/, the build files of its layout, an example that begins with a self-check.

src/: model.h, model.c             sizes, and the program: table, operations, flash part
src/kernels/ operations/ program/  what the model needs of mcuref, with what saves in two slots of flash
examples/ (Zephyr: samples/)       the example, with samples and what is right after training on them
README.txt                         how to use it
"""

import os
from pathlib import Path

from mcuref.arguments import one_of
from mcuref.errors import InputError
from mcuref.export.advice import slot_bytes
from mcuref.export.calls import called
from mcuref.export.libraries.layouts import LAYOUTS
from mcuref.export.libraries.readme import readme
from mcuref.export.libraries.record import Record
from mcuref.export.material import Material
from mcuref.export.names import check_name
from mcuref.export.project import check_answers, copy_sources, model_texts, sample_texts, write_texts
from mcuref.export.readme import title
from mcuref.export.sources import SOURCES, needed_sources
from mcuref.files import new_folder
from mcuref.version import __version__

COMPILED = ("kernels", "operations", "program")
SLOTS = ("slots.c", "slots.h")  # of program/


def write_library(material: Material, layout: str, folder: Path | str, name: str = "model") -> None:
    """Write a :class:`mcuref.export.material.Material` into a new folder as a library of a layout, one of LAYOUTS.

    The library is called as its folder; ``name`` is that of the model in C. InputError if the build system takes no library
    of that name, ``name`` is none in C, or the folder is there already or cannot be made; then nothing is written.
    """
    check_library(layout, folder)
    check_name(name)
    check_answers(material)
    chosen = LAYOUTS[layout]
    sources = {kind: files for kind, files in needed_sources(material.program).items() if kind in COMPILED}
    sources["program"] = [*sources["program"], *SLOTS]
    record = _record(material, library_name(folder), name, sources)
    with new_folder(folder, "folder") as part:
        copy_sources(material.program, sources, part / "src")
        write_texts(part / "src", model_texts(material), name)
        write_texts(part / chosen.example, _example(material, chosen), name)
        write_texts(part, {"README.txt": readme(material, record, chosen)}, name)
        for path, text in chosen.build(record).items():
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_text(text, encoding="utf-8")


def check_library(layout: str, folder: Path | str) -> None:
    """InputError unless there is such a layout, and its build system takes a library that is called as the folder."""
    one_of("--library", layout, LAYOUTS)
    name, chosen = library_name(folder), LAYOUTS[layout]
    if not chosen.takes(name):
        raise InputError(
            f"folder {name!r} cannot be a library for {chosen.title}, which is called as its folder: a name is {chosen.said}"
        )


def library_name(folder: Path | str) -> str:
    """What a library in a folder is called."""
    return Path(os.path.abspath(folder)).name


def _record(material, library, name, sources):
    files = sorted(f"{kind}/{file}" for kind, names in sources.items() for file in names if file.endswith(".c"))
    slot = slot_bytes(material.program.plan.state)
    return Record(library, name, __version__, title(material.program), (f"{name}.c", *files), slot)


def _example(material, layout):
    """{path: text} of the example's C files."""
    folder = SOURCES / "example"
    texts = {path: (folder / file).read_text(encoding="utf-8") for path, file in layout.files.items()}
    return {path: called(text, material.program) for path, text in texts.items()} | sample_texts(material)
