"""What commands share whose runs can be kept in a folder with --out, and gone on with by --resume."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from mcuref.cli import options
from mcuref.cli.console import prepare_kernels
from mcuref.errors import InputError

Finish = Callable[[Namespace, Any], dict[str, Any]]


WITH_RESUME = ("json", "wide", "scheduler")  # options that may stand beside --resume, where a command has them


def add_folder(parser: ArgumentParser, beside: str = "--json and --wide") -> None:
    """--out, --resume; ``beside`` says what else may be given with it."""
    parser.add_argument("--out", metavar="FOLDER", help="keep the run in this new folder; default: print only")
    parser.add_argument(
        "--resume",
        metavar="FOLDER",
        help=f"go on with the unfinished run in this folder, as it was begun; no other option but {beside}",
    )


def know_what_is_given(parser: ArgumentParser) -> None:
    """Keep the options' defaults apart, so that :func:`run` sees what was given; --set appends to its []."""
    defaults = vars(parser.parse_args([]))
    absent = dict.fromkeys(defaults.keys() - {"settings"}, options.NOT_GIVEN)
    parser.set_defaults(defaults=defaults, parser=parser, **absent)


def run(
    arguments: Namespace, command: str, checked: Callable[[Namespace], Any], finish: Finish, finish_in_folder: Finish
) -> None:
    """Begin a run, or go on with one; write its report.

    Parameters
    ----------
    arguments : what the parser made, which :func:`know_what_is_given` has prepared.
    command : str, the one that begins and resumes it.
    checked : callable(asked) -> what is to be run, with a ``fingerprint`` and the ``arithmetics`` of its programs; it
        refuses what cannot be, before any work.
    finish : callable(asked, that) -> report, without a folder.
    finish_in_folder : callable(asked, that) -> report, from the last checkpoint in the folder asked.out, if there is one.
    """
    from mcuref.files import check_outputs
    from mcuref.runs.folder import check_new_run, resumed_run

    given = {name: getattr(arguments, name) for name in arguments.defaults}
    given = {name: value for name, value in given.items() if value is not options.NOT_GIVEN and value != []}
    steps = command, checked, finish, finish_in_folder
    if "resume" not in given:
        asked = Namespace(**arguments.defaults | given)
        if asked.out is not None:
            check_new_run(asked.out)
        check_outputs(asked.json, folder=asked.out)
        _carry_out(asked, None, *steps)
        return
    _check_alone(given)
    folder, json = given["resume"], given.get("json")
    shown = {"json": json, "wide": given.get("wide", False), "scheduler": given.get("scheduler")}
    with resumed_run(folder, command) as (kept, fingerprint):
        check_outputs(json, folder=folder, present=True)
        begun = _begun(folder, kept, arguments.parser)
        asked = Namespace(**begun, **shown, out=folder, resume=None)
        _carry_out(asked, fingerprint, *steps)


def _begun(folder, kept, parser):
    """The options that a run was begun with; InputError if the run.json that kept them was made by something else."""
    try:
        return options.begun(kept, parser)
    except InputError as error:
        raise InputError(f"run.json in run folder {folder!r} cannot be used: {error}") from None


def _check_alone(given):
    """InputError if --resume is given with options that were settled when the run was begun."""
    others = [name.replace("settings", "set").replace("_", "-") for name in given if name not in ("resume", *WITH_RESUME)]
    if others:
        raise InputError(f"--resume goes on with a run as it was begun; --{others[0]} cannot be given with it")


def _carry_out(asked, begun, command, checked, finish, finish_in_folder):
    """Check, run, write; ``begun`` is the fingerprint of an unfinished run to go on with, or None."""
    from mcuref.files import write_json
    from mcuref.runs.fingerprint import same_run
    from mcuref.runs.folder import new_run

    request = options.request(asked)
    work = checked(asked)
    if begun is not None:
        same_run(asked.out, begun, work.fingerprint)
    for arithmetic in work.arithmetics:
        prepare_kernels(arithmetic)
    if begun is not None:
        report = finish_in_folder(asked, work)
    elif asked.out is not None:
        with new_run(asked.out, request, work.fingerprint, command):
            report = finish_in_folder(asked, work)
    else:
        report = finish(asked, work)
    if asked.json is not None:
        write_json(asked.json, report)
