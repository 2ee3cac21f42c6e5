"""The folder of ``mcuref reproduce --out``: tables, CSV, JSON and pictures; rows as they come with mcuref."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcuref.errors import InputError
from mcuref.experiments.papers import Paper
from mcuref.files import new_file, write_json
from mcuref.report.frontier import draw_frontier
from mcuref.report.json import reproduction_json
from mcuref.report.reproduction_text import claims_text, csv_text, row_text, settings_text


def write_results(folder: Path | str, name: str, paper: Paper, results: Sequence[dict[str, Any]]) -> list[str]:
    """results/<row>.json, frontier-<row>.png, tables.md, tables.csv, result.json; returns what could not be drawn."""
    folder = _in(Path(folder))
    text = "\n".join([*map(row_text, results), claims_text(paper, results)])
    _write(folder / "tables.md", text)
    _write(folder / "tables.csv", csv_text(results))
    write_json(folder / "result.json", reproduction_json(name, paper, results))
    undrawn = []
    for result in results:
        write_json(_in(folder / "results") / f"{result['row']}.json", result)
        try:
            draw_frontier(result, folder / f"frontier-{result['row']}.png")
        except InputError as error:
            undrawn.append(str(error))
    return list(dict.fromkeys(undrawn))


def write_tunings(folder: Path | str, tunings: Sequence[dict[str, Any]]) -> None:
    """tuned/<row>.json, settings.md."""
    for tuning in tunings:
        write_json(_in(Path(folder) / "tuned") / f"{tuning['row']}.json", tuning)
    _write(Path(folder) / "settings.md", "\n".join(map(settings_text, tunings)))


def _in(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(file, text):
    with new_file(file) as part:
        part.write_text(text, encoding="utf-8")
