"""run.json of a run folder: what was asked for, from the start; at the end also the sha256 of every result."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mcuref import plain
from mcuref.errors import InputError
from mcuref.files import write_json
from mcuref.names import hint, near_paths
from mcuref.version import __version__

REQUEST = "run.json"
SCHEMA = "mcuref.run/2"
COMMANDS = ("train", "incremental", "quantise")  # that begin a run
SHAPE = {
    "command": str, "arguments": dict, "fingerprint": {"mcuref": str, "data": str, "program": str},
    "files": (dict, None),
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What run.json says.

    Attributes
    ----------
    command : str, the one that began the run.
    arguments : dict, its options.
    fingerprint : dict, what decides the run, as sha256 by what it is.
    files : {name: sha256} of the results of a complete run, None before that.
    """

    command: str
    arguments: dict[str, Any]
    fingerprint: dict[str, str]
    files: dict[str, str] | None = None


def write_request(folder: Path | str, request: "Request") -> None:
    """Write or replace run.json, with a sha256 of its own."""
    content = {"schema": SCHEMA, "version": __version__} | asdict(request)
    write_json(Path(folder) / REQUEST, content | {"sha256": plain.digest(content)})


def read_request(folder: Path | str) -> "Request":
    """The :class:`Request` of a run folder; InputError, one sentence, if it has none that can be used."""
    path = Path(folder) / REQUEST
    if not path.is_file():
        beside = near_paths(folder, lambda place: os.path.isfile(place / REQUEST))
        right = hint(beside, "name the folder that --out made")
        raise InputError(f"{str(folder)!r} is no run folder: it has no {REQUEST}{right}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        return _understood(plain.parse(content))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{str(path)!r} cannot be used: {error}; begin the run again in another folder") from None


def _understood(content):
    """The Request that plain data means; ValueError if it means none."""
    plain.check(content, {"schema": str, "sha256": str})
    digest = content.pop("sha256")
    if content["schema"] != SCHEMA:
        raise ValueError(f"its schema is {content['schema'][:60]!r}, not {SCHEMA!r}: another version of mcuref wrote it")
    if digest != plain.digest(content):
        raise ValueError("it was changed or damaged")
    plain.check(content, SHAPE)
    if content["command"] not in COMMANDS:
        raise ValueError(f"its command is {content['command'][:60]!r}; it may be {' or '.join(COMMANDS)}")
    if content["files"] is not None:
        plain.check(content["files"], {str: str}, "it.files")
    return Request(*(content[name] for name in SHAPE))
