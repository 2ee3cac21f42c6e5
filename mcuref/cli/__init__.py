"""The command line: a file a command, each parses, calls the library, prints."""

import argparse
import os
import re
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from importlib import import_module
from typing import Any, NoReturn

from mcuref.arguments import one_of
from mcuref.cli.console import prepare_streams
from mcuref.errors import InputError, McurefError
from mcuref.names import hint, near
from mcuref.streams import is_stdout
from mcuref.text import one_line
from mcuref.version import __version__

COMMANDS = (
    "train", "compare", "reproduce", "incremental", "estimate", "quantise", "check", "report", "models", "export", "verify",
    "targets", "datasets", "doctor", "bench",
)  # fmt: skip
DESCRIPTION = """\
Train small networks exactly as a microcontroller would: in one planned arena, under a budget that cannot be exceeded.

  mcuref compare                         all methods on the embedded digits
  mcuref estimate --model mlp-784-32-10  will it fit, and what is alive when?
  mcuref train --out runs/one            one run, kept in a folder
  mcuref incremental --data mnist        new classes, task by task
  mcuref export runs/one --c firmware/   the same in C99, for a microcontroller
  mcuref verify firmware/ --core m4f     is it the same, to the bit?

exit status: 0 done, or yes; 1 a negative answer with its report; 2 bad input, or a budget exceeded
"""
OPTION = re.compile("-[^0-9. ][^ ]*")  # no number, and no text with a space


class Help(argparse.HelpFormatter):
    """argparse's, but it fills paragraphs of a description one by one, and leaves indented examples as they are."""

    def _fill_text(self, text, width, indent):
        paragraphs = text.strip("\n").split("\n\n")
        return "\n\n".join(p if p.startswith("  ") else super(Help, self)._fill_text(p, width, indent) for p in paragraphs)


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one sentence, and that takes no abbreviations: --seed is not --seeds."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        """Print the sentence and exit with status 2."""
        self._refuse(f"{message}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does, but what is not known is refused here: the parser of a command knows its own options."""
        words = list(sys.argv[1:] if args is None else args)
        for word in words:
            if word == "--" or self._subparsers and not word.startswith("-"):
                break
            name = word.partition("=")[0]
            if OPTION.fullmatch(name) and name not in self._option_string_actions:
                self._refuse(f"unknown option {name}{self._listed(name, self._option_string_actions)}")
        namespace, more = super().parse_known_args(words, namespace)
        if more:
            end = hint(near(more[0], self._option_string_actions), f"see {self.prog} --help")
            self._refuse(f"argument {more[0]!r} is one too many{end}")
        return namespace, more

    def _listed(self, name, known):
        return hint(near(name, known), f"`{self.prog} --help` lists them")

    def _check_value(self, action, value):
        """As argparse does, in our words."""
        if action.choices is None or value in action.choices:
            return
        if action.dest == "command":
            self._refuse(f"there is no command {value!r}{self._listed(value, action.choices)}")
        try:
            one_of(action.option_strings[0], value, action.choices)
        except InputError as error:
            raise argparse.ArgumentError(None, str(error)) from None

    def _refuse(self, sentence: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(sentence)}\n")


def _parser():
    parser = Parser(prog="mcuref", description=DESCRIPTION, formatter_class=Help)
    parser.add_argument("--version", action="version", version=f"mcuref {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        module = import_module(f"mcuref.cli.{name}")
        text = module.__doc__ or ""  # python -OO leaves it out
        command = commands.add_parser(name, help=text.partition("\n")[0], description=text, formatter_class=Help)
        module.arguments(command)
        command.set_defaults(run=module.run)
    return parser


@contextmanager
def _stoppable():
    """SIGTERM and SIGHUP leave as Ctrl-C does, through every cleaning up, with status 128 + their number."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGTERM", "SIGHUP") if getattr(signal, name, None)]
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    before = {number: handler for number, handler in before.items() if handler is signal.SIG_DFL}  # nohup stays nohup
    try:
        for number in before:
            signal.signal(number, lambda caught, _: sys.exit(128 + caught))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status."""
    prepare_streams()
    with _stoppable():
        return _run(argv)


def _run(argv):
    try:
        arguments = _parser().parse_args(argv)
        if ":" in str(getattr(arguments, "method", "")):  # a class of the user's own, whose module may lie here
            sys.path.append(os.getcwd())
        with _stdout_for_files(arguments):
            return arguments.run(arguments) or 0
    except McurefError as error:
        return _failed(error)
    except MemoryError as error:
        return _failed(f"this computer's memory is too small for that: {error or 'use a smaller model or data set'}")
    except OSError as error:
        what = error.filename or "the output"
        return _failed(f"{what} cannot be used: {(error.strerror or str(error)).lower()}")
    except KeyboardInterrupt as stop:
        return _failed(str(stop) or "interrupted; nothing half-written is left", 130)
    except Exception as error:
        return _failed(_unforeseen(error))


def _unforeseen(error):
    """The sentence about an error that is a mistake in mcuref, with the file that the traceback was written to."""
    shown = repr(error)
    what = f"something that was not foreseen went wrong ({shown if len(shown) <= 200 else shown[:197] + '...'})"
    try:
        number, file = tempfile.mkstemp(prefix="mcuref-traceback-", suffix=".txt")
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as out:
            traceback.print_exception(error, file=out)
    except OSError:
        return f"{what}; its traceback cannot be written to a file; please report it"
    return f"{what}; the traceback is in {file}; please report it"


def _stdout_for_files(arguments):
    """Where an option's file is stdout, that has it alone: what people read goes to stderr meanwhile."""
    files = [getattr(arguments, name, None) for name in ("json", "map", "tflite")]
    return redirect_stdout(sys.stderr) if any(isinstance(f, str) and is_stdout(f) for f in files) else nullcontext()


def _failed(sentence, status=2):
    with suppress(OSError):  # stderr may be as full as the disk that is complained about
        print("mcuref:", one_line(sentence), file=sys.stderr)
    return status
