"""Options of commands that set types side by side: what rows are computed in, and of int8 how."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection
from typing import TYPE_CHECKING

from mcuref.arguments import one_of
from mcuref.cli import options
from mcuref.errors import InputError

if TYPE_CHECKING:
    from mcuref.experiments.kinds import Kind

# As of mcuref.program.arithmetic.int8, which is more than a help text needs
UPDATES = ("residual", "residual16", "stochastic", "truncated", "master")
SCALES = ("running", "static")


def add_kinds(parser: options.Options, headroom: bool = False) -> None:
    """--dtype, --update, --scales, each of several; --headroom, where values matter."""
    parser.add_argument(
        "--dtype", metavar="TYPES", help="float32, int8, or both with a comma, side by side; default: the model's"
    )
    parser.add_argument(
        "--update",
        metavar="NAMES",
        help=f"of int8, what becomes of the part of a change that is no whole step of a weight: {', '.join(UPDATES)}; "
        f"several with commas, side by side; default {UPDATES[0]}",
    )
    parser.add_argument(
        "--scales",
        metavar="NAMES",
        help=f"of int8, the scales of what layers come to: {', '.join(SCALES)}; several with commas; default {SCALES[0]}",
    )
    add_train_dtype(parser)
    if headroom:
        add_headroom(parser)


def add_train_dtype(parser: options.Options) -> None:
    """--train-dtype."""
    parser.add_argument(
        "--train-dtype",
        choices=options.DTYPES,
        metavar="TYPE",
        help="of --dtype int8, what is trained: int8, or float32: the last layers, --trainable of them, are float32, those "
        "below stay int8 as they are; default int8",
    )


def trained_in_float32(asked: Namespace, dtypes: Collection[str]) -> bool:
    """Whether layers above an int8 body are trained in float32; InputError if there is to be no such body."""
    if asked.train_dtype is None:
        return False
    if "int8" not in dtypes:
        raise InputError(
            f"--train-dtype {asked.train_dtype} is of --dtype int8; what is asked for here is {', '.join(dtypes)}"
        )
    return asked.train_dtype == "float32"


def add_headroom(parser: options.Options) -> None:
    """--headroom."""
    parser.add_argument(
        "--headroom",
        type=options.number,
        metavar="F",
        help="of int8: scales of trained weights are F times as wide as their largest needs; default 4 from start weights, "
        "2 for pre-trained ones; of a model that comes as int8 its own scales, or these times F",
    )


def kinds(asked: Namespace) -> list[Kind]:
    """What the options say that rows are computed in: of the model's type, where none is named."""
    from mcuref.experiments.kinds import kinds as kinds_of

    given = getattr(asked.model, "network", None)
    dtypes = options.dtypes(asked.dtype) or ["float32" if given is None else given.dtype]
    if trained_in_float32(asked, dtypes):
        dtypes = ["mixed" if dtype == "int8" else dtype for dtype in dtypes]
    named = {}
    for name, known in (("update", UPDATES), ("scales", SCALES)):
        text = getattr(asked, name)
        named[name] = [] if text is None else [one_of(f"--{name}", one, known) for one in options.several(text, f"--{name}")]
    for name in ("update", "scales", "headroom"):
        if getattr(asked, name, None) is not None and "int8" not in dtypes:
            raise InputError(f"--{name} is of weights that are trained in int8; what is asked for here is float32")
    in_place = options.read_in_place(asked, dtypes)
    return kinds_of(dtypes, named["update"], named["scales"], "in-place" if in_place else "copy")
