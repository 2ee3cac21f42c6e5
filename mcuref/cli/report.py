"""Show a finished run again: the tables of mcuref train or mcuref incremental, from its folder.

mcuref report runs/inc
mcuref report runs/inc --pictures pictures/    accuracy, size and matrix as pictures, in a new folder
"""

from mcuref.cli.console import show


def arguments(parser):
    """Options of this command."""
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, which --out made")
    parser.add_argument(
        "--pictures", metavar="FOLDER", help="draw the pictures of an incremental run into this new folder (extra plot)"
    )


def run(arguments):
    """Read, print, draw."""
    from mcuref.errors import InputError
    from mcuref.files import check_new_folder, new_folder
    from mcuref.report.incremental import incremental_tables
    from mcuref.report.runs import read_run
    from mcuref.report.tables import training_tables

    if arguments.pictures is not None:
        check_new_folder(arguments.pictures, "folder")
    _, _, report = read_run(arguments.folder, None)
    incremental = report.get("schema") == "mcuref.incremental/1"
    if arguments.pictures is not None and not incremental:
        raise InputError(f"run folder {arguments.folder!r} is of mcuref train; pictures are of incremental runs")
    try:
        show(*(incremental_tables if incremental else training_tables)(report))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"run folder {arguments.folder!r} has a report that cannot be read: {error!r}") from None
    if arguments.pictures is not None:
        from mcuref.report.incremental_plots import draw_report, write_pictures

        with new_folder(arguments.pictures, "folder") as part:
            write_pictures(draw_report(report), part)
        show(f"pictures drawn into {arguments.pictures}")
