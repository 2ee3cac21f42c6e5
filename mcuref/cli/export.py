"""Export a trained run as C99 that goes on training on a microcontroller, as golden vectors for another port, or as .tflite.

The project builds with make, for this computer and for emulated boards; its first samples are compiled in.

  mcuref export runs/har --c firmware/         a self-contained C99 project
  mcuref export runs/har --library arduino --c har/    a library, called har
  mcuref export runs/har --vectors vectors/    as .npz and .h
  mcuref export runs/har --tflite har.tflite   its network alone
  mcuref verify firmware/ --core m4f           then: every instruction, compared
"""

import shlex
from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, show
from mcuref.export.libraries.layouts import LAYOUTS
from mcuref.text import one_line


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("run_folder", metavar="RUN", help="the folder that mcuref train or quantise --out made")
    parser.add_argument("--c", metavar="FOLDER", help="write the C99 project into this new folder")
    parser.add_argument("--library", metavar="FOR", help=f"write it as a library instead, for {', '.join(LAYOUTS)}")
    parser.add_argument("--name", default="model", metavar="NAME", help="of the model in C: NAME.h, NAME_...; default model")
    parser.add_argument("--tflite", metavar="FILE", help="write the network as a TensorFlow Lite file (extra tflite)")
    parser.add_argument("--vectors", metavar="FOLDER", help="write golden vectors into this new folder")
    parser.add_argument(
        "--samples",
        type=options.whole(1, 100_000),
        default=32,
        metavar="N",
        help="the first N training samples go with it; default 32",
    )


def run(asked: Namespace) -> None:
    """Read the run, write what is asked for."""
    from mcuref.errors import InputError
    from mcuref.files import check_apart, check_new_folder, check_outputs

    if asked.library is not None:
        _check_library(asked)
    if asked.c is asked.vectors is asked.tflite is None:
        raise InputError(
            "nothing to export: give --c FOLDER for a C99 project, --vectors FOLDER for golden vectors or --tflite FILE for "
            "TensorFlow Lite"
        )
    for folder in (asked.c, asked.vectors):
        if folder is not None:
            check_new_folder(folder, "folder")
    check_outputs(asked.tflite)
    check_apart(asked.c, asked.vectors, asked.tflite, asked.run_folder)
    content = None if asked.tflite is None else _tflite(asked.run_folder)
    if asked.c is not None or asked.vectors is not None:
        _write_folders(asked)
    if content is not None:
        _write_tflite(content, asked.tflite)


def _check_library(asked):
    """InputError unless the library that is asked for can be written."""
    from mcuref.errors import InputError
    from mcuref.export.libraries.write import check_library

    if asked.c is None:
        raise InputError("--library says what is written into the folder of --c: give --c FOLDER too")
    check_library(asked.library, asked.c)


def _tflite(folder):
    """The network of a run as the bytes of a TensorFlow Lite file."""
    from mcuref.export.tflite import tflite_bytes
    from mcuref.runs.models import run_program

    _, _, program = run_program(folder, "export")
    return tflite_bytes(program.network)


def _write_tflite(content, path):
    from mcuref.files import new_file
    from mcuref.streams import is_stdout

    with new_file(path) as part:
        part.write_bytes(content)
    if is_stdout(path):
        show(f"network on stdout: {len(content):,} B")
        return
    show(f"network in {one_line(path)}: {len(content):,} B\ncompare: mcuref check {shlex.quote(path)}")


def _write_folders(asked):
    from mcuref.export.libraries.write import write_library
    from mcuref.export.project import write_project
    from mcuref.export.run import run_material

    material = run_material(asked.run_folder, asked.samples)
    prepare_kernels(material.program.arithmetic)
    if asked.library is not None:
        write_library(material, asked.library, asked.c, asked.name)
        show(_written_library(material, asked))
    elif asked.c is not None:
        write_project(material, asked.c, asked.name)
        show(_written(material, asked.c))
    if asked.vectors is not None:
        from mcuref.export.vectors import write_vectors

        write_vectors(material, asked.vectors)
        place = one_line(asked.vectors)
        show(f"golden vectors of {len(material.x)} samples in {place}: vectors.npz, vectors.h, README.txt")


def _written_library(material, asked):
    from mcuref.export.libraries.write import library_name

    layout, plan, name = LAYOUTS[asked.library], material.program.plan, shlex.quote(library_name(asked.c))
    return (
        f"library for {layout.title} in {asked.c}: {asked.name}.h, arena {plan.sram:,} B of SRAM, "
        f"{plan.flash:,} B of flash and the code, {len(material.x)} samples in {layout.example}\n"
        f"check, in that folder: {layout.check.format(name=name)}\nuse: README.txt there"
    )


def _written(material, folder):
    plan, place = material.program.plan, shlex.quote(folder)
    return (
        f"C99 project in {folder}: {len(material.program.instructions)} instructions, arena {plan.sram:,} B of SRAM, "
        f"{plan.flash:,} B of flash and the code, {len(material.x)} samples\n"
        f"build and run: make -C {place} run\ncompare: mcuref verify {place} --core host"
    )
