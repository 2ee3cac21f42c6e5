"""What sparse training saves in instructions on a core, in float32 and in int8.

    python -m mcuref.firmware.measuring.savings --core m4f

Whole steps on MNIST with their selection, exact counts in the emulator. Networks are trained densely before, in the same
type: a device goes on with a network that was trained before it was shipped. What is measured comes after.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mcuref import rules
from mcuref.calibration import quantise_to_train
from mcuref.datasets import load
from mcuref.errors import McurefError
from mcuref.export.cores import MEASURED_CORES, find_core
from mcuref.export.material import Material
from mcuref.firmware.answer import STEPS, TRACE
from mcuref.firmware.measuring.calibration import counted
from mcuref.firmware.profile import count_instructions
from mcuref.models import build
from mcuref.optimisers import SGD
from mcuref.program.compiler import compile
from mcuref.program.effort import dense_macs, effort

NETWORKS = ("mlp-784-32-10", "mlp-784-128-64-10", "cnn-28")
METHODS = ("full", "topk", "tinyprop", "tinypropv2", "tinypropr")
DTYPES = ("float32", "int8")
SAMPLES, PRETRAINED = 300, 20_000
CALIBRATION = 500  # samples that scales are taken from


def savings(
    core_name: str, networks: Iterable[str] = NETWORKS, samples: int = SAMPLES, dtypes: Iterable[str] = DTYPES
) -> list[dict[str, Any]]:
    """List of dict, one a network, type and method.

    Shares, and what is saved, are of method full in the same type; ``of_float32`` is of the same method in float32.
    """
    materials = [
        _shown(network, method, x, y)
        for name in networks
        for dtype in dtypes
        for network, x, y in [_trained(name, dtype, samples)]
        for method in METHODS
    ]
    core = find_core(core_name)
    whole, rows = (count_instructions(core, materials, mode)[0] for mode in (STEPS, TRACE))
    table, known = [], {}
    for material, steps, by_row in zip(materials, whole, rows):
        row = _saving(material, steps, by_row)
        known[row["network"], row["dtype"], row["method"]] = row
        full = known[row["network"], row["dtype"], "full"]
        for key in ("instructions", "macs"):
            row[f"{key}_saved"] = 1 - row[key] / full[key]
        row["selection_share"] = row["selection"] / full["instructions"]
        other = known.get((row["network"], "float32", row["method"]), row)
        row["of_float32"] = row["instructions"] / other["instructions"]
        table.append(row)
    return table


def _shown(network, method, x, y):
    """The Material of a method; where samples rest, a quarter of them is stored and shown in four epochs."""
    stored = -(-len(x) // 4)
    program = compile(network, rules.with_stored(rules.make(method), stored), SGD(0.01))
    shown = np.arange(len(x)) % (stored if program.listing.rests else len(x))
    return Material(program, x[shown], y[shown], 0)


def _trained(name, dtype, samples):
    """(network, x, y): trained densely on the first samples, and what comes after them."""
    data = load("mnist")
    network = build(name, data)
    if dtype == "int8":
        network = quantise_to_train(network, data.x_train[:CALIBRATION])
    start = compile(network, rules.make("full"), SGD(0.01))
    start.train(data.x_train[:PRETRAINED], data.y_train[:PRETRAINED])
    after = slice(PRETRAINED, PRETRAINED + samples)
    return start.trained(), data.x_train[after], data.y_train[after]


def _saving(material, steps, by_row):
    """One row of :func:`savings`: means of a step."""
    program, _ = counted(material)
    choosing = {row for row, i in enumerate(program.instructions) if i.phase in ("selection", "decision")}
    resting = [count for count, rows in zip(steps.steps, by_row.steps) if len(rows) == 1]
    return {
        "network": program.network.name,
        "dtype": program.network.dtype,
        "method": program.rule.method,
        "steps": material.steps,
        "instructions": float(np.mean(steps.steps)),
        "rested": len(resting) / material.steps,
        "instructions_rested": float(np.mean(resting)) if resting else None,
        "macs": effort(program)["total_effort"] * sum(dense_macs(program)),
        "selection": sum(count for step in by_row.steps for row, count in step if row in choosing) / material.steps,
    }


def print_savings(core_name: str, table: Sequence[Mapping[str, Any]]) -> None:
    """The table of :func:`savings`."""
    samples = table[0]["steps"]
    after = f"after dense training on {PRETRAINED:,} others"
    print(f"\nA training step on {core_name}, mean of {samples} samples of MNIST, {after}:")
    print("instructions as measured, selection (Y, top-k, decision) included, and multiply-accumulates, forward and back;")
    print("saved, share: of method full in the same type; of float32: instructions, of the same method\n")
    head = f"{'network':18} {'type':8} {'method':10} {'instructions':>12}    saved {'MACs':>10}    saved"
    print(f"{head} {'selection':>10}    share  of float32")
    for row in table:
        columns = f"{row['instructions']:12,.0f} {100 * row['instructions_saved']:6.1f} % "
        columns += f"{row['macs']:10,.0f} {100 * row['macs_saved']:6.1f} % "
        columns += f"{row['selection']:10,.0f} {100 * row['selection_share']:6.2f} %  {row['of_float32']:10.3f}"
        print(f"{row['network']:18} {row['dtype']:8} {row['method']:10} {columns}", flush=True)
    print("\ntinypropr is shown a quarter of these samples in four epochs; rested: share, instructions of one\n")
    for row in (row for row in table if row["rested"]):
        columns = f"{100 * row['rested']:6.1f} % {row['instructions_rested']:6.1f}"
        print(f"{row['network']:18} {row['dtype']:8} {row['method']:10} {columns}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m mcuref.firmware.measuring.savings", description=__doc__)
    parser.add_argument("--core", default="m4f", help=f"cores, with commas between: {', '.join(MEASURED_CORES)}")
    parser.add_argument("--network", default=",".join(NETWORKS), help="networks of the zoo, with commas between")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    asked = parser.parse_args(arguments)
    try:
        for core in map(find_core, asked.core.split(",")):
            print_savings(core.name, savings(core.name, asked.network.split(","), asked.samples))
    except McurefError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
