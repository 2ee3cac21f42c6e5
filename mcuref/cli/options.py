"""Options that several commands share, and what they mean to the library."""

from __future__ import annotations

import copy
import json
import os
import re
from argparse import ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from mcuref import rules
from mcuref.arguments import MOST_EPOCHS, one_of
from mcuref.datasets.registry import NAMES
from mcuref.errors import InputError
from mcuref.experiments.protocols import REGIMES
from mcuref.memory.targets import DEFAULT_STACK, Budget, find_target, format_size, parse_size
from mcuref.optimisers import LARGEST_BATCH, SCHEDULES, SGD
from mcuref.program.arithmetic import INPUTS
from mcuref.program.compiler import POLICIES

if TYPE_CHECKING:
    from mcuref.models.description import Model


DEFAULT_TARGET = "nrf52840"
NOT_GIVEN = object()  # the value of an option that is not on the command line
NOT_KEPT = ("out", "resume", "json", "wide", "scheduler")  # options that say where a run lies, how it is shown, who does it
DEFAULT_MODEL = "mlp-64-32-10"  # where no data is named
LARGEST_SEED = (1 << 32) - 1
DTYPES = ("float32", "int8")
NONE = "none"  # the method of those who train nothing


class Options(Protocol):
    """What takes options: a parser, or a group in one."""

    def add_argument(self, *args: Any, **keywords: Any) -> Any:
        """As argparse has it."""


def whole(minimum: int, maximum: int = LARGEST_SEED) -> Callable[[str], int]:
    """A type for argparse: whole numbers in decimal digits, from minimum to maximum."""

    def convert(text):
        value = int(text) if re.fullmatch("-?[0-9]{1,20}", text) else None
        if value is None or not minimum <= value <= maximum:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {minimum} to {maximum}")
        return value

    return convert


def number(text: str) -> float:
    """A number, for argparse."""
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number") from None


def model(text: str) -> Model:
    """A model by its name, for argparse: a file is read here and never again, so that its content goes with the run."""
    from mcuref.models import find_model

    try:
        return find_model(text)
    except InputError as error:
        if os.path.isdir(text) and not text.endswith((".toml", ".tflite")):
            return _run(text)
        raise ArgumentTypeError(str(error)) from None


def _run(folder):
    """The model that a run folder is; a folder that is called as a model of the zoo is named by a path, ./cnn-8."""
    from mcuref.runs.models import run_model

    try:
        return run_model(folder)
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None


def add_model(parser: Options, data: bool = True) -> None:
    """--data, --model, --trainable."""
    if data:
        parser.add_argument(
            "--data",
            default="digits",
            metavar="NAME|FOLDER",
            help="a data set (mcuref datasets) or a folder with train.npz and test.npz, arrays x and y; default digits",
        )
    parser.add_argument(
        "--model",
        type=model,
        metavar="NAME",
        help="a model of the zoo (mcuref models), mlp-A-B-C by widths, a TOML file, or one of these with hidden widths "
        "times F: NAME@F; or, with its weights, a .tflite file or a run folder; default: one that fits the data"
        + ("" if data else f", without data {DEFAULT_MODEL}"),
    )
    parser.add_argument(
        "--trainable",
        type=whole(1 if data else 0),
        metavar="N",
        help="train only the last N layers with parameters; the others stay frozen in flash; default all",
    )


def add_rule(parser: Options, default: str | None = "tinypropv2") -> None:
    """--method, --preset, --set; ``default`` "all" if several methods can be named, None for what a protocol says."""
    said = f" {default}" if default else ": the protocol's"
    several, set_aside = default == "all", [method for method in rules.METHODS if method not in rules.COMPARED]
    parser.add_argument(
        "--method",
        metavar="NAME",
        default=",".join(rules.COMPARED) if several else default,
        help=f"{', '.join(rules.COMPARED)}, baselines: {', '.join(set_aside)}, or package.module:Class for one of your own"
        f"{'; several with commas; or none: nothing is trained' * several}; default{said}{' but baselines' * several}",
    )
    parser.add_argument(
        "--preset",
        default="default",
        metavar="NAME",
        help="paper (settings as published) or default (ours, one for all data sets)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="replace a setting of the method, such as s_max=0.7, threshold=0.5, ratio=0.2, output=rule; repeatable",
    )


def add_dtype(parser: Options, what: str) -> None:
    """--dtype; ``what`` is done with several."""
    parser.add_argument(
        "--dtype",
        metavar="TYPES",
        help=f"float32, int8 or both with a comma: {what}; int8 is inference alone; default: the model's",
    )


def add_input(parser: Options) -> None:
    """--input."""
    parser.add_argument(
        "--input",
        choices=INPUTS,
        default=INPUTS[0],
        help="copy: the normalised sample is written into SRAM; in-place, of float32: the first layer reads it where it "
        "lies, which saves that, and comes to the same bits; default copy",
    )


def read_in_place(asked: Namespace, dtypes: Collection[str]) -> bool:
    """Whether the sample is to be read in place; InputError where that is not of the types."""
    if asked.input == "in-place" and set(dtypes) != {"float32"}:
        raise InputError(f"--input in-place is of float32; what is asked for here is {', '.join(dtypes)}")
    return asked.input == "in-place"


def dtypes(text: str | None) -> list[str]:
    """["float32", "int8"] from "float32,int8", [] from None; InputError for another type."""
    if text is None:
        return []
    return [one_of("--dtype", name, DTYPES) for name in several(text, "--dtype")]


def add_budget(parser: ArgumentParser, more: str = "") -> None:
    """--target, --sram, --flash, --stack; ``more``: what else --target may be."""
    group = parser.add_argument_group("budget (enforced: what does not fit is refused before anything starts)")
    group.add_argument(
        "--target",
        metavar="PART",
        help=f"a microcontroller (mcuref targets), or none for no limit{more}; default {DEFAULT_TARGET}, or the smallest "
        "part that holds the default model; with --sram or --flash its core, whose code and stack are counted in",
    )
    group.add_argument("--sram", metavar="SIZE", help="bytes of SRAM, such as 65536, 64KiB or 64k")
    group.add_argument("--flash", metavar="SIZE", help="bytes of flash")
    reserve = format_size(DEFAULT_STACK, short=True)
    group.add_argument("--stack", metavar="SIZE", help=f"SRAM kept back for the stack; default {reserve}")


def add_optimiser(parser: Options) -> None:
    """--momentum, --batch."""
    default = SGD()
    parser.add_argument(
        "--momentum", type=number, metavar="M", help=f"of SGD; default {default.momentum:g}; takes 4 bytes a trained weight"
    )
    parser.add_argument(
        "--batch",
        type=whole(1, LARGEST_BATCH),
        metavar="N",
        help=f"trained samples per update; default {default.batch}; more take 4 bytes a trained weight for the gradient",
    )


def add_policy(parser: Options) -> None:
    """--momentum, --batch, --policy."""
    add_optimiser(parser)
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        help="immediate (each sample updates the weights) or accumulate (sums over the batch); default: what --batch needs",
    )


def add_run(parser: Options) -> None:
    """--regime, --epochs, --learning-rate, --schedule, --samples, --evaluate."""
    parser.add_argument(
        "--regime",
        default="scratch",
        metavar="NAME",
        help=f"{', '.join(REGIMES)}: from start weights; or pre-trained on a first part and then on new samples of the same "
        "kind, or of a changed domain; or pre-trained on another data set, then with a new output layer; default scratch",
    )
    parser.add_argument(
        "--epochs", type=whole(1, MOST_EPOCHS), metavar="N", help="default: the protocol's for the data and regime"
    )
    parser.add_argument("--learning-rate", type=number, metavar="RATE", help="default: the protocol's")
    parser.add_argument("--schedule", metavar="NAME", help=f"{', '.join(SCHEDULES)}; default: the protocol's")
    add_part(parser)


def add_part(parser: Options) -> None:
    """--samples, --evaluate."""
    parser.add_argument("--samples", type=whole(1), metavar="N", help="use only the first N training samples; default all")
    parser.add_argument(
        "--evaluate",
        default="test",
        choices=("test", "validation"),
        help="on which samples: the test set, or a sixth of the training set held out, to choose settings on; default test",
    )


def add_json(parser: Options) -> None:
    """--json."""
    parser.add_argument(
        "--json", metavar="FILE", help="write the result as JSON too; - is stdout, and the tables go to stderr"
    )


def add_wide(parser: Options) -> None:
    """--wide."""
    parser.add_argument(
        "--wide",
        action="store_true",
        help="all columns of the tables, however narrow the terminal is (its width, or in a pipe COLUMNS, else 120)",
    )


def protocol(arguments: Namespace) -> dict[str, Any]:
    """Columns of the protocol that options replace, for find_protocol."""
    names = ("epochs", "learning_rate", "schedule", "momentum", "batch")
    return {name: getattr(arguments, name) for name in names}


def settings(pairs: Iterable[str]) -> dict[str, Any]:
    """{"s_max": 0.7, ...} from ["s_max=0.7", ...]: numbers where they are numbers."""
    chosen: dict[str, float | str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise InputError(f"--set {pair!r} is not NAME=VALUE, such as s_max=0.7")
        try:
            chosen[name.replace("-", "_")] = float(value)
        except ValueError:
            chosen[name.replace("-", "_")] = value
    return chosen


def budget(arguments: Namespace) -> Budget | None:
    """The Budget that --target, --sram, --flash and --stack describe, or None for no limit."""
    stack = stack_reserve(arguments)
    sram = None if arguments.sram is None else parse_size(arguments.sram, "--sram", 1)
    flash = None if arguments.flash is None else parse_size(arguments.flash, "--flash", 1)
    sized = sram is not None or flash is not None
    if arguments.target == "none":
        return Budget(sram, flash, stack) if sized else None
    part = find_target(DEFAULT_TARGET if arguments.target is None else arguments.target, also=("none",)).budget()
    if sized and arguments.target is None:
        return Budget(sram, flash, stack, core=part.core)
    return Budget(part.sram if sram is None else sram, part.flash if flash is None else flash, stack, part.name, part.core)


def stack_reserve(arguments: Namespace) -> int:
    """Bytes of SRAM that are kept back for the stack."""
    return DEFAULT_STACK if arguments.stack is None else parse_size(arguments.stack, "--stack")


def is_default_budget(arguments: Namespace) -> bool:
    """Whether nothing was said of what must hold it; a reserve for the stack is to be kept on any part."""
    return arguments.target is arguments.sram is arguments.flash is None


def several(text: str, option: str) -> list[str]:
    """["full", "topk"] from "full,topk"; InputError if one comes twice."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{option} {text!r} names {name!r} twice; once is enough")
    return names


def seeds(text: str) -> list[int]:
    """[0, 1, 2] from "0,1,2", or from "3" meaning the first three; [7] from "7,"."""
    parts = several(text.removesuffix(","), "--seeds")
    if not all(re.fullmatch("-?[0-9]{1,20}", part) for part in parts):
        raise InputError(f"--seeds {text!r} is not whole numbers with commas, such as 0,1,2, or a count, such as 3")
    numbers = [int(part) for part in parts]
    if len(numbers) == 1 and not text.endswith(","):
        if not 1 <= numbers[0] <= 1000:
            raise InputError(f"--seeds {text!r} is a count of seeds; it may be 1 to 1000")
        return list(range(numbers[0]))
    wrong = [n for n in numbers if not 0 <= n <= LARGEST_SEED]
    if wrong:
        raise InputError(f"--seeds {text!r} has {wrong[0]}; a seed is a whole number from 0 to {LARGEST_SEED}")
    return numbers


def request(asked: Namespace) -> dict[str, Any]:
    """What run.json keeps of a command, so that it can go on from elsewhere: data in a folder gets an absolute name."""
    begun = {name: plain(value) for name, value in vars(asked).items() if name not in NOT_KEPT}
    return begun | {"data": asked.data if asked.data in NAMES else os.path.abspath(asked.data)}


def plain(value: Any) -> Any:
    """The value of an option as plain data; a model in a TOML file with what stands there, of others where they lie."""
    from mcuref.models import Model

    if not isinstance(value, Model):
        return value
    if value.network is not None:
        return os.path.abspath(value.name)
    return value.name if value.text is None else {"name": value.name, "text": value.text}


def begun(kept: Any, parser: ArgumentParser) -> dict[str, Any]:
    """{name: value} of the options that :func:`request` kept; InputError if the command line never gives such.

    kept : what stands in run.json, whatever that is.
    parser : of the command. It is given the options again: what it refuses is refused here too.
    """
    options = {action.dest: action for action in parser._actions if action.dest not in ("help", *NOT_KEPT)}
    if not isinstance(kept, dict) or kept.keys() != options.keys():
        raise InputError("its arguments are not those of this command")
    words, models, defaults = [], {}, parser.get_default("defaults")
    for name, value in kept.items():
        if options[name].type is model and isinstance(value, dict):
            models[name] = _kept_model(value)
        elif value is True:
            words.append(options[name].option_strings[0])
        elif value != defaults[name]:
            several = value if isinstance(value, list) else [value]
            words += [f"{options[name].option_strings[0]}={one}" for one in several]
    again = copy.copy(parser)
    again.exit_on_error = False
    try:
        given = vars(again.parse_args(words)) | models
    except ArgumentError as error:
        raise InputError(f"its {error}") from None
    given = {name: defaults[name] if given[name] is NOT_GIVEN else given[name] for name in kept}
    for name, value in given.items():
        if json.dumps(plain(value)) != json.dumps(kept[name]):
            raise InputError(f"its argument {options[name].option_strings[0]} was never given so")
    return given


def _kept_model(value):
    """The model in a file whose name and text were kept."""
    from mcuref.models import find_model

    if not isinstance(value.get("text"), str):
        raise InputError("its model has no text")
    return find_model(value.get("name"), value["text"])
