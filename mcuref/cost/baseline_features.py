"""What the instructions of the kernels of :mod:`mcuref.baseline_rules` are linear in: see :mod:`mcuref.cost.features`."""

from mcuref.cost.work import Work, loop


def random_selection(work: Work) -> dict[str, float]:
    """A block of random numbers for two entries that are looked at; what is not drawn, and what is behind the last one."""
    looked = work.comparisons
    total = {"block": looked / 2, "entry": looked, "drawn": work.chosen, "kept": work.kept}
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
