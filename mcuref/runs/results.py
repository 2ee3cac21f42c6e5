"""What a run comes to, on disk: its report, tables and weights, with their sha256 in run.json; read again as written."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mcuref import plain
from mcuref.cost.needs import memory_map
from mcuref.errors import InputError
from mcuref.files import new_file, write_json
from mcuref.runs import checkpoints
from mcuref.runs.folder import RUN_FOLDER, TRAIN, resume_command
from mcuref.runs.manifest import check, digests, read
from mcuref.runs.request import Request, read_request, write_request
from mcuref.training import Trainer

REPORT, WEIGHTS = "report.json", "weights.npz"


def read_run(folder: Path | str, command: str | None = TRAIN) -> tuple[Request, dict[str, Any]]:
    """(:class:`mcuref.runs.request.Request`, report) of a finished run whose files are all as it wrote them.

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


def write_run(folder: Path | str, trainer: Trainer, report: dict[str, Any]) -> None:
    """Write the results of a run into its folder, their sha256 last: with them the run is complete."""
    folder = Path(folder)
    history = report["history"]
    with new_file(folder / "history.csv") as part:
        write_csv(part, list(history[0]), [list(row.values()) for row in history])
    with new_file(folder / "memory.csv") as part:
        write_csv(part, *memory_map(trainer.program))
    with new_file(folder / WEIGHTS) as part, open(part, "wb") as file:
        parameters: dict[str, Any] = dict(trainer.program.trained().parameters)
        np.savez(file, **parameters)
    checkpoints.drop_previous(folder)
    write_json(folder / REPORT, report)
    complete(folder, "history.csv", "memory.csv", WEIGHTS)


def complete(folder: Path, *names: str) -> None:
    """Write the sha256 of these results, if they are there, of the report and of the last checkpoint into run.json.

    Killed before that, the run is unfinished and writes all of them again.
    """
    there = [name for name in (*names, checkpoints.NAME, REPORT) if (folder / name).exists()]
    write_request(folder, replace(read_request(folder), files=digests(folder, there)))


def write_csv(path: Path | str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """A table as text: one line a row, values as Python writes them; names that are no Unicode as escapes."""
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
