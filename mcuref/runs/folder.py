"""A run folder from its making to its end: nobody else works in it, and whatever stops it, it says how to go on.

It holds run.json, what was asked for, from the start; checkpoints, where the run stands; and at last its results.
"""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcuref.errors import DivergedError, InputError, McurefError, NonFiniteError
from mcuref.files import WriteError, check_outputs, held, missing_parents, new_folder, remove_empty, remove_leftovers
from mcuref.runs import checkpoints
from mcuref.runs.manifest import check
from mcuref.runs.request import REQUEST, Request, read_request, write_request

RUN_FOLDER = "run folder"
TRAIN = "train"


def check_new_run(folder: Path | str) -> None:
    """InputError if ``folder`` holds an unfinished run, or one that cannot be told; nobody is advised to remove it."""
    if not os.path.lexists(Path(folder) / REQUEST):
        return
    try:
        unfinished = read_request(folder).files is None
    except InputError as error:
        raise InputError(f"run folder {str(folder)!r} exists already (it was not touched): {error}") from None
    if unfinished:
        raise InputError(
            f"run folder {str(folder)!r} exists already and its run is unfinished; go on with: "
            f"{resume_command(folder)} (it was not touched)"
        )


def is_complete(folder: Path | str) -> bool:
    """Whether the run in a folder is: the sha256 of its results are written last."""
    request = _request(folder)
    return request is not None and request.files is not None


def resume_command(folder: Path | str) -> str:
    """What goes on with a run, by the command that began it; of run.json it has one known word, if that."""
    request = _request(folder)
    return f"mcuref {TRAIN if request is None else request.command} --resume {shlex.quote(str(folder))}"


def _request(folder):
    """The request in a folder, None if it has none that can be used."""
    try:
        return read_request(folder)
    except (InputError, OSError):
        return None


@contextmanager
def new_run(
    folder: Path | str, arguments: dict[str, Any], fingerprint: dict[str, str], command: str = TRAIN
) -> Iterator[None]:
    """Make the run folder with run.json, what was asked for, and hold it; InputError if it cannot be.

    What fails before its first checkpoint, an interruption excepted, leaves no folder.
    """
    made = missing_parents(folder)
    with new_folder(folder) as part:
        write_request(part, Request(command, arguments, fingerprint))
    with _held(folder):
        try:
            yield
        except Exception:
            if not checkpoints.exist(folder):
                remove_leftovers(folder)
                (Path(folder) / REQUEST).unlink()
                remove_empty([Path(folder), *made])
            raise


@contextmanager
def resumed_run(folder: Path | str, command: str = TRAIN) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Hold an unfinished run folder; gives (arguments, fingerprint) of its run.json. InputError if it is not one.

    command : the one that resumes it, which must be the one that began it.
    """
    read_request(folder)
    with _held(folder):
        request = read_request(folder)  # another process may have come to its end
        remove_leftovers(folder)
        remove_leftovers(Path(folder).absolute().parent, alone=False)  # of its making
        if request.files is not None:
            check(folder, request.files, RUN_FOLDER)
            raise InputError(f"run folder {str(folder)!r} is complete already; there is nothing to resume")
        check_outputs(folder=folder, present=True)
        if request.command != command:
            raise InputError(
                f"run folder {str(folder)!r} was begun by another command; go on with: {resume_command(folder)}"
            )
        yield request.arguments, request.fingerprint


@contextmanager
def _held(folder):
    """Hold a run folder; an interruption says how to go on."""
    taken = f"run folder {str(folder)!r} is in use: another process is running it (it was not touched)"
    with held(Path(folder) / REQUEST, taken):
        try:
            yield
        except KeyboardInterrupt:
            if is_complete(folder):
                raise
            raise KeyboardInterrupt(f"interrupted; go on with: {resume_command(folder)}") from None


@contextmanager
def what_stops_it(folder: Path | str) -> Iterator[None]:
    """Whatever stops a run in a folder that has a checkpoint says what becomes of it."""
    try:
        yield
    except (WriteError, NonFiniteError, DivergedError) as error:
        if not checkpoints.exist(folder):
            raise
        if isinstance(error, WriteError):
            raise WriteError(f"{error}; when it can be, go on with: {resume_command(folder)}") from None
        kept = f"run folder {folder!r} keeps the last checkpoint before that, but resumed it would end the same"
        raise McurefError(f"{error}; {kept}") from None
