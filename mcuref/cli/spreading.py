"""Where pieces are done: on the cores of this computer, or on the workers of a cluster."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcuref.cli import options

if TYPE_CHECKING:
    from mcuref.experiments.cluster import Cluster
    from mcuref.experiments.spreading import Origin


def add_scheduler(parser: options.Options) -> None:
    """--scheduler."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster that does the work, tcp://host:8786; results are those of all cores of this computer",
    )


@contextmanager
def executor(asked: Namespace) -> Iterator[Cluster | None]:
    """The cluster that the options name, for a while; None for the cores of this computer."""
    if asked.scheduler is None:
        yield None
        return
    from mcuref.experiments.cluster import Cluster

    with Cluster(asked.scheduler) as cluster:
        yield cluster


def origin(asked: Namespace) -> Origin:
    """Where the data that the options name comes from, for workers that load it themselves: a name, or a whole path."""
    from mcuref.datasets.registry import NAMES
    from mcuref.experiments.spreading import Origin

    place = asked.data if asked.data in NAMES else os.path.abspath(asked.data)
    return Origin(place, getattr(asked, "evaluate", "test"), getattr(asked, "samples", None))
