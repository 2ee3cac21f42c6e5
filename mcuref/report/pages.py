"""Write the tables of the documentation from the committed results.

    python -m mcuref.report.pages                  # write README.md and pages of docs/
    python -m mcuref.report.pages --check          # exit status 1 if one is not as it would be written
    python -m mcuref.report.pages --take FOLDER    # first take over what mcuref reproduce --out FOLDER has computed

A table stands between ``<!-- made: NAME -->`` and ``<!-- end of NAME -->``.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from mcuref.experiments.committed import RESULTS, TUNED, results, tuning_of
from mcuref.experiments.papers import PAPERS
from mcuref.experiments.reproduction import ROWS
from mcuref.experiments.tuning import joined
from mcuref.files import new_file, write_json
from mcuref.report.reproduction_text import claims_text, equal_text, row_text, settings_text, short_table

COMMAND = "python -m mcuref.report.pages"
TOP = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/results.md", "docs/reproducing.md")
BLOCK = re.compile(r"(<!-- made: ([\w-]+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


def blocks() -> dict[str, str]:
    """{name: text} of all that is made."""
    every = list(results().values())
    tunings = [tuning for name in ROWS if (tuning := tuning_of(name)) is not None]
    return {
        "rows-in-short": short_table(every),
        "rows": "\n".join(map(row_text, every)),
        "equal-efforts": equal_text(every),
        "claims": "\n".join(claims_text(paper, every) for paper in PAPERS.values()),
        "settings": "\n".join(map(settings_text, tunings)),
    }


def pages() -> dict[Path, str]:
    """{path: text} of the pages as they would be written."""
    made = blocks()

    def put(found):
        return f"{found[1]}\n{made[found[2]]}\n{found[3]}"

    return {TOP / name: BLOCK.sub(put, (TOP / name).read_text(encoding="utf-8")) for name in PAGES}


def take(folder: Path) -> None:
    """Take what was computed and chosen in a folder of ``mcuref reproduce --out`` to what comes with mcuref.

    Of a row that was tuned, methods that were not tuned anew stay.
    """
    for file in sorted((folder / RESULTS.name).glob("*.json")):
        write_json(RESULTS / file.name, _read(file))
    for file in sorted((folder / TUNED.name).glob("*.json")):
        new, old = _read(file), TUNED / file.name
        write_json(old, joined(_read(old), new) if old.exists() else new)


def _read(file):
    return json.loads(file.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; returns the exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the documentation's tables from committed results.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is not as it would be written")
    parser.add_argument("--take", metavar="FOLDER", type=Path, help="first take over what mcuref reproduce --out computed")
    asked = parser.parse_args(arguments)
    if asked.take is not None:
        take(asked.take)
    stale = [(path, text) for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
    for path, text in stale:
        print(path.relative_to(TOP))
        if not asked.check:
            with new_file(path) as part:
                part.write_text(text, encoding="utf-8")
    return int(asked.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
