"""Full training at the total effort of another method: shown fewer samples each epoch, or for fewer epochs."""

from collections.abc import Callable
from dataclasses import replace

from mcuref.experiments.entries import Entry

WITHIN = 0.005  # of the goal, at most so much below it
TRIES = 6


def fewer_samples(full: Entry, goal: float, measured: Callable[[Entry], float]) -> Entry:
    """The entry with that share of samples at which its total effort is at the goal, or at most `WITHIN` below.

    What a sample costs changes with training, as errors become zeros: so it is measured, scaled and measured again. Of all
    that was tried the one of the most effort that is not above the goal; the entry itself if that is cheap enough.

    Parameters
    ----------
    goal : float, total effort.
    measured : callable(entry) -> its total effort.
    """
    share, best, spent = full.share, None, measured(full)
    if spent <= goal:
        return full
    most = 0.0
    for _ in range(TRIES):
        share *= (goal - WITHIN / 4) / spent
        entry = replace(full, share=share)
        spent = measured(entry)
        if most < spent <= goal:
            best, most = entry, spent
        if goal - WITHIN <= spent <= goal:
            break
    return replace(full, share=share / 2) if best is None else best


def fewer_epochs(full: Entry, epochs: int, goal: float, measured: Callable[[Entry], float]) -> Entry:
    """The entry with the most epochs, up to ``epochs``, whose total effort is not above the goal; at least one epoch."""
    count = epochs
    while True:
        entry = replace(full, epochs=count)
        spent = measured(entry)
        if spent <= goal or count == 1:
            return entry
        count = max(1, min(count - 1, int(count * goal / spent)))
