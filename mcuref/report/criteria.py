"""What lets a model stop growing, and on what it was judged, in words, of ``mcuref.incremental/1``."""

from typing import Any

from mcuref.report.incremental_work import REFERENCE
from mcuref.report.tables import percent


def criterion_words(criterion: dict[str, float | None]) -> str:
    """One line: which criterion, {name: level or None}, and that a device cannot ask it where it is an oracle."""
    name, level = next(((name, level) for name, level in criterion.items() if level is not None), (None, 0.0))
    if name is None:
        raise ValueError("it.criterion has no level")
    words = {
        "accuracy": f"once its accuracy is {percent(level)}",
        "within": f"once it is at most {100 * level:.1f} points below {REFERENCE} after the same task: an oracle, as a "
        f"device has no {REFERENCE} to compare with",
        "learnt": f"once {percent(level)} of its stored samples were learnt in their last turn of training",
        "fit": f"once the share of its stored samples that were learnt is at least its accuracy on others "
        f"{100 * level:+.1f} points",
        "gain": f"once the last growth of the task gained at most {100 * level:.1f} points of accuracy",
        "agreement": f"once {percent(level)} of its answers are those from before the last growth of the task",
    }
    return f"criterion: growing stops {words[name]}"


def verified_words(report: dict[str, Any]) -> str | None:
    """One line: on which samples the criterion was judged, and whether they are among what is stored; None of "learnt"."""
    if report["criterion"].get("learnt") is not None:
        return None
    verification = report["recipe"]["verification"]
    words = {
        "stored": f"{verification['per_class']} stored samples a class at most, which are among the stored bytes",
        "held-out": f"{report['held_out_samples']:,} held-out raw samples, which lie outside of the stored bytes and plan",
        "arriving": "a part of what arrives, raw, which waits outside of the stored bytes and the plan",
    }
    return f"verified on {words[verification['source']]}"
