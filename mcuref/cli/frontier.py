"""What ``mcuref incremental --frontier`` does: ways to keep samples side by side, in place of tasks."""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from mcuref.cli import options, spreading
from mcuref.cli.console import progress, show
from mcuref.cli.defaults import model_name, named_data, warn_of
from mcuref.errors import InputError

if TYPE_CHECKING:
    from mcuref.incremental.frontier import Frontier
    from mcuref.incremental.setting import Setting

OTHER = (  # options that mean nothing here: nothing arrives task by task, or grows, and there is no budget
    "tasks", "drift", "compare", "distil", "start", "factor", "growth", "deepen", "shrink", "smallest", "out",
    "target", "sram", "flash", "stack",
)  # fmt: skip


def add_frontier(parser: ArgumentParser) -> None:
    """--frontier, --picture."""
    group = parser.add_argument_group("ways to keep samples side by side")
    group.add_argument(
        "--frontier",
        nargs="?",
        const="random,reservoir,swap-herding,mixed",
        metavar="POLICIES",
        help="in place of tasks: train the largest model once on all classes for each policy, bits and resolution, at equal "
        "bytes; policies of --distil, herding or k-center, with commas; without: random, reservoir, swap-herding, mixed",
    )
    group.add_argument("--picture", metavar="FILE", help="draw accuracy against all MACs to a picture (needs matplotlib)")


def checked_frontier(asked: Namespace, setting: Setting) -> Frontier:
    """The table that was asked for; InputError if it cannot be."""
    from mcuref.files import check_outputs
    from mcuref.incremental.frontier import Frontier

    for name in OTHER:
        if getattr(asked, name) not in (None, "", False):
            raise InputError(
                f"--frontier trains once on all classes for every way to keep samples; --{name} has no part in it"
            )
    check_outputs(asked.json, asked.picture)
    data, policies = named_data(asked), options.several(asked.frontier, "--frontier")
    frontier = Frontier(data, model_name(asked, data), setting, policies, origin=spreading.origin(asked))
    frontier.check()
    warn_of(data)
    return frontier


def run_frontier(asked: Namespace, frontier: Frontier) -> dict[str, Any]:
    """Train, print, draw; returns the report."""
    from mcuref.report.incremental_frontier import draw_ways, frontier_tables

    began = time.perf_counter()
    with spreading.executor(asked) as cluster, progress() as frontier.progress:
        points = frontier.run(cluster)
    report = frontier.report(points, asked.evaluate, time.perf_counter() - began)
    show(*frontier_tables(report), wide=asked.wide)
    if asked.picture is not None:
        draw_ways(report, asked.picture)
    return report
