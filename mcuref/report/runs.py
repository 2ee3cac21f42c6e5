"""A run on disk: run.json from the start; report.json, history.csv, memory.csv and weights.npz when it is complete."""

import csv
import os
import shlex
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mcuref import checkpoints, plain
from mcuref.errors import InputError
from mcuref.files import (
    check_outputs,
    held,
    missing_parents,
    new_file,
    new_folder,
    remove_empty,
    remove_leftovers,
    write_json,
)
from mcuref.manifest import check, digests, read
from mcuref.models import describe, label
from mcuref.report.json import budget_json
from mcuref.report.memory import memory_map
from mcuref.report.request import REQUEST, Request, read_request, write_request

REPORT, WEIGHTS = "report.json", "weights.npz"
RUN_FOLDER = "run folder"
TRAIN = "train"


def training_report(trainer, result, method, preset, regime, evaluated, seconds):
    """``mcuref.train/1``: what was trained how, what came of it, and what it needed."""
    program = trainer.program
    return {
        "schema": "mcuref.train/1",
        "data": trainer.data.name,
        "evaluated_on": evaluated,
        "regime": regime,
        "preset": preset,
        **program_description(program),
        "dtype": "float32",
        "seed": trainer.seed,
        "epochs": trainer.epochs,
        "budget": budget_json(program.budget),
        **{name: value for name, value in result.as_dict().items() if name not in ("score", "history")},
        result.metric: result.score,
        "history": result.history,
        "memory": program.report(),
        "timing": {"seconds": seconds},
    }


def program_description(program):
    """What a program was compiled from, as plain data; with the parameters enough to compile it again."""
    return {
        "model": label(program.network.name),
        "input": _input(program.network.input),
        "layers": describe(program.network.written[1:]),
        "method": program.rule.method,
        "settings": asdict(program.rule),
        "optimiser": asdict(program.optimiser),
        "policy": program.policy,
        "loss": program.loss,
        "trainable_layers": [program.network.names[i] for i in program.trainable],
    }


def _input(layer):
    """What brings a sample into the network: x = (sample - mean) * scale, value i with pair i % len(mean)."""
    return {"shape": list(layer.shape), "dtype": layer.dtype, "mean": layer.mean.tolist(), "scale": layer.scale.tolist()}


def check_new_run(folder):
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


def is_complete(folder):
    """Whether the run in a folder is: the sha256 of its results are written last."""
    request = _request(folder)
    return request is not None and request.files is not None


def resume_command(folder):
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
def new_run(folder, arguments, fingerprint, command=TRAIN):
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
def resumed_run(folder, command=TRAIN):
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


def read_run(folder, command=TRAIN):
    """(:class:`mcuref.report.request.Request`, report) of a finished run whose files are all as it wrote them.

    InputError if the folder holds none, or a file was changed. command : the one that began it, if it must be that
    one; None for any.
    """
    request = read_request(folder)
    if request.files is None:
        raise InputError(f"run folder {str(folder)!r} is unfinished; go on with: {resume_command(folder)}")
    if command not in (None, request.command):
        raise InputError(f"run folder {str(folder)!r} is of mcuref {request.command}; one of mcuref {command} is needed")
    check(folder, request.files, RUN_FOLDER)
    content = read(folder, request.files, REPORT, RUN_FOLDER)
    try:
        return request, plain.parse(content)
    except ValueError as error:
        raise InputError(f"{str(Path(folder) / REPORT)!r} cannot be used: {error}") from None


def write_run(folder, trainer, report):
    """Write the results of a run into its folder, their sha256 last: with them the run is complete."""
    folder = Path(folder)
    history = report["history"]
    with new_file(folder / "history.csv") as part:
        write_csv(part, list(history[0]), [list(row.values()) for row in history])
    with new_file(folder / "memory.csv") as part:
        write_csv(part, *memory_map(trainer.program))
    with new_file(folder / WEIGHTS) as part, open(part, "wb") as file:
        np.savez(file, **trainer.program.parameters())
    checkpoints.drop_previous(folder)
    write_json(folder / REPORT, report)
    complete(folder, "history.csv", "memory.csv", WEIGHTS)


def complete(folder, *names):
    """Write the sha256 of these results, if they are there, of the report and of the last checkpoint into run.json.

    Killed before that, the run is unfinished and writes all of them again.
    """
    there = [name for name in (*names, checkpoints.NAME, REPORT) if (folder / name).exists()]
    write_request(folder, replace(read_request(folder), files=digests(folder, there)))


def write_csv(path, header, rows):
    """A table as text: one line a row, values as Python writes them; names that are no Unicode as escapes."""
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
