"""Size adaption: a learner's model grows by the largest step that fits its budget, or shrinks if a smaller one will do."""

from mcuref.errors import InputError
from mcuref.incremental.deepening import deepen
from mcuref.incremental.growth import hidden_widths, shrink, widen, with_hidden_widths
from mcuref.incremental.recipe import Expansion

PARTS = 10  # of a growth step: if it does not fit, nine tenths of it are tried, and so on


def check_growth(network, largest, expansion):
    """InputError, before any training, if a network cannot grow as it may be asked to.

    Parameters
    ----------
    largest : the widest :class:`mcuref.Network`, or None.
    expansion : :class:`Expansion`, or None if it is not to grow.
    """
    present = hidden_widths(network)
    if largest is not None:
        large = hidden_widths(largest)
        if len(present) != len(large) or any(s > w for s, w in zip(present, large)):
            raise InputError(
                f"the largest model has hidden layers of {words(large)}, the one to begin with of {words(present)}; as "
                "many are needed, none of them narrower"
            )
    if expansion is not None and (wanted := next_widths(network, expansion.factor, largest)) != list(present):
        try:
            with_hidden_widths(network, wanted)
        except InputError as error:  # residual blocks; a width that another layer depends on
            raise InputError(f"{error}; a model that begins as wide as the largest does not grow") from None


def train_until(learner, level, held_out, arrived):
    """Train and verify, and grow while below the criterion.

    Parameters
    ----------
    level : float, the accuracy that is enough; None to train one phase alone.
    held_out, arrived : as `verify` and `train` of the learner take them.

    Returns
    -------
    {"criterion", "accuracy", "criterion_met", "growths": changes of the size, "stopped": why it grew no more, or None}.
    """
    row = {"criterion": level, "accuracy": None, "criterion_met": None, "growths": [], "stopped": None}
    if level is None:
        learner.train(learner.recipe.steps, arrived)
        return row
    learner.train(arrived=arrived)
    expansion, chunks = learner.expansion, learner.recipe.chunks - 1
    row["accuracy"] = learner.verify(held_out)
    while row["accuracy"] < level:
        if chunks:
            chunks -= 1
        elif expansion is None:
            row["stopped"] = "it may not grow"
            break
        elif len(row["growths"]) == expansion.growths:
            row["stopped"] = f"it grew {expansion.growths} times in this task, which is the most"
            break
        else:
            change = learner.expand()
            if not change["grown"]:
                row["stopped"] = change["reason"]
                break
            row["growths"].append(change["grown"])
            chunks = learner.recipe.chunks - 1
        learner.train()
        row["accuracy"] = learner.verify(held_out)
    row["criterion_met"] = bool(row["accuracy"] >= level)
    if row["criterion_met"] and not row["growths"] and expansion is not None and expansion.shrink:
        if change := shrunk(learner, lambda: learner.verify(held_out) >= level):
            row["growths"].append(change)
            row["accuracy"] = learner.verify(held_out)
    return row


def expand(learner):
    """Widen the hidden layers by the expansion's factor, or by the largest part of that step that fits; all or nothing.

    Where no width can grow and the expansion says so, one more layer is tried, the identity.

    Returns {"grown": {"change": words, "sram", "flash": bytes while both models were there} or None, "reason": why not}.
    """
    expansion = Expansion() if learner.expansion is None else learner.expansion
    draws = learner.growth_draws
    network, seed, tried = learner.network_now(), learner.draw_growth(), []
    present, wanted = hidden_widths(network), next_widths(network, expansion.factor, learner.largest)
    for part in range(PARTS, 0, -1):
        widths = [w + -(-(to - w) * part // PARTS) for w, to in zip(present, wanted)]
        if widths == list(present) or widths in tried:
            continue
        tried.append(widths)
        if change := learner.change(widen(network, widths, method=expansion.method, seed=seed)):
            return {"grown": {"change": f"widened to {words(widths)}"} | change, "reason": None}
    if expansion.deepen and (resized := _deeper(network)) and (change := learner.change(resized)):
        widths = hidden_widths(learner.network)
        return {"grown": {"change": f"deepened to {words(widths)}"} | change, "reason": None}
    learner.growth_draws = draws  # a refused growth changes no bit
    return {"grown": None, "reason": _why_not(learner, network, tried)}


def shrunk(learner, accepted):
    """Divide hidden widths by the expansion's factor, if ``accepted()`` of the narrower model; what was done, or None."""
    network = learner.network_now()
    widths = [max(1, int(w / learner.expansion.factor)) for w in hidden_widths(network)]
    if widths == list(hidden_widths(network)):
        return None
    change = learner.change(shrink(network, widths), accepted)
    return change and {"change": f"shrunk to {words(widths)}"} | change


def next_widths(network, factor, largest=None):
    """Hidden widths times a factor, rounded, each at least 1 more; none above those of the largest network, list of int."""
    present = hidden_widths(network)
    wanted = [max(w + 1, int(w * factor + 0.5)) for w in present]
    most = wanted if largest is None else hidden_widths(largest)
    if len(most) != len(present):  # it has been deepened
        return wanted
    return [max(w, min(width, limit)) for w, width, limit in zip(present, wanted, most)]


def words(widths):
    """Widths for people."""
    return ", ".join(map(str, widths))


def _deeper(network):
    try:
        return deepen(network)
    except InputError:  # there is no ReLU to put it behind
        return None


def _why_not(learner, network, tried):
    if not tried:
        return f"hidden layers of {words(hidden_widths(network))} are as wide as they may be"
    refused = [cycle for cycle in learner.room.of_change(widen(network, tried[-1]), learner.cycle) if not cycle.fits]
    largest = max(refused, key=lambda cycle: cycle.needs.sram)
    needs, budget = largest.needs, learner.room.budget
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
