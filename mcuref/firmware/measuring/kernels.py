"""Instructions of int8 layers on a core, forward and back, beside those of CMSIS-NN.

    python -m mcuref.firmware.measuring.kernels [--core m4f,m55]

Layers of two networks are trained on a few samples that have hardly a zero; errors that came to 0 cost nothing, and are not
in the multiply-accumulates.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mcuref.errors import McurefError
from mcuref.export.cores import Core, find_core
from mcuref.export.material import Material
from mcuref.firmware.answer import TRACE
from mcuref.firmware.cases.rows import SQUARED, Row, materials
from mcuref.firmware.measuring.calibration import counted
from mcuref.firmware.profile import count_instructions
from mcuref.layers import Conv2D, Dense, Flatten, Input
from mcuref.optimisers import SGD
from mcuref.program.effort import macs

SAMPLES = 3
DENSE, CONV = "dense 784 to 128", "conv 3x3, 14x14x8 to 16, same"
NETWORKS = {DENSE: [Input((8,)), Dense(784), Dense(128)],
            CONV: [Input((14, 14, 1)), Conv2D(8, 1), Conv2D(16, 3, 1, "same"), Flatten(), Dense(2)]}  # fmt: skip
LAYERS = {DENSE: "dense2", CONV: "conv2"}

# arm_fully_connected_s8 and arm_convolve_s8 of CMSIS-NN at commit 99f736a (July 2026), of random values, compiled by gcc
# 12.2 at -O2, and counted in the same emulator by the same plugin
CMSIS_NN = {
    (DENSE, "m3"): 343_560, (DENSE, "m4f"): 194_648, (DENSE, "m55"): 48_800,
    (CONV, "m3"): 868_097, (CONV, "m4f"): 649_578, (CONV, "m55"): 140_600,
}  # fmt: skip


class Cost(NamedTuple):
    """What a layer's instruction takes, a sample.

    Attributes
    ----------
    layer : str, a key of `LAYERS`.
    what : str, "forward", "propagate" or "update".
    macs, instructions : float.
    cmsis_nn : int, instructions that CMSIS-NN takes for the same, or None.
    """

    layer: str
    what: str
    macs: float
    instructions: float
    cmsis_nn: int | None


def programs() -> list[tuple[str, Material]]:
    """[(key of `LAYERS`, Material)]: the networks, trained on samples of random values."""
    options = {"loss": SQUARED}
    return materials(
        Row(name, layers, optimiser=SGD(0.01), samples=SAMPLES, targets=2.0, options=options, dtype="int8")
        for name, layers in NETWORKS.items()
    )


def costs(core: Core) -> Iterator[Cost]:
    """What each of the layers takes on a core, forward, back to its input, and to change its weights."""
    for name, material in programs():
        (measurement,), _ = count_instructions(core, [material], TRACE)
        program, _ = counted(material)
        done = macs(program.instructions, program.counts)
        steps: Any = measurement.steps[:SAMPLES]  # of (row, instructions)
        for number, instruction in enumerate(program.instructions):
            if instruction.layer == LAYERS[name] and done[number]:
                taken = sum(count for step in steps for row, count in step if row == number)
                other = CMSIS_NN.get((name, core.name)) if instruction.phase == "forward" else None
                yield Cost(name, instruction.phase, done[number] / SAMPLES, taken / SAMPLES, other)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mcuref.firmware.measuring.kernels", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--core", default="m4f,m55", help="the emulated cores, with commas between them; m4f,m55")
    try:
        for core in map(find_core, parser.parse_args(arguments).core.split(",")):
            print(
                f"{core.title}\n  {'layer':30} {'what':9} {'MACs':>9} {'instructions':>12}   a MAC  {'CMSIS-NN':>9}  ratio"
            )
            for cost in costs(core):
                other = f"{cost.cmsis_nn:9,} {cost.instructions / cost.cmsis_nn:6.2f}" if cost.cmsis_nn else ""
                print(
                    f"  {cost.layer:30} {cost.what:9} {cost.macs:9,.0f} {cost.instructions:12,.0f}"
                    f"  {cost.instructions / cost.macs:6.2f}  {other}".rstrip(),
                    flush=True,
                )
    except McurefError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
