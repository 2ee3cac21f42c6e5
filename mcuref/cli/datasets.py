"""List the data sets: what is here, and the command that brings what is not.

Data sets lie in the folder that the environment variable MCUREF_DATA names (default: mcuref/data in the user's cache).
"""

from mcuref.cli import options
from mcuref.cli.console import stdout


def arguments(parser):
    """Options of this command."""
    options.add_json(parser)


def run(arguments):
    """Print the list."""
    from dataclasses import asdict

    from mcuref.datasets import available
    from mcuref.files import check_new_file, write_json
    from mcuref.report.tables import dataset_tables

    if arguments.json:
        check_new_file(arguments.json)
    rows = available()
    stdout().print(*dataset_tables(rows), sep="\n")
    if arguments.json:
        plain = [asdict(row) | {"where": str(row.where), "sample_shape": list(row.sample_shape)} for row in rows]
        write_json(arguments.json, {"schema": "mcuref.datasets/1", "datasets": plain})
