"""Efforts that were set and not come to: more than the rule finds something to spend on."""

from collections.abc import Mapping

NEAR = 0.01  # of dense training: a run ends within that, if there is enough to spend its effort on


def unspent(efforts: Mapping[str, tuple[float, float]]) -> list[str]:
    """A warning for each run of which less was spent than it was to be.

    efforts : {name: (effort that was set, total effort)}, an effort of 0 where none was.
    """
    return [
        f"{name}: of an effort of {effort:.1%} only {total:.1%} was spent; the rule trains no more: a lower effort, or a "
        "larger s_min or s_max"
        for name, (effort, total) in efforts.items()
        if total < effort - NEAR
    ]
