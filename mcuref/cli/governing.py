"""--effort, of the commands that have a method: the share of dense training that a run is brought to."""

import re
from argparse import ArgumentTypeError, Namespace
from typing import Any

from mcuref.cli import options

SHARE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})(%?)")


def add_effort(parser: options.Options) -> None:
    """--effort."""
    parser.add_argument(
        "--effort",
        type=share,
        metavar="SHARE",
        help="bring the total effort of a run, forward included, to this share of dense training, such as 15%%; of methods "
        "that skip samples",
    )


def share(text: str) -> float:
    """A share above 0 and up to 1, for argparse: 15%, or 0.15."""
    found = SHARE.fullmatch(text)
    value = float(found[1]) / (100 if found[2] else 1) if found else 0.0
    if not 0 < value <= 1:
        raise ArgumentTypeError(f"{text!r} is not a share above 0 % and up to 100 %, such as 15%")
    return value


def settings(asked: Namespace) -> dict[str, Any]:
    """Settings of the method, by name: those of --set, and --effort."""
    return options.settings(asked.settings) | ({} if asked.effort is None else {"effort": asked.effort})
