"""Full training at the total effort of another method: shown fewer epochs, or fewer samples in each epoch.

How much it may be shown is measured and not computed: how many zeros full training leaves out changes as it trains.
"""

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from mcuref.experiments.comparison import Comparison
from mcuref.experiments.entries import Entry
from mcuref.experiments.kinds import Kind
from mcuref.experiments.relations import adaptive, below, drops
from mcuref.experiments.store import PieceStore

WITHIN = 0.005  # so far below the method's total effort that of full training may be, where its steps are that fine
FORMS = ("epochs", "share")

Place = tuple[int, str]  # which row, and form
Search = Generator[int, float, int | None]


def search(target: float, most: int, effort: float) -> Search:
    """The largest count, 1 to ``most``, whose effort is at most ``target``, or one within `WITHIN` of it; None if none is.

    Yields counts, and is sent their efforts, which rise with them.

    Parameters
    ----------
    target : float.
    most : int, the largest count; effort : float, that of it.
    """
    if effort <= target:
        return most
    low, high, each = 0, most, effort / most
    while high - low > 1:
        count = min(max(int((target - WITHIN / 2) / each), low + 1), high - 1)
        effort = yield count
        if effort > target:
            high = count
        else:
            low = count
            if effort >= target - WITHIN:
                break
        each = effort / count
    return low or None


def full_at_equal_effort(
    comparison: Comparison,
    full: Entry,
    rows: Sequence[Mapping[str, Any]],
    executor: Executor | None = None,
    store: PieceStore | None = None,
) -> list[dict[str, Any]]:
    """Rows of full training at the total effort of each adaptive row, or less: with fewer epochs, then with fewer samples.

    Each has what rows have, and "equal_to", the method that it is compared with; "form", what of it is less: epochs or
    share; and how far it is below that method, "below_method", with its deviation "below_method_std". Where even one epoch,
    or one sample an epoch, is too much, there is none.

    Parameters
    ----------
    comparison : that the rows are of.
    full : full training as the protocol has it, with its own learning rate if it has one.
    rows : as of `Comparison.run`, that of full training of each kind among them.
    executor, store : as there.
    """
    most = {"epochs": comparison.protocol_of(full).epochs, "share": len(comparison.second.x_train)}
    whole = {_kind(row): row for row in reversed(rows) if row["method"] == "full"}
    wanted = {(i, form): row for i, row in enumerate(rows) if adaptive(row) and _kind(row) in whole for form in FORMS}
    tried: dict[tuple[Kind, str], dict[str, Any]] = {}

    def measured(counts: Mapping[Place, int]) -> dict[Place, float]:
        keys = {(i, form): (_kind(rows[i]), f"{form} {count}") for (i, form), count in counts.items()}
        new = {keys[i, form]: _entry(full, form, count, most) for (i, form), count in counts.items()}
        tried.update(comparison.rows({key: entry for key, entry in new.items() if key not in tried}, executor, store))
        return {place: tried[key]["total_effort"] for place, key in keys.items()}

    efforts = {
        place: (row["total_effort"], most[place[1]], whole[_kind(row)]["total_effort"]) for place, row in wanted.items()
    }
    counts = _side_by_side({place: search(*figures) for place, figures in efforts.items()}, measured)
    found = []
    for (i, form), count in counts.items():
        if count is not None:
            reference = whole[_kind(rows[i])]
            best = reference if count == most[form] else tried[_kind(rows[i]), f"{form} {count}"]
            best = best | {"preset": "equal-effort", "equal_to": rows[i]["method"], "form": form}
            found.append(best | below(reference, best) | drops("below_method", rows[i], best))
    return found


def _side_by_side(searches, measured):
    """{key: count that was found}, in their order; ``measured`` has the efforts of what all of them ask for at a time."""
    found, answers = {}, dict.fromkeys(searches)
    while answers:
        asked = {}
        for key, answer in answers.items():
            try:
                asked[key] = searches[key].send(answer)
            except StopIteration as end:
                found[key] = end.value
        answers = measured(asked)
    return {key: found[key] for key in searches}


def _entry(full, form, count, most):
    """Full training that is shown less."""
    return replace(full, preset="equal-effort", **{form: count if form == "epochs" else count / most[form]})


def _kind(row):
    return Kind(*(row[name] for name in Kind._fields))
