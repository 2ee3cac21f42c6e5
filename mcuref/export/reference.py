"""A program and its samples on disk, for mcuref itself: what an exported project is compared with.

program.json also has the sha256 of every other file of the project, and of the files of the run that it comes from.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mcuref import plain
from mcuref.errors import InputError
from mcuref.export.material import Material
from mcuref.runs.description import arrays_in, described_program, program_description
from mcuref.runs.manifest import difference, digests, read
from mcuref.version import __version__

SCHEMA = "mcuref.firmware/2"
PROJECT = "exported project"
PROGRAM, ARRAYS = "program.json", "arrays.npz"


def write_reference(folder: Path, material: Material) -> None:
    """Write program.json and arrays.npz into a new folder of a project whose other files are all there."""
    program = material.program
    folder.mkdir()
    arrays: dict[str, Any] = {f"parameters/{name}": values for name, values in program.network.parameters.items()}
    arrays["x"] = material.x
    if material.y is not None:
        arrays["y"] = np.asarray(material.y)
    with open(folder / ARRAYS, "wb") as file:
        np.savez(file, **arrays)
    project = folder.parent
    names = sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    content = {"schema": SCHEMA, "version": __version__, "seed": program.network.seed} | program_description(program)
    content |= {"files": digests(project, names), "run": material.run}
    text = json.dumps(content | {"sha256": plain.digest(content)}, indent=2) + "\n"
    (folder / PROGRAM).write_text(text, encoding="utf-8")


def read_reference(folder: Path) -> Material:
    """The :class:`mcuref.export.material.Material` in a folder; InputError, one sentence, if there is none.

    What stands in the folder must be as it was written; the rest of the project may be changed: that is what is compared.
    """
    content = _content(folder)
    arrays = read(folder.parent, content["files"], f"{folder.name}/{ARRAYS}", PROJECT)
    try:
        arrays = arrays_in(arrays, ARRAYS)
        parameters = {n.removeprefix("parameters/"): a for n, a in arrays.items() if n.startswith("parameters/")}
        program = described_program(content, parameters)
        return Material(program, arrays["x"], arrays.get("y"), inferences=len(arrays["x"]), run=content["run"])
    except plain.NONSENSE as error:
        raise _unusable(folder, error) from None


def changed_files(folder: Path) -> list[str]:
    """Names of a project's files that are not as mcuref wrote them, missing ones and further sources included, sorted.

    Those of the reference itself are left out: :func:`read_reference` refuses them.
    """
    project, files = folder.parent, _content(folder)["files"]
    files = {name: digest for name, digest in files.items() if not name.startswith(f"{folder.name}/")}
    sources = {path.relative_to(project).as_posix() for path in project.rglob("*.[ch]")}
    added = {name for name in sources - files.keys() if not name.startswith("build/")}
    return sorted(added | {name for name, digest in files.items() if difference(project, name, digest)})


def _content(folder):
    """What program.json says; InputError if it is not as it was written."""
    if not (folder / PROGRAM).is_file():
        raise InputError(f"{str(folder.parent)!r} is no exported project: it has no {folder.name}/{PROGRAM}")
    try:
        content = (folder / PROGRAM).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{str(folder / PROGRAM)!r} cannot be read: {reason}") from None
    try:
        content = plain.parse(content)
        plain.check(content, {"schema": str})
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA!r}")
        plain.check(content, {"files": {str: str}, "run": (dict, None), "sha256": str})
        if content.pop("sha256") != plain.digest(content):
            raise ValueError(f"{PROGRAM} was changed or damaged")
        return content
    except (ValueError, RecursionError) as error:
        raise _unusable(folder, error) from None


def _unusable(folder, error):
    """The sentence about a reference that is none."""
    reason = f"it has no {error}" if isinstance(error, KeyError) else error
    return InputError(f"{str(folder)!r} cannot be used: {reason}; export the project again")
