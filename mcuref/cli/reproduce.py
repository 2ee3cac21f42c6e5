"""Repeat a paper's tables: every method, on every data set that is here, beside what the paper claims.

A row is a data set, a network and a regime; of each method the settings were chosen on a validation split of the training
set, with as many candidates for each (--tune chooses anew). Below the tables stands what the abstract claims, held or not.

  mcuref reproduce tinypropv2 --rows digits  no download, a few seconds
  mcuref reproduce tinyprop --list           rows, methods, what is claimed
  mcuref reproduce tinypropv2 --out runs/v2  all rows; also as files, pictures
  mcuref reproduce tinypropv2 --rows mnist,har --seeds 3 --json rows.json
  mcuref reproduce tinypropv2 --rows digits --tune --out runs/tuned
"""

import os
from argparse import ArgumentParser, Namespace

from mcuref.arguments import one_of
from mcuref.cli import options, spreading
from mcuref.cli.console import prepare_kernels, progress, show, warn

PAPERS = ("tinyprop", "tinypropv2")


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("paper", metavar="PAPER", help=f"whose tables: {' or '.join(PAPERS)}")
    parser.add_argument("--rows", metavar="NAMES", help="with commas; default: all whose data is here")
    parser.add_argument("--method", metavar="NAMES", help="with commas, full among them; default all")
    parser.add_argument("--seeds", metavar="LIST|COUNT", help="0,1,2 or a count; default: the row's, 5 or 3")
    parser.add_argument(
        "--tune",
        action="store_true",
        help="choose learning rates and settings on a validation split instead, and print what was tried",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        help="write tables, CSV, JSON and pictures here; what is there already is gone on with; default: print only",
    )
    spreading.add_scheduler(parser)
    parser.add_argument("--list", action="store_true", help="only list rows, methods and claims")
    options.add_wide(parser)
    options.add_json(parser)


def run(arguments: Namespace) -> None:
    """Choose rows, compute, print, write."""
    from mcuref.experiments.papers import PAPERS as KNOWN
    from mcuref.experiments.papers import rows_of
    from mcuref.experiments.reproduction import check_methods
    from mcuref.experiments.store import PieceStore
    from mcuref.files import check_outputs
    from mcuref.report.reproduction_lists import rows_list

    paper = KNOWN[one_of("paper", arguments.paper, PAPERS)]
    if arguments.list:
        show(*rows_list(paper), wide=arguments.wide)
        return
    check_outputs(arguments.json, folder=arguments.out, present=arguments.out is not None and os.path.isdir(arguments.out))
    seeds = None if arguments.seeds is None else options.seeds(arguments.seeds)
    given = None if arguments.rows is None else options.several(arguments.rows, "--rows")
    rows, absent = rows_of(paper, given)
    methods = check_methods(None if arguments.method is None else options.several(arguments.method, "--method"))
    warn(absent)
    store = None if arguments.out is None else PieceStore(os.path.join(arguments.out, "pieces"))
    with spreading.executor(arguments) as cluster:
        if cluster is None:
            prepare_kernels()
        with progress() as update:
            common = {"store": store, "executor": cluster, "progress": update}
            found = [(_tuned if arguments.tune else _computed)(row, methods, seeds, common) for row in rows]
    (_show_tuned if arguments.tune else _show)(arguments, paper, found)


def _computed(row, methods, seeds, common):
    """``mcuref.reproduce.row/1`` of a row."""
    from mcuref.experiments.committed import chosen_for
    from mcuref.experiments.reproduction import RowRun

    return RowRun(row, chosen_for(row.name), seeds, **common).run(methods)


def _tuned(row, methods, seeds, common):
    """``mcuref.tuned/1`` of a row."""
    from mcuref.experiments.reproduction import RowRun
    from mcuref.experiments.tuning import tune

    return tune(RowRun(row, {}, seeds, evaluate="validation", **common), methods)


def _show(asked, paper, results):
    """Print tables and claims; write what is to be written."""
    from mcuref.report.json import reproduction_json
    from mcuref.report.reproduction_tables import claims_table, row_tables

    for result in results:
        show(*row_tables(result), wide=asked.wide)
    show(*claims_table(paper, results), wide=asked.wide)
    if asked.out is not None:
        from mcuref.report.reproduction_files import write_results

        warn(write_results(asked.out, asked.paper, paper, results))
    _write(asked, reproduction_json(asked.paper, paper, results))


def _show_tuned(asked, paper, tunings):
    """The same of what was tried, and chosen."""
    from mcuref.report.reproduction_tables import tuning_tables

    for tuning in tunings:
        show(*tuning_tables(tuning), wide=asked.wide)
    if asked.out is not None:
        from mcuref.report.reproduction_files import write_tunings

        write_tunings(asked.out, tunings)
    _write(asked, {"schema": "mcuref.reproduce/1", "paper": asked.paper, "tuned": tunings})


def _write(asked, content):
    from mcuref.files import write_json

    if asked.json is not None:
        write_json(asked.json, content)
