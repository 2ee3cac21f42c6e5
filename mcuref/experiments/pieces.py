"""The pieces of a comparison: a training of each kind, entry and seed, and what each seed was trained before."""

import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor
from typing import Any

from numpy.typing import NDArray

from mcuref.cost.instructions import step_instructions
from mcuref.datasets.data import Data
from mcuref.experiments.descriptions import describe
from mcuref.experiments.entries import Entry
from mcuref.experiments.kinds import Kind
from mcuref.experiments.shared import Shared
from mcuref.experiments.spreading import Piece, Results, spread
from mcuref.experiments.store import PieceStore
from mcuref.models import build
from mcuref.program.effort import fractions
from mcuref.program.moves import move_shares
from mcuref.program.program import Program
from mcuref.program.zeros import SAMPLES, zero_shares
from mcuref.runs.training import Run
from mcuref.training import Trainer

KEPT = (  # of a trainer's result
    "metric", "score", "counts", "samples_shown", "samples_skipped", "samples_rested", "mean_ratio_per_layer",
)  # fmt: skip


def pretrain(comparison: Shared, seed: int) -> dict[str, NDArray[Any]]:
    """Parameters that every method of a seed starts from, by name."""
    network, update = build(comparison.model, comparison.data, seed=seed), comparison.watch(f"pre-training, seed {seed}")
    run = Run(
        comparison.protocol,
        network,
        comparison.data,
        comparison.loss,
        seed,
        None,  # type: ignore[arg-type]  # what comes behind it is not asked for
        progress=lambda _, *done: update(*done),
    )
    return run.start().parameters


def train(
    comparison: Shared, entry: Entry, kind: Kind, seed: int, start: dict[str, NDArray[Any]] | None = None
) -> dict[str, Any]:
    """What a training came to, plain data: efforts are over dense training of the whole protocol's run.

    start : parameters to start from; None for the start weights of the seed, or the model's own.
    """
    network, data, protocol = comparison.started(seed, start), comparison.second, comparison.protocol_of(entry)
    deployment = comparison.deployment(kind, entry)
    if deployment is not None:
        network = deployment.make(network, data)
    program = comparison.compiled(entry, network, kind)
    named = entry.method if len(comparison.kinds) == 1 else f"{kind} {entry.method}"
    progress = comparison.watch(f"{named}, seed {seed}")
    began = time.perf_counter()
    result = Trainer(program, data, epochs=protocol.epochs, seed=seed, share=entry.share, progress=progress).run()
    seconds = time.perf_counter() - began
    every = len(data.x_train) * comparison.protocol.epochs
    return {
        **{name: getattr(result, name) for name in KEPT},
        **fractions(result.counts, every, comparison.dense_macs(kind)),
        "instructions": _instructions(comparison, program, data),
        "sram_bytes": program.plan.sram,
        "flash_bytes": program.plan.flash,
        "seconds": seconds,
    }


def _instructions(comparison: Shared, program: Program, data: Data) -> float | None:
    """Instructions of an average training step of a program that has run, on the budget's core; None if unknown.

    Zeros, which cost less where they are left out or products are computed in software, are counted in some samples, and
    so is what becomes of the steps of int8 weights.
    """
    if comparison.budget is None or not comparison.budget.core:
        return None
    x, y = data.x_train[:SAMPLES], None if data.kind == "anomaly" else data.y_train[:SAMPLES]
    looked = zero_shares(program, x) | move_shares(program, x, y)
    return step_instructions(program, comparison.budget.core, program.counts, zeros=looked)


def trainings(
    comparison: Shared,
    entries: Mapping[tuple[Kind, str], Entry],
    executor: Executor | None = None,
    store: PieceStore | None = None,
    function: Callable[..., dict[str, Any]] = train,
) -> Results:
    """Results of :func:`train`, or of another function of the same arguments, by (kind, key, seed).

    Pre-training is a piece of its own, once a seed, and only if one that needs it is to be trained.
    """
    pieces: dict[Hashable, Piece] = {
        (kind, key, seed): Piece(function, (entry, kind, seed), seed if comparison.pretrains else None)
        for (kind, key), entry in entries.items()
        for seed in comparison.seeds
    }
    descriptions = {} if store is None else describe(comparison, entries)
    known: Results = {} if store is None else store.found(descriptions)
    known.update(comparison.pretrained.items())
    needed = {piece.needs for key, piece in pieces.items() if key not in known} - {None, *known}
    before = {seed: Piece(pretrain, (seed,)) for seed in comparison.seeds if seed in needed}

    def arrived(key: Hashable, result: Any) -> None:
        if store is not None:
            store.keep(descriptions[key], result)

    results = spread(comparison, before | pieces, executor, known, arrived)
    comparison.pretrained |= {seed: results[seed] for seed in before}
    return {key: results[key] for key in pieces}
