"""What a command runs on: what the user named, and where neither model nor budget was named, defaults that fit."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from mcuref.cli import options
from mcuref.cli.console import show, warn
from mcuref.memory.accountant import BudgetExceeded, allowance
from mcuref.memory.targets import Budget, by_size

if TYPE_CHECKING:
    from mcuref.datasets.data import Data
    from mcuref.models.description import Model

Found = TypeVar("Found")


def named_data(asked: Namespace) -> Data:
    """The Data that the options name, or the part of it."""
    from mcuref.datasets import load_part

    return load_part(asked.data, getattr(asked, "evaluate", "test"), getattr(asked, "samples", None))


def warn_of(data: Data | None) -> None:
    """Say what is odd about data, which may be None."""
    warn(getattr(data, "warnings", ()))


def model_name(asked: Namespace, data: Data | None) -> Model | str:
    """The model that was named, or the default one for the data, which may be None."""
    from mcuref.models import default_model

    if asked.model is not None:
        return asked.model
    return options.DEFAULT_MODEL if data is None else default_model(data)


def fitted(
    asked: Namespace, data: Data | None, budget: Budget | None, attempt: Callable[[Model | str, Budget | None], Found]
) -> Found:
    """What ``attempt(model, budget)`` returns, for the model that was named and the budget that options.budget made.

    Where neither was, and the default model does not fit the default target, the smallest part is taken that holds all
    that is run; if none does, hidden widths are halved until one does. What was taken so is the first line of the output.
    The same options and data always come to the same. What is odd about the data is said once nothing is refused.

    Raises
    ------
    BudgetExceeded : what was named does not fit, or nothing does.
    """
    model, budgets, refusals = model_name(asked, data), [budget], []
    free = asked.model is None and options.is_default_budget(asked)
    if free and budget is not None:
        budgets += [part.budget(budget.stack) for part in by_size() if part.sram > budget.stack]
    for name in _and_narrower(model, data) if free else [model]:
        refusal = None
        for budget in budgets:
            if refusal is not None and not _may_hold(budget, refusal):
                continue
            try:
                found = attempt(name, budget)
            except BudgetExceeded as error:
                refusal = error
                refusals.append(error)
                continue
            if refusals:
                show(_choice(name, budget, model, refusals[0]))
            warn_of(data)
            return found
    raise refusals[0]


def _may_hold(budget: Budget | None, refusal: BudgetExceeded) -> bool:
    """Whether a budget has what another lacked."""
    allowed = None if budget is None else allowance(budget, refusal.region)
    return allowed is None or allowed >= refusal.needed


def _and_narrower(model, data):
    """The model's name, then those of its halves, quarters, ... down to the narrowest there is."""
    from mcuref.models import build, narrowed

    yield model
    network, name, part = build(model, data), model, Fraction(1, 2)
    while (narrower := narrowed(network, part)) and narrower.name != name:
        yield (name := narrower.name)
        part /= 2


def _choice(name, budget, model, refusal):
    """What was chosen, and why."""
    too_many = f"{model} does not fit {refusal.budget.name} ({refusal.over_by:,} B of {refusal.region} too many)"
    if name == model:
        return f"target {budget.name}: {too_many}"
    return f"model {name} on target {budget.name}: {too_many}, nor any other target"
