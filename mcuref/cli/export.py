"""Export a trained run as C99 that goes on training on a microcontroller, or as golden vectors for another port.

The project builds with make, for this computer and for emulated Cortex-M boards; its first samples are compiled in.

  mcuref export runs/har --c firmware/         a self-contained C99 project
  mcuref export runs/har --vectors vectors/    as .npz and .h
  mcuref verify firmware/ --core m4f           then: every instruction, compared
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels, show
from mcuref.text import one_line


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("run_folder", metavar="RUN", help="the folder that mcuref train --out made")
    parser.add_argument("--c", metavar="FOLDER", help="write the C99 project into this new folder")
    parser.add_argument("--name", default="model", metavar="NAME", help="of the model in C: NAME.h, NAME_...; default model")
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
    from mcuref.export.project import write_project
    from mcuref.export.run import run_material
    from mcuref.files import check_apart, check_new_folder

    if asked.c is None and asked.vectors is None:
        raise InputError("nothing to export: give --c FOLDER for a C99 project or --vectors FOLDER for golden vectors")
    for folder in (asked.c, asked.vectors):
        if folder is not None:
            check_new_folder(folder, "folder")
    check_apart(asked.c, asked.vectors, asked.run_folder)
    material = run_material(asked.run_folder, asked.samples)
    prepare_kernels()
    if asked.c is not None:
        write_project(material, asked.c, asked.name)
        show(_written(material, asked.c))
    if asked.vectors is not None:
        from mcuref.export.vectors import write_vectors

        write_vectors(material, asked.vectors)
        place = one_line(asked.vectors)
        show(f"golden vectors of {len(material.x)} samples in {place}: vectors.npz, vectors.h, README.txt")


def _written(material, folder):
    import shlex

    plan, place = material.program.plan, shlex.quote(folder)
    return (
        f"C99 project in {folder}: {len(material.program.instructions)} instructions, arena {plan.sram:,} B of SRAM, "
        f"{plan.flash:,} B of flash and the code, {len(material.x)} samples\n"
        f"build and run: make -C {place} run\ncompare: mcuref verify {place} --core host"
    )
