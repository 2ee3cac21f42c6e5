"""List the microcontrollers whose memory can be taken as a budget.

One arena needs contiguous memory, so what counts of a part is its largest run of adjacent banks, not the sum.
"""

from argparse import ArgumentParser, Namespace

from mcuref.cli import options
from mcuref.cli.console import show


def arguments(parser: ArgumentParser) -> None:
    """Options of this command."""
    parser.add_argument("name", nargs="?", metavar="PART", help="show one part with its memory banks")
    options.add_wide(parser)
    options.add_json(parser)


def run(arguments: Namespace) -> None:
    """Print the parts, or one of them."""
    from dataclasses import asdict

    from mcuref.files import check_outputs, write_json
    from mcuref.memory.targets import TARGETS, find_target
    from mcuref.report.lists import bank_tables, targets_tables

    check_outputs(arguments.json)
    chosen = [find_target(arguments.name)] if arguments.name is not None else list(TARGETS.values())
    show(*(bank_tables(chosen[0]) if arguments.name is not None else targets_tables(chosen)), wide=arguments.wide)
    if arguments.json is not None:
        rows = [asdict(t) | {"sram_bytes": t.sram, "flash_bytes": t.flash} for t in chosen]
        write_json(arguments.json, {"schema": "mcuref.targets/1", "targets": rows})
