"""How far the formulas of :mod:`mcuref.cost.instructions` are from measurements."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mcuref.cost.instructions import inference_instructions, step_instructions
from mcuref.errors import MissingData
from mcuref.export.cores import find_core
from mcuref.export.material import Material
from mcuref.firmware.answer import STEPS
from mcuref.firmware.measuring import calibration_int8
from mcuref.firmware.measuring.calibration import ZOO_DATA, counted, zoo_material
from mcuref.firmware.profile import count_instructions

METHODS = ("full", "topk", "tinyprop")


def check(core_names: Iterable[str]) -> None:
    """Print the tables; networks whose data set is not there are left out, by name."""
    materials = []
    for name, shown in ZOO_DATA.items():
        try:
            materials += [make(name, method) for make in (zoo_material, calibration_int8.zoo_material) for method in METHODS]
        except MissingData:
            print(f"{name} is left out: data set {shown.data} is not there")
    for name in core_names:
        print_errors(name, errors(name, materials))


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
