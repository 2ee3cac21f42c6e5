"""The network that a device trains: options of ``mcuref train`` that say what it is computed in, and what they mean."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from mcuref.cli import options
from mcuref.cli.kinds import SCALES, UPDATES, add_headroom, add_train_dtype, trained_in_float32
from mcuref.errors import InputError

if TYPE_CHECKING:
    from mcuref.models.description import Model
    from mcuref.network import Network
    from mcuref.program.arithmetic import Arithmetic
    from mcuref.runs.training import Deployment, Phases

OF_INT8 = ("headroom", "update", "scales")


def add_int8(parser: options.Options) -> None:
    """--dtype, --train-dtype, --headroom, --update, --scales."""
    parser.add_argument(
        "--dtype",
        choices=options.DTYPES,
        metavar="TYPE",
        help="float32, or int8: trained by integers alone; default: the model's",
    )
    add_train_dtype(parser)
    add_headroom(parser)
    parser.add_argument(
        "--update",
        choices=UPDATES,
        metavar="NAME",
        help=f"of int8, what becomes of the part of a change that is no whole step of a weight: {', '.join(UPDATES)}; "
        f"default {UPDATES[0]}",
    )
    parser.add_argument(
        "--scales",
        choices=SCALES,
        metavar="NAME",
        help=f"of int8, of what layers come to: {', '.join(SCALES)}; default {SCALES[0]}",
    )


def arithmetic(asked: Namespace) -> Arithmetic:
    """What the options say to compute in; InputError if the model is none for it, or an option is of another type."""
    from mcuref.arguments import number
    from mcuref.experiments.deploying import MOST_HEADROOM
    from mcuref.models import label
    from mcuref.program.arithmetic import FLOAT32, IN_PLACE

    given = getattr(asked.model, "network", None)
    own = "float32" if given is None else given.dtype
    dtype = "mixed" if trained_in_float32(asked, [asked.dtype or own]) else asked.dtype or own
    in_place = options.read_in_place(asked, [dtype])
    if dtype == "float32" and own == "int8":
        raise InputError(f"model {label(asked.model.name)!r} is int8 and has no float32 weights; it is trained as int8")
    if dtype != "int8":
        for name in OF_INT8:
            if getattr(asked, name) is not None:
                raise InputError(f"--{name} is of --dtype int8; what is trained here is float32")
        if dtype == "float32":
            return IN_PLACE if in_place else FLOAT32
        from mcuref.program.arithmetic.mixed import MIXED

        return MIXED
    from mcuref.program.arithmetic.int8 import Int8

    if asked.headroom is not None:
        number("--headroom", asked.headroom, 1, MOST_HEADROOM)
    return Int8(asked.update or UPDATES[0], asked.scales or SCALES[0])


def deployment(asked: Namespace, model: Model, network: Network, protocol: Phases, dtype: str) -> Deployment | None:
    """How a network becomes the one that is trained in a type; None where it is as it is."""
    if dtype == "float32":
        return None
    from mcuref.calibration import HEADROOM
    from mcuref.experiments.deploying import PRETRAINED_HEADROOM, deployed
    from mcuref.runs.training import Deployment

    pretrained = protocol.pretrained_epochs > 0 or model.network is not None
    headroom = None if asked.headroom is None else float(asked.headroom)
    if dtype == "mixed":
        how = {"float32": "body quantised", "int8": "head dequantised", "mixed": "as it is"}[network.dtype]
    elif network.dtype == "int8":
        how = "as it is" if headroom is None else "rescaled"
    else:
        how, headroom = "quantised", headroom or (PRETRAINED_HEADROOM if pretrained else HEADROOM)

    def make(network: Network, data: Any) -> Network:
        return deployed(
            network, dtype, data, loss=model.loss, pretrained=pretrained, trainable=asked.trainable, headroom=headroom
        )

    return Deployment(make, {"headroom": headroom, "deployed": how})
