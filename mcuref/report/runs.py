"""A run on disk: run.json from the start; report.json, history.csv, memory.csv and weights.npz when it is complete."""

import csv
import hashlib
import json
import shlex
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mcuref import __version__, checkpoints
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
from mcuref.models import describe
from mcuref.report.json import budget_json
from mcuref.report.memory import memory_map

REQUEST, REPORT = "run.json", "report.json"
SCHEMA = "mcuref.run/1"
TRAIN = "train"  # the command that begins a run, if its request names no other


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
        "model": program.network.name,
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
    return {
        "shape": list(layer.shape), "dtype": layer.dtype, "mean": layer.mean.tolist(), "scale": layer.scale.tolist()
    }  # fmt: skip


def check_new_run(folder):
    """InputError if ``folder`` holds an unfinished run; the sentence says how to go on with it."""
    if (Path(folder) / REQUEST).is_file() and not is_complete(folder):
        raise InputError(
            f"run folder {str(folder)!r} exists already and its run is unfinished; go on with: "
            f"{resume_command(folder)} (it was not touched)"
        )


def is_complete(folder):
    """Whether the run in a folder is: report.json is written last."""
    return (Path(folder) / REPORT).is_file()


def resume_command(folder):
    """What goes on with a run, by the command that began it, which its request names."""
    command = TRAIN
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        command = json.loads((Path(folder) / REQUEST).read_text(encoding="utf-8"))["command"]
    return f"mcuref {command} --resume {shlex.quote(str(folder))}"


@contextmanager
def new_run(folder, arguments, fingerprint, command=TRAIN):
    """Make the run folder with run.json, what was asked for, and hold it; InputError if it cannot be.

    What fails before its first checkpoint, an interruption excepted, leaves no folder.
    """
    made = missing_parents(folder)
    with new_folder(folder) as part:
        request = {"schema": SCHEMA, "version": __version__, "arguments": arguments, "fingerprint": fingerprint}
        request |= {} if command == TRAIN else {"command": command}
        write_json(part / REQUEST, request | {"sha256": _digest(request)})
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
    path = Path(folder) / REQUEST
    if not path.is_file():
        raise InputError(f"{str(folder)!r} is no run folder: it has no {REQUEST}; name the folder that --out made")
    with _held(folder):
        remove_leftovers(folder)
        remove_leftovers(Path(folder).absolute().parent, alone=False)  # of its making
        if is_complete(folder):
            raise InputError(f"run folder {str(folder)!r} is complete already; there is nothing to resume")
        check_outputs(folder=folder, present=True)
        arguments, fingerprint, begun = _read_request(path)
        if begun != command:
            raise InputError(
                f"run folder {str(folder)!r} was begun by another command; go on with: {resume_command(folder)}"
            )
        yield arguments, fingerprint


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
    """(arguments of the command, fingerprint, report) of a finished run; InputError if the folder holds none.

    command : the one that began it, if it must be that one; None for any.
    """
    path = Path(folder) / REQUEST
    if not path.is_file():
        raise InputError(f"{str(folder)!r} is no run folder: it has no {REQUEST}; name the folder that --out made")
    if not is_complete(folder):
        raise InputError(f"run folder {str(folder)!r} is unfinished; go on with: {resume_command(folder)}")
    arguments, fingerprint, begun = _read_request(path)
    if command not in (None, begun):
        raise InputError(f"run folder {str(folder)!r} is of mcuref {begun}; one of mcuref {command} is needed")
    try:
        return arguments, fingerprint, json.loads((Path(folder) / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{str(Path(folder) / REPORT)!r} cannot be used: {error}") from None


def _read_request(path):
    try:
        request = json.loads(path.read_text(encoding="utf-8"))
        digest = request.pop("sha256")
        if request["schema"] != SCHEMA:
            raise ValueError(f"its schema is {request['schema']!r}, not {SCHEMA!r}")
        if digest != _digest(request):
            raise ValueError("it was changed or damaged")
        return request["arguments"], request["fingerprint"], request.get("command", TRAIN)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise InputError(f"{str(path)!r} cannot be used: {reason}; remove the folder and start again") from None


def _digest(request):
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def write_run(folder, trainer, report):
    """Write the results of a run into its folder, report.json last: with it the run is complete."""
    folder = Path(folder)
    history = report["history"]
    with new_file(folder / "history.csv") as part:
        write_csv(part, list(history[0]), [list(row.values()) for row in history])
    with new_file(folder / "memory.csv") as part:
        write_csv(part, *memory_map(trainer.program))
    with new_file(folder / "weights.npz") as part, open(part, "wb") as file:
        np.savez(file, **trainer.program.parameters())
    checkpoints.drop_previous(folder)
    write_json(folder / REPORT, report)


def write_csv(path, header, rows):
    """A table as text: one line a row, values as Python writes them; names that are no Unicode as escapes."""
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
