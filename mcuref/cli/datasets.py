"""List the data sets: what is here, and the command that brings what is not.

Data sets lie in the folder that the environment variable MCUREF_DATA names (default: mcuref/data in the user's cache).
"""

from mcuref.cli import options
from mcuref.cli.console import show


def arguments(parser):
    """Options of this command."""
    options.add_json(parser)


def run(arguments):
    """Print the list."""
    from dataclasses import asdict

    from mcuref.datasets import available
    from mcuref.datasets.registry import data_folder
    from mcuref.files import check_outputs, write_json
    from mcuref.report.tables import dataset_tables

    check_outputs(arguments.json)
    rows = available()
    show(*dataset_tables(rows, data_folder()))
    if arguments.json is not None:
        plain = [asdict(row) | {"where": str(row.where), "sample_shape": list(row.sample_shape)} for row in rows]
        write_json(arguments.json, {"schema": "mcuref.datasets/1", "datasets": plain})
