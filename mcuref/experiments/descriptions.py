"""What decides a piece of a comparison, as plain data: pieces of equal descriptions come to the same."""

from collections.abc import Hashable, Mapping
from dataclasses import asdict
from typing import Any

from mcuref import rules
from mcuref.experiments.entries import Entry
from mcuref.experiments.kinds import Kind
from mcuref.experiments.shared import Shared
from mcuref.models import build
from mcuref.program.compiler import compile
from mcuref.runs.fingerprint import data_digest
from mcuref.runs.training import OF_DEPLOYMENT, run_fingerprint

SOURCES = (*(f"experiments/{name}.py" for name in ("deploying", "pieces", "protocols", "shared")), *OF_DEPLOYMENT)
OF_COST = ("cost/*.py", "cost/measured/*", "program/moves.py", "program/zeros.py")  # of instructions, where a core is known


def describe(comparison: Shared, entries: Mapping[tuple[Kind, str], Entry]) -> dict[Hashable, dict[str, Any]]:
    """Descriptions of all trainings, by (kind, key, seed), and of pre-training, if there is any, by seed.

    What is written out is for those who read them; what decides stands, as sha256, under "decided_by".
    """
    protocol, budget = comparison.protocol, comparison.budget
    networks = {seed: build(comparison.model, comparison.data, seed=seed) for seed in comparison.seeds}
    first, second = protocol.parts(comparison.data)
    data = data_digest(first, second) if comparison.pretrains else data_digest(second)
    sources = SOURCES + (OF_COST if budget is not None and budget.core else ())
    before = {}
    if first is not None and comparison.pretrains:
        before = {s: protocol.pretrainer(network, first, comparison.loss, s).program for s, network in networks.items()}

    def described(what: str, program, seed: int, **said: Any) -> dict[str, Any]:
        said = {"what": what, "data": comparison.data.name, "seed": seed, "loss": comparison.loss, **said}
        said["protocol"] = asdict(protocol)
        network, programs = networks[seed], [program, *([before[seed]] if before else [])]
        if network.dtype == "float32":  # it may be calibrated
            programs.append(compile(network, trainable=0))
        instructions = [instruction for each in programs for instruction in each.instructions]
        return said | {"decided_by": run_fingerprint(repr(said), program, network, instructions, data, sources)}

    found: dict[Hashable, dict[str, Any]] = {seed: described("pre-training", before[seed], seed) for seed in before}
    for (kind, key), entry in entries.items():
        program = comparison.compiled(entry, kind=kind)
        said = _said(comparison, kind, entry)
        found |= {(kind, key, seed): described("training", program, seed, **said) for seed in comparison.seeds}
    return found


def _said(comparison, kind, entry):
    """What an entry asks for, and of the comparison what its figures depend on."""
    return {
        "method": entry.method,
        "settings": rules.settings_of(entry.rule),
        "kind": kind._asdict(),
        "training": asdict(comparison.protocol_of(entry)),
        "share": entry.share,
        "trainable": comparison.trained_of(entry),
        "compared": comparison.trainable,
        "headroom": comparison.headroom,
        "policy": comparison.policy,
        "budget": None if comparison.budget is None else asdict(comparison.budget),
    }
