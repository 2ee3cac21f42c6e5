"""Size adaption: a model grows by the largest step that fits its budget, or shrinks if a smaller one will do."""

from collections.abc import Callable, Iterable
from typing import Any

from mcuref.errors import InputError
from mcuref.incremental.criterion import Criterion, Measured
from mcuref.incremental.deepening import deepen
from mcuref.incremental.growth import KEEP, fresh_seed, hidden_widths, shrink, widen, with_hidden_widths
from mcuref.incremental.model import LearnerModel
from mcuref.incremental.recipe import Expansion
from mcuref.network import Network

ROW = ("criterion", "measured", "accuracy", "criterion_met", "growths", "stopped")  # of a task: how it was judged and grew
PARTS = 10  # of a growth step: if it does not fit, nine tenths of it are tried, and so on


def check_growth(
    network: Network, largest: Network | None, expansion: Expansion | None, criterion: Criterion | None = None
) -> None:
    """InputError, before any training, if a network cannot grow, or shrink, as it may be asked to.

    Parameters
    ----------
    largest : the widest :class:`mcuref.Network`, or None.
    expansion : :class:`mcuref.incremental.recipe.Expansion`, or None if it is not to grow.
    criterion : :class:`mcuref.incremental.Criterion` that it grows by, or None.
    """
    if criterion is not None and expansion is not None and expansion.shrink and not criterion.of_accuracy:
        raise InputError(
            f"shrink=True tries a smaller model without training it, which criterion {criterion.kind} cannot judge; an "
            "accuracy, or within, can"
        )
    present = hidden_widths(network)
    if largest is not None:
        large = hidden_widths(largest)
        if len(present) != len(large) or any(s > w for s, w in zip(present, large)):
            raise InputError(
                f"the largest model has hidden layers of {words(large)}, the one to begin with of {words(present)}; as "
                "many are needed, none of them narrower"
            )
    if expansion is not None and network.dtype == "int8" and (expansion.method == "net2wider" or expansion.deepen):
        asked = "deepen" if expansion.deepen else "method 'net2wider'"
        raise InputError(f"{asked} is of float32 networks; an int8 network grows by 'zero-outgoing' or 'shrink-and-perturb'")
    if expansion is not None and (wanted := next_widths(network, expansion.factor, largest)) != list(present):
        try:
            with_hidden_widths(network, wanted)
        except InputError as error:  # residual blocks; a width that another layer depends on
            raise InputError(f"{error}; a model that begins as wide as the largest does not grow") from None


def grow_until(
    criterion: Criterion,
    level: float,
    expansion: Expansion | None,
    *,
    train: Callable[[], Any],
    measure: Callable[[], Measured],
    grow: Callable[[], dict[str, Any]],
    shrink: Callable[[Callable[[], bool]], dict[str, Any] | None],
) -> dict[str, Any]:
    """Measure, and grow and train on until it is enough.

    Parameters
    ----------
    criterion : :class:`mcuref.incremental.Criterion`.
    level : float, what it compares with.
    expansion : :class:`mcuref.incremental.recipe.Expansion`, or None if the model may not grow.
    train : callable(), as much training as there was before, of a model that has grown.
    measure : callable() -> :class:`mcuref.incremental.criterion.Measured`.
    grow : callable() -> what :func:`expand` returns.
    shrink : callable(accepted) -> what :func:`shrunk` returns.

    Returns
    -------
    {"criterion": level, "measured": what was compared with it, "accuracy": on the samples to verify on, or None,
    "criterion_met", "growths": changes of the size, "stopped": why it grew no more, or None}.
    """
    now, before = measure(), None
    row: dict[str, Any] = dict.fromkeys(ROW) | {"criterion": level, "growths": []}
    while not criterion.enough(criterion.figure(now, before), level):
        if expansion is None:
            row["stopped"] = "it may not grow"
            break
        if len(row["growths"]) == expansion.growths:
            row["stopped"] = f"it grew {expansion.growths} times in this task, which is the most"
            break
        change = grow()
        if not change["grown"]:
            row["stopped"] = change["reason"]
            break
        row["growths"].append(change["grown"])
        train()
        now, before = measure(), now
    met = criterion.enough(criterion.figure(now, before), level)
    if met and not row["growths"] and expansion is not None and expansion.shrink:
        if change := shrink(lambda: criterion.enough(criterion.figure(measure()), level)):
            row["growths"].append(change)
            now = measure()
    return row | {"measured": criterion.figure(now, before), "accuracy": now.accuracy, "criterion_met": met}


def expand(model: LearnerModel, expansion: Expansion, largest: Network | None, seed: int) -> dict[str, Any]:
    """Widen hidden layers by the expansion's factor, or by the largest part of that step that fits; all or nothing.

    Where no width can grow and the expansion says so, one more layer is tried, the identity.

    Parameters
    ----------
    model : :class:`mcuref.incremental.model.LearnerModel`, which is changed.
    expansion : :class:`mcuref.incremental.recipe.Expansion`.
    largest : the widest :class:`mcuref.Network`, or None.
    seed : int, of new weights.

    Returns
    -------
    {"grown": {"change": words, "sram", "flash": bytes while both models were there} or None, "reason": why not}.
    """
    network, perturbs = model.network_now(), expansion.method == "shrink-and-perturb"
    tried = _steps(network, expansion.factor, largest)
    method = "zero-outgoing" if perturbs else expansion.method
    for widths in tried:
        if change := model.change(widen(network, widths, method=method, seed=seed)):
            if perturbs:  # in its place: of int8 the residuals beside the weights take part
                model.perturb(KEEP, fresh_seed(seed))
            return {"grown": {"change": f"widened to {words(widths)}"} | change, "reason": None}
    if expansion.deepen and (resized := _deeper(network)) and (change := model.change(resized)):
        widths = hidden_widths(model.network)
        return {"grown": {"change": f"deepened to {words(widths)}"} | change, "reason": None}
    return {"grown": None, "reason": _why_not(model, network, tried)}


def shrunk(model: LearnerModel, factor: float, accepted: Callable[[], bool]) -> dict[str, Any] | None:
    """Divide hidden widths of a model by a factor, if ``accepted()`` of the narrower one; what was done, or None."""
    network = model.network_now()
    widths = [max(1, int(w / factor)) for w in hidden_widths(network)]
    if widths == list(hidden_widths(network)):
        return None
    change = model.change(shrink(network, widths), accepted)
    return change and {"change": f"shrunk to {words(widths)}"} | change


def next_widths(network: Network, factor: float, largest: Network | None = None) -> list[int]:
    """Hidden widths times a factor, rounded, each at least 1 more; none above those of the largest network, list of int."""
    present = hidden_widths(network)
    wanted = [max(w + 1, int(w * factor + 0.5)) for w in present]
    most = wanted if largest is None else hidden_widths(largest)
    if len(most) != len(present):  # it has been deepened
        return wanted
    return [max(w, min(width, limit)) for w, width, limit in zip(present, wanted, most)]


def words(widths: Iterable[int]) -> str:
    """Widths for people."""
    return ", ".join(map(str, widths))


def _steps(network, factor, largest):
    """Hidden widths to try, the largest step first, each another."""
    present, wanted = hidden_widths(network), next_widths(network, factor, largest)
    steps = ([w + -(-(to - w) * part // PARTS) for w, to in zip(present, wanted)] for part in range(PARTS, 0, -1))
    return [list(widths) for widths in dict.fromkeys(map(tuple, steps)) if widths != present]


def _deeper(network):
    try:
        return deepen(network)
    except InputError:  # there is no ReLU to put it behind
        return None


def _why_not(model, network, tried):
    if not tried:
        return f"hidden layers of {words(hidden_widths(network))} are as wide as they may be"
    refused = [memory for memory in model.plans.of_change(widen(network, tried[-1]), model.memory) if not memory.fits]
    largest = max(refused, key=lambda memory: memory.needs.sram)
    needs, budget = largest.needs, model.plans.budget
    when = " once all classes are there" if largest.network.outputs > network.outputs else ""
    left = " and ".join(
        f"{allowed:,} B of {region}"
        for region, allowed in (("SRAM", budget.arena), ("flash", budget.flash))
        if allowed is not None
    )
    return (
        f"hidden layers of {words(tried[-1])} would need {needs.sram:,} B of SRAM and {needs.flash:,} B of flash{when}; the "
        f"budget leaves {left}"
    )
