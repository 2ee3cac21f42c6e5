"""How far the formulas of :mod:`mcuref.cost.instructions` are from measurements; what TinyProp saves in instructions."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from mcuref import rules
from mcuref.cost.instructions import inference_instructions, step_instructions
from mcuref.datasets import load
from mcuref.errors import MissingData
from mcuref.export.cores import find_core
from mcuref.export.material import Material
from mcuref.firmware.answer import STEPS, TRACE
from mcuref.firmware.measuring import calibration_int8
from mcuref.firmware.measuring.calibration import ZOO_DATA, counted, zoo_material
from mcuref.firmware.profile import count_instructions
from mcuref.models import build
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.program.effort import dense_macs, effort

METHODS = ("full", "topk", "tinyprop")
SAVING_NETWORKS = ("mlp-784-32-10", "mlp-784-128-64-10", "cnn-28")
SAVING_METHODS = ("full", "topk", "tinyprop", "tinypropv2")
SAVING_SAMPLES, PRETRAINED = 300, 20_000  # a device goes on with a network that was trained before it was shipped
SAVING_CORE = "m4f"


def check(core_names: Iterable[str]) -> None:
    """Print both tables; networks whose data set is not there are left out, by name."""
    materials = []
    for name, shown in ZOO_DATA.items():
        try:
            materials += [make(name, method) for make in (zoo_material, calibration_int8.zoo_material) for method in METHODS]
        except MissingData:
            print(f"{name} is left out: data set {shown.data} is not there")
    for name in core_names:
        print_errors(name, errors(name, materials))
    with suppress(MissingData):
        print_savings(savings())


def errors(core_name: str, materials: Sequence[Material]) -> list[tuple[Any, ...]]:
    """Rows (network, type, method, what, measured, formula, assuming): instructions, what is "step" or "inference".

    ``measured`` is the mean over the samples; ``formula`` what :mod:`mcuref.cost.instructions` says for the counts and the
    shares of zeros of the same samples; ``assuming`` the same with assumed shares of zeros, which is all that can be known
    without data.
    """
    measurements, _ = count_instructions(find_core(core_name), materials, STEPS)
    rows = []
    for material, measurement in zip(materials, measurements):
        program, zeros = counted(material)
        name = program.network.name, program.arithmetic.name, program.rule.method
        step = [step_instructions(program, core_name, program.counts, zeros=shares) for shares in (zeros, None)]
        inference = [inference_instructions(program, core_name, shares) for shares in (zeros, None)]
        rows.append((*name, "step", np.mean(measurement.steps), *step))
        rows.append((*name, "inference", np.mean(measurement.inferences), *inference))
    return rows


def print_errors(core_name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """The table of :func:`errors`."""
    print(f"\nInstructions on {core_name}: mean of a few samples, measured in the emulator and by formula, with the share")
    print("of zeros in the activations of the same samples, and with an assumed share\n")
    head = f"{'network':18} {'type':7} {'method':9} {'what':9}"
    print(f"{head} {'measured':>14} {'formula':>14}    error {'assuming':>14}    error")
    for network, dtype, method, what, measured, *formulas in rows:
        columns = " ".join(f"{f:14,.0f} {100 * (f / measured - 1):6.1f} %" for f in formulas)
        print(f"{network:18} {dtype:7} {method:9} {what:9} {measured:14,.0f} {columns}")
    for dtype in dict.fromkeys(row[1] for row in rows):
        largest = (f"{100 * max(abs(row[at] / row[4] - 1) for row in rows if row[1] == dtype):.1f} %" for at in (5, 6))
        print(f"largest error on {core_name}, {dtype}: {next(largest)}; with assumed zeros: {next(largest)}", flush=True)


def savings(
    core_name: str = SAVING_CORE, networks: Iterable[str] = SAVING_NETWORKS, samples: int = SAVING_SAMPLES
) -> list[dict[str, Any]]:
    """What sparse training saves on MNIST, whole steps with their selection: list of dict, one a network and method.

    Networks are trained densely on the first PRETRAINED samples; measured is what comes after them.
    """
    data, materials = load("mnist"), []
    x, y = (values[PRETRAINED : PRETRAINED + samples] for values in (data.x_train, data.y_train))
    for name in networks:
        start = compile(build(name, data), rules.make("full"), SGD(0.01))
        start.train(data.x_train[:PRETRAINED], data.y_train[:PRETRAINED])
        network = start.network.with_parameters(start.parameters())
        for method in SAVING_METHODS:
            materials.append(Material(compile(network, rules.make(method), SGD(0.01)), x, y, 0))
    core = find_core(core_name)
    whole, rows = (count_instructions(core, materials, mode)[0] for mode in (STEPS, TRACE))
    table = []
    for material, steps, by_row in zip(materials, whole, rows):
        row = _saving(material, float(np.mean(steps.steps)), by_row)
        if row["method"] == "full":
            full = row
        for key in ("instructions", "macs"):
            row[f"{key}_saved"] = 1 - row[key] / full[key]
        row["selection_share"] = row["selection"] / full["instructions"]
        table.append(row)
    return table


def _saving(material, instructions, by_row):
    """One row of :func:`savings`: means of a step; shares are of method full."""
    program, _ = counted(material)
    choosing = {row for row, i in enumerate(program.instructions) if i.phase in ("selection", "decision")}
    return {
        "network": program.network.name,
        "method": program.rule.method,
        "steps": material.steps,
        "instructions": instructions,
        "macs": effort(program)["total_effort"] * sum(dense_macs(program)),
        "selection": sum(count for step in by_row.steps for row, count in step if row in choosing) / material.steps,
    }


def print_savings(table: Sequence[Mapping[str, Any]]) -> None:
    """The table of :func:`savings`."""
    samples = table[0]["steps"]
    print(
        f"\nA training step on {SAVING_CORE}, mean of {samples} samples of MNIST, after dense training on "
        f"{PRETRAINED:,} others:"
    )
    print("instructions as measured, selection (Y, top-k, decision) included, and multiply-accumulates, forward and back;")
    print("saved, share: of method full\n")
    print(f"{'network':18} {'method':10} {'instructions':>12}    saved {'MACs':>10}    saved {'selection':>10}    share")
    for row in table:
        columns = f"{row['instructions']:12,.0f} {100 * row['instructions_saved']:6.1f} % "
        columns += f"{row['macs']:10,.0f} {100 * row['macs_saved']:6.1f} % "
        columns += f"{row['selection']:10,.0f} {100 * row['selection_share']:6.2f} %"
        print(f"{row['network']:18} {row['method']:10} {columns}")
