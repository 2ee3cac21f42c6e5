"""What the instructions of the kernels of :mod:`mcuref.baseline_rules` are linear in: see :mod:`mcuref.cost.features`."""

from mcuref.cost.work import Work, loop


def random_selection(work: Work) -> dict[str, float]:
    """Entries that are looked at, with half a block of random numbers each; those drawn; those behind the last one."""
    looked = work.comparisons
    total = {"entry": looked, "drawn": work.chosen, "kept": work.kept}
    if "kept" in work.instruction:  # a list: float32, whose error is summed
        return {**total, **loop(work.runs, work["n"], "magnitude")}
    return {**total, "entry behind": work.runs * work["n"] - looked}


def bias_update(work: Work) -> dict[str, float]:
    """Kept entries, and going on from one position to the next."""
    return {"kept": work.kept, "position": work.runs * work["n"] / work["O"]}


def int8_bias_update(work: Work) -> dict[str, float]:
    """Sums of all entries, by output; of those that are not 0 throughout, were they spread evenly, a bias changes."""
    n, outputs = work["n"], work["O"]
    some = 1 - (1 - min(work.mean_kept / n, 1.0)) ** (n / outputs)
    return {"output": work.runs * outputs, "entry": work.runs * n, "output trained": work.runs * outputs * some}


def channels(work: Work) -> dict[str, float]:
    """Entries that are looked at and those that stay, and channels that are looked at where others are drawn."""
    stay = work.mean_kept * work.runs
    return {"kept": stay, "looked at": stay * work["O"] / work["k"], "channel": _drawn_channels(work)}


def int8_channels(work: Work) -> dict[str, float]:
    """All entries, and channels that are looked at where others are drawn."""
    return {"entry": work.runs * work["n"], "kept": work.kept, "channel": _drawn_channels(work)}


def _drawn_channels(work):
    """All channels at the first sample, and after each so many."""
    return -(-work.runs // work["every"]) * work["O"]
