"""Show a finished run again: the tables of mcuref train, quantise or incremental, from its folder.

mcuref report runs/inc
mcuref report runs/inc --pictures pictures/  accuracy, size and matrix, drawn
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import show
from mcuref.text import one_line


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, which --out made")
    parser.add_argument(
        "--pictures", metavar="FOLDER", help="draw the pictures of an incremental run into this new folder (extra plot)"
    )
    options.add_wide(parser)


def run(arguments: Namespace) -> None:
    """Read, print, draw."""
    from mcuref.errors import InputError
    from mcuref.files import check_new_folder, new_folder
    from mcuref.report.drift import drift_tables
    from mcuref.report.incremental import incremental_tables
    from mcuref.report.quantised_tables import quantised_tables
    from mcuref.report.shapes import check_report, read_again
    from mcuref.report.training_tables import training_tables
    from mcuref.runs.results import read_run

    if arguments.pictures is not None:
        check_new_folder(arguments.pictures, "folder")
    request, report = read_run(arguments.folder, None)
    incremental = request.command == "incremental"
    if arguments.pictures is not None and not incremental:
        raise InputError(f"run folder {arguments.folder!r} is of mcuref {request.command}; pictures are of incremental runs")
    tables_of = {
        "train": training_tables, "incremental": incremental_tables, "drift": drift_tables, "quantise": quantised_tables
    }  # fmt: skip
    kind = "drift" if incremental and _is_of_drift(report) else request.command
    make = tables_of[kind]
    with read_again(arguments.folder):
        check_report(report, kind)
        tables = list(make(report))
    show(*tables, wide=arguments.wide)
    if arguments.pictures is not None:
        from mcuref.report.drift_plots import draw_drift
        from mcuref.report.incremental_plots import draw_report, write_pictures

        with new_folder(arguments.pictures, "folder") as part, read_again(arguments.folder):
            write_pictures((draw_drift if kind == "drift" else draw_report)(report), part)
        show(f"pictures drawn into {one_line(arguments.pictures)}")


def _is_of_drift(report):
    return isinstance(report, dict) and report.get("schema") == "mcuref.drift/1"
