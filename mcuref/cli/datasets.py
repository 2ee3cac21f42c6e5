"""List the data sets: what is here, and the command that brings what is not; or one of them with its licence.

Data sets lie in the folder that the environment variable MCUREF_DATA names (default: mcuref/data in the user's cache).
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import show


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show one data set, with its licence and what to know of it")
    options.add_wide(parser)
    options.add_json(parser)


def run(arguments: Namespace) -> None:
    """Print the list, or one of it."""
    from dataclasses import asdict

    from mcuref.datasets import available, find
    from mcuref.datasets.registry import data_folder
    from mcuref.files import check_outputs, write_json
    from mcuref.report.lists import dataset_lines, dataset_tables

    check_outputs(arguments.json)
    rows = available() if arguments.name is None else [find(arguments.name)]
    shown = dataset_tables(rows, data_folder()) if arguments.name is None else dataset_lines(rows[0])
    show(*shown, wide=arguments.wide)
    if arguments.json is not None:
        plain = [asdict(row) | {"where": str(row.where), "sample_shape": list(row.sample_shape)} for row in rows]
        write_json(arguments.json, {"schema": "mcuref.datasets/1", "datasets": plain})
