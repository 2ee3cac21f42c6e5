"""Fits the formulas of :mod:`mcuref.cost.instructions` to exact counts.

    python -m mcuref.firmware.measuring.instructions [--core NAME ...]
        count, fit, write instructions-<core>.json in mcuref/cost/measured/
    python -m mcuref.firmware.measuring.instructions --check [--core NAME ...]
        the zoo, counted and by formula, and what TinyProp saves

It needs the toolchain; the data sets of the zoo's networks join where they are there. Repeat it when the C kernels, the
compiler or its flags change.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mcuref.cost.features import features
from mcuref.cost.instructions import MEASURED, works
from mcuref.errors import McurefError
from mcuref.export.calls import is_int8
from mcuref.export.cores import FLAGS, MEASURED_CORES, Core, find_core
from mcuref.export.material import Material
from mcuref.files import write_json
from mcuref.firmware import toolchain
from mcuref.firmware.answer import STEPS
from mcuref.firmware.measuring import calibration_int8
from mcuref.firmware.measuring.calibration import (
    activation_programs,
    baseline_programs,
    calibration_programs,
    counted,
    in_place_programs,
)
from mcuref.firmware.measuring.calibration_rules import rule_programs
from mcuref.firmware.measuring.fitting import fit
from mcuref.firmware.profile import counting

KNOWN: dict[int, Any] = {}  # {id of a program: (itself, its rows)}
STEPPING = 5  # every fifth of the programs is run for what a step does between its rows


def fit_core(core: Core, materials: Sequence[Material], others: Sequence[Material]) -> dict[str, Any]:
    """Measure the programs on a core and fit; returns what the core's JSON file holds.

    Of ``others`` only instructions count that are not in ``materials``.
    """
    stepping = materials[::STEPPING]
    with counting(core) as count:
        rows, more, steps = count(materials)[0], count(others)[0], count(stepping, STEPS)[0]
    points = observations(others, more, {})
    points |= observations(materials, rows, dict(zip(map(id, stepping), steps)))
    points = dict(sorted(points.items()))
    return {
        "core": core.title,
        "compiler": toolchain.version(core),
        "flags": [*core.compiling, *FLAGS],
        "programs": len(materials),
        "formulas": {name: _formula(name, points[name]) for name in points},
    }


def _formula(name, points):
    """What is fitted to the points of an opcode."""
    values, instructions, whole = zip(*points)
    return fit(values, instructions, whole, positive=name.endswith("_s8"))


def observations(
    materials: Sequence[Material], rows: Iterable[Any], steps: Mapping[int, Any]
) -> dict[str, list[tuple[dict[str, float], float, float]]]:
    """{opcode, "step" or "inference": list of (features, instructions, of what whole)}: sums over samples.

    rows : what was counted of each material, row by row; steps : {id of a material: whole steps} of some.
    """
    points = {}
    for material, by_row in zip(materials, rows):
        program, whole, done = material.program, steps.get(id(material)), _done(material)
        measured = np.zeros(len(program.instructions))
        for row, count in (pair for step in by_row.steps for pair in step):
            measured[row] += count
        for (work, values), count in zip(done, measured):
            if work.runs:
                points.setdefault(work.instruction.name, []).append((values, count, count))
        ending = "_s8" if is_int8(program) else ""
        if whole is not None:
            around = {"run": material.steps, "row": sum(work.runs for work, _ in done)}
            points.setdefault(f"step{ending}", []).append((around, sum(whole.steps) - measured.sum(), sum(whole.steps)))
        points.setdefault(f"inference{ending}", []).append(_inference(material, by_row))
    return points


def _done(material):
    """[(work, features)] of the rows of a program, after mcuref itself ran it: the same on all cores."""
    program, zeros = counted(material)
    if id(program) not in KNOWN:
        done = works(program, program.counts, zeros)
        KNOWN[id(program)] = program, [(work, features(work) if work.runs else {}) for work in done]
    return KNOWN[id(program)][1]


def _inference(material, measurement):
    """What inferences do beside their rows, as an observation.

    Its rows cost what they did in the steps before, but for weights that have changed meanwhile.
    """
    forward, runs = material.program.listing.forward_rows, material.inferences
    rows = sum(count for step in measurement.steps for row, count in step if row < forward)
    around = {"run": runs, "row": runs * forward, "output": runs * material.program.network.outputs}
    return around, sum(measurement.inferences) - rows, sum(measurement.inferences)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mcuref.firmware.measuring.instructions", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--core",
        nargs="+",
        choices=MEASURED_CORES,
        default=MEASURED_CORES,
        help="the cores to measure; all of them if none is named",
    )
    parser.add_argument("--check", action="store_true", help="compare the formulas with measurements of the whole zoo")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            from mcuref.firmware.measuring.instructions_check import check

            check(options.core)
        else:
            _fit_all(options.core)
    except McurefError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _fit_all(names):
    materials = [*calibration_programs(), *calibration_int8.calibration_programs()]
    others = [*activation_programs(), *in_place_programs(), *calibration_int8.other_programs(), *rule_programs()]
    others += [*baseline_programs(), *calibration_int8.baseline_programs()]
    for name in names:
        content = fit_core(find_core(name), materials, others)
        write_json(MEASURED / f"instructions-{name}.json", content)
        print(f"{name}: {content['programs']} programs, {content['compiler']}")
        for opcode, formula in content["formulas"].items():
            print(
                f"  {opcode:30} {formula['observations']:5}   mean error {100 * formula['mean_error']:5.1f} %"
                f"   largest {100 * formula['largest_error']:5.1f} %",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
