"""List the microcontrollers whose memory can be taken as a budget.

One arena needs contiguous memory, so what counts of a part is its largest run of adjacent banks, not the sum.
"""

from mcuref.cli import options
from mcuref.cli.console import stdout


def arguments(parser):
    """Options of this command."""
    parser.add_argument("name", nargs="?", metavar="PART", help="show one part with its memory banks")
    options.add_json(parser)


def run(arguments):
    """Print the parts, or one of them."""
    from dataclasses import asdict

    from mcuref.files import check_new_file, write_json
    from mcuref.memory.targets import TARGETS, find_target
    from mcuref.report.tables import bank_tables, targets_tables

    if arguments.json:
        check_new_file(arguments.json)
    chosen = [find_target(arguments.name)] if arguments.name else list(TARGETS.values())
    stdout().print(*(bank_tables(chosen[0]) if arguments.name else targets_tables(chosen)), sep="\n")
    if arguments.json:
        rows = [asdict(t) | {"sram_bytes": t.sram, "flash_bytes": t.flash} for t in chosen]
        write_json(arguments.json, {"schema": "mcuref.targets/1", "targets": rows})
