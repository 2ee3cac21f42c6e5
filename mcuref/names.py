"""Names that are not known: which of the known ones are near, and how the sentence of an error ends with them."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

MOST = 3  # names that one sentence suggests
LONGEST = 100  # characters of a name that is compared: a longer one is no slip of the hand
NEAR = 0.7  # share of the characters of two names that are the same, in the same order
PART = 0.85  # what a name counts that begins or ends with the other, is the other with letters swapped, or its initials
BEHIND = 0.05  # what is so much less near than the nearest is left out
MOST_ENTRIES = 2000  # of a folder that are compared


def near(name: object, known: Iterable[str], also: Mapping[str, str] | tuple[()] = ()) -> list[str]:
    """Up to three of the ``known`` names that somebody may mean who writes ``name``, the nearest first.

    Upper and lower case, and what stands between letters and digits, do not count: MLP_784 is mlp-784. Another name is
    near if most of its characters are the same or all are in another order, if one begins or ends with the other, or by
    its initials.

    Parameters
    ----------
    name : what was written; nothing is near to what is no text.
    known : names.
    also : {further spelling: known name}.
    """
    wanted = "".join(_words(name)) if isinstance(name, str) and len(name) <= LONGEST else ""
    found = {}
    for spelling, meant in [*((one, one) for one in known), *dict(also).items()]:
        found[meant] = max(found.get(meant, 0), _nearness(wanted, _words(spelling)))
    least = max(NEAR, max(found.values(), default=0) - BEHIND)
    chosen = sorted((one for one in found if found[one] >= least), key=lambda one: -found[one])
    return chosen[:MOST]


def near_paths(path: Path | str, fits: Callable[[Path], bool]) -> list[str]:
    """The same for a path that leads to nothing of use, among what lies beside it; in quotes. Endings do not count.

    fits : callable(Path) -> whether a path is of use.
    """
    path = Path(os.path.normpath(path))
    first = path
    while first != first.parent and not os.path.lexists(first.parent):
        first = first.parent
    rest = path.relative_to(first)
    try:
        with os.scandir(first.parent) as entries:
            names = sorted(entry.name for entry in islice(entries, MOST_ENTRIES))
    except OSError:
        return []
    beside = [one for one in (first.parent / name / rest for name in names) if fits(one)]
    stems = {one: Path(one.parts[len(first.parts) - 1]).stem for one in beside}
    return [repr(str(one)) for stem in near(first.stem, stems.values()) for one in beside if stems[one] == stem][:MOST]


def near_files(path: Path | str, ending: str) -> list[str]:
    """The same for ordinary files with an ending, such as ".toml"."""
    return near_paths(path, lambda one: one.suffix == ending and os.path.isfile(one))


def hint(names: Sequence[str], right: str) -> str:
    """ "; did you mean A or B? " if there are such names, and ``right``: what a sentence says last."""
    *others, last = names or [""]
    meant = f"{', '.join(others)} or {last}" if others else last
    return f"; did you mean {meant}? {right}" if meant else f"; {right}"


def _words(name):
    return re.findall(r"[^\W_]+", name.lower())


def _nearness(wanted, words):
    """How near a name of these words is to what was written, 0 to 1; 2 if it is the same but for case and separators."""
    name = "".join(words)
    if not wanted or wanted == name:
        return 2 if wanted else 0
    short, long = sorted((wanted, name), key=len)
    part = len(short) > 2 and (long.startswith(short) or long.endswith(short))
    swapped = sorted(wanted) == sorted(name)
    initials = len(wanted) > 1 and wanted == "".join(word[0] for word in words)
    return max(SequenceMatcher(None, name, wanted).ratio(), PART if part or swapped or initials else 0)
