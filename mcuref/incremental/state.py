"""All that decides how a learner goes on, as plain data and arrays; and a learner put back there.

Learners are :class:`mcuref.incremental.learner.IncrementalLearner`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.incremental.charges import Charges
from mcuref.incremental.layout import LABEL
from mcuref.models import describe
from mcuref.models.description import make_network_layers
from mcuref.network import Network
from mcuref.quantization.plain import as_plain, from_plain

State = tuple[dict[str, Any], dict[str, NDArray[Any]]]  # of a learner


def state_of(learner: Any) -> State:
    """(plain data, arrays by name): copies of all that decides how the learner goes on.

    Raw samples that lie outside of every budget are not in it: ``learner.recall`` gives them again.
    """
    plain = {
        "layers": describe(learner.network.written[1:]),
        "quantization": learner.network.quantization and as_plain(learner.network, learner.network.quantization),
        "classes": list(learner.classes),
        "history": list(learner.history),
        "storage": _formats(learner),
        "steps": learner.rehearsal.steps,
        "epochs": learner.rehearsal.epochs,
        "draws": learner.draws,
        "growth_draws": learner.growth_draws,
        "augmented_values": learner.rehearsal.augmented_values,
        "rested": learner.rehearsal.rested,
        "learnt": learner.rehearsal.learnt,
        "macs": dict(learner.model.charges.macs),
        "instructions": dict(learner.model.charges.instructions),
        "unmeasured": list(learner.model.charges.unmeasured),
        "peaks": dict(learner.model.peaks),
    }
    return plain, learner.memory.arrays()


def _network(learner, plain, arrays):
    """The network of that size; one of int8 with the scales that it had, and the parameters."""
    network = Network(
        [learner.network.input, *make_network_layers(plain["layers"])], seed=learner.seed, name=learner.network.name
    )
    if learner.network.quantization is None:
        return network
    parameters = {name: arrays[f"program.{name}"] for name in network.parameters}
    return network.replaced(parameters=parameters, quantization=from_plain(network.names, plain["quantization"]))


def restore(learner: Any, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put back what :func:`state_of` returned, of a learner made with the same arguments; InputError if it is another's."""
    try:
        if plain["storage"] != _formats(learner):  # formats of equally many bytes look alike
            raise InputError(f"its samples are stored as {plain['storage']}, here as {_formats(learner)}")
        network = _network(learner, plain, arrays)
        memory = learner.model.plans.memory(network)
        memory.require()
        memory.allocate().restore(arrays)
        classes, history = [int(c) for c in plain["classes"]], list(plain["history"])
        if classes != memory.classes[: len(classes), LABEL].tolist() or len(classes) > network.outputs:
            raise InputError(f"its classes {classes} are not those of its memory")
        shown = {name: int(plain[name]) for name in ("steps", "epochs", "augmented_values", "rested")}
        learnt, draws, growth_draws = float(plain["learnt"]), int(plain["draws"]), int(plain["growth_draws"])
        charges, peaks = Charges(learner.model.charges.core), dict(plain["peaks"])
        charges.resume(plain["macs"], plain["instructions"], plain["unmeasured"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"this is not the state of such a learner: {error}") from None
    learner.model.resume(memory, charges, peaks)
    learner.classes, learner.history, learner.draws, learner.growth_draws = classes, history, draws, growth_draws
    vars(learner.rehearsal).update(shown, learnt=learnt)


def _formats(learner):
    """How its samples are stored, and those to verify on if there are such."""
    checks = {"checks": asdict(learner.layout.check_codec.storage)} if learner.layout.checks else {}
    return asdict(learner.recipe.storage) | checks
