"""Pieces of work that were done: results by what decides them, a JSON file each, which is whole or not there."""

import base64
import hashlib
import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mcuref.errors import InputError
from mcuref.files import write_json

SCHEMA = "mcuref.piece/1"
ARRAY = {"dtype", "shape", "base64"}  # keys of an array in JSON


class PieceStore:
    """A folder of results. Several processes may use one.

    Parameters
    ----------
    folder : path; made if it is not there.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"folder {str(folder)!r} of pieces cannot be made: {(error.strerror or str(error)).lower()}"
            ) from None

    def find(self, description: Mapping[str, Any]) -> Any:
        """The result that was kept under a description; None if there is none, or if its file is damaged."""
        try:
            found = json.loads(self._file(description).read_text(encoding="utf-8"), object_hook=_decoded)
        except (OSError, ValueError):
            return None
        whole = isinstance(found, dict) and found.get("schema") == SCHEMA and "result" in found
        return found["result"] if whole and found.get("piece") == json.loads(_text(description)) else None

    def found(self, descriptions: Mapping[Hashable, Mapping[str, Any]]) -> dict[Hashable, Any]:
        """Results of those of the descriptions, {key: description}, for which there is one."""
        results = {key: self.find(description) for key, description in descriptions.items()}
        return {key: result for key, result in results.items() if result is not None}

    def keep(self, description: Mapping[str, Any], result: Any) -> None:
        """Keep a result: plain data and arrays, of which keys are str.

        description : plain data: all that decides the result, and whatever makes the file readable.
        """
        piece = json.loads(_text(description))
        write_json(self._file(description), {"schema": SCHEMA, "piece": piece, "result": _encoded(result)})

    def _file(self, description):
        return self.folder / f"{hashlib.sha256(_text(description).encode()).hexdigest()[:32]}.json"


def _text(description):
    return json.dumps(description, sort_keys=True, default=str)


def _encoded(value):
    """A value in which arrays are plain data."""
    if isinstance(value, np.ndarray):
        content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"dtype": value.dtype.str, "shape": list(value.shape), "base64": content}
    if isinstance(value, Mapping):
        return {name: _encoded(part) for name, part in value.items()}
    return [_encoded(part) for part in value] if isinstance(value, (list, tuple)) else value


def _decoded(value):
    """An object of JSON, which may be an array."""
    if value.keys() != ARRAY:
        return value
    content = base64.b64decode(value["base64"], validate=True)
    return np.frombuffer(content, np.dtype(value["dtype"])).reshape(value["shape"]).copy()
