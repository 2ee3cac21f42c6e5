"""The command line: a file a command, each parses, calls the library, prints."""

import argparse
import os
import sys
from importlib import import_module

from mcuref.errors import McurefError

COMMANDS = ("train", "compare", "estimate", "targets", "datasets", "doctor", "bench")
DESCRIPTION = """\
Train small networks exactly as a microcontroller would: in one planned arena, under a budget that cannot be exceeded.

  mcuref compare                                   all methods on the embedded digits, one table
  mcuref estimate --model mlp-784-32-10            will it fit, and what is alive at the peak?
  mcuref train --method tinypropv2 --out runs/one  one run, kept in a folder

exit status: 0 done, or yes; 1 a negative answer with its report; 2 bad input, or a budget exceeded
"""


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one sentence."""

    def error(self, message):
        """Print the sentence and exit with status 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser():
    parser = Parser(prog="mcuref", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        module = import_module(f"mcuref.cli.{name}")
        summary = module.__doc__.splitlines()[0]
        command = commands.add_parser(
            name, help=summary, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv=None):
    """Run a command; returns its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except McurefError as error:
        print(f"mcuref: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe went away: not our error, and no traceback at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"mcuref: {error.filename or 'the system'}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mcuref: interrupted, nothing was written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
