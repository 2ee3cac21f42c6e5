"""What comes with mcuref: settings chosen for each row, and what its rows came to. Plain data, a file a row."""

import json
from pathlib import Path
from typing import Any

from mcuref.experiments.reproduction import ROWS

PLACE = Path(__file__).resolve().parent
TUNED, RESULTS = PLACE / "tuned", PLACE / "results"


def tuning_of(row: str) -> dict[str, Any] | None:
    """``mcuref.tuned/1`` of a row, or None before it was tuned."""
    return _read(TUNED / f"{row}.json")


def chosen_for(row: str) -> dict[str, dict[str, Any]]:
    """{method: {"learning_rate", "settings"}} of a row; those that are not there have the protocol's."""
    tuning = tuning_of(row)
    return {} if tuning is None else {name: found["chosen"] for name, found in tuning["methods"].items()}


def results() -> dict[str, dict[str, Any]]:
    """{row: ``mcuref.reproduce/1``} of the rows that were computed, in the order of `ROWS`."""
    found = {name: _read(RESULTS / f"{name}.json") for name in ROWS}
    return {name: result for name, result in found.items() if result is not None}


def _read(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
