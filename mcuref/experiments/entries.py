"""What becomes a row of a comparison: a method with its settings, and how much of the protocol's run it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcuref import arguments, rules
from mcuref.errors import InputError
from mcuref.experiments.protocols import TrainingProtocol
from mcuref.rules import Rule

METHODS = rules.COMPARED
SWEEP = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)  # ratios of static top-k, with a dense output layer


@dataclass(frozen=True)
class Entry:
    """One row of a comparison.

    Parameters
    ----------
    method, preset : str, what the row is called.
    rule : :class:`mcuref.rules.Rule`.
    epochs : int or None for the protocol's; fewer have the same schedule, squeezed into them.
    share : float, 0 < share <= 1, of the training samples: how many each epoch shows, drawn anew each epoch.
    learning_rate : float or None for the protocol's.
    trainable : int or None, as of :func:`mcuref.compile`; None: the comparison's.
    """

    method: str
    preset: str
    rule: Rule
    epochs: int | None = None
    share: float = 1.0
    learning_rate: float | None = None
    trainable: int | None = None

    def __post_init__(self) -> None:
        arguments.number("share", self.share, 0, 1, above=True)


Entries = dict[str, Entry]  # by key, of which each is there once


def named_rules(
    methods: Sequence[str] = METHODS, preset: str = "default", protocol: TrainingProtocol | None = None, **settings: Any
) -> Entries:
    """{method: entry}; a setting applies to every method that has it, at least to one.

    The protocol's own settings, if there are any, are part of the default preset.
    """
    chosen = {}
    for method in methods:
        if method in chosen:
            raise InputError(f"method {method!r} is named twice; once is enough")
        has = rules.setting_names(method)
        own = protocol.settings if protocol is not None and preset == "default" else {}
        mine = {name: value for name, value in (own | settings).items() if name in has}
        chosen[method] = Entry(method, preset, rules.make(method, preset, **mine))
    for name in settings:
        if not any(name in rules.setting_names(method) for method in methods):
            end = rules.settings_hint(name, methods, preset)
            raise InputError(f"setting {name!r} belongs to none of the methods {', '.join(methods)}{end}")
    return chosen


def sweep_rules() -> Entries:
    """Static top-k at the ratios of `SWEEP`, with its best output policy."""
    return {f"topk {r:g}": Entry("topk", "sweep", rules.TopK(r, output="dense")) for r in SWEEP}
